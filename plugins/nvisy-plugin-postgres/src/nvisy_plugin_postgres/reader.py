"""Reading in the order of a unique key, by COPY in a transaction that sees one state of the database, and looking into one.

The server's bytes become Arrow in the native module. At most two batches wait for who reads; then the server waits too.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final, Self

import nvisy_sdk as sdk

from ._catalogue import Table, load_all
from ._native import Batch, CopyError, Decoder
from ._stream import NULL, TIE, Stream
from .client import Database, Session
from .config import Params

_WAITING: Final = 2  # batches that are ready before they are asked for
_FIRST: Final = (
    4  # batches that are asked for by themselves: who stops after them has the server sort no more than these
)
_MOST_BYTES: Final = 16 * 2**20  # of COPY data in a batch: one of wide rows has fewer of them


class Reader(Session):
    """The session as a source, and as something to look into."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the rows after `context` in the order of the key, at most `batch_rows` at a time."""
        async with self._using() as db:
            stream = await self._stream(db)
            positions = sdk.Keyset(stream.names, stream.fingerprint)
            async with db.transaction(write=False):
                after = None if context is None else await stream.after(db, context)
                await stream.verify(db, after)
                async with _Pump(db, stream, after, self._params.batch_rows) as pump:
                    while (batch := await pump.next()) is not None:
                        yield sdk.Batch(batch, positions, schema=stream.schema)

    async def check(self) -> None:
        """Check that the server answers."""
        async with self._using() as db:
            await db.rows("SELECT 1")

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the tables and views of `schema`, or of the search path, by name. They are not counted."""
        async with self._using() as db:
            return [self._listed(table) for table in await load_all(db, self._params.schema)]

    async def describe(self) -> sdk.StreamInfo:
        """Return what the parameters name, with the columns a read of it yields."""
        async with self._using() as db:
            return await (await self._stream(db)).info(db)

    async def _stream(self, db: Database) -> Stream:
        return await Stream.open(db, self._params, "" if self._params.query else self._table_name())

    def _listed(self, table: Table) -> sdk.StreamInfo:
        try:
            stream = Stream(table, Params(schema=self._params.schema), "")
        except sdk.InvalidConfigError:  # one that needs `key` or `types` hides no other
            return sdk.StreamInfo(name=table.name)
        return sdk.StreamInfo(name=table.name, schema=stream.schema, key=stream.names)


class _Pump:
    """Runs a query in a task of its own and keeps a few batches ready. Leaving it ends the query."""

    def __init__(self, db: Database, stream: Stream, after: Sequence[str] | None, rows: int) -> None:
        self._db, self._stream, self._after, self._rows = db, stream, after, rows
        self._columns = [
            (field.name, read.wire, field.type.model_dump_json(), field.nullable)
            for field, read in zip(stream.schema.fields, stream.readings, strict=True)
        ]
        self._given = 0
        self._ready: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_WAITING)
        self._bytes = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_seen)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def next(self) -> Batch | None:
        """Return the next batch; None at the end."""
        batch = await self._ready.get()
        self._room.release()
        if self._db.is_closed:
            raise sdk.ClosedError("the session is closed")
        if batch is None:
            await self._task
        return batch

    async def _run(self) -> None:
        try:
            first = _FIRST * self._rows if self._stream.proven else None
            await self._copy(self._stream.select(self._after, limit=first))
            if self._given == first:
                await self._copy(self._stream.select(self._after, offset=first))
        except CopyError as err:
            raise self._unreadable(err) from err
        except sdk.InvalidDataError as err:
            fault = next((one for one in (TIE, NULL) if one in err.message), None)
            if fault is None:
                raise
            raise self._stream.fault(fault) from err
        finally:
            self._ready.put_nowait(None)

    async def _copy(self, select: str) -> None:
        self._decoder = Decoder(self._columns)
        await self._db.copy_out(select, self._take)
        self._decoder.finish()
        await self._hand_over(self._decoder.feed(b""), least=1)

    async def _take(self, data: bytes) -> None:
        self._bytes += len(data)
        try:
            complete = self._decoder.feed(data)
            await self._hand_over(complete, least=1 if self._bytes >= _MOST_BYTES else self._rows)
        except CopyError as err:
            raise self._unreadable(err) from err

    async def _hand_over(self, complete: int, *, least: int) -> None:
        """Give batches away as long as so many rows are complete."""
        while complete >= least:
            await self._room.acquire()
            batch = self._decoder.take(self._rows)
            assert batch is not None  # there are complete rows
            complete -= len(batch)
            self._given += len(batch)
            self._bytes = 0
            self._ready.put_nowait(batch)

    def _unreadable(self, error: CopyError) -> sdk.InvalidDataError:
        hint = "read that column as text, with `types`, or read a view or `query` that casts it"
        return sdk.InvalidDataError(
            f"{self._stream.name}: {error}", hint=hint, context={"table": self._stream.table.name}
        )


def _seen(task: "asyncio.Task[None]") -> None:
    """Look at the task's exception, so that asyncio does not report one that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
