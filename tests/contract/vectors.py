"""The golden vectors of `tests/vectors`, which the tests of both languages read.

A file has the shapes of one word (`context`, `write` ...). Of each shape it holds canonical texts, texts that are accepted and
written in another form, and texts that are refused, each with the reason.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).parents[1] / "vectors"


@dataclass(frozen=True, slots=True)
class Vector:
    """One text of a shape; `canonical` is None when it must be refused."""

    shape: str
    text: str
    canonical: str | None
    why: str

    def __str__(self) -> str:
        return f"{self.shape}: {self.why}: {self.text}"


def load(stem: str) -> dict[str, Any]:
    """Return the content of one file."""
    content: dict[str, Any] = json.loads((FOLDER / f"{stem}.json").read_text(encoding="utf-8"))
    return content


def vectors(part: Literal["valid", "accepted", "invalid"]) -> Iterator[Vector]:
    """Return every vector of that part, of all files."""
    for path in sorted(FOLDER.glob("*.json")):
        for shape, parts in load(path.stem)["shapes"].items():
            for entry in parts[part]:
                if part == "valid":
                    yield Vector(shape, entry, entry, "canonical")
                elif part == "accepted":
                    yield Vector(shape, entry["json"], entry["canonical"], "rewritten")
                else:
                    yield Vector(shape, entry["json"], None, entry["why"])
