"""What starting costs: nothing heavy is imported before it is needed. Imports are counted, not seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.discovery.wheels import environment, nvisy, plugin

HEAVY = {"pydantic", "asyncio", "nvisy_sdk", "importlib.metadata", "urllib.request"}


def imported(home: Path, *arguments: str, targets: tuple[Path, ...] = ()) -> set[str]:
    """The modules that the command imports in its own process."""
    command = [sys.executable, "-X", "importtime", "-m", "nvisy", *arguments]
    env = environment(home, targets)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["copy", "--help"]])
def test_help_and_version_import_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    """No Pydantic, no event loop, no plugin, not even discovery."""
    modules = imported(tmp_path, *arguments)
    assert not modules & (HEAVY | {"nvisy.discovery", "subprocess"})


def test_version_does_not_even_parse_arguments(tmp_path: Path) -> None:
    """The shortest command is the fastest."""
    assert "argparse" not in imported(tmp_path, "--version")


def test_listing_imports_no_plugin_and_nothing_heavy(tmp_path: Path) -> None:
    """Manifests are judged by the engine; what the doctor saw is remembered. No process is started for either."""
    (tmp_path / "site").mkdir()
    plugin(tmp_path / "site", "acme-light", "light")
    targets = (tmp_path / "site",)
    unwanted = HEAVY | {"acme_light", "pluggy", "subprocess", "logging", "nvisy.discovery._probe"}
    assert not imported(tmp_path / "home", "providers", targets=targets) & unwanted
    assert nvisy("doctor", "light", home=tmp_path / "home", targets=targets).returncode == 0
    assert not imported(tmp_path / "home", "providers", targets=targets) & unwanted
