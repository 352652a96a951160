"""The SDK's own command survives broken packages that have nothing to do with it; a library changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.discovery.wheels import plugin

# What `python -m nvisy_sdk` does first: the shield, then the package with its models.
START = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("nvisy_sdk._shield", os.environ["SHIELD"])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
assert "pydantic" not in sys.modules
print(os.environ.get("PYDANTIC_DISABLE_PLUGINS"))
import nvisy_sdk
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with a package whose entry points cannot be read."""
    site = tmp_path / "site"
    site.mkdir()
    plugin(site, "unrelated", "unused", entry_points=b"[console_scripts]\nx = \xff\xfe\n")
    return site


def start(*arguments: str, path: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Start the interpreter with these arguments behind the code."""
    folder = next(iter((find_spec("nvisy_sdk") or pytest.fail("no SDK")).submodule_search_locations or ()))
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    environment |= {"SHIELD": str(Path(folder, "_shield.py")), "PYTHONPATH": str(path or ""), **more}
    command = [sys.executable, "-c", START, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_shield_is_raised_when_the_command_runs_among_broken_packages(broken: Path) -> None:
    """The package can then be imported."""
    done = start("-m", "nvisy_sdk", path=broken)
    assert (done.stdout, done.returncode) == ("__all__\n", 0), done.stderr


def test_shield_stays_down_when_nothing_is_broken() -> None:
    """Somebody may want Pydantic's plugins."""
    assert start("-m", "nvisy_sdk").stdout == "None\n"


def test_shield_stays_down_when_the_sdk_is_a_library(broken: Path) -> None:
    """The environment of a program is its own business; what breaks Pydantic then breaks it as ever."""
    done = start(path=broken)
    assert done.stdout == "None\n"
    assert "UnicodeDecodeError" in done.stderr


def test_shield_respects_what_was_chosen(broken: Path) -> None:
    """Whoever set the switch knows why."""
    assert start("-m", "nvisy_sdk", path=broken, PYDANTIC_DISABLE_PLUGINS="mine").stdout == "mine\n"
