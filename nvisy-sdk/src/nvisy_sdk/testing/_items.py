"""What a source yields, taken apart into items and the context after each."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from pydantic import BaseModel

from .._batch import ArrowArrayExportable, ArrowStreamExportable, Batch, Each, End, Keyset, Resumable
from .._context import Context, KeysetContext
from .._error import InvalidDataError, ProtocolError
from .._value import typed_value
from ._arrow import from_arrow

Item = tuple[dict[str, object], Context | None]


async def items(stream: AsyncIterator[Batch | Resumable]) -> list[Item]:
    """Read a stream to its end and return each item with the context after it.

    The context is None inside a batch that knows only its end.
    """
    found: list[Item] = []
    async for yielded in stream:
        if isinstance(yielded, Resumable):
            found.append((_row(yielded.data, ()), yielded.context))
        else:
            found.extend(positions_of(yielded))
    return found


def positions_of(batch: Batch) -> list[Item]:
    """Return each item of a batch with the context after it.

    Raises:
        InvalidDataError: A key column is missing or null.
        MissingDependencyError: The items are Arrow, and PyArrow is not installed.
        ProtocolError: The positions do not suit the items, or the items are neither rows, models nor Arrow.
    """
    rows = rows_of(batch)
    return list(zip(rows, _contexts(batch, rows), strict=True))


def rows_of(batch: Batch) -> list[dict[str, object]]:
    """Return the items of a batch, whatever form they have."""
    if isinstance(batch.data, ArrowArrayExportable | ArrowStreamExportable):
        return from_arrow(batch.data)
    names = tuple(field.name for field in batch.schema.fields) if batch.schema else ()
    return [_row(row, names) for row in batch.data]


def _row(item: object, names: tuple[str, ...]) -> dict[str, object]:
    match item:
        case BaseModel():
            return item.model_dump()
        case Mapping():
            return dict(item)
        case tuple() if names:
            return dict(zip(names, item, strict=True))
        case tuple():
            raise ProtocolError("items are tuples and the batch has no schema; give it one")
        case _:
            raise ProtocolError(f"an item is a {type(item).__name__}; it must be a dict, a tuple or a Pydantic model")


def _contexts(batch: Batch, rows: Sequence[Mapping[str, object]]) -> Iterator[Context | None]:
    match batch.positions:
        case End(context):
            yield from (None for _ in rows[1:])
            if rows:
                yield context
        case Each(contexts) if len(contexts) == len(rows):
            yield from contexts
        case Each(contexts):
            raise ProtocolError(f"{len(contexts)} contexts for {len(rows)} items; every item needs its own")
        case Keyset(columns, fingerprint):
            for row in rows:
                missing = [name for name in columns if row.get(name) is None]
                if missing:
                    raise InvalidDataError(f"key column `{missing[0]}` is missing or null in an item")
                values = tuple(typed_value(row[name]) for name in columns)
                yield KeysetContext(fingerprint=fingerprint, values=values)
