"""A writer that is killed, or cut off, leaves whole batches, each with its mark."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Self, cast

import pytest
from nvisy_plugin_postgres import Provider
from nvisy_sdk import ConnectionFailedError, DataKind, Mark, Prepare, Receipt
from nvisy_sdk.testing import RowBatch

from .postgres_base import Base, Server

ROWS = 500
WRITER = f"""
import asyncio, json, os, sys
from nvisy_plugin_postgres import Credentials, Params, Provider
from nvisy_sdk import DataKind, Mark, Prepare
from nvisy_sdk.testing import RowBatch

async def main():
    params = Params.model_validate_json(sys.argv[1])
    session = await Provider.connect(Credentials.model_validate_json(os.environ["LOGIN"]), params)
    number = int((await session.committed("run") or Mark(key="run", value="0")).value)
    while True:
        rows = [{{"id": number * {ROWS} + i, "v": "x" * 200}} for i in range({ROWS})]
        batch = RowBatch(rows)
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=False))
        number += 1
        await session.write_through(batch, Mark(key="run", value=str(number)))
        print(number, flush=True)

asyncio.run(main())
"""


def writer(base: Base, script: Path, **params: object) -> "subprocess.Popen[str]":
    """Start a process that goes on after the last mark."""
    script.write_text(WRITER)
    login = {"username": base.server.user, "password": base.server.password}
    given = base.params(**params).model_dump_json()
    env = os.environ | {"LOGIN": json.dumps(login)}
    return subprocess.Popen([sys.executable, script, given], stdout=subprocess.PIPE, text=True, env=env)


def whole(base: Base) -> int:
    """Return how many batches the mark tells of, each of which is there once and whole."""
    mark = base.run(lambda session: session.committed("run"), table="t")
    batches = 0 if mark is None else int(mark.value)
    counted = base.sql("SELECT count(*), count(DISTINCT id), coalesce(max(id), -1) FROM t")
    assert counted == [(batches * ROWS, batches * ROWS, batches * ROWS - 1)]
    return batches


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("seed", range(2))
def test_killed_writer_leaves_whole_batches_with_their_mark(base: Base, tmp_path: Path, seed: int, mode: str) -> None:
    """SIGKILL at a random moment, again and again; what was acknowledged is there, and nothing is torn."""
    random, acknowledged = Random(seed), 0
    for _ in range(3):
        process = writer(base, tmp_path / "writer.py", table="t", key=["id"], mode=mode)
        assert process.stdout is not None
        for _ in range(random.randint(1, 8)):
            acknowledged = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        process.stdout.close()
        process.wait()
        base.sql(
            "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; COMMIT", "SELECT 1"
        )  # the killed one has left the server
        assert whole(base) >= acknowledged


class Proxy:
    """Stands before the server and, once it is armed, swallows the answer to a commit and hangs up."""

    def __init__(self, server: Server) -> None:
        self.server, self.armed = server, False
        self._serving: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        for task in self._serving:
            task.cancel()
        await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(cast("asyncio.Task[None]", asyncio.current_task()))
        there, back = await asyncio.open_connection(self.server.host, self.server.port)
        answering = asyncio.create_task(self._answer(there, writer))
        try:
            while piece := await reader.read(65536):
                is_last = self.armed and b"COMMIT" in piece
                if is_last:
                    answering.cancel()
                    await asyncio.wait((answering,))
                back.write(piece)
                if is_last:
                    assert b"COMMIT" in await there.read(65536)
                    break
        except (asyncio.CancelledError, OSError):
            return
        finally:
            answering.cancel()
            for each in (back, writer):
                each.transport.abort()
                with suppress(OSError):
                    await each.wait_closed()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await there.read(65536):
            writer.write(piece)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_answer_that_is_lost_after_the_commit_is_found_in_the_mark(base: Base, mode: str) -> None:
    """The server has committed, the writer never hears of it: the error says try again, the mark says do not."""
    batch = RowBatch([{"id": i, "v": "x"} for i in range(ROWS)])

    async def use() -> None:
        async with Proxy(base.server) as proxy:
            session = await Provider.connect(
                base.credentials(), base.params(table="t", key=["id"], mode=mode, host="127.0.0.1", port=proxy.port)
            )
            await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=True))
            await session.write_through(RowBatch([], schema=batch.schema), Mark(key="run", value="0"))
            proxy.armed = True
            with pytest.raises(ConnectionFailedError):
                await session.write_through(batch, Mark(key="run", value="1"))
            proxy.armed = False
            assert await session.committed("run") == Mark(key="run", value="1")  # by a new connection
            if mode == "upsert":
                assert await session.write_through(batch, Mark(key="run", value="1")) == Receipt(accepted=ROWS)
            await session.disconnect()

    asyncio.run(use())
    assert whole(base) == 1


def test_server_that_is_killed_keeps_what_it_acknowledged(start: Callable[..., Server], tmp_path: Path) -> None:
    """And nothing of the batch that it did not."""
    base = Base(start(fsync="on"))
    base.create()
    process = writer(base, tmp_path / "writer.py", table="t", key=["id"])
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(5)][-1]
    base.server.end(signal.SIGQUIT)
    acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
    process.stdout.close()
    assert process.wait() != 0
    base.server.again()
    assert whole(base) >= acknowledged


def test_writers_side_by_side_lose_nothing(base: Base) -> None:
    """Four sessions add to one table and upsert overlapping rows of another, at once."""

    async def one(number: int) -> None:
        adding = await base.connect(table="t", mode="append")
        putting = await base.connect(table="u", key=["id"])
        for batch in range(5):
            ids = range((number * 5 + batch) * 100, (number * 5 + batch + 1) * 100)
            assert await adding.write(RowBatch([{"id": i} for i in ids])) == Receipt(accepted=100)
            shared = [{"id": i, "v": number} for i in range(50 * batch, 50 * batch + 100)]
            assert await putting.write(RowBatch(shared)) == Receipt(accepted=100)
        await adding.disconnect()
        await putting.disconnect()

    async def use() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(one(number))

    asyncio.run(use())
    assert base.sql("SELECT count(*), count(DISTINCT id) FROM t") == [(2000, 2000)]
    assert base.sql("SELECT count(*), count(DISTINCT id) FROM u") == [(300, 300)]
