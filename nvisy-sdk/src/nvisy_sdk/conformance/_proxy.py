"""A TCP proxy before the provider's server that can fail on command, and that counts what goes through it.

It passes bytes and knows no protocol. It stands on 127.0.0.1, lives on the loop that starts it, and every method that
changes it is a coroutine of that loop. Its counters can be read from any thread.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias

from ._impostor import Met, meet

Direction: TypeAlias = Literal["up", "down"]
"""`up` goes to the server, `down` to the provider."""

_CHUNK: Final = 65536
_BACKLOG: Final = 128
_STEPS: Final = 50  # portions per second of a throttled connection
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST and forgets what waits


class _Strike(Enum):
    RESET = "reset"
    STALL = "stall"
    HALF_CLOSE = "half_close"


@dataclass(slots=True)
class _Fault:
    strike: _Strike
    direction: Direction
    left: int


@dataclass(slots=True, eq=False)
class _Link:
    client: socket.socket
    server: socket.socket | None = None
    task: "asyncio.Task[None] | None" = None
    turn: Direction = "down"
    stalled: bool = False
    left: bool = False
    closed: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        with contextlib.suppress(OSError):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self.task is not None:
                self.task.cancel()


class FaultProxy:
    """Pass everything through until told otherwise.

    A fault that begins "after" some bytes counts the bytes of all connections from the moment it is set; when they are
    through it strikes every open connection, and every new one until `heal`. One fault holds at a time, besides `refuse`,
    `throttle` and `delay`.

    Args:
        host: Address of the server.
        port: Port of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.accepted = 0
        """Connections since the start."""
        self.peak = 0
        """Most connections that were open at once."""
        self.bytes_up = 0
        self.bytes_down = 0
        self.requests = 0
        """Bursts of bytes upward: on a protocol of request and answer, its requests."""
        self._server = (host, port)
        self._holder: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._links: set[_Link] = set()
        self._fault: _Fault | None = None
        self._rate: int | None = None
        self._delay = 0.0
        self._pretending = False
        self.met: list[Met] = []
        """Connections that were made while it pretended to be the server."""

    @property
    def open(self) -> int:
        """How many connections the provider holds open."""
        return sum(not link.closed and not link.left for link in tuple(self._links))

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Listen on a free port."""
        self._holder = self._bound(0)  # never listens: it keeps the port while connections are refused
        self.port = self._holder.getsockname()[1]
        self._listen()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        await self._refuse()
        await self._close(list(self._links), reset=False)
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    async def heal(self) -> None:
        """Pass everything through again. Connections that are stalled or cut are closed; the others live on."""
        self._fault = None
        self._rate = None
        self._delay = 0.0
        self._pretending = False
        if self._holder is not None and self._listener is None:
            self._listen()
        await self._close([link for link in tuple(self._links) if link.stalled], reset=True)

    # ------------------------------------------------------------------ faults

    async def reset_after(self, count: int, direction: Direction = "down") -> None:
        """Reset every connection once so many bytes went that way."""
        await self._begin(_Fault(_Strike.RESET, direction, count))

    async def stall_after(self, count: int, direction: Direction = "down") -> None:
        """Pass nothing more once so many bytes went that way; connections stay open, new ones are accepted."""
        await self._begin(_Fault(_Strike.STALL, direction, count))

    async def half_close_after(self, count: int) -> None:
        """End the way down in good order once so many bytes went there, as a server does that goes away."""
        await self._begin(_Fault(_Strike.HALF_CLOSE, "down", count))

    async def throttle(self, bytes_per_second: int) -> None:
        """Pass no more bytes per second than that, on each connection and each way."""
        self._rate = max(1, bytes_per_second)

    async def delay(self, seconds: float) -> None:
        """Hold back every portion on its way down for that long."""
        self._delay = seconds

    async def refuse(self) -> None:
        """Refuse new connections; those that are open live on."""
        await self._refuse()

    async def pretend(self) -> None:
        """Be an impostor to new connections: shake hands with a certificate that nobody has signed, then hang up."""
        self._pretending = True

    async def drop(self) -> None:
        """Reset every connection that is open now, once; new ones are accepted."""
        await self._close(list(self._links), reset=True)

    async def _begin(self, fault: _Fault) -> None:
        self._fault = fault
        if fault.left <= 0:
            await self._struck()

    async def _struck(self) -> None:
        fault = self._fault
        if fault is None:
            return
        if fault.strike is _Strike.RESET:
            await self._close(list(self._links), reset=True)
        for link in tuple(self._links):
            self._apply(link, fault)

    def _apply(self, link: _Link, fault: _Fault) -> None:
        if fault.strike is _Strike.RESET:
            link.reset()
            link.close()
        elif fault.strike is _Strike.HALF_CLOSE and not link.stalled:
            with contextlib.suppress(OSError):
                link.client.shutdown(socket.SHUT_WR)
            link.stalled = True

    # ------------------------------------------------------------------ connections

    def _bound(self, port: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setblocking(False)
        bound.bind((self.host, port))
        return bound

    def _listen(self) -> None:
        self._listener = self._bound(self.port)
        self._listener.listen(_BACKLOG)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._listener), name="proxy accepts")

    async def _refuse(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait((self._accepting,))
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client)
            self._links.add(link)
            self.accepted += 1
            self.peak = max(self.peak, self.open)
            link.task = loop.create_task(self._serve(link), name="proxy connection")

    async def _close(self, links: list[_Link], *, reset: bool) -> None:
        tasks = []
        for link in links:
            if reset:
                link.reset()
            link.close()
            if link.task is not None and link.task is not asyncio.current_task():
                tasks.append(link.task)
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, link: _Link) -> None:
        pumps: list[asyncio.Task[None]] = []
        try:
            if self._hit():
                self._apply(link, self._fault)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            if self._pretending:
                self.met.append(await meet(link.client))
                return
            link.server = await self._reach()
            loop = asyncio.get_running_loop()
            pumps.append(loop.create_task(self._up(link, link.server), name="proxy up"))
            pumps.append(loop.create_task(self._down(link, link.server), name="proxy down"))
            await pumps[0]  # the provider's end decides how long a connection is open
        except OSError:
            link.reset()
        except asyncio.CancelledError:
            if not link.closed:
                raise
        finally:
            link.closed = True
            for pump in pumps:
                pump.cancel()
            if pumps:
                await asyncio.wait(pumps)
            link.client.close()
            if link.server is not None:
                link.server.close()
            self._links.discard(link)

    async def _reach(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        host, port = self._server
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        try:
            server.setblocking(False)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(server, (host, port))
        except BaseException:
            server.close()
            raise
        return server

    # ------------------------------------------------------------------ bytes

    def _hit(self) -> bool:
        return self._fault is not None and self._fault.left <= 0

    async def _up(self, link: _Link, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        broken = False
        while data := await loop.sock_recv(link.client, self._portion()):
            while data and not broken:
                data, now = await self._pass(link, "up", data)
                if now is None:
                    break  # a stalled or cut connection swallows what the provider sends
                self.bytes_up += len(now)
                self.requests += link.turn == "down"
                link.turn = "up"
                try:
                    await loop.sock_sendall(server, now)
                except OSError:
                    broken = True  # the server is gone; wait for the provider to see it
                await self._passed("up", len(now))
        link.left = True
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)
        if link.stalled:
            return
        with contextlib.suppress(TimeoutError):  # the provider may have closed one way only: let the answer through
            async with asyncio.timeout(1):
                await link.answered.wait()

    async def _down(self, link: _Link, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(server, self._portion()):
                if self._delay:
                    await asyncio.sleep(self._delay)
                while data:
                    data, now = await self._pass(link, "down", data)
                    if now is None:
                        break
                    self.bytes_down += len(now)
                    link.turn = "down"
                    await loop.sock_sendall(link.client, now)
                    await self._passed("down", len(now))
        except OSError:
            link.reset()
            link.close()
            return
        link.answered.set()
        if not link.stalled and not self._hit():
            with contextlib.suppress(OSError):
                link.client.shutdown(socket.SHUT_WR)

    def _portion(self) -> int:
        return _CHUNK if self._rate is None else max(1, min(_CHUNK, self._rate // _STEPS))

    async def _pass(self, link: _Link, direction: Direction, data: bytes) -> tuple[bytes, bytes | None]:
        """Return what has to wait and what may go now; None when nothing goes any more."""
        if self._rate is not None:
            await asyncio.sleep(len(data) / self._rate)
        fault = self._fault
        if link.stalled or self._hit():
            link.stalled = True
            return b"", None
        if fault is None or fault.direction != direction:
            return b"", data
        return data[fault.left :], data[: fault.left]

    async def _passed(self, direction: Direction, count: int) -> None:
        fault = self._fault
        if fault is not None and fault.direction == direction and fault.left > 0:
            fault.left -= count
            if fault.left <= 0:
                await self._struck()
