"""Odd systems, and an odd way to reach one: from threads."""

from __future__ import annotations

from pathlib import Path

from tests.kit.herd import member
from tests.kit.herd._services import DescendingService, EventualService, on
from tests.kit.zoo._package import Parcel

THREADED = '''
class Connection:
    """A connection that blocks. Each request runs in a thread and looks now and then whether it is still wanted."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        sock.settimeout(_TICK)
        self._socket = sock
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._last = 0
        self._unsent = b""
        self._received = b""

    @classmethod
    async def open(cls, host: str, port: int, *, seconds: float, **identity: str) -> Self:
        """Connect and say who one is."""
        opened = asyncio.ensure_future(in_thread(socket.create_connection, (host, port), min(seconds, 0.2)))
        try:
            sock = await asyncio.shield(opened)
        except BaseException:
            await _ended(opened)
            if opened.exception() is None:
                opened.result().close()
            raise
        connection = cls(sock, seconds)
        try:
            await connection.call("hello", **identity)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Close the connection: a request under way ends, and is waited for."""
        try:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            async with self._turn:
                pass
        finally:
            self._socket.close()

    async def call(self, operation: str, **request: object) -> dict[str, Any]:
        """Send a request and return the reply. One that is cancelled leaves the connection in order."""
        async with self._turn:
            self._last += 1
            line = json.dumps({"id": self._last, "op": operation, **_written(request)}).encode() + b"\\n"
            given_up = threading.Event()
            running = asyncio.ensure_future(in_thread(self._exchange, line, self._last, given_up))
            try:
                reply = await asyncio.shield(running)
            except BaseException:
                given_up.set()
                await _ended(running)
                raise
        if "error" in reply:
            raise DriverError(**reply["error"])
        return _read(reply["ok"])

    def _exchange(self, line: bytes, number: int, given_up: threading.Event) -> dict[str, Any]:
        until = time_module.monotonic() + self._seconds
        self._unsent += line
        while not given_up.is_set():
            if time_module.monotonic() > until:
                raise TimeoutError("no answer in time")
            with suppress(TimeoutError):
                while self._unsent:
                    self._unsent = self._unsent[self._socket.send(self._unsent) :]
                found = self._next(number)
                if found is not None:
                    return found
        return {"ok": {}}

    def _next(self, number: int) -> dict[str, Any] | None:
        while b"\\n" not in self._received:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionResetError("the service closed the connection")
            self._received += data
        line, _, self._received = self._received.partition(b"\\n")
        reply: dict[str, Any] = json.loads(line)
        return reply if reply.pop("id") == number else None  # an older one answers a request that was cancelled


async def _ended(running: "asyncio.Future[Any]") -> None:
    while not running.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait((running,))
    running.exception()


'''


@member()
def blocking_driver_in_threads(made: Parcel) -> None:
    """Its library knows no asyncio; every call runs in a thread, ends when it is cancelled, and blocks nobody."""
    path = made.package / "_driver.py"
    text = path.read_text()
    begin, end = text.index("class Connection:"), text.index("_VALUES = ")
    text = text[:begin] + THREADED.lstrip() + text[end:]
    text = text.replace(
        "import json\n",
        "import json\nimport socket\nimport threading\nimport time as time_module\n",
        1,
    )
    text = text.replace("from datetime import", "from contextlib import suppress\nfrom datetime import", 1)
    text = text.replace("from uuid import UUID\n", "from uuid import UUID\n\nfrom nvisy_sdk import in_thread\n", 1)
    path.write_text(text.replace("_LINE = ", "_TICK = 0.02  # seconds between two looks\n_LINE = ", 1))


@member(harness=on(DescendingService))
def descending_keyset(made: Parcel) -> None:
    """Reads the newest first, so that what is added later is never after the position."""
    made.edit(
        "__init__.py",
        'sdk.Feature.INCREMENTAL: sdk.Capability.partial("what is added before the position is not seen")',
        'sdk.Feature.INCREMENTAL: sdk.Capability.unsupported("the largest key is read first")',
    )


@member(harness=on(EventualService))
def eventually_consistent(made: Parcel) -> None:
    """A write is seen a moment after its receipt, as declared."""
    _without_marks(made.package / "writer.py")
    made.edit(
        "__init__.py",
        "            sdk.Feature.SNAPSHOT:",
        "            sdk.Feature.CONSISTENCY: sdk.Capability(\n"
        "                state=sdk.CapabilityState.PARTIAL,\n"
        '                mechanism="a follower shows a write a moment later",\n'
        '                limits={"within_ms": 3_000},\n'
        "            ),\n"
        "            sdk.Feature.SNAPSHOT:",
    )


def _without_marks(path: Path) -> None:
    """Take away what promises that data and mark are seen at once."""
    text = path.read_text()
    begin, end = text.index("    async def committed"), text.index("    async def _put")
    path.write_text(text[:begin] + text[end:])
