"""Animals that leave something behind, or change what is not theirs."""

from __future__ import annotations

import asyncio
import decimal
import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, ClassVar, Self

import nvisy_sdk as sdk
from nvisy_plugin_shelf._driver import Connection
from nvisy_plugin_shelf.config import Credentials, Params

from tests.kit import reference
from tests.kit.zoo._animal import animal


@animal(breaks="LEAK-01", pattern=r"a read that was cut short leaves behind the task of `Prefetches._wait`")
class Prefetches(reference.Provider):
    """It fetches ahead in a task that ends with the data, and not with the read."""

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        ahead = asyncio.ensure_future(self._wait())
        async for batch in super().read(context):
            yield batch
        ahead.cancel()

    async def _wait(self) -> None:
        while not self._closed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@animal(breaks="LEAK-02", pattern=r"4 sessions that were closed leave behind \d threads: the thread `shelf")
class OrphanThread(reference.Provider):
    """Each session starts a thread, and none is ended."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        threading.Thread(target=threading.Event().wait, args=(20,), name="shelf beats", daemon=True).start()
        return session


@animal(
    breaks="LEAK-03",
    pattern=r"4 sessions that were closed leave behind \d open files and sockets",
    also={"LEAK-06", "ASY-01"},
)
class LeaksFd(reference.Provider):
    """Each session opens a file for its journal."""

    _journals: ClassVar[list[int]] = []

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        read, write = os.pipe()
        cls._journals += [read, write]
        return session


@animal(breaks="LEAK-04", pattern=r"leaves? behind \d open connection", also={"CON-06", "LEAK-03", "CON-09", "ASY-03"})
class LeaksOnFailedRead(reference.Provider):
    """What it opened for a read stays open when the table is not there."""

    _lost: ClassVar[list[Connection]] = []
    _credentials: Credentials

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._credentials = credentials
        return session

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            async for batch in super().read(context):
                yield batch
        except sdk.NotFoundError:
            again = await reference.Provider.connect(self._credentials, self._params)
            self._lost.append(again._connection)
            raise


@animal(breaks="LEAK-06", pattern=r"a ResourceWarning: unclosed", also={"CON-09", "ASY-03", "SEC-12"})
class Unclosed(reference.Provider):
    """It opens a socket to find out its own address, and leaves closing to the garbage collector."""

    async def check(self) -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        await super().check()


@animal(breaks="LEAK-06", pattern=r"a RuntimeWarning: coroutine '.*' was never awaited")
class NeverAwaited(reference.Provider):
    """It forgot an await."""

    async def describe(self) -> sdk.StreamInfo:
        self.check()  # type: ignore[unused-coroutine]
        return await super().describe()


@animal(breaks="LEAK-07", pattern=r"leaves behind \d+ temporary files")
class LeavesTemporaryFiles(reference.Provider):
    """It spools through a temporary file, which it forgets."""

    async def describe(self) -> sdk.StreamInfo:
        await asyncio.to_thread(self._spool)
        return await super().describe()

    def _spool(self) -> None:
        number, path = tempfile.mkstemp(prefix="shelf-")
        os.close(number)
        Path(path).write_text("spooled")


@animal(breaks="LEAK-08", pattern=r"the provider changed the root logger's")
class ConfiguresRootLogger(reference.Provider):
    """It likes its own way of logging."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        logging.basicConfig(level=logging.WARNING)
        return await super().connect(credentials, params)


@animal(breaks="LEAK-08", pattern=r"the time-out of new sockets", also={"ASY-01"})
class SetsSocketTimeout(reference.Provider):
    """It sets a time-out for every socket of the process."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        socket.setdefaulttimeout(params.timeout_ms / 1000)
        return await super().connect(credentials, params)


@animal(breaks="LEAK-08", pattern=r"the decimal context")
class SetsPrecision(reference.Provider):
    """It needs more digits, and takes them for everybody."""

    async def describe(self) -> sdk.StreamInfo:
        decimal.getcontext().prec = 76
        return await super().describe()


@animal(breaks="LEAK-08", pattern=r"the environment variable `SHELF_HOST`")
class SetsEnvironment(reference.Provider):
    """It tells its driver where to go by way of the environment."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        os.environ["SHELF_HOST"] = f"{params.host}:{params.port}"
        return await super().connect(credentials, params)


@animal(breaks="LEAK-08", pattern=r"the handler of SIGUSR2")
class TakesSignal(reference.Provider):
    """It prints its state when it is asked by a signal."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGUSR2, lambda number, frame: None)
        return await super().connect(credentials, params)


@animal(breaks="LEAK-09", pattern=r"leaves behind \d child process", also={"LEAK-06", "LEAK-03"})
class LeavesChild(reference.Provider):
    """It starts a helper, and does not stop it."""

    _children: ClassVar[list[Any]] = []

    async def check(self) -> None:
        self._children.append(await asyncio.to_thread(subprocess.Popen, ["sleep", "3"]))
        await super().check()


@animal(breaks="LEAK-05", pattern=r"every 5 sessions that were closed leave behind \d+ objects")
class GrowsForever(reference.Provider):
    """It remembers every session there ever was."""

    _history: ClassVar[list[object]] = []

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        cls._history.append([[params.table] for _ in range(20)])
        return await super().connect(credentials, params)
