"""One ``entry_points.txt``, line by line.

The standard library's parser raises on the first bad line of any installed distribution and so hides every other;
this one keeps what can be read and names the lines that cannot.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["GROUP", "Line", "name_defect", "parse", "reference_defect"]

GROUP = "nvisy.providers"

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_EXTRAS = re.compile(r"\s*\[[^\]]*\]\s*$")


class Line(NamedTuple):
    """One ``name = value`` of our group."""

    number: int
    name: str
    value: str


def parse(text: str) -> tuple[list[Line], list[str]]:
    """Read the lines of our group.

    Returns:
        The lines of the group, and a sentence for every line of the file that is neither a section, nor a comment,
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
        elif section == GROUP:
            lines.append(Line(number, name, value))
    return lines, defects


def name_defect(name: str) -> str | None:
    """Why `name` cannot be a provider's name; ``None`` when it can."""
    if _NAME.fullmatch(name):
        return None
    return f"`{_short(name)}` is not a provider name"


def reference_defect(value: str) -> str | None:
    """Why `value` is no reference to a class in a module; ``None`` when it is one."""
    module, colon, attribute = split_reference(value)
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
