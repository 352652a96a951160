"""Installs each peer into a virtual environment of its own, at the versions pinned in `benchmarks/peers/`.

A peer that cannot be installed is a finding, not an end: the result says so.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.settings import ROOT, Folder

PINS = ROOT / "benchmarks" / "peers"
# Seconds: the largest has a hundred megabytes to fetch.
PATIENCE = 900


@dataclass(frozen=True)
class Installed:
    """A peer's environment and the versions in it."""

    folder: Path
    versions: dict[str, str]


@dataclass(frozen=True)
class Absent:
    """Why a peer has no environment."""

    reason: str


def names() -> list[str]:
    """Every peer that has a list of pinned versions."""
    return sorted(path.stem for path in PINS.glob("*.txt"))


def install(folder: Folder, wanted: Iterable[str]) -> dict[str, Installed | Absent]:
    """Bring the environments of the peers to what their lists ask for."""
    found: dict[str, Installed | Absent] = {}
    for name in wanted:
        try:
            found[name] = _install(folder.environments / name, PINS / f"{name}.txt")
        except subprocess.CalledProcessError as error:
            found[name] = Absent(_last_line(error.stderr) or str(error))
        except (OSError, subprocess.TimeoutExpired) as error:
            found[name] = Absent(str(error))
    return found


def create(folder: Path) -> Path:
    """Make an empty environment, and return its Python."""
    shutil.rmtree(folder, ignore_errors=True)
    quietly(sys.executable, "-m", "venv", str(folder))
    return folder / "bin" / "python"


def versions(folder: Path) -> dict[str, str]:
    """What is installed in an environment, by name."""
    listed = quietly(str(folder / "bin" / "python"), "-m", "pip", "list", "--format=freeze").splitlines()
    return {name: version for name, _, version in (line.partition("==") for line in listed) if version}


def quietly(*command: str, cwd: Path = ROOT) -> str:
    """Run a command that is not measured, and return what it prints."""
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return ended.stdout


def _install(folder: Path, pins: Path) -> Installed:
    """Make the environment anew unless it is what the list asks for."""
    stamp, wanted = folder / ".installed", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        python = create(folder)
        arguments = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
        quietly(str(python), "-m", "pip", "install", *arguments, "-r", str(pins))
        stamp.write_text(wanted)
    return Installed(folder, versions(folder))


def _last_line(text: str | None) -> str:
    """What a command said last, which is what it failed by."""
    return next((line.strip() for line in reversed((text or "").splitlines()) if line.strip()), "")
