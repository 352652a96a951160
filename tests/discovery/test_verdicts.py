"""The doctor's verdicts: remembered for listings, and void when they may have changed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nvisy.discovery import Discovery, discover
from nvisy.discovery._doctor import Report, diagnose

from tests.discovery.wheels import GOOD_CODE, environment, plugin

SLOTS = """
import fcntl, pathlib
folder = pathlib.Path(__file__).parent.parent
for name in ("slot-1", "slot-2"):
    slot = (folder / name).open("w")
    try:
        fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        slot.close()
else:
    raise RuntimeError("a third import at once")
from nvisy_sdk.memory import Provider as Provider
"""
COUNTING = f"""
with open(__file__.replace("/__init__.py", ".count"), "a") as file:
    file.write("x")
{GOOD_CODE}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def look(site: Path, home: Path) -> Discovery:
    """Discovery with verdicts, of that folder alone."""
    return discover(home=home, verdicts=True, paths=[str(site)])


def examine(site: Path, home: Path, *names: str, limit: float = 10.0) -> Report:
    """What the doctor says of that folder."""
    return diagnose(names, home=home, limit=limit, paths=[str(site)])


def codes(report: Report) -> list[str]:
    """The codes of all problems of all plugins."""
    return [problem.code for plugin in report.plugins for problem, _ in plugin.problems]


def imports(site: Path, package: str) -> int:
    """How often the package was imported since the last call."""
    counter = site / f"{package}.count"
    count = len(counter.read_text()) if counter.exists() else 0
    counter.unlink(missing_ok=True)
    return count


def test_listing_imports_nothing_and_remembers_what_the_doctor_saw(site: Path, tmp_path: Path) -> None:
    """A plugin is untried until the doctor imported it, once."""
    plugin(site, "counted", "counted", code=COUNTING)
    assert look(site, tmp_path).untried == {"counted"}
    assert imports(site, "counted") == 0
    assert examine(site, tmp_path).healthy
    assert imports(site, "counted") == 1
    assert look(site, tmp_path).untried == frozenset()
    assert imports(site, "counted") == 0


def test_changed_plugin_is_untried_again(site: Path, tmp_path: Path) -> None:
    """An edited file of the package makes its verdict void."""
    plugin(site, "edited", "edited")
    examine(site, tmp_path)
    (site / "edited" / "__init__.py").write_text("import no_such_module_at_all\n")
    assert look(site, tmp_path).untried == {"edited"}
    assert codes(examine(site, tmp_path)) == ["missing_dependency"]
    found = look(site, tmp_path)
    assert [problem.code for problem in found.problems] == ["missing_dependency"]
    assert found.provider("edited") is None


def test_failure_is_forgotten_when_something_is_installed(site: Path, tmp_path: Path) -> None:
    """The missing module may be there now."""
    plugin(site, "needy", "needy", code=f"import late_arrival\n{GOOD_CODE}")
    assert codes(examine(site, tmp_path)) == ["missing_dependency"]
    (site / "late_arrival.py").write_text("")
    found = look(site, tmp_path)
    assert found.problems == ()
    assert found.untried == {"needy"}
    assert examine(site, tmp_path).healthy


def test_doctor_of_one_leaves_the_others_untried(site: Path, tmp_path: Path) -> None:
    """And keeps what it knew of them."""
    for name in ("aaa", "bbb", "ccc"):
        plugin(site, f"{name}-plugin", name)
    examine(site, tmp_path, "aaa")
    assert look(site, tmp_path).untried == {"bbb", "ccc"}
    examine(site, tmp_path, "bbb-plugin")
    assert look(site, tmp_path).untried == {"ccc"}


def test_home_that_cannot_be_written_costs_only_time(site: Path, tmp_path: Path) -> None:
    """The doctor and the listing work without their memory."""
    plugin(site, "homeless", "homeless")
    (tmp_path / "file").write_text("")
    assert examine(site, tmp_path / "file").healthy
    found = look(site, tmp_path / "file")
    assert found.provider("homeless") is not None
    assert found.untried == {"homeless"}


def test_broken_memory_is_made_anew(site: Path, tmp_path: Path) -> None:
    """A cache that is no JSON, or not ours, is ignored and replaced."""
    plugin(site, "forgetful", "forgetful")
    cache = tmp_path / "cache" / "probes.json"
    cache.parent.mkdir()
    cache.write_text('{"x": 3')
    assert look(site, tmp_path).untried == {"forgetful"}
    examine(site, tmp_path)
    assert len(json.loads(cache.read_text())) == 1


def test_verdicts_on_earlier_states_are_not_kept(site: Path, tmp_path: Path) -> None:
    """The memory does not grow with every edit."""
    plugin(site, "grown", "grown")
    for number in range(3):
        (site / "grown" / f"module_{number}.py").write_text("")
        examine(site, tmp_path)
    plugin(site, "removed", "removed")
    examine(site, tmp_path, "removed")
    (site / "removed-1.0.dist-info").rename(site / "~emoved-1.0.dist-info")
    examine(site, tmp_path, "grown")
    assert len(json.loads((tmp_path / "cache" / "probes.json").read_text())) == 1


def test_probe_leaves_no_process_behind(site: Path, tmp_path: Path) -> None:
    """What a plugin starts while it is imported ends with the probe."""
    code = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    plugin(site, "spawner", "spawner", code=code)
    assert codes(examine(site, tmp_path, limit=1)) == ["hung"]
    pid = int((site / "spawner" / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):  # it is gone altogether
        process = os.pidfd_open(pid)
        assert select.select([process], [], [], 5)[0], "it still runs"
        os.close(process)


def test_at_most_two_plugins_are_imported_at_once(site: Path, tmp_path: Path) -> None:
    """Each takes one of two places for as long as its process lives; a third would find none."""
    for number in range(6):
        plugin(site, f"slot-{number}", f"slot_{number}", code=SLOTS)
    report = examine(site, tmp_path)
    assert [code for code in codes(report) if code != "side_effect"] == []
    assert len(report.plugins) == 6


def test_interrupted_doctor_leaves_no_process_behind(site: Path, tmp_path: Path) -> None:
    """Ctrl-C ends it with exit code 5, and what it was importing with it."""
    code = (
        "import os, pathlib, threading\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"
        "open(pathlib.Path(__file__).with_name('begun'), 'w').close()\n"
        "threading.Event().wait()\n"
    )
    plugin(site, "endless", "endless", code=code)
    begun = site / "endless" / "begun"
    os.mkfifo(begun)
    command = [sys.executable, "-m", "nvisy", "doctor", "endless", "--timeout", "60"]
    env = environment(tmp_path / "home", (site,))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as doctor:
        begun.open().close()  # until the plugin opens the other end
        doctor.send_signal(signal.SIGINT)
        _, stderr = doctor.communicate(timeout=30)
    assert (doctor.returncode, stderr) == (5, "cancelled\n")
    pid = int((site / "endless" / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
