"""The probe's verdicts: imported once, remembered, and asked for anew when they may have changed."""

from __future__ import annotations

import contextlib
import json
import os
import select
from pathlib import Path

import pytest
from nvisy.discovery import Discovery, discover

from tests.discovery.wheels import GOOD_CODE, plugin

COUNTING = f"""
with open(__file__.replace("__init__.py", "count.txt"), "a") as file:
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


def look(site: Path, home: Path, *, everything: bool = False) -> Discovery:
    """Discovery with imports, of that folder alone."""
    return discover(home=home, imports="all" if everything else "unknown", paths=[str(site)])


def imports(site: Path, package: str) -> int:
    """How often the package was imported since the last call."""
    counter = site / package / "count.txt"
    count = len(counter.read_text()) if counter.exists() else 0
    counter.unlink(missing_ok=True)  # or the package's folder would have changed
    return count


def test_plugin_is_imported_once_and_remembered(site: Path, tmp_path: Path) -> None:
    """The second listing imports nothing; --check imports again."""
    plugin(site, "counted", "counted", code=COUNTING)
    look(site, tmp_path)
    assert imports(site, "counted") == 1
    look(site, tmp_path)
    assert imports(site, "counted") == 0
    look(site, tmp_path, everything=True)
    assert imports(site, "counted") == 1


def test_changed_plugin_is_imported_again(site: Path, tmp_path: Path) -> None:
    """An edited file of the package makes its verdict void."""
    plugin(site, "edited", "edited", code=COUNTING)
    look(site, tmp_path)
    assert imports(site, "edited") == 1
    (site / "edited" / "__init__.py").write_text("import no_such_module_at_all\n")
    assert [problem.code for problem in look(site, tmp_path).problems] == ["import_failed"]


def test_failure_is_forgotten_when_something_is_installed(site: Path, tmp_path: Path) -> None:
    """The missing module may be there now."""
    plugin(site, "needy", "needy", code=f"import late_arrival\n{GOOD_CODE}")
    assert [problem.code for problem in look(site, tmp_path).problems] == ["import_failed"]
    (site / "late_arrival.py").write_text("")
    assert look(site, tmp_path).problems == ()


def test_only_so_many_plugins_are_imported_unasked(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a plugin is listed as unchecked, with the command that checks it."""
    monkeypatch.setattr("nvisy.discovery._verdicts.MOST_UNASKED", 1)
    plugin(site, "aaa-plugin", "aaa")
    plugin(site, "bbb-plugin", "bbb")
    found = look(site, tmp_path)
    assert [info.name for info in found.providers] == ["aaa", "bbb"]
    assert [(p.code, p.entry_point, p.severity) for p in found.problems] == [("unchecked", "bbb", "warning")]
    assert "--check" in found.problems[0].hint
    assert look(site, tmp_path, everything=True).problems == ()


def test_home_that_cannot_be_written_costs_only_time(site: Path, tmp_path: Path) -> None:
    """The listing works without its memory."""
    plugin(site, "homeless", "homeless")
    (tmp_path / "file").write_text("")
    assert look(site, tmp_path / "file").provider("homeless") is not None


def test_broken_memory_is_made_anew(site: Path, tmp_path: Path) -> None:
    """A cache that is no JSON, or not ours, is ignored and replaced."""
    plugin(site, "forgetful", "forgetful")
    cache = tmp_path / "cache" / "probes.json"
    cache.parent.mkdir()
    cache.write_text('{"x": 3')
    look(site, tmp_path)
    assert len(json.loads(cache.read_text())) == 1


def test_verdicts_on_earlier_states_are_not_kept(site: Path, tmp_path: Path) -> None:
    """The memory does not grow with every edit."""
    plugin(site, "grown", "grown")
    for number in range(3):
        (site / "grown" / f"module_{number}.py").write_text("")
        look(site, tmp_path)
    assert len(json.loads((tmp_path / "cache" / "probes.json").read_text())) == 1


def test_probe_leaves_no_process_behind(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin starts while it is imported ends with the probe."""
    monkeypatch.setenv("NVISY_PROBE_SECONDS", "1")
    code = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    plugin(site, "spawner", "spawner", code=code)
    assert [problem.code for problem in look(site, tmp_path).problems] == ["hung"]
    pid = int((site / "spawner" / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):  # it is gone altogether
        process = os.pidfd_open(pid)
        assert select.select([process], [], [], 5)[0], "it still runs"
        os.close(process)
