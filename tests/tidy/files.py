"""The files a rule looks at: what git knows or would take, without generated ones, read once."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.resolve()
SKIPPED = {".git", ".venv", ".nox", ".bench", ".demo", "target", "node_modules", "__pycache__", "build", "dist"}


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project, relative to its top, sorted."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        paths = {Path(name) for name in listed if name}
    except (OSError, subprocess.CalledProcessError):
        paths = set(_walk())
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def _walk() -> list[Path]:
    """The same without git: everything outside of build and tool folders."""
    found: list[Path] = []
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in SKIPPED and not name.endswith(".egg-info")]
        found.extend((Path(folder) / name).relative_to(ROOT) for name in files)
    return found


@functools.cache
def text(path: Path) -> str:
    """What the file holds; an empty text for one that is not UTF-8."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def with_suffix(suffix: str) -> list[Path]:
    """The project's files whose name ends so."""
    return [path for path in tracked() if path.name.endswith(suffix)]


def is_test(path: Path) -> bool:
    """Whether the file holds tests; sizes and layers do not bind those."""
    return "tests" in path.parts or path.name in {"tests.rs", "conftest.py"} or path.name.startswith("test_")
