"""As much of Rust's grammar as the rules need: text without strings and comments, and where functions end."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A raw string, a string, a character (not a lifetime), a line comment, a block comment that may nest one deep.
_NOISE = re.compile(
    r"""(?P<raw>b?r(?P<hashes>\#*)".*?"(?P=hashes))
      | (?P<string>b?c?"(?:\\.|[^"\\])*")
      | (?P<char>b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.)|[^'\\\n])')
      | (?P<line>//[^\n]*)
      | (?P<block>/\*(?:/\*.*?\*/|.)*?\*/)""",
    re.VERBOSE | re.DOTALL,
)
_FUNCTION = re.compile(r"\bfn\s+(\w+)")
_TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod\s+\w+\s*\{")


@dataclass(frozen=True)
class Function:
    """One function: its name, its first line and how many lines it has."""

    name: str
    line: int
    lines: int


def without_noise(source: str) -> str:
    """The source with strings, characters and comments blanked; every line stays where it is."""
    return _NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def without_comments(source: str) -> str:
    """The source with comments blanked, strings kept."""

    def blank(match: re.Match[str]) -> str:
        comment = match.group("line") is not None or match.group("block") is not None
        return re.sub(r"[^\n]", " ", match.group()) if comment else match.group()

    return _NOISE.sub(blank, source)


def without_tests(source: str) -> str:
    """The source with `#[cfg(test)] mod ... { }` blanked; lines stay where they are."""
    clean = without_noise(source)
    for match in reversed(list(_TEST_MODULE.finditer(clean))):
        end = closing(clean, match.end() - 1)
        source = source[: match.start()] + re.sub(r"[^\n]", " ", source[match.start() : end]) + source[end:]
    return source


def functions(source: str) -> list[Function]:
    """Every function with a body."""
    clean = without_noise(source)
    found = []
    for match in _FUNCTION.finditer(clean):
        opening = _body(clean, match.end())
        if opening is not None:
            lines = clean.count("\n", match.start(), closing(clean, opening)) + 1
            found.append(Function(match.group(1), clean.count("\n", 0, match.start()) + 1, lines))
    return found


def _body(clean: str, start: int) -> int | None:
    """Where the body opens: the first brace outside of brackets, unless a semicolon comes before."""
    depth = 0
    for index in range(start, len(clean)):
        letter = clean[index]
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif depth == 0 and letter == ";":
            return None
        elif depth == 0 and letter == "{":
            return index
    return None


def closing(clean: str, opening: int) -> int:
    """The place after the brace that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(clean)):
        depth += {"{": 1, "}": -1}.get(clean[index], 0)
        if depth == 0:
            return index + 1
    return len(clean)
