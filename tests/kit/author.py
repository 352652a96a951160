"""An author's project on disk, with the reference provider installed beside it, and commands run in it for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nvisy_sdk import DataKind

from tests.kit import reference

LIMIT = 240
"""Seconds for one command on a busy machine."""


@dataclass(frozen=True)
class Author:
    """A project that an author has on disk.

    Args:
        project: The folder with pyproject.toml and the harness.
        site: The folder in which the provider is installed.
        name: The provider's name.
    """

    project: Path
    site: Path
    name: str

    def run(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in the project's folder."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "NVISY"))}
        paths = [str(self.site), *filter(None, [env.get("PYTHONPATH")])]
        env |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.project, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def conform(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the kit's command."""
        return self.run("-m", "nvisy_sdk", "conform", *arguments)

    def settings(self, text: str) -> None:
        """Replace the settings in pyproject.toml."""
        path = self.project / "pyproject.toml"
        kept = path.read_text().partition("[tool.nvisy.conformance]")[0]
        path.write_text(f"{kept}{text}")

    def break_code(self, file: str, old: str, new: str) -> None:
        """Change the installed provider's code."""
        path = self.site / f"nvisy_plugin_{self.name}" / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))


def author(folder: Path, kind: DataKind = DataKind.RECORD) -> Author:
    """Return a project with the reference provider of that kind."""
    name = reference.NAMES[kind]
    package = f"nvisy_plugin_{name}"
    site, project = folder / "site", folder / "project"
    source = reference.project(kind)
    skip = shutil.ignore_patterns("__pycache__", "test_*.py", "src", "conformance.nvisy")
    shutil.copytree(source / "src" / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(source, project, ignore=skip)
    metadata = Path(str(reference.distribution(kind).locate_file("")))
    for information in metadata.glob("*.dist-info"):
        shutil.copytree(information, site / information.name)
    return Author(project, site, name)
