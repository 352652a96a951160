"""How the rows of one schema enter one table, and how those that it refuses are told apart."""

from collections.abc import Sequence
from operator import itemgetter, ne
from typing import Any

from nvisy_sdk import Receipt, Rejection, Schema

from ._table import Table
from ._types import MISFIT, Convert, Refused, codec
from .client import Database, Row, identifier


class Insert:
    """One statement, and the conversions its rows need."""

    def __init__(self, table: Table, schema: Schema, conflict: str, key: Sequence[str]) -> None:
        self.table, self._conflict = table, conflict
        self._names = ", ".join(identifier(field.name) for field in schema.fields)
        self._marks = ", ".join("?" * len(schema.fields))
        declared = {column.name.lower(): column.declared for column in table.columns.values()}
        codecs = [codec(field.type, declared[field.name.lower()]) for field in schema.fields]
        self._converts = {at: kept.encode for at, kept in enumerate(codecs) if kept is not None and kept.encode}
        # SQLite gives a row without a number the next one, and takes several nulls for different keys.
        numbered = [column.name for column in table.columns.values() if column.numbered]
        self._keys = [at for at, field in enumerate(schema.fields) if field.name in (*key, *numbered)]
        self._floats = [at for at, field in enumerate(schema.fields) if field.type.name in ("float32", "float64")]

    def put(self, db: Database, name: str, rows: list[Row]) -> Receipt:
        """Insert the rows into the table `name`; only when it refuses some are they put one by one."""
        # OR ABORT outranks what the table itself says about conflicts, which could drop rows in silence.
        sql = f"INSERT OR ABORT INTO {identifier(name)} ({self._names}) VALUES ({self._marks}){self._conflict}"
        rejected = []
        try:
            self._put(db, sql, rows)
        except Refused:
            for index, row in enumerate(rows):
                try:
                    self._put(db, sql, [row])
                except Refused as err:
                    rejected.append(Rejection(index=index, code=err.code, reason=err.reason))
        return Receipt(accepted=len(rows) - len(rejected), rejected=tuple(rejected))

    def _put(self, db: Database, sql: str, rows: list[Row]) -> None:
        if rows and db.put(sql, self._stored(rows)) != len(rows):
            raise Refused("ignored", "a trigger ignored it")

    def _stored(self, rows: list[Row]) -> list[Row]:
        """Return the rows as SQLite keeps them, column by column; a column that is kept as it is costs nothing."""
        for place in self._keys:
            if None in map(itemgetter(place), rows):
                raise Refused("not_null", "its key is null")
        for place in self._floats:
            values = list(map(itemgetter(place), rows))
            if any(map(ne, values, values)):  # true of NaN alone
                raise Refused("nan", "SQLite would store NaN as NULL; filter such values or cast the column to text")
        if not self._converts:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place, convert in self._converts.items():
            columns[place] = _converted(convert, columns[place])
        return list(zip(*columns, strict=True))


def _converted(convert: Convert, values: Sequence[Any]) -> list[Any]:
    try:
        return [None if value is None else convert(value) for value in values]
    except MISFIT as err:
        raise Refused("out_of_range", f"the value cannot be stored: {type(err).__name__}") from err
