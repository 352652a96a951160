"""Reading: in key order where there is a key, else in the order the rows came.

A read sees the table as it was when the read began.
"""

import operator
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice

from nvisy_sdk import (
    Batch,
    Condition,
    Context,
    Each,
    InvalidContextError,
    InvalidDataError,
    Keyset,
    KeysetContext,
    OffsetContext,
    Operator,
    Positions,
    Schema,
    fingerprint,
    python_value,
    typed_value,
)

from .client import Session, Table

Row = dict[str, object]

_PARTITION = "rows"  # a table without a key is a log of one partition
_ORDER: dict[Operator, Callable[..., bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


class Reader(Session):
    """A session as a source."""

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        """Read the table's rows from after `context`, or all of them."""
        with self.store.lock:
            table = self.table()
            key, schema, rows = self.params.key or table.key, table.schema, list(table.rows)
        mark = fingerprint(stream=self.table_name, filter=self.params.filter, sort=key)
        if context is not None and context.fingerprint != mark:
            raise InvalidContextError("the context belongs to another table, filter or order")
        numbered = self._in_key_order(rows, key, context) if key else self._as_they_came(rows, context)
        chosen = ((number, row) for number, row in numbered if self._matches(row))
        while batch := list(islice(chosen, self.params.batch_rows)):
            positions = self._keyset(batch, key, mark) if key else _offsets(batch, mark)
            yield Batch([self._slim(row) for _, row in batch], positions, schema=self._slim_schema(schema))
            await self.check()  # a session that was closed meanwhile does not go on from its copy of the rows

    def _in_key_order(self, rows: list[Row], key: tuple[str, ...], context: Context | None) -> list[tuple[int, Row]]:
        if context is not None and not (isinstance(context, KeysetContext) and len(context.values) == len(key)):
            raise InvalidContextError(f"a table read by {', '.join(key)} resumes from a keyset of {len(key)} values")
        table = Table(key=key)
        after = None if context is None else tuple(python_value(value) for value in context.values)
        for row in rows:
            if any(row.get(name) is None for name in key):
                raise InvalidDataError("a key column is null or missing", hint="choose a key that is never null")
        try:
            ordered = sorted(rows, key=table.key_of)
            rest = ordered if after is None else [row for row in ordered if table.key_of(row) > after]
        except TypeError as err:
            raise InvalidContextError(f"the keys cannot be put in order: {err}") from err
        return list(enumerate(rest))

    def _as_they_came(self, rows: list[Row], context: Context | None) -> list[tuple[int, Row]]:
        if context is not None and not (isinstance(context, OffsetContext) and set(context.partitions) == {_PARTITION}):
            raise InvalidContextError("a table without a key resumes from an offset")
        first = 0 if context is None else context.partitions[_PARTITION] + 1
        return list(enumerate(rows))[first:]

    def _keyset(self, batch: Sequence[tuple[int, Row]], key: tuple[str, ...], mark: str) -> Positions:
        columns = self.params.columns
        if columns is None or set(key) <= set(columns):
            return Keyset(key, mark)
        return Each(
            [KeysetContext(fingerprint=mark, values=tuple(typed_value(row[name]) for name in key)) for _, row in batch]
        )

    def _matches(self, row: Row) -> bool:
        return all(_holds(condition, row) for condition in self.params.filter)

    def _slim(self, row: Row) -> Mapping[str, object]:
        columns = self.params.columns
        return row if columns is None else {name: row.get(name) for name in columns}

    def _slim_schema(self, schema: Schema | None) -> Schema | None:
        columns = self.params.columns
        if schema is None or columns is None:
            return schema
        return Schema(fields=tuple(field for name in columns if (field := schema.field(name))))


def _offsets(batch: Sequence[tuple[int, Row]], mark: str) -> Positions:
    return Each([OffsetContext(fingerprint=mark, partitions={_PARTITION: number}) for number, _ in batch])


def _holds(condition: Condition, row: Row) -> bool:
    value, wanted = row.get(condition.column), condition.value
    if condition.op is Operator.IS_NULL:
        return value is None
    if value is None:
        return False
    if condition.op is Operator.NOT_NULL:
        return True
    try:
        if condition.op is Operator.IN:
            return any(value == _like(value, each) for each in wanted) if isinstance(wanted, tuple) else False
        return _ORDER[condition.op](value, _like(value, wanted))
    except (TypeError, ValueError) as err:
        raise InvalidDataError(f"column `{condition.column}` cannot be compared with {wanted!r}: {err}") from err


def _like(value: object, wanted: object) -> object:
    """Return what the condition says in the type of the cell: dates, times and decimals are written as text or number."""
    match value, wanted:
        case datetime(), str():
            return datetime.fromisoformat(wanted)
        case date(), str():
            return date.fromisoformat(wanted)
        case time(), str():
            return time.fromisoformat(wanted)
        case Decimal(), str() | float():
            return Decimal(str(wanted))
        case _:
            return wanted
