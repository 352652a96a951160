"""The authors' pages, word for word: every command is run and every file written, and the kit says what the page promises."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.scaffold.baking import run, side_by_side
from tests.scaffold.tutorial import PAGE, Command, File, steps

BIN = Path(sysconfig.get_path("scripts"))
BUDGET = 120.0
"""Seconds of the processor from the first command of the authors' page to a green bronze."""


@dataclass
class Reader:
    """Somebody who does what a page says, in an environment of their own without a network."""

    folder: Path
    env: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def follow(self, page: Path) -> Reader:
        """Do all that a page says."""
        for step in steps(page):
            self.do(step)
        return self

    def do(self, step: Command | File) -> None:
        """Run a command, which must succeed, or write a file."""
        if isinstance(step, File):
            path = self.folder / step.name
            assert path.parent.is_dir(), f"the page writes {step.name}, whose folder is not there"
            path.write_text(step.text, encoding="utf-8")
            return
        words = shlex.split(step.line)
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return
        ended = run(*words, cwd=self.folder, env=self.env)
        assert ended.code == 0, f"{step.line}\n{ended.said}"
        self.said[step.line] = ended.said
        self.seconds += ended.seconds


def reader(folder: Path) -> Reader:
    """Somebody with a new environment that sees ours: `pip` installs into it, from the disk alone."""
    venv = folder / "venv"
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(venv)), check=True)
    (site,) = (venv / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return Reader(folder, env | pip | {"PATH": f"{venv / 'bin'}{os.pathsep}{env['PATH']}", "VIRTUAL_ENV": str(venv)})


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> list[Reader]:
    """Two of them at the end of their pages: the tutorial, and the one before it."""
    pages = {PAGE: tmp_path_factory.mktemp("tutorial"), PAGE.with_name("README.md"): tmp_path_factory.mktemp("first")}
    return side_by_side(lambda page: reader(pages[page]).follow(page), pages)


@pytest.fixture
def done(readers: list[Reader]) -> Reader:
    """The reader at the end of the tutorial."""
    return readers[0]


def test_tutorial_ends_at_silver(done: Reader) -> None:
    """Its last command has looked at everything, and its first was green before a line was changed."""
    first, last = [line for line in done.said if " conform " in line]
    assert "--level bronze" in first
    assert "level: " in done.said[first]
    assert "--level silver" in last
    assert any(f"level: {level} (wanted silver; evidence container" in done.said[last] for level in ("silver", "gold"))


def test_tutorial_writes_the_support_table(done: Reader) -> None:
    """Into the README, between the markers that the template has put there."""
    text = (done.folder / "README.md").read_text(encoding="utf-8")
    begin, end = text.index("<!-- nvisy:support -->"), text.index("<!-- /nvisy:support -->")
    assert "a notes file is a file: there is no server" in text[begin:end]


def test_tutorial_code_is_clean(done: Reader) -> None:
    """To the tools that the project brings; its examples still pass."""
    for command in (
        (str(BIN / "ruff"), "check", "--no-cache", "."),
        (str(BIN / "ruff"), "format", "--no-cache", "--check", "."),
        (str(BIN / "mypy"), "--cache-dir", str(done.folder.parent / "mypy"), "src", "tests"),
        ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_provider.py"),
    ):
        ended = run(*command, cwd=done.folder, env=done.env)
        assert ended.code == 0, ended.said


def test_tutorial_replaces_all_of_the_fake(done: Reader) -> None:
    """Nothing of the provider or its harness speaks to the fake service any more."""
    for path in [*done.folder.glob("src/**/*.py"), *done.folder.glob("tests/*.py")]:
        assert "FakeService" not in path.read_text(encoding="utf-8"), path.name
    assert not list(done.folder.glob("src/*/_driver.py"))


def test_first_page_comes_to_bronze_in_time(readers: list[Reader]) -> None:
    """Its commands, from nothing to a green kit."""
    assert readers[1].seconds < BUDGET
    assert any("level: " in said for said in readers[1].said.values())
