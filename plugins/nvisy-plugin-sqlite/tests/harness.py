"""For the conformance kit: a database file filled and looked into with Python's own `sqlite3`, not with the provider."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from nvisy_sdk import ColumnType, DecimalType, Schema, TimestampType
from nvisy_sdk.conformance import Endpoint, Evidence, Item, ProviderHarness

_DECLARED = {
    "text": "TEXT",
    "bool": "BOOLEAN",
    "binary": "BLOB",
    "float32": "REAL",
    "float64": "REAL",
    "date": "DATE",
    "time": "TIME",
    "duration": "DURATION",
    "uuid": "UUID",
    "json": "JSON",
}
_STORED: dict[type, Callable[[Any], object]] = {
    Decimal: lambda value: format(value, "f"),
    date: date.isoformat,
    time: lambda value: value.isoformat(timespec="microseconds"),
    datetime: lambda value: _moment(value),
    timedelta: lambda value: value // timedelta(microseconds=1),
    UUID: str,
    dict: json.dumps,
    list: json.dumps,
}
_FOUND: dict[str, Callable[[Any], object]] = {
    "BOOLEAN": {0: False, 1: True}.__getitem__,
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
    "DATETIME": datetime.fromisoformat,
    "TIMESTAMPTZ": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "DURATION": lambda micros: timedelta(microseconds=micros),
    "UUID": UUID,
    "JSON": lambda value: json.loads(value) if isinstance(value, str) else value,
}


class Harness(ProviderHarness):
    """One database file for the whole run; a stream is a table with `id` as its primary key."""

    evidence: ClassVar[Evidence] = Evidence.CONTAINER
    server: ClassVar[str] = "SQLite, in this process"

    async def start(self) -> Endpoint:
        """Make an empty folder for the file."""
        self._folder = tempfile.TemporaryDirectory(prefix="nvisy-sqlite-")
        return Endpoint(details={"path": str(Path(self._folder.name) / "base.db")})

    async def stop(self) -> None:
        """Delete the folder."""
        self._folder.cleanup()

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """A table of the file."""
        return {"path": endpoint.details["path"], "table": namespace}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Create the table and put the items into it."""
        columns = [
            f"{_quoted(field.name)} {_declared(field.type)}"
            + (" PRIMARY KEY NOT NULL" if field.name == "id" else "" if field.nullable else " NOT NULL")
            for field in schema.fields
        ]
        names = [field.name for field in schema.fields]
        marks = ", ".join("?" for _ in names)
        with closing(self._open(endpoint)) as base, base:
            base.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(namespace)} ({', '.join(columns)})")
            base.executemany(
                f"INSERT OR REPLACE INTO {_quoted(namespace)} VALUES ({marks})",
                [tuple(_stored(item.get(name)) for name in names) for item in items],
            )

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Select everything, and read each value as the column's declaration says."""
        with closing(self._open(endpoint)) as base:
            columns = base.execute(f"PRAGMA table_info({_quoted(namespace)})").fetchall()
            if not columns:
                return []
            kinds = [(name, str(declared)) for _, name, declared, *_ in columns]
            rows = base.execute(f"SELECT * FROM {_quoted(namespace)}").fetchall()
        return [{name: _read(kind, value) for (name, kind), value in zip(kinds, row, strict=True)} for row in rows]

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete rows by their key."""
        with closing(self._open(endpoint)) as base, base:
            base.executemany(f"DELETE FROM {_quoted(namespace)} WHERE id = ?", [(item["id"],) for item in items])

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Drop the tables of that prefix."""
        with closing(self._open(endpoint)) as base, base:
            names = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                if name.startswith(prefix):
                    base.execute(f"DROP TABLE {_quoted(name)}")

    def _open(self, endpoint: Endpoint) -> sqlite3.Connection:
        return sqlite3.connect(str(endpoint.details["path"]), timeout=30)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _declared(column: ColumnType) -> str:
    match column:
        case DecimalType():
            return f"DECIMAL TEXT({column.precision},{column.scale})"
        case TimestampType():
            return "TIMESTAMPTZ" if column.utc else "DATETIME"
        case _:
            return _DECLARED.get(column.name, "INTEGER")


def _stored(value: object) -> object:
    return _STORED[type(value)](value) if type(value) in _STORED else value


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(timespec="microseconds")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _read(declared: str, value: object) -> object:
    if value is None:
        return None
    if declared.startswith("DECIMAL"):  # the digits after the point are the declaration's, a number has lost them
        scale = int(declared.rstrip(")").rpartition(",")[2])
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-scale), context=Context(prec=76))
    return _FOUND[declared](value) if declared in _FOUND else value
