"""Writing batches into a table: one transaction for each, with the engine's mark in it.

`replace` writes into a staging table whose rows take the place of the target's in one transaction at the end.
"""

from typing import Final

import nvisy_sdk as sdk
from nvisy_sdk import WriteMode

from . import _swap
from ._catalogue import existing, load
from ._stage import Entry, Refused
from ._target import LOCK, add_columns, ready
from .client import Database, Session, identifier, literal

_MARKS: Final = "_nvisy_mark"
# A refused row must be known before the commit, and what is committed must be on the disk.
_STRICT: Final = (
    "SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_catalog.set_config('synchronous_commit', 'on', true) "
    "WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"
)


class Writer(Session):
    """The session as a sink."""

    _entries: dict[str, Entry] | None = None  # by the JSON of the batches' schema; None before the first `prepare`
    _marks: str | None = None  # the quoted name of the table of marks, once it is known to be there

    async def prepare(self, request: sdk.Prepare) -> None:
        """Create the table or add its missing columns, as the parameters allow; refuse columns that do not fit."""
        if request.kind is not sdk.DataKind.RECORD:
            raise sdk.UnsupportedError(f"a table holds records, not {request.kind} items", hint="add a `decode` step")
        async with self._using() as db, db.transaction():
            entry = await self._entry(db, request.schema)
            table = entry.target.table
            if self._mode is WriteMode.REPLACE:
                if request.fresh and self._entries is None:
                    await _swap.restage(db, table)
                elif await _swap.is_staged(db, table):
                    await add_columns(db, _swap.stage_of(table), request.schema.fields)
        self._entries = {**(self._entries or {}), request.schema.model_dump_json(): entry}

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Write one batch in one transaction."""
        return await self._write(batch, None)

    async def committed(self, key: str) -> sdk.Mark | None:
        """Return the mark stored last under `key`."""
        async with self._using() as db:
            marks = await load(db, self._params.schema, _MARKS)
            if marks is None:
                return None
            found = await db.rows(f"SELECT value FROM {marks.sql} WHERE key = {literal(key)}")
        return sdk.Mark(key=key, value=found[0][0]) if found else None

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        """Write one batch and its mark in one transaction."""
        return await self._write(batch, mark)

    async def publish(self) -> None:
        """Put the staged rows in the place of the target's; without a staging table there is nothing to do."""
        if self._mode is not WriteMode.REPLACE:
            return
        async with self._using() as db, db.transaction():
            table = await existing(db, self._params.schema, self._table_name())
            primary = () if table.primary is None else tuple(part.name for part in table.primary.columns)
            await _swap.publish(db, table, self._params.key or primary)

    @property
    def _mode(self) -> WriteMode:
        return self._params.mode or (WriteMode.UPSERT if self._params.key else WriteMode.APPEND)

    async def _entry(self, db: Database, schema: sdk.Schema) -> Entry:
        target = await ready(db, self._params, self._table_name(), schema)
        key = () if self._mode is WriteMode.APPEND else target.key(self._params.key)
        if self._mode is WriteMode.UPSERT or key:
            target.arbiter(key)
        return Entry(target, key)

    async def _write(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        shape = batch.schema.model_dump_json()
        if self._entries is None or shape not in self._entries:
            fresh = self._entries is None
            await self.prepare(sdk.Prepare(kind=sdk.DataKind.RECORD, schema=batch.schema, fresh=fresh))
        entry = (self._entries or {})[shape]
        if mark is not None and self._marks is None:
            self._marks = await self._made_marks()
        try:
            return await self._attempt(entry, batch, mark, careful=False)
        except Refused:
            return await self._attempt(entry, batch, mark, careful=True)

    async def _attempt(
        self, entry: Entry, batch: sdk.IncomingBatch, mark: sdk.Mark | None, *, careful: bool
    ) -> sdk.Receipt:
        table = entry.target.table
        async with self._using() as db, db.transaction():
            await db.run(_STRICT)
            name = table.name
            if self._mode is WriteMode.REPLACE:
                await _swap.resume(db, table)  # a stream that goes on after it was published adds to what is there
                name = _swap.stage_name(table.name)
            receipt = await entry.put(db, table.schema, name, batch, careful=careful)
            if mark is not None:
                values = f"({literal(mark.key)}, {literal(mark.value)})"
                on = "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value"
                await db.run(f"INSERT INTO {self._marks} (key, value) VALUES {values} {on}")
        return receipt

    async def _made_marks(self) -> str:
        """Make the table of marks where there is none, in the schema of the target; return its quoted name."""
        async with self._using() as db, db.transaction():
            marks = await load(db, self._params.schema, _MARKS)
            if marks is None:
                await db.run(LOCK)
                where = "" if self._params.schema is None else identifier(self._params.schema) + "."
                await db.run(f"CREATE TABLE IF NOT EXISTS {where}{_MARKS} (key text PRIMARY KEY, value text NOT NULL)")
                marks = await existing(db, self._params.schema, _MARKS)
        return marks.sql
