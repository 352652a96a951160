"""One stream of rows: its columns, their types, its order and its conditions, decided once from the catalogue."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Self

import nvisy_sdk as sdk
from nvisy_sdk import Operator

from ._catalogue import Column, KeyColumn, Table, existing
from ._types import Reading, bound, has_order, operand, reading
from .client import Database, identifier, literal
from .config import Params

_COMPARISONS: Final = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BYTEWISE: Final = 'pg_catalog."C"'
_VIEW: Final = "_nvisy_query"
_COUNTED_BYTES: Final = 64 * 2**20  # a larger table is not counted: that would read all of it
TIE: Final = "nvisy: the key is not unique"
NULL: Final = "nvisy: the key is null"


class Stream:
    """What is read of one table, view or query, and how it is asked for.

    Args:
        table: What is read, as the catalogue has it.
        params: How.
        database: The database's name.
    """

    def __init__(self, table: Table, params: Params, database: str) -> None:
        self.table, self._params = table, params
        self.name = "the query" if params.query else f"table {table.name}"
        self._source = f"({params.query}\n)" if params.query else table.sql
        self.key, self.proven = self._reading_key()
        self.names = tuple(part.name for part in self.key)
        chosen = list(table.columns if params.columns is None else params.columns)
        chosen += [name for name in self.names if name not in chosen]
        if len(set(chosen)) < len(chosen):
            raise sdk.InvalidConfigError(f"`columns` names a column twice: {', '.join(chosen)}", hint="name each once")
        for stranger in params.types:
            self.column(stranger)
        self._columns = [self.column(name) for name in chosen]
        self.readings = [reading(column, params.types.get(column.name)) for column in self._columns]
        self.schema = sdk.Schema(
            fields=tuple(
                sdk.Field(
                    name=column.name, type=read.type, nullable=not column.not_null and column.name not in self.names
                )
                for column, read in zip(self._columns, self.readings, strict=True)
            )
        )
        self._has_order()
        self._compared: list[str] = []
        self._where = [self._condition(one) for one in params.filter]
        # Every column is one of the source `s`: a bare name in ORDER BY would mean the column as it is cast.
        self._parts = [f"s.{part.sql}" for part in self.key]
        self._order = ", ".join(self._parts)
        self.fingerprint = sdk.fingerprint(
            stream=f"postgres:{database}:{params.query or table.sql}",
            filter={"conditions": params.filter, "columns": params.columns},
            sort=[part.sql for part in self.key],
        )
        if params.lag is not None:
            self._where.append(self._settled(params.lag))

    @classmethod
    async def open(cls, db: Database, params: Params, name: str) -> Self:
        """Find out what is read; a query is described by a view of it that never comes to be."""
        database = str((await db.rows("SELECT pg_catalog.current_database()"))[0][0])
        if params.query is None:
            return cls(await existing(db, params.schema, name), params, database)
        query = params.query.rstrip().removesuffix(";")
        async with db.transaction(keep=False):
            # As rows, which takes one statement alone: what a view can be made of is a single SELECT.
            await db.rows(f"CREATE TEMPORARY VIEW {_VIEW} AS {query}\n")
            table = await existing(db, None, _VIEW)
        return cls(replace(table, name="query"), params.model_copy(update={"query": query}), database)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return self.table.column(name)

    async def info(self, db: Database) -> sdk.StreamInfo:
        """Describe the stream. Rows are counted where that is cheap: no view, no filter, no large table."""
        size = rows = None
        if self.table.kind in ("r", "m") and self._params.query is None:
            size = (await db.rows("SELECT pg_catalog.pg_table_size($1::oid::regclass)", self.table.oid))[0][0]
            if not self._where and size <= _COUNTED_BYTES:
                rows = (await db.rows(f"SELECT count(*) FROM {self._source}"))[0][0]
        return sdk.StreamInfo(name=self.table.name, schema=self.schema, key=self.names, rows=rows, bytes=size)

    def _reading_key(self) -> tuple[tuple[KeyColumn, ...], bool]:
        """Return the key to read in order of, and whether the catalogue proves that it is unique."""
        table, names = self.table, self._params.key
        uniques = () if table.inherited else table.uniques
        for unique in () if names else uniques:
            if all(table.columns[part.name].not_null for part in unique.columns):
                return tuple(self._collated(part) for part in unique.columns), True
        if not names:
            hint = "set `key` to columns that are unique together"
            raise sdk.InvalidConfigError(f"{self.name} has no key of its own", hint=hint, context={"table": table.name})
        if len(set(names)) < len(names):
            raise sdk.InvalidConfigError("`key` names a column twice", hint="name each once")
        proof = next((one for one in uniques if {part.name for part in one.columns} <= set(names)), None)
        if proof is None and table.kind in ("r", "p") and not table.inherited:
            raise sdk.InvalidConfigError(
                f"the key ({', '.join(names)}) is not unique in {self.name}",
                hint="add a column that makes it unique, or create a unique index over it",
                context={"table": table.name},
            )
        known = {part.name: part for part in (proof.columns if proof else ())}
        return tuple(self._collated(known.get(name), name) for name in names), proof is not None

    def _collated(self, part: KeyColumn | None, name: str = "") -> KeyColumn:
        """Return a part of the key, with a collation only where it is not the column's own."""
        column = self.column(part.name if part else name)
        wanted = part.collation if part else column.collation if column.deterministic else _BYTEWISE
        return KeyColumn(column.name, None if wanted == column.collation else wanted)

    def _has_order(self) -> None:
        for field in self.schema.fields:
            if field.name in self.names and not has_order(field.type):
                raise sdk.InvalidConfigError(
                    f"column {field.name} of {self.name} cannot be a key as {field.type.name}",
                    hint=f'read it as text, with types: {{"{field.name}": {{"name": "text"}}}}, or choose another `key`',
                    context={"table": self.table.name, "column": field.name},
                )

    def _settled(self, lag: float) -> str:
        """Return the condition that leaves out what may still get neighbours: rows added during the last `lag` seconds.

        Where the key is not the time itself, the stream ends before the first such row: a row after it would carry
        the position past it.
        """
        name = self._params.lag_column or self.names[0]
        column = self.column(name)
        if column.type.wire not in ("timestamp", "timestamptz"):
            hint = "set `lag_column` to a timestamp that says when a row was added"
            raise sdk.InvalidConfigError(f"`lag` needs a timestamp, and column {name} is {column.type.sql}", hint=hint)
        young = f"{_column(name)} >= pg_catalog.now() - pg_catalog.make_interval(secs => {lag!r})"
        if name == self.names[0]:
            return f"NOT ({young})"
        first = f"SELECT {self._order} FROM {self._source} AS s WHERE {young} ORDER BY {self._order} LIMIT 1"
        return f"(ROW({self._order}) < ({first})) IS NOT FALSE"

    def _condition(self, condition: sdk.Condition) -> str:
        column, value = self.column(condition.column), condition.value
        name, several = _column(column.name), isinstance(value, tuple)
        if condition.op in (Operator.IS_NULL, Operator.NOT_NULL):
            return f"{name} IS {'NOT ' if condition.op is Operator.NOT_NULL else ''}NULL"
        if value is None or several != (condition.op is Operator.IN):
            wanted = "a list" if condition.op is Operator.IN else "one value"
            raise sdk.InvalidConfigError(
                f"{condition.op} on column {condition.column} needs {wanted}", hint="correct `filter`"
            )
        read = reading(column, self._params.types.get(column.name)).type
        operands = []
        for one in value if isinstance(value, tuple) else (value,):
            try:
                found = operand(one, column, read)
            except sdk.InvalidDataError as err:
                raise self._incomparable(condition, read) from err
            if found is None:
                raise self._incomparable(condition, read)
            operands.append(found)
        self._compared += operands
        if several:
            return f"{name} IN ({', '.join(operands)})" if operands else "FALSE"
        return f"{name} {_COMPARISONS[condition.op]} {operands[0]}"

    def _incomparable(self, condition: sdk.Condition, read: sdk.ColumnType) -> sdk.InvalidConfigError:
        return sdk.InvalidConfigError(
            f"column {condition.column} is {read.name}, which {condition.op} cannot compare with {condition.value!r}",
            hint="correct `filter`, or say the column's type in `types`",
            context={"table": self.table.name, "column": condition.column},
        )

    async def after(self, db: Database, context: sdk.Context) -> list[str]:
        """Return the key values of a context as SQL.

        Raises:
            InvalidContextError: It is not a context of this stream.
        """
        if not isinstance(context, sdk.KeysetContext) or context.fingerprint != self.fingerprint:
            raise sdk.InvalidContextError(
                f"the context belongs to another stream than {self.name}, or to another filter, key or choice of columns",
                hint="begin anew without a context, or restore the parameters it was made with",
            )
        if len(context.values) != len(self.key):
            raise sdk.InvalidContextError(
                f"the context has {len(context.values)} values for {len(self.key)} key columns"
            )
        parts = zip(self.names, context.values, strict=True)
        values = [self._bind(name, sdk.python_value(value)) for name, value in parts]
        try:
            await db.rows(f"SELECT {_tried(values)}")
        except sdk.InvalidDataError as err:
            raise sdk.InvalidContextError(f"the context holds no possible value of the key: {err.message}") from err
        return values

    def _bind(self, name: str, value: object) -> str:
        field = self.schema.field(name)
        assert field is not None  # the key is always among the columns
        cause = None
        try:
            if (found := bound(value, self.column(name), field.type)) is not None:
                return found
        except sdk.InvalidDataError as err:
            cause = err
        raise sdk.InvalidContextError(
            f"the context holds a {type(value).__name__} for key column {name}, which is {field.type.name}",
            context={"table": self.table.name, "column": name},
        ) from cause

    async def verify(self, db: Database, after: Sequence[str] | None) -> None:
        """Check what the filter compares with, and the key where neither the catalogue proves it nor the read will see it.

        Raises:
            InvalidConfigError: No column of that type can hold a value of the filter.
            InvalidDataError: A row has no place in the order, or not one of its own.
        """
        try:
            if self._compared:
                await db.rows(f"SELECT {_tried(self._compared)}")
        except sdk.InvalidDataError as err:
            hint = "correct `filter`"
            raise sdk.InvalidConfigError(
                f"{self.name} is filtered by an impossible value: {err.message}", hint=hint
            ) from err
        nullable = [name for name in self.names if not self.column(name).not_null]
        if nullable and (self.proven or after is not None):
            nulls = "(" + " OR ".join(f"{_column(name)} IS NULL" for name in nullable) + ")"
            if await db.rows(f"SELECT 1 FROM {self._source} AS s{_all([*self._where, nulls])} LIMIT 1"):
                raise self.fault(NULL)
        if after is not None and not self.proven:
            same = [f"{part} = {value}" for part, value in zip(self._parts, after, strict=True)]
            if len(await db.rows(f"SELECT 1 FROM {self._source} AS s{_all([*self._where, *same])} LIMIT 2")) > 1:
                raise self.fault(TIE)

    def fault(self, what: str) -> sdk.InvalidDataError:
        """Return the error for a key that is null or not unique."""
        hints = {
            TIE: "add a column to `key` that makes it unique",
            NULL: "choose a key of columns that are never null, or filter with not_null",
        }
        said = what.removeprefix("nvisy: the key")
        return sdk.InvalidDataError(
            f"the key ({', '.join(self.names)}){said} in {self.name}",
            hint=hints[what],
            context={"table": self.table.name, "column": self.names[0]},
        )

    def select(self, after: Sequence[str] | None, *, limit: int | None = None, offset: int | None = None) -> str:
        """Return the query for the rows after a key, in its order: the first so many, or all but those."""
        where = list(self._where)
        if after is not None:
            where.append(f"({self._order}) > ({', '.join(after)})")
        source = self._source if self.proven else self._watched(where)
        outside = _all(where) if self.proven else f" WHERE {self._watch()}"
        part = f" LIMIT {limit}" if limit is not None else f" OFFSET {offset}" if offset is not None else ""
        columns = ", ".join(map(self._expression, self._columns, self.readings))
        return f"SELECT {columns} FROM {source} AS s{outside} ORDER BY {self._order}{part}"

    def _watched(self, where: Sequence[str]) -> str:
        """Return the source with a look back at each row's predecessor in the order of an unproven key."""
        before = ", ".join(f"pg_catalog.lag({part}) OVER w" for part in self._parts)
        tie = f"ROW({self._order}) IS NOT DISTINCT FROM ROW({before})"
        return f'(SELECT *, {tie} AS "nvisy tie" FROM {self._source} AS s{_all(where)} WINDOW w AS (ORDER BY {self._order}))'

    def _watch(self) -> str:
        """Return a condition that is true, or an error of the server as soon as two rows tie or a key is null."""
        # What is cast to fail must depend on the row, or the planner would try it beforehand.
        nothing = f"coalesce(pg_catalog.left({_column(self.names[0])}::text, 0), '')"
        nulls = " OR ".join(f"{_column(name)} IS NULL" for name in self.names)
        cases = f"WHEN {nulls} THEN ({literal(NULL)} || {nothing})::bool "
        cases += f'WHEN "nvisy tie" THEN ({literal(TIE)} || {nothing})::bool'
        return f"CASE {cases} ELSE TRUE END"

    def _expression(self, column: Column, read: Reading) -> str:
        name = _column(column.name)
        return f"{name}::{read.cast}" if read.cast else name


def _column(name: str) -> str:
    return f"s.{identifier(name)}"


def _tried(values: Sequence[str]) -> str:
    """Return a condition that the server can tell of only when the values are possible."""
    return " OR ".join(f"{value} IS NULL" for value in values)


def _all(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
