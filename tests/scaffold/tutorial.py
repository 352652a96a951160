"""The tutorial as a program: its files and commands in the order in which a reader meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "authors" / "tutorial.md"
_BLOCK = re.compile(r"^(`{3,4})(console|python|markdown)(?: (\S+))?\n(.*?)^\1$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A line that is typed."""

    line: str


@dataclass(frozen=True)
class File:
    """A file of the project, as it is from here on."""

    name: str
    text: str


def steps(page: Path = PAGE) -> Iterator[Command | File]:
    """What a page tells its reader to do."""
    for _, language, name, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language != "console":
            yield File(name, body)
        else:
            yield from (Command(line.removeprefix("$ ")) for line in body.splitlines() if line.startswith("$ "))
