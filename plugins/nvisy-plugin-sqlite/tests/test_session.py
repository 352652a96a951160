"""A session among others: cancelled, concurrent, closed."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from nvisy_plugin_sqlite import Credentials, Params, Provider
from nvisy_sdk import DataKind, Mark, Prepare
from nvisy_sdk.testing import RowBatch, items

from .sqlite_base import Base

COUNT = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000000) SELECT i FROM n"


async def opened(base: Base, **params: object) -> Provider:
    """Open a session."""
    return await Provider.connect(Credentials(), Params.model_validate({"path": base.path, **params}))


def test_sessions_that_write_into_one_new_file_wait_for_each_other(base: Base) -> None:
    """Several sinks of a run in one database: nothing is lost, and each has its own mark."""

    async def one(table: str) -> None:
        session = await opened(base, table=table, key=["id"])
        for number in range(5):
            batch = RowBatch([{"id": number * 100 + i} for i in range(100)])
            await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=False))
            await session.write_through(batch, Mark(key=table, value=str(number)))
        await session.disconnect()

    async def use() -> None:
        await asyncio.gather(*(one(f"t{n}") for n in range(4)))

    asyncio.run(use())
    for n in range(4):
        assert base.sql(f"SELECT count(*) FROM t{n}") == [(500,)]
    assert base.sql("SELECT key, value FROM _nvisy_mark ORDER BY key") == [(f"t{n}", "4") for n in range(4)]


def test_disconnect_stops_a_long_query(base: Base) -> None:
    """It does not wait for its end, and the read ends with an error rather than as if all had been read."""
    base.sql(f"CREATE VIEW v AS {COUNT}")

    async def use() -> None:
        session = await opened(base, table="v", key=["i"])
        reading = asyncio.create_task(items(session.read(None)))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5):
            await session.disconnect()
            with pytest.raises(Exception, match=r"closed|interrupted"):
                await reading

    asyncio.run(use())


def test_cancelled_write_leaves_all_of_a_batch_or_nothing(base: Base) -> None:
    """Cancelled at several moments; the session can be used again."""

    async def use() -> None:
        session = await opened(base, table="t", key=["id"])
        batch = RowBatch([{"id": i} for i in range(20_000)])
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=True))
        for turn in range(6):
            writing = asyncio.create_task(session.write_through(batch, Mark(key="m", value=str(turn))))
            for _ in range(turn):
                await asyncio.sleep(0.002)
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            rows, mark = base.sql("SELECT count(*) FROM t"), await session.committed("m")
            assert (rows == [(20_000,)]) == (mark is not None)
        await session.write(batch)
        await session.disconnect()

    asyncio.run(use())
    assert base.sql("SELECT count(*) FROM t") == [(20_000,)]


def test_abandoned_reads_and_failed_connects_leave_nothing_open(base: Base, tmp_path: Path) -> None:
    """No thread, no lock."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(9)])
    (tmp_path / "bad").write_bytes(b"x" * 4_096)

    async def use() -> None:
        session = await opened(base, table="t", batch_rows=2)
        stream = session.read(None)
        await anext(stream)
        await stream.aclose()
        await session.disconnect()
        for _ in range(3):
            with pytest.raises(Exception, match="not a database"):
                await opened(Base(tmp_path / "bad"))

    asyncio.run(use())
    for thread in threading.enumerate():
        if thread.name.startswith("nvisy-sqlite"):
            thread.join(timeout=10)  # it was told to end; a thread that stays would hang here
            assert not thread.is_alive()
    other = sqlite3.connect(base.path, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    other.close()
