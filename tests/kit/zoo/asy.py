"""Animals that block the loop, cannot be stopped, fetch without end or lose what happens in the background."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
import time
from contextlib import suppress
from typing import Any, ClassVar, Self

import nvisy_sdk as sdk
from nvisy_plugin_shelf._driver import Connection
from nvisy_plugin_shelf.config import Credentials, Params
from nvisy_sdk.testing import RowBatch

from tests.kit import reference
from tests.kit.zoo._animal import animal


@animal(breaks="ASY-01", pattern=r"sleeping 0.001 s blocks the event loop, at asy.py:\d+ in SleepsSync.connect")
class SleepsSync(reference.Provider):
    """It waits a moment before it connects, and everybody waits with it."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        time.sleep(0.001)  # noqa: ASYNC251
        return await super().connect(credentials, params)


@animal(breaks="ASY-01", pattern=r"looking up a host's name blocks the event loop")
class BlockingDns(reference.Provider):
    """It resolves the host itself."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        socket.getaddrinfo("localhost", params.port)
        return await super().connect(credentials, params)


@animal(breaks="ASY-01", pattern=r"connecting a blocking socket blocks", also={"LEAK-04", "ERR-01"})
class SyncProbe(reference.Provider):
    """It tries the port with a plain socket first."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            socket.create_connection((params.host, params.port), timeout=1).close()
        except OSError as err:
            raise sdk.ConnectionFailedError(str(err)) from err
        return await super().connect(credentials, params)


@animal(breaks="ASY-01", pattern=r"opening the file `shelf.ini` blocks")
class ReadsConfig(reference.Provider):
    """It looks for a file of settings."""

    async def check(self) -> None:
        try:
            with open("shelf.ini") as file:  # noqa: ASYNC230, PTH123
                file.read()
        except OSError:
            pass
        await super().check()


@animal(
    breaks="ASY-01",
    pattern=r"stood still for \d+ ms while the server took",
    also={"ASY-02", "ASY-03", "ASY-05", "ERR-06", "ASY-16"},
    patience=10.0,
)
class SyncDriver(reference.Provider):
    """Its driver waits for the answer on the loop's thread: seen by no audit event, only by the loop."""

    async def check(self) -> None:
        waiting = asyncio.ensure_future(super().check())
        until = time.monotonic() + 0.2
        while not waiting.done() and time.monotonic() < until:
            await asyncio.sleep(0)
            _spin(0.12)
        await waiting


def _spin(seconds: float) -> None:
    until = time.thread_time() + seconds  # of the processor: on a busy machine the clock on the wall runs without us
    while time.thread_time() < until:
        pass


@animal(breaks="ASY-02", pattern=r"the event loop stood still for \d+ ms", also={"PERF-06"}, patience=10.0)
class CpuHog(reference.Provider):
    """It makes sure of every row, thoroughly."""

    def _batch(self, rows: list[dict[str, object]], key: tuple[str, ...], schema: sdk.Schema | None) -> sdk.Batch:
        for row in rows:
            hashlib.pbkdf2_hmac("sha256", repr(row).encode(), b"salt", 12_000)
        return super()._batch(rows, key, schema)


@animal(breaks="ASY-03", pattern=r"check, cancelled at await point 1 .*returned normally", also={"ASY-05", "ERR-06"})
class SwallowsCancel(reference.Provider):
    """Nobody asked it to stop its health check."""

    async def check(self) -> None:
        try:
            await super().check()
        except asyncio.CancelledError:
            return


@animal(breaks="ASY-03", pattern=r"disconnect, cancelled at .* leaves behind", also={"LEAK-04"})
class UnshieldedDisconnect(reference.Provider):
    """It says goodbye first; interrupted there, it never closes."""

    async def disconnect(self) -> None:
        if not self._closed:
            self._closed = True
            with suppress(OSError):
                await self._connection.call("streams")
            await self._connection.close()


@animal(
    breaks="ASY-05",
    pattern=r"reading on (with a time-out of 0.1 s did not end|ended \d+ ms after it was timed out)",
    also={"ASY-03", "ERR-06", "ASY-16", "LEAK-01"},
)
class IgnoresCancelWhileBusy(reference.Provider):
    """A page that was asked for must arrive, it thinks, however long that takes."""

    async def _page(self, key: Any, after: Any) -> Any:
        task = asyncio.ensure_future(super()._page(key, after))
        cancelled = False
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError
        return task.result()


@animal(
    breaks="ASY-06",
    pattern=r"after the first of 20 batches \d+ of \d+ bytes had been fetched",
    also={"PERF-03", "PERF-04", "LEAK-01"},
)
class FetchAll(reference.Provider):
    """It fetches everything, then hands it out in pages."""

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        batches = [batch async for batch in super().read(context)]
        for batch in batches:
            yield batch


@animal(breaks="ASY-08", pattern=r"leaves behind the task of `OrphanTask._beat`", also={"ASY-03"})
class OrphanTask(reference.Provider):
    """It starts a heartbeat that nobody stops."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._heart = asyncio.ensure_future(cls._beat())
        return session

    _heart: asyncio.Task[None]

    @staticmethod
    async def _beat() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(30)


@animal(
    breaks="ASY-09",
    pattern=r"in a second event loop raised|in three event loops at once raised|working in .* did not end",
    also={"CON-14", "SIG-05"},
)
class LoopBound(reference.Provider):
    """It keeps a lock for the whole process, which belongs to the loop that used it first."""

    _turn: ClassVar[asyncio.Event | None] = None
    _loop: ClassVar[asyncio.AbstractEventLoop | None] = None

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        if cls._loop is None or cls._loop.is_closed():
            cls._loop = asyncio.get_running_loop()
        waiting = cls._loop.create_future()
        cls._loop.call_soon_threadsafe(waiting.set_result, None)
        await waiting
        return await super().connect(credentials, params)


@animal(breaks="ASY-12", pattern=r"never retrieved: RuntimeError: the cache is cold")
class LostTaskError(reference.Provider):
    """It warms a cache in the background, and never looks how that went."""

    async def describe(self) -> sdk.StreamInfo:
        asyncio.ensure_future(self._warm())  # noqa: RUF006
        return await super().describe()

    async def _warm(self) -> None:
        raise RuntimeError("the cache is cold")


@animal(
    breaks="ASY-14",
    pattern=r"a read that was forgotten leaves behind",
    also={"LEAK-04", "CON-10", "ASY-16", "READ-12", "LEAK-03"},
)
class GeneratorLeak(reference.Provider):
    """Each read has a connection of its own, given back at the end of the data and nowhere else."""

    _credentials: Credentials

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._credentials = credentials
        session._extra = []
        return session

    _extra: list[Connection]

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        other = await reference.Provider.connect(self._credentials, self._params) if not self._closed else self
        self._extra.append(other._connection)
        async for batch in reference.Provider.read(other, context):
            yield batch
        await other._connection.close()

    async def disconnect(self) -> None:
        for connection in self._extra:
            await connection.close()
        await super().disconnect()


@animal(
    breaks="ASY-16",
    pattern=r"closing a read .*did not end within 1 s",
    also={"LEAK-01", "LEAK-04", "ASY-03", "ASY-14", "CON-15", "ASY-05"},
)
class HangsOnClose(reference.Provider):
    """When a read is closed early, it reads on to the end in order to leave the connection clean."""

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        stream = super().read(context)
        try:
            async for batch in stream:
                yield batch
        except GeneratorExit:
            await self._connection.call("streams")
            raise


@animal(breaks="ASY-04", pattern=r"connect, cancelled at .* and again 1 later, leaves behind 1 open connection")
class CancelInCleanup(reference.Provider):
    """Interrupted while it connects, it says goodbye before it closes; interrupted there, it does not close."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        try:
            await session._call("streams")
        except asyncio.CancelledError:
            # Something may well hold the session: garbage collection is not what closes it.
            asyncio.get_running_loop().call_later(60, id, session)
            await session._call("streams")
            await session.disconnect()
            raise
        return session


@animal(breaks="ASY-11", pattern=r"without the caller's context variables")
class LosesContext(reference.Provider):
    """It takes a batch apart in a thread of its own making."""

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        rows = await asyncio.get_running_loop().run_in_executor(None, batch.rows)
        return await super().write(RowBatch(rows, schema=batch.schema, kind=batch.kind))


@animal(breaks="ASY-13", pattern=r"60 calls at once started \d+ threads")
class UnboundedPool(reference.Provider):
    """Each check is a thread."""

    async def check(self) -> None:
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def beat() -> None:
            time.sleep(0.3)  # longer than it takes to start sixty of them on a crowded machine
            loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=beat)
        thread.start()
        await done.wait()
        await super().check()
