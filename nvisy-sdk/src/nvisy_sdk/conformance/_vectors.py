"""The golden vectors: texts that Rust wrote, with its judgement of each. They are data of this package, in `vectors/`.

A file has the shapes of one word (`context`, `write` ...). Of each shape it holds canonical texts, texts that are accepted and
written in another form, and texts that are refused, each with the reason.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

import nvisy_sdk

SECRET: Final = frozenset({"KeyPairCredentials", "NoCredentials", "PasswordCredentials", "TokenCredentials"})
"""Shapes whose text is never written."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One text of a shape.

    Args:
        shape: Name of the shape.
        text: The text.
        canonical: How both languages write it; None when both refuse it.
        why: Why it is refused; empty when it is not.
    """

    shape: str
    text: str
    canonical: str | None
    why: str = ""


@functools.cache
def load(word: str) -> Mapping[str, Any]:
    """Return the content of one file."""
    content: dict[str, Any] = json.loads(_folder().joinpath(f"{word}.json").read_text(encoding="utf-8"))
    return content


@functools.cache
def vectors() -> tuple[Vector, ...]:
    """Return every vector of every file."""
    return tuple(
        vector for word in words() for shape, parts in load(word)["shapes"].items() for vector in _of(shape, parts)
    )


def words() -> tuple[str, ...]:
    """Return the names of the files."""
    return tuple(
        sorted(entry.name.removesuffix(".json") for entry in _folder().iterdir() if entry.name.endswith(".json"))
    )


def judged(vector: Vector) -> str | None:
    """Return the text as this SDK writes it, None when it refuses it; of a shape with a secret only `null`."""
    adapter = _adapter(vector.shape)
    try:
        value = adapter.validate_json(vector.text)
    except ValidationError:
        return None
    return "null" if vector.shape in SECRET else adapter.dump_json(value).decode()


@functools.cache
def _adapter(shape: str) -> TypeAdapter[object]:
    return TypeAdapter(getattr(nvisy_sdk, shape))


def _folder() -> Any:
    return resources.files(__package__ or "").joinpath("vectors")


def _of(shape: str, parts: Mapping[str, Any]) -> Iterator[Vector]:
    yield from (Vector(shape, text, text) for text in parts["valid"])
    yield from (Vector(shape, entry["json"], entry["canonical"]) for entry in parts["accepted"])
    yield from (Vector(shape, entry["json"], None, entry["why"]) for entry in parts["invalid"])
