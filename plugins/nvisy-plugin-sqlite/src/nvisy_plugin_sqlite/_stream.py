"""One stream of rows: its columns, their types, its order and its conditions, decided once from the catalogue."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import nvisy_sdk as sdk
from nvisy_sdk import Operator

from ._native import Plan
from ._table import Column, existing
from ._types import MISFIT, Codec, Refused, codec, declared_type, form
from .client import Database, Steps, identifier
from .config import Params

_SEEN: dict[tuple[str, ...], sdk.ColumnType] = {
    ("integer",): sdk.Int64Type(),
    ("real",): sdk.Float64Type(),
    ("integer", "real"): sdk.Float64Type(),
    ("text",): sdk.TextType(),
    (): sdk.TextType(),
    ("blob",): sdk.BinaryType(),
}
_COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ORDERED = (Operator.LT, Operator.LE, Operator.GT, Operator.GE)
_PARSED: dict[type, tuple[tuple[type, ...], Any]] = {  # class of a key -> classes of operands, and the way from them
    Decimal: ((int, float, str), lambda value: Decimal(str(value))),
    float: ((int, float), float),
    date: ((str,), date.fromisoformat),
    time: ((str,), time.fromisoformat),
    datetime: ((str,), datetime.fromisoformat),
    UUID: ((str,), UUID),
}
_COUNTED_BYTES = 4 * 2**30  # a larger file is not counted: that would read a good part of it


class Stream:
    """What is read of one table or view, and how it is asked for."""

    def __init__(self, db: Database, params: Params, name: str) -> None:
        self.db, self._types = db, params.types
        self.table = existing(db, name)
        self.key = self.table.reading_key(params.key)
        self.names = [part.name for part in self.key]
        self.hidden = not params.key and self.names == [self.table.rowid]
        chosen = list(self.table.columns if params.columns is None else params.columns)
        chosen += [name for name in self.names if name not in chosen]
        if len(set(chosen)) < len(chosen):
            raise sdk.InvalidConfigError(f"`columns` names a column twice: {', '.join(chosen)}", hint="name each once")
        for stranger in params.types:
            self.table.column(stranger)
        self._columns = [self._column(name) for name in chosen]
        self.places = [chosen.index(name) for name in self.names]
        self.fields = self._decide()
        self.codecs = [self._codec(field, key=field.name in self.names) for field in self.fields]
        conditions = [self._condition(one) for one in params.filter]
        self._where, self._bound = [sql for sql, _ in conditions], [one for _, bound in conditions for one in bound]
        self.schema = sdk.Schema(fields=tuple(self.fields[:-1] if self.hidden else self.fields))
        columns = [
            (
                one.name,
                one.type.model_dump_json(),
                one.nullable,
                form(one.type, kept) if one.name in self.names else None,
            )
            for one, kept in zip(self.fields, self.codecs, strict=True)
        ]
        self.plan = Plan.of(columns, self.places, hidden=self.hidden, proven=not self.table.is_view)
        self.fingerprint = sdk.fingerprint(
            stream=f"sqlite:{db.path.name}:{self.table.name}",
            filter={"conditions": params.filter, "columns": params.columns},
            sort=[part.sql for part in self.key],
        )

    def info(self) -> sdk.StreamInfo:
        """Describe the stream. Rows are counted where that is cheap: no view, no filter, no very large file."""
        rows = None
        if not self.table.is_view and not self._where and self.db.path.stat().st_size < _COUNTED_BYTES:
            rows = self.db.rows(f"SELECT count(*) FROM {identifier(self.table.name)}")[0][0]
        key = () if self.hidden else tuple(self.names)
        return sdk.StreamInfo(name=self.table.name, schema=self.schema, key=key, rows=rows)

    def _column(self, name: str) -> Column:
        if name == self.table.rowid:
            return Column(name, "INTEGER", not_null=True, required=False, generated=False)
        return self.table.column(name)

    def _decide(self) -> list[sdk.Field]:
        types = {c.name: self._types.get(c.name) or declared_type(c.declared) for c in self._columns}
        unknown = [name for name, found in types.items() if found is None]
        known = {name: found for name, found in types.items() if found is not None} | self._look(unknown)
        sure = {c.name for c in self._columns if c.not_null} | set(self.names)
        return [sdk.Field(name=name, type=known[name], nullable=name not in sure) for name in types]

    def _look(self, names: list[str]) -> dict[str, sdk.ColumnType]:
        """Find the types of columns without a usable declaration by one look at what they hold."""
        if not names:
            return {}
        classes = ", ".join(f"typeof({identifier(name)})" for name in names)
        seen = self.db.rows(f"SELECT DISTINCT {classes} FROM {identifier(self.table.name)}")
        held = {name: tuple(sorted({row[at] for row in seen} - {"null"})) for at, name in enumerate(names)}
        for name, several in held.items():
            if several not in _SEEN:
                raise sdk.InvalidDataError(
                    f"column {name} of table {self.table.name} has no usable declaration and holds {' and '.join(several)}",
                    hint=f'say its type: types: {{"{name}": {{"name": "..."}}}}, or read a view that casts it',
                    context={"table": self.table.name, "column": name},
                )
        return {name: _SEEN[several] for name, several in held.items()}

    def _codec(self, field: sdk.Field, *, key: bool, compared: bool = False) -> Codec:
        sample = None
        if isinstance(field.type, sdk.TimestampType) and (key or compared):
            name, table = identifier(field.name), identifier(self.table.name)
            found = self.db.rows(f"SELECT {name} FROM {table} WHERE typeof({name}) = 'text' LIMIT 1")
            sample = found[0][0] if found else None
        chosen = codec(field.type, self._column(field.name).declared, sample)
        if chosen is None or (key and chosen.key is None):
            what = "a key" if chosen else "read"
            hint = "choose another type in `types`"
            raise sdk.InvalidConfigError(f"column {field.name} cannot be {what} as {field.type.name}", hint=hint)
        return chosen

    def _condition(self, condition: sdk.Condition) -> tuple[str, list[object]]:
        name, value = identifier(self.table.column(condition.column).name), condition.value
        several = isinstance(value, tuple)
        if condition.op in (Operator.IS_NULL, Operator.NOT_NULL):
            return f"{name} IS {'NOT ' if condition.op is Operator.NOT_NULL else ''}NULL", []
        if value is None or several != (condition.op is Operator.IN):
            wanted = "a list" if condition.op is Operator.IN else "one value"
            raise sdk.InvalidConfigError(
                f"{condition.op} on column {condition.column} needs {wanted}", hint="correct `filter`"
            )
        bound = [self._operand(condition, one) for one in (value if isinstance(value, tuple) else (value,))]
        if several:
            return f"{name} IN ({', '.join('?' * len(bound))})", bound
        return f"{name} {_COMPARISONS[condition.op]} ?", bound

    def _operand(self, condition: sdk.Condition, value: object) -> object:
        """Return what to bind: the value as its column stores it, so that `10` is never compared with `'10'`."""
        column = self.table.column(condition.column)
        found = self._types.get(column.name) or declared_type(column.declared) or self._look([column.name])[column.name]
        kept = self._codec(sdk.Field(name=column.name, type=found), key=False, compared=True)
        classes, parse = _PARSED.get(kept.key or object, ((), None))
        try:
            typed = parse(value) if parse is not None and type(value) in classes else value
            stored = kept.store(typed)
            texts = kept.key is Decimal and isinstance(stored, str)  # whose order is not that of their numbers
            if type(typed) is kept.key and not (texts and condition.op in _ORDERED):
                return stored
        except (*MISFIT, Refused) as err:
            raise self._incomparable(condition, found) from err
        raise self._incomparable(condition, found)

    def _incomparable(self, condition: sdk.Condition, found: sdk.ColumnType) -> sdk.InvalidConfigError:
        return sdk.InvalidConfigError(
            f"column {condition.column} is {found.name}, which {condition.op} cannot compare with {condition.value!r}",
            hint="correct `filter`, or say the column's type in `types`",
            context={"table": self.table.name, "column": condition.column},
        )

    def after(self, context: sdk.Context) -> tuple[object, ...]:
        """Return the stored key values that a context stands for.

        Raises:
            InvalidContextError: It is not one of this stream.
        """
        if not isinstance(context, sdk.KeysetContext) or context.fingerprint != self.fingerprint:
            raise sdk.InvalidContextError(
                "the context belongs to another table, filter, key or choice of columns",
                hint="start over, or restore the parameters it was made with",
                context={"table": self.table.name},
            )
        if len(context.values) != len(self.key):
            raise sdk.InvalidContextError(
                f"the context has {len(context.values)} values for {len(self.key)} key columns"
            )
        return tuple(self._bind(at, sdk.python_value(one)) for at, one in zip(self.places, context.values, strict=True))

    def _bind(self, place: int, value: object) -> object:
        kept, field, cause = self.codecs[place], self.fields[place], None
        try:
            if type(value) is kept.key:
                return kept.store(value)
        except (*MISFIT, Refused) as err:
            cause = err
        raise sdk.InvalidContextError(
            f"the context holds a {type(value).__name__} for key column {field.name}, which is {field.type.name}",
            context={"table": self.table.name, "column": field.name},
        ) from cause

    def null_keys(self) -> list[str]:
        """Return the key columns, if there are rows in which one is null: they would have no place in the order."""
        nullable = [column.name for column in self._columns if column.name in self.names and not column.not_null]
        if not nullable:
            return []
        terms = [*self._where, "(" + " OR ".join(f"{identifier(name)} IS NULL" for name in nullable) + ")"]
        sql = f"SELECT 1 FROM {identifier(self.table.name)} WHERE {' AND '.join(terms)} LIMIT 1"
        return nullable if self.db.rows(sql, self._bound) else []

    def select(self, after: Sequence[object] | None, limit: int) -> list[tuple[Any, ...]]:
        """Return rows in key order: first those that share all but the last key value, then all but the last two ...

        Each step is one range of the key's index, whatever the collations (a row value with COLLATE would scan it all).
        """
        rows: list[tuple[Any, ...]] = []
        for sql, bound in self.steps(after):
            rows += self.db.rows(sql, [*bound, limit - len(rows)])
            if len(rows) >= limit:
                break
        return rows

    def steps(self, after: Sequence[object] | None) -> Steps:
        """Return the queries of `select`, each with what it is bound to besides its LIMIT."""
        steps: Steps = []
        head = f"SELECT {', '.join(map(self._expression, self._columns))} FROM {identifier(self.table.name)}"
        tail = f"ORDER BY {', '.join(part.sql for part in self.key)} LIMIT ?"
        for depth in [0] if after is None else range(len(self.key), 0, -1):
            ranges = [f"{part.sql} {'>' if at == depth - 1 else '='} ?" for at, part in enumerate(self.key[:depth])]
            where = " AND ".join([*self._where, *ranges])
            sql = f"{head}{' WHERE ' + where if where else ''} {tail}"
            steps.append((sql, [*self._bound, *(after or ())[:depth]]))
        return steps

    def _expression(self, column: Column) -> str:
        name = column.name if column.name == self.table.rowid else identifier(column.name)
        if self._types.get(column.name) == sdk.BinaryType() and column.name not in self.names:
            return f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
        return name
