"""Reading a table in the order of a unique key, page by page, and looking into a database.

Each page is a read transaction of its own, so a reader never holds a writer up. Rows inserted, changed or deleted
meanwhile are seen as they are when their page is read; a row that moves to a smaller key is not seen again.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import nvisy_sdk as sdk

from ._native import Batch
from ._stream import Stream
from ._types import MISFIT, Codec
from .client import Row, Session
from .config import Params

_CLASSES = {int: "int64", float: "float64", str: "text", bytes: "binary"}
_NULL = {type(None)}


class Reader(Session):
    """The session as a source, and as something to look into."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the rows after `context` in the order of the key, `batch_rows` at a time."""
        stream = await self._run(self._stream)
        after = None if context is None else await self._run(stream.after, context)
        nulls = await self._run(stream.null_keys)
        if nulls:
            raise _null_key(stream, nulls)
        while True:
            batch, after = await self._run(_page, stream, after, self._params.batch_rows)
            if batch is not None:
                yield batch
            if after is None:
                return

    async def check(self) -> None:
        """Check that the file is a database that can be read."""
        await self._run(lambda: self._reading().rows("SELECT count(*) FROM sqlite_master"))

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the tables and views, by name. A view has no key of its own and is not counted."""
        return await self._run(self._streams)

    async def describe(self) -> sdk.StreamInfo:
        """Return the table that the parameters name, with the columns a read of it yields."""
        return await self._run(lambda: self._stream().info())

    def _stream(self) -> Stream:
        return Stream(self._reading(), self._params, self._table_name())

    def _streams(self) -> list[sdk.StreamInfo]:
        names = self._reading().rows(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND substr(name, 1, 7) NOT IN ('sqlite_', '_nvisy_') ORDER BY name"
        )
        found, plain = [], Params(path=self._params.path)
        for (name,) in names:
            try:
                found.append(Stream(self._reading(), plain, name).info())
            except (sdk.InvalidConfigError, sdk.InvalidDataError):  # one that needs `key` or `types` hides no other
                found.append(sdk.StreamInfo(name=name))
        return found


def _page(stream: Stream, after: Row | None, size: int) -> tuple[sdk.Batch | None, Row | None]:
    """Return the next rows, if any, and the key to go on after; None at the end."""
    found = stream.db.page(stream.plan, stream.steps(after), size)
    if found is not None:
        data, rowids, after = found
        return _batch(stream, data, rowids), after
    limit = size + stream.table.is_view  # a view's key is not proven: one row more shows a tie at the border
    with stream.db.transaction(write=False):
        rows = stream.select(after, limit)
    if stream.table.is_view and len({tuple(row[at] for at in stream.places) for row in rows}) < len(rows):
        raise sdk.InvalidDataError(
            f"the key ({', '.join(stream.names)}) is not unique in view {stream.table.name}",
            hint="add a column to `key` that makes it unique",
            context={"table": stream.table.name},
        )
    kept = rows[:size]
    after = tuple(kept[-1][at] for at in stream.places) if len(rows) >= limit else None
    kept = _decoded(stream, kept)
    if not stream.hidden:
        return _batch(stream, kept, ()), after
    return _batch(stream, [row[:-1] for row in kept], [row[-1] for row in kept]), after


def _decoded(stream: Stream, rows: list[Row]) -> list[Row]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    changed = False
    for place, values in enumerate(columns):
        codec, key, classes = stream.codecs[place], place in stream.places, set(map(type, values))
        if key and classes & _NULL:
            raise _null_key(stream, [stream.fields[place].name])
        if not classes <= codec.stored | _NULL:
            raise _misfit(stream, rows, place)
        if codec.decode is None or classes <= {codec.key} | _NULL:
            continue
        try:
            convert = (lambda one, codec=codec: _exact(codec, one)) if key else codec.decode
            columns[place] = [None if one is None else convert(one) for one in values]
            changed = True
        except MISFIT as err:
            raise _misfit(stream, rows, place) from err
    return list(zip(*columns, strict=True)) if changed else rows


def _exact(codec: Codec, stored: object) -> object:
    """Decode a key's value, which must be the very one that its decoded form is stored as."""
    value = stored if codec.decode is None else codec.decode(stored)
    if codec.store(value) != stored:
        raise ValueError("not in canonical form")
    return value


def _null_key(stream: Stream, names: Sequence[str]) -> sdk.InvalidDataError:
    return sdk.InvalidDataError(
        f"table {stream.table.name} has rows whose key is null in {', '.join(names)}",
        hint="choose a key of columns that are never null, or filter with not_null",
        context={"table": stream.table.name, "column": names[0]},
    )


def _misfit(stream: Stream, rows: list[Row], place: int) -> sdk.InvalidDataError:
    codec, field, table = stream.codecs[place], stream.fields[place], stream.table.name
    row = next(row for row in rows if not _fits(codec, row[place], key=place in stream.places))
    key = ", ".join(f"{name}={row[at]!r}" for name, at in zip(stream.names, stream.places, strict=True))
    held, said = type(row[place]).__name__, _CLASSES[type(row[place])]
    return sdk.InvalidDataError(
        f"column {field.name} of table {table} is read as {field.type.name}; in the row with {key} it holds a {held} that does not fit",
        hint=f'say its type, such as types: {{"{field.name}": {{"name": "{said}"}}}}, or read a view that casts it',
        context={"table": table, "column": field.name},
    )


def _fits(codec: Codec, stored: object, *, key: bool) -> bool:
    try:
        if stored is not None and codec.decode is not None and type(stored) in codec.stored:
            (_exact(codec, stored) if key else codec.decode(stored))
    except MISFIT:
        return False
    return stored is None or type(stored) in codec.stored


def _batch(stream: Stream, data: list[Row] | Batch, rowids: Sequence[int]) -> sdk.Batch | None:
    """Join a page with its positions: the key columns themselves, or the hidden row numbers. An empty one is none."""
    if not len(data):
        return None
    if not stream.hidden:
        return sdk.Batch(data, sdk.Keyset(tuple(stream.names), stream.fingerprint), schema=stream.schema)
    contexts = [_after_rowid(stream.fingerprint, rowid) for rowid in rowids]
    return sdk.Batch(data, sdk.Each(contexts), schema=stream.schema)


def _after_rowid(fingerprint: str, rowid: int) -> sdk.KeysetContext:
    return sdk.KeysetContext(fingerprint=fingerprint, values=(sdk.IntValue(value=rowid),))
