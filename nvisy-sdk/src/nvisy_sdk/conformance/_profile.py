"""What the kit writes and reads for each kind of data: its columns, its items, and when two items are the same.

The items are small and plain: what every system of that kind can hold. The families TYP and READ bring harder ones.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from .._kind import DataKind
from .._schema import (
    BinaryType,
    Field,
    Int64Type,
    JsonType,
    ListType,
    Schema,
    TextType,
    Uint64Type,
    VectorType,
)
from ._harness import Item

DIMENSION: Final = 4
"""Length of the vectors in the kit's embeddings."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of data, as the kit uses it.

    Args:
        kind: The kind.
        schema: Columns of the kit's items.
        key: Columns that tell the items apart.
        make: The item of a number; numbers in ascending order give keys in ascending order.
    """

    kind: DataKind
    schema: Schema
    key: tuple[str, ...]
    make: Callable[[int], Item]

    def items(self, count: int, *, first: int = 0) -> list[Item]:
        """Return `count` items with the numbers from `first` on; no two alike."""
        return [self.make(number) for number in range(first, first + count)]

    def key_of(self, item: Mapping[str, object]) -> tuple[object, ...]:
        """Return what tells an item apart."""
        return tuple(item.get(name) for name in self.key)

    def changed(self, item: Item) -> Item:
        """Return another item with the same key."""
        number = int(hashlib.sha256(repr(self.key_of(item)).encode()).hexdigest()[:5], 16)  # exact in 32 bits with it
        return {**self.make(1_000_000 + number), **{name: item[name] for name in self.key}}


def plain(value: object) -> object:
    """Return a value in a form in which equal things are equal and different ones are not, whatever holds them.

    True is not 1 and 1 is not 1.0; a float counts bit for bit; an instant counts in UTC; a model counts as its fields.
    """
    match value:
        case None | str():
            return value
        case bool() | int():
            return (type(value).__name__, value)
        case float():
            return ("float", "nan" if math.isnan(value) else value.hex())
        case Decimal():
            return ("decimal", str(value))
        case bytes() | bytearray() | memoryview():
            return ("bytes", bytes(value).hex())
        case datetime() if value.tzinfo is not None:
            return ("instant", value.astimezone(UTC).isoformat())
        case Mapping():
            return ("map", tuple(sorted((str(name), plain(each)) for name, each in value.items())))
        case list() | tuple():
            return ("list", tuple(plain(each) for each in value))
        case _:
            return (type(value).__name__, str(value))


def same(found: Item, wanted: Item) -> bool:
    """Whether an item holds what was put in. Columns that the system added, and those that are null, do not count."""
    return all(plain(found.get(name)) == plain(value) for name, value in wanted.items() if value is not None) and all(
        found.get(name) is None for name, value in wanted.items() if value is None
    )


def differences(profile: Profile, found: Sequence[Item], wanted: Sequence[Item]) -> list[str]:
    """Return a sentence for each item that is missing, changed, unexpected or there more than once; at most five."""
    sentences: list[str] = []
    places: dict[object, list[Item]] = {}
    for item in found:
        places.setdefault(plain(profile.key_of(item)), []).append(item)
    for item in wanted:
        there = places.pop(plain(profile.key_of(item)), [])
        label = shown(profile, item)
        if not there:
            sentences.append(f"{label} is missing")
        elif len(there) > 1:
            sentences.append(f"{label} is there {len(there)} times")
        elif not same(there[0], item):
            sentences.append(f"{label} is {_difference(there[0], item)}")
    sentences += [f"{shown(profile, items[0])} should not be there" for items in places.values()]
    return [*sentences[:5], *([f"and {len(sentences) - 5} more"] if len(sentences) > 5 else [])]


def shown(profile: Profile, item: Mapping[str, object]) -> str:
    """Return a short name for an item."""
    return "item " + ", ".join(f"{name}={item.get(name)!r}" for name in profile.key)


def _difference(found: Item, wanted: Item) -> str:
    for name, value in wanted.items():
        if plain(found.get(name)) != plain(value):
            return f"changed: `{name}` is {_cut(found.get(name))}, not {_cut(value)}"
    return "changed"


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _columns(columns: Iterable[tuple[str, object, bool]]) -> Schema:
    fields = [{"name": name, "type": type_, "nullable": nullable} for name, type_, nullable in columns]
    return Schema(fields=tuple(Field.model_validate(field) for field in fields))


def _record(number: int) -> Item:
    return {"id": number, "name": f"name {number}", "score": None if number % 5 == 4 else number * 7 - 3}


def _object(number: int) -> Item:
    data = f"content of {number}\n".encode() * (number % 4 + 1)
    return {"path": f"part/{number:08}.txt", "data": data, "size": len(data)}


def _embedding(number: int) -> Item:
    vector = [math.ldexp(number + place + 1, -4) for place in range(DIMENSION)]  # exact in 32 bits
    return {"id": f"v{number:08}", "vector": vector, "metadata": {"n": number, "name": f"name {number}"}}


def _document(number: int) -> Item:
    return {"id": f"d{number:08}", "content": {"n": number, "tags": ["a", str(number)], "deep": {"x": None}}}


def _message(number: int) -> Item:
    return {"id": f"m{number:08}", "payload": f"payload {number}".encode(), "headers": {"n": str(number)}}


def _graph(number: int) -> Item:
    return {
        "element": "node",
        "id": f"g{number:08}",
        "labels": ["Thing"],
        "properties": {"n": number, "name": f"name {number}"},
    }


PROFILES: Final[dict[DataKind, Profile]] = {
    DataKind.RECORD: Profile(
        DataKind.RECORD,
        _columns((("id", Int64Type(), False), ("name", TextType(), True), ("score", Int64Type(), True))),
        ("id",),
        _record,
    ),
    DataKind.OBJECT: Profile(
        DataKind.OBJECT,
        _columns((("path", TextType(), False), ("data", BinaryType(), False), ("size", Uint64Type(), False))),
        ("path",),
        _object,
    ),
    DataKind.EMBEDDING: Profile(
        DataKind.EMBEDDING,
        _columns(
            (
                ("id", TextType(), False),
                ("vector", VectorType(dimension=DIMENSION), False),
                ("metadata", JsonType(), True),
            )
        ),
        ("id",),
        _embedding,
    ),
    DataKind.DOCUMENT: Profile(
        DataKind.DOCUMENT,
        _columns((("id", TextType(), False), ("content", JsonType(), False))),
        ("id",),
        _document,
    ),
    DataKind.MESSAGE: Profile(
        DataKind.MESSAGE,
        _columns((("id", TextType(), True), ("payload", BinaryType(), False), ("headers", JsonType(), True))),
        ("id",),
        _message,
    ),
    DataKind.GRAPH: Profile(
        DataKind.GRAPH,
        _columns(
            (
                ("element", TextType(), False),
                ("id", TextType(), False),
                ("labels", ListType(item=TextType()), True),
                ("properties", JsonType(), True),
            )
        ),
        ("element", "id"),
        _graph,
    ),
}
