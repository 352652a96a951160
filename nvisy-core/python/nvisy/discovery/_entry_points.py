"""One ``entry_points.txt``, line by line.

The standard library's parser raises on the first bad line of any installed distribution and so hides every other;
this one keeps what can be read and names the lines that cannot.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["HOOKS", "Line", "PROVIDERS", "name_defect", "parse", "reference_defect", "split_reference"]

PROVIDERS = "nvisy.providers"
HOOKS = "nvisy.hooks"

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_EXTRAS = re.compile(r"\s*\[[^\]]*\]\s*$")


class Line(NamedTuple):
    """One ``name = value`` of one of our groups."""

    group: str
    name: str
    value: str


def parse(text: str) -> tuple[list[Line], list[str]]:
    """Read the lines of our groups.

    Returns:
        The lines of the groups, and a sentence for every line of the file that is neither a section, nor a comment,
        nor ``name = value``.
    """
    lines: list[Line] = []
    defects: list[str] = []
    section: str | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or section is None or line.startswith("["):
            defects.append(f"line {number} is `{_short(line)}`")
        elif section in (PROVIDERS, HOOKS):
            lines.append(Line(section, name, value))
    return lines, defects


def name_defect(name: str) -> str | None:
    """Why `name` cannot be the name of a provider or of hooks; ``None`` when it can."""
    if _NAME.fullmatch(name):
        return None
    return f"`{_short(name)}` is not a provider name"


def reference_defect(line: Line) -> str | None:
    """Why the value is no reference to an object in a module; ``None`` when it is one. Hooks may be a whole module."""
    value = line.value
    module, colon, attribute = split_reference(value)
    if not colon and line.group == HOOKS and all(part.isidentifier() for part in module.split(".")):
        return None
    if not colon:
        return f"`{_short(value)}` names no object"
    parts = [*module.split("."), *attribute.split(".")]
    if all(part.isidentifier() for part in parts):
        return None
    return f"`{_short(value)}` is not an object reference"


def split_reference(value: str) -> tuple[str, str, str]:
    """Split ``package.module:Name [extra]`` into module, colon and attribute."""
    module, colon, attribute = _EXTRAS.sub("", value).partition(":")
    return module.strip(), colon, attribute.strip()


def _short(text: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 60 else f"{printable[:57]}..."
