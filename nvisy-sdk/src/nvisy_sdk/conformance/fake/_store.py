"""What the fake service keeps: streams of items with their columns, keys, sequence numbers and the engine's marks.

No input or output here. Every operation is one step: it happens whole or, when it raises, not at all.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ._values import Type, misfit

Item: TypeAlias = dict[str, object]
Key: TypeAlias = tuple[object, ...]

PARTITIONS: Final = 2
"""Partitions of a stream that is read as a log."""


class RefusedError(Exception):
    """The service does not do what it is asked for.

    Args:
        code: Why: auth, forbidden, not_found, conflict, throttled, unavailable, invalid_query, invalid_data, invalid_cursor
            or gone.
        message: What happened.
        retry_after: Seconds to wait before asking again.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type in the words of the SDK's schema, and whether it may be null."""

    type: Type
    nullable: bool


@dataclass(slots=True)
class Stored:
    """One item. Its number is never used again in its stream."""

    number: int
    item: Item

    @property
    def partition(self) -> int:
        """Where the item is in a log: items with one key stay together."""
        name = self.item.get("key") or self.item.get("id") or ""
        return zlib.crc32(str(name).encode(errors="replace")) % PARTITIONS


@dataclass(slots=True)
class Stream:
    """Items in the order they came.

    Args:
        name: Its name.
        columns: Its columns by name.
        key: Columns that are unique together; none means that items are only ever added.
        strict: Whether a column has to be there before an item can have it.
    """

    name: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    strict: bool = True
    items: list[Stored] = field(default_factory=list)
    numbers: int = 0
    parts: dict[str, bytes] = field(default_factory=dict)
    """Objects that are not there yet: their first bytes."""
    _places: dict[Key, Stored] = field(default_factory=dict)
    _views: dict[object, list[Stored]] = field(default_factory=dict)

    def get(self, item: Mapping[str, object]) -> Stored | None:
        """Return the item that is there with the same key."""
        return self._places.get(self.key_of(item)) if self.key else None

    def alike(self, item: Mapping[str, object]) -> list[Stored]:
        """Return the items that hold the same, for a stream without a key."""
        given = {name: value for name, value in item.items() if value is not None}
        return [stored for stored in self.items if all(stored.item.get(name) == given[name] for name in given)]

    def put(self, item: Item) -> None:
        """Add an item, or put it in the place of the one with its key."""
        self._views.clear()
        there = self.get(item)
        if there is not None:
            there.item = item
            return
        self.numbers += 1
        stored = Stored(self.numbers, item)
        self.items.append(stored)
        if self.key:
            self._places[self.key_of(item)] = stored

    def drop(self, numbers: Iterable[int]) -> None:
        """Remove items by their numbers."""
        gone = set(numbers)
        self._views.clear()
        self.items = [stored for stored in self.items if stored.number not in gone]
        self._places = {self.key_of(stored.item): stored for stored in self.items} if self.key else {}

    def view(self, name: object, make: Callable[[list[Stored]], list[Stored]]) -> list[Stored]:
        """Return a view of the items, made once for as long as the items stay the same."""
        if name not in self._views:
            self._views[name] = make(self.items)
        return self._views[name]

    def key_of(self, item: Mapping[str, object]) -> Key:
        """Return what tells an item apart from the others."""
        return tuple(item.get(name) for name in self.key)


class Store:
    """Streams by name, and the marks stored with them."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.marks: dict[str, str] = {}

    def stream(self, name: str) -> Stream:
        """Return a stream.

        Raises:
            RefusedError: There is none of that name.
        """
        found = self.streams.get(name)
        if found is None:
            raise RefusedError("not_found", f"there is no stream `{name}`")
        return found

    def create(
        self,
        name: str,
        columns: Mapping[str, Column],
        *,
        key: tuple[str, ...],
        strict: bool,
        create: bool,
        evolve: bool,
    ) -> None:
        """Make a stream that takes these columns, or bring one that is there to it.

        Raises:
            RefusedError: It may not be made, or it does not take the columns.
        """
        for column in key:
            if column not in columns:
                raise RefusedError("invalid_data", f"the key's column `{column}` is not among the columns of `{name}`")
        there = self.streams.get(name)
        if there is not None:
            self._fit(there, columns, evolve=evolve or not there.strict)
        elif create:
            self.streams[name] = Stream(name, dict(columns), key, strict)
        else:
            raise RefusedError("not_found", f"there is no stream `{name}`")

    def put(
        self, name: str, columns: Mapping[str, Column], items: Sequence[Item], *, mode: str, key: tuple[str, ...]
    ) -> list[tuple[int, str, str]]:
        """Put items into a stream and return those that were rejected: place, code and reason.

        Raises:
            RefusedError: The stream is not there, does not take the columns, or has another key.
        """
        stream = self.stream(name)
        if mode == "upsert" and not stream.key:
            raise RefusedError(
                "invalid_query", f"stream `{name}` has no key, so nothing can take the place of anything"
            )
        if key and stream.key and key != stream.key:
            raise RefusedError("invalid_query", f"the key of stream `{name}` is ({', '.join(stream.key)})")
        self._fit(stream, columns, evolve=not stream.strict)
        rejected, accepted, seen = [], [], set[Key]()
        for place, item in enumerate(items):
            wrong = _refused(stream, item, mode, seen)
            if wrong is None:
                accepted.append(item)
                seen.add(stream.key_of(item))
            else:
                rejected.append((place, *wrong))
        for item in accepted:
            _put(stream, item)
        return rejected

    def _fit(self, stream: Stream, columns: Mapping[str, Column], *, evolve: bool) -> None:
        added = {}
        for name, column in columns.items():
            known = stream.columns.get(name)
            if known is not None and known.type != column.type:
                had, given = known.type["name"], column.type["name"]
                raise RefusedError("invalid_data", f"column `{name}` of stream `{stream.name}` is {had}, not {given}")
            if known is None and not evolve:
                raise RefusedError("invalid_data", f"stream `{stream.name}` has no column `{name}`")
            if known is None:
                added[name] = Column(column.type, nullable=True)
        for name, column in stream.columns.items():
            if not column.nullable and name not in columns:
                raise RefusedError(
                    "invalid_data", f"column `{name}` of stream `{stream.name}` is never null, and is not given"
                )
        stream.columns.update(added)


def _put(stream: Stream, item: Item) -> None:
    """Put an item; the parts of an object are gathered until all of them are there."""
    offset, size, data = item.get("offset"), item.get("size"), item.get("data")
    if isinstance(offset, int) and isinstance(size, int) and isinstance(data, bytes):
        path = str(item["path"])
        data = stream.parts.get(path, b"")[:offset] + data
        if len(data) < size:
            stream.parts[path] = data
            return
        stream.parts.pop(path, None)
        item = {**item, "data": data, "offset": None}
    stream.put(item)


def _refused(stream: Stream, item: Item, mode: str, seen: set[Key]) -> tuple[str, str] | None:
    for name, column in stream.columns.items():
        if item.get(name) is None and not column.nullable:
            return "not_null", f"column `{name}` is null"
        wrong = misfit(column.type, item.get(name))
        if wrong is not None:
            return wrong[0], f"column `{name}`: {wrong[1]}"
    if item.get("path") == "" and stream.key == ("path",):
        return "invalid_path", "an object has a path"
    if stream.key and any(item.get(name) is None for name in stream.key):
        return "not_null", f"the key ({', '.join(stream.key)}) is null"
    if mode == "append" and stream.key and (stream.get(item) is not None or stream.key_of(item) in seen):
        return "duplicate_key", f"an item with that key ({', '.join(stream.key)}) is there already"
    return None
