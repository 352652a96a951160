"""Five hundred installed plugins: listing them imports none and starts no process; the doctor imports who is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.discovery.wheels import environment, manifest, nvisy, plugin

COUNT = 500
CODE = """
import pathlib
with pathlib.Path(__file__).parent.with_name("imported.txt").open("a") as file:
    file.write(__name__ + "\\n")
from nvisy_sdk.memory import Provider as Provider
"""
COUNTING = """
import sys
started = []
sys.addaudithook(lambda event, args: started.append(event) if event in (
    "subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec", "os.system") else None)
from nvisy.cli import main
code = main(sys.argv[1:])
print("processes", len(started), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five hundred plugins."""
    folder = tmp_path_factory.mktemp("many") / "site"
    folder.mkdir()
    text = manifest("name")
    for number in range(COUNT):
        name = f"many_{number:03}"
        own = text.replace('"name": "name"', f'"name": "{name}"', 1)
        plugin(folder, f"acme-many-{number:03}", name, code=CODE, manifest_text=own)
    return folder


def imported(site: Path) -> list[str]:
    """The plugins that were imported so far."""
    marker = site / "imported.txt"
    return marker.read_text().splitlines() if marker.exists() else []


@pytest.mark.parametrize("arguments", [("providers",), ("providers", "--json")])
def test_listing_imports_none_of_many_and_starts_no_process(
    site: Path, tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """All are listed as not tried yet."""
    begun = time.perf_counter()
    command = [sys.executable, "-c", COUNTING, *arguments]
    env = environment(tmp_path / "home", (site,))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    seconds = time.perf_counter() - begun
    with capsys.disabled():
        print(f" [{COUNT} plugins listed in {seconds:.2f} s, interpreter included] ", end="")
    assert (done.returncode, done.stderr) == (0, "processes 0\n")
    assert imported(site) == []
    assert done.stdout.count("acme-many-") == COUNT
    assert not (tmp_path / "home").exists()
    if arguments[-1] == "--json":
        found = [info for info in json.loads(done.stdout)["providers"] if info["name"].startswith("many_")]
        assert not any(info["tried"] for info in found)
    else:
        assert "providers: not tried yet; run nvisy doctor\n" in done.stdout


def test_doctor_of_one_imports_one_of_many(site: Path, tmp_path: Path) -> None:
    """And the next listing knows that one."""
    home = tmp_path / "home"
    assert nvisy("doctor", "many_007", home=home, targets=(site,)).returncode == 0
    assert imported(site) == ["acme_many_007"]
    (site / "imported.txt").unlink()
    listed = json.loads(nvisy("providers", "--json", home=home, targets=(site,)).stdout)
    assert [info["name"] for info in listed["providers"] if info["tried"]] == ["many_007"]
    assert imported(site) == []
