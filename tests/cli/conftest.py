"""The command line in processes of its own, with the factory provider installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.factory import install_factory
from tests.discovery.wheels import nvisy

WORKFLOW = """
version: 1
name: {name}
connections:
  source: {{provider: factory, params: {{rows: {rows}}}, credentials: {credentials}}}
  target: {{provider: factory, credentials: {credentials}}}
nodes:
  - {{id: make, read: source, params: {{batch_rows: 5, {make}}}}}
  - {{id: keep, write: target, params: {{path: kept.jsonl, {keep}}}}}
"""
REFERENCE = "{username: me, password: '${env:FACTORY_PASSWORD}'}"
CANARY = "canary-4711-zebra"


class Shell:
    """A folder, a home, and the command line in them."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.site = site
        self.env = {"FACTORY_PASSWORD": CANARY}

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `nvisy` with these arguments."""
        more = {**self.env, **env}
        return nvisy(*arguments, home=self.home, targets=(self.site,), cwd=self.folder, env=more)

    def workflow(
        self, *, name: str = "flow", rows: int = 10, make: str = "", keep: str = "", credentials: str = REFERENCE
    ) -> str:
        """Write a workflow file; its name."""
        text = WORKFLOW.format(name=name, rows=rows, make=make, keep=keep, credentials=credentials)
        (self.folder / f"{name}.yaml").write_text(text)
        return f"{name}.yaml"

    def kept(self, name: str = "kept.jsonl") -> list[int]:
        """The ids of the rows that were written."""
        path = self.folder / name
        return [json.loads(line)["id"] for line in path.read_text().splitlines()] if path.exists() else []


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object on the last line of standard output."""
    parsed = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the factory in it."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    folder.mkdir()
    install_factory(folder)
    return folder


@pytest.fixture
def shell(tmp_path: Path, site: Path) -> Shell:
    """The command line in a fresh folder and home."""
    return Shell(tmp_path, site)
