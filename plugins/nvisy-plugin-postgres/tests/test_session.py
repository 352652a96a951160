"""A session among others: refused, cancelled, concurrent, closed, cut off."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nvisy_plugin_postgres import Provider
from nvisy_sdk import (
    AuthError,
    ClosedError,
    ConnectionFailedError,
    NotFoundError,
    ProviderError,
    TimeoutExceededError,
    UnavailableError,
)
from nvisy_sdk.testing import items

from .postgres_base import PASSWORD, Base, Server, free_port

SLOW = "SELECT n FROM generate_series(1, 3) AS n, pg_sleep(60)"
LONG = "CREATE TABLE long AS SELECT n, repeat('x', 1000) AS v FROM generate_series(1, 40000) AS n"


async def sessions(base: Base, *, idle: bool = True) -> list[str]:
    """Return the queries of the provider's connections that the server knows of."""
    connection = await base.server.connect()
    try:
        sql = "SELECT query FROM pg_stat_activity WHERE application_name = 'nvisy' AND datname = $1"
        rows = await connection.fetch(sql if idle else f"{sql} AND state = 'active'", base.server.database)
        return [row[0] for row in rows]
    finally:
        await connection.close()


async def until(what: Callable[[], Any], wanted: object) -> None:
    """Ask the server until it says so; a test that asks for ever is ended from outside."""
    while await what() != wanted:
        pass


@pytest.fixture
def long(base: Base) -> Base:
    """Some 40 MB, more than all buffers on the way hold."""
    base.sql(LONG, "ALTER TABLE long ADD PRIMARY KEY (n)")
    return base


def test_wrong_password_user_and_database_are_refused_without_showing_the_password(base: Base) -> None:
    """Each by its own kind, none of them worth trying again."""

    async def attempt(**wrong: str) -> ProviderError:
        credentials = base.credentials(**{key: value for key, value in wrong.items() if key != "database"})
        params = base.params(**{key: value for key, value in wrong.items() if key == "database"})
        with pytest.raises(ProviderError) as caught:
            await Provider.connect(credentials, params)
        assert not caught.value.retryable
        assert caught.value.__cause__ is not None
        said = [str(caught.value), repr(caught.value.__cause__), str(caught.value.hint), str(caught.value.context)]
        assert not [text for text in said if "hunter2" in text or PASSWORD in text]
        return caught.value

    assert isinstance(asyncio.run(attempt(password="hunter2")), AuthError)
    assert isinstance(asyncio.run(attempt(username="nobody", password="hunter2")), AuthError)
    assert isinstance(asyncio.run(attempt(database="nowhere")), NotFoundError)


def test_server_that_is_not_there_is_a_question_of_the_connection(base: Base) -> None:
    """Refused, a name nobody knows, a socket folder without a socket."""

    async def attempt(**params: object) -> None:
        with pytest.raises(ConnectionFailedError) as caught:
            await Provider.connect(base.credentials(), base.params(**params))
        assert caught.value.retryable

    asyncio.run(attempt(port=free_port()))
    asyncio.run(attempt(host="nowhere.invalid"))
    asyncio.run(attempt(host="/nowhere"))


def test_server_that_says_nothing_is_given_up(base: Base) -> None:
    """Within `connect_timeout`, leaving nothing open."""

    async def use() -> None:
        gone = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1_000):
                pass
            writer.close()
            gone.set()

        listening = await asyncio.start_server(listen, "127.0.0.1", 0)
        params = base.params(host="127.0.0.1", port=listening.sockets[0].getsockname()[1], connect_timeout=0.2)
        with pytest.raises(TimeoutExceededError):
            await Provider.connect(base.credentials(), params)
        await gone.wait()
        listening.close()
        await listening.wait_closed()

    asyncio.run(use())


def test_environment_opens_nothing(base: Base, tmp_path: Path) -> None:
    """Neither user, password, service nor certificates are taken from it: a process of its own proves it."""
    (tmp_path / "pgpass").write_text("*:*:*:*:" + base.server.password)
    (tmp_path / "pgpass").chmod(0o600)
    program = (
        "import asyncio, sys; from nvisy_plugin_postgres import *; "
        "asyncio.run(Provider.connect(Credentials(username=sys.argv[2], password='wrong'), Params(host='127.0.0.1', port=int(sys.argv[1]))))"
    )
    environment = {
        **os.environ,
        "PGPASSWORD": base.server.password,
        "PGPASSFILE": str(tmp_path / "pgpass"),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/nowhere",
        "PGSSLNEGOTIATION": "nonsense",
        "PGTARGETSESSIONATTRS": "nonsense",
        "PGGSSLIB": "nonsense",
        "PGDATABASE": base.server.database,
    }
    command = [sys.executable, "-c", program, str(base.server.port), base.server.user]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "AuthError" in ended.stderr.splitlines()[-1], ended.stderr


def test_closing_a_read_stops_the_statement_and_leaves_the_session_usable(long: Base) -> None:
    """In the middle of a long one, and before its first row; the connection goes back to the session."""

    async def use() -> None:
        session = await long.connect(table="long", batch_rows=10)
        for _ in range(3):
            reading = session.read(None)
            await anext(reading)
            await reading.aclose()
            await until(lambda: sessions(long, idle=False), [])
        await session.check()
        assert len(await sessions(long)) == 1
        await session.disconnect()
        session = await long.connect(query=SLOW, key=["n"])
        task = asyncio.create_task(items(session.read(None)))
        await until(lambda: _slow(long), 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: _slow(long), 0)
        await session.check()
        await session.disconnect()

    asyncio.run(use())


async def _slow(base: Base) -> int:
    return len([query for query in await sessions(base, idle=False) if "pg_sleep(60)" in query])


async def _count(base: Base) -> int:
    return len(await sessions(base))


def test_read_that_is_forgotten_gives_back_its_connection(long: Base) -> None:
    """Without being closed by hand."""

    async def use() -> None:
        session = await long.connect(table="long", batch_rows=10)
        reading = session.read(None)
        await anext(reading)
        del reading
        gc.collect()
        await until(lambda: sessions(long, idle=False), [])
        await session.check()
        await session.disconnect()

    asyncio.run(use())


def test_slow_reader_holds_the_server_up(long: Base) -> None:
    """A few batches are ready; beyond them nothing is fetched, so memory does not depend on the stream's length."""

    async def use() -> None:
        session = await long.connect(table="long", batch_rows=100)
        reading = session.read(None)
        for _ in range(8):
            await anext(reading)
        waiting = "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'nvisy' AND state = 'active'"
        connection = await long.server.connect()

        async def event() -> object:
            return await connection.fetchval(waiting)

        await until(event, "ClientWrite")
        await connection.close()
        await reading.aclose()
        await session.disconnect()

    asyncio.run(use())


def test_disconnect_ends_reads_with_closed(long: Base) -> None:
    """One that waits for the server, and one that waits for its reader; nothing can be begun afterwards."""

    async def use() -> None:
        session = await long.connect(query=SLOW, key=["n"])
        slow = asyncio.create_task(items(session.read(None)))
        await until(lambda: _slow(long), 1)
        await session.disconnect()
        with pytest.raises(ClosedError):
            await slow
        other = await long.connect(table="long", batch_rows=10)
        reading = other.read(None)
        await anext(reading)
        await asyncio.gather(other.disconnect(), other.disconnect())
        with pytest.raises(ClosedError):
            await anext(reading)
        for again in (other.check, other.describe, other.streams):
            with pytest.raises(ClosedError):
                await again()
        await until(lambda: sessions(long), [])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())


def test_operations_at_once_have_connections_of_their_own(base: Base) -> None:
    """And keep one of them afterwards."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 500)")

    async def use(session: Provider) -> None:
        for _ in range(2):
            found = await asyncio.gather(*(items(session.read(None)) for _ in range(4)))
            assert [len(one) for one in found] == [500] * 4
        await until(lambda: _count(base), 1)

    base.run(use, table="t", batch_rows=30)


def test_connection_that_breaks_is_an_error_and_the_next_read_has_a_new_one(base: Base) -> None:
    """Killed by an administrator in the middle: worth trying again, and then it works."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v text)",
        "INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(1, 50000) n",
    )
    kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nvisy'"

    async def use(session: Provider) -> None:
        reading, seen = session.read(None), 0
        await anext(reading)
        connection = await base.server.connect()
        assert await connection.fetchval(kill) == 1
        await connection.close()
        with pytest.raises((ConnectionFailedError, UnavailableError)) as caught:
            async for _ in reading:
                seen += 1
        assert caught.value.retryable
        assert seen < 4_999
        assert len(await items(session.read(None))) == 50_000

    base.run(use, table="t", batch_rows=10)


def test_session_lives_through_a_restart_of_the_server(start: Callable[..., Server]) -> None:
    """While it is away, trying again is said to help; afterwards the same session works."""
    server = start()
    base = Base(server, "public")

    async def use() -> None:
        session = await base.connect()
        await session.check()
        await asyncio.to_thread(server.end, signal.SIGQUIT)
        for _ in range(2):
            with pytest.raises(ProviderError) as caught:
                await session.check()
            assert caught.value.retryable
        await asyncio.to_thread(server.again)
        await session.check()
        await asyncio.to_thread(server.end)
        async with asyncio.timeout(3):
            await session.disconnect()

    asyncio.run(use())


def test_operation_on_a_server_that_stands_still_ends_in_time(start: Callable[..., Server]) -> None:
    """A time-out from outside, then the farewell, while the server's processes are stopped."""
    base = Base(start(), "public")
    base.sql(LONG, "ALTER TABLE long ADD PRIMARY KEY (n)")

    async def use() -> None:
        session = await base.connect(table="long", batch_rows=10)
        reading = session.read(None)
        for _ in range(8):
            await anext(reading)
        async with session._using() as db:
            [(pid,)] = await db.rows("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%'")
        os.kill(pid, signal.SIGSTOP)
        try:
            before = asyncio.get_running_loop().time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    async for _ in reading:
                        pass
            await reading.aclose()
            await session.disconnect()
            assert asyncio.get_running_loop().time() - before < 10  # and not for ever
        finally:
            os.kill(pid, signal.SIGCONT)

    asyncio.run(use())


def test_second_cancellation_leaves_nothing_behind(base: Base) -> None:
    """During the clean-up after the first."""

    async def use() -> None:
        session = await base.connect(query=SLOW, key=["n"])
        task = asyncio.create_task(items(session.read(None)))
        await until(lambda: _slow(base), 1)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await session.check()
        await session.disconnect()
        await until(lambda: sessions(base), [])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())
