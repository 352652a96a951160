"""The fault proxy, with real sockets: what it passes, how it fails, what it counts."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from nvisy_sdk.conformance._proxy import FaultProxy


@asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[FaultProxy]:
    """Run a server that answers every line with its double, and a proxy before it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line + line)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = FaultProxy(*server.sockets[0].getsockname()[:2])
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection through the proxy and close it in the end."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def asked(proxy: FaultProxy, text: bytes, size: int) -> bytes:
    """Send a line on a connection of its own and return what comes back until `size` bytes or the end."""
    async with connected(proxy) as (reader, writer):
        writer.write(text)
        return await asyncio.wait_for(reader.readexactly(size), 5)


async def eventually(true: Callable[[], bool]) -> bool:
    """Wait for something to become true, at most 5 s."""
    for _ in range(1_000):
        if true():
            return True
        await asyncio.sleep(0.005)
    return False


def run(test: Callable[[FaultProxy], Awaitable[None]]) -> None:
    """Run a test's coroutine with a fresh server and proxy."""

    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            await test(proxy)

    asyncio.run(main())


def test_proxy_passes_both_ways_when_nothing_is_set() -> None:
    """Bytes arrive unchanged, and are counted with the requests they made."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, writer):
            for number in range(3):
                writer.write(b"%d\n" % number)
                assert await reader.readexactly(4) == b"%d\n%d\n" % (number, number)
            assert (proxy.accepted, proxy.open, proxy.requests) == (1, 1, 3)
        assert (proxy.bytes_up, proxy.bytes_down) == (6, 12)
        assert await eventually(lambda: proxy.open == 0)

    run(test)


def test_proxy_passes_large_answers_when_nothing_is_set() -> None:
    """An answer much larger than any buffer arrives whole."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, writer):
            for _ in range(40):
                writer.write(b"x" * 60_000 + b"\n")
            assert len(await asyncio.wait_for(reader.readexactly(40 * 2 * 60_001), 10)) == 4_800_080

    run(test)


def test_proxy_counts_the_most_open_connections_when_some_have_closed() -> None:
    """`peak` remembers what `open` forgets."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy), connected(proxy):
            assert await eventually(lambda: proxy.open == 2)
        assert await eventually(lambda: proxy.open == 0)
        assert (proxy.peak, proxy.accepted) == (2, 2)

    run(test)


def test_proxy_resets_exactly_there_when_bytes_are_through() -> None:
    """The bytes before the fault arrive, the connection then breaks, and so does every new one until it heals."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.reset_after(5)
        async with connected(proxy) as (reader, writer):
            writer.write(b"abcd\n")
            assert await reader.readexactly(5) == b"abcd\n"
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 5)
        with pytest.raises(ConnectionError):
            await broken_read(proxy)
        await proxy.heal()
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"

    run(test)


async def broken_read(proxy: FaultProxy) -> None:
    """Connect and read; raises what the broken connection raises."""
    async with connected(proxy) as (reader, _):
        await asyncio.wait_for(reader.read(1), 5)


def test_proxy_resets_idle_connections_when_nothing_may_pass() -> None:
    """A reset after no byte breaks what is open, although nothing moves on it."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, _):
            assert await eventually(lambda: proxy.open == 1)
            await proxy.reset_after(0)
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 5)
            assert proxy.open == 0

    run(test)


def test_proxy_resets_upward_when_that_is_the_direction() -> None:
    """The server never sees a request that was cut, so it never answers."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.reset_after(3, "up")
        async with connected(proxy) as (reader, writer):
            writer.write(b"abcd\n")
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 5)
        assert (proxy.bytes_up, proxy.bytes_down) == (3, 0)

    run(test)


def test_proxy_stalls_without_closing_when_bytes_are_through() -> None:
    """A stalled connection is open, silent and swallows what is sent; healing closes it."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.stall_after(2)
        async with connected(proxy) as (reader, writer):
            writer.write(b"abcd\n")
            assert await reader.readexactly(2) == b"ab"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
            writer.write(b"more\n")
            await writer.drain()
            assert proxy.open == 1
            await proxy.heal()
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 5)
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"

    run(test)


def test_proxy_sees_the_provider_leave_when_it_stalls() -> None:
    """A connection that is closed during a stall counts as closed."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.stall_after(0)
        async with connected(proxy) as (_, writer):
            writer.write(b"anyone?\n")
            assert await eventually(lambda: proxy.open == 1)
        assert await eventually(lambda: proxy.open == 0)
        assert proxy.bytes_up == 0

    run(test)


def test_proxy_leaves_a_live_connection_alone_when_it_heals() -> None:
    """Healing without a fault, or with one that has not struck, changes no connection."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, writer):
            await proxy.reset_after(1_000)
            await proxy.heal()
            writer.write(b"ok\n")
            assert await asyncio.wait_for(reader.readexactly(6), 5) == b"ok\nok\n"

    run(test)


def test_proxy_refuses_new_connections_when_told() -> None:
    """Open connections live on, new ones are refused on the same port, until it heals."""

    async def test(proxy: FaultProxy) -> None:
        port = proxy.port
        async with connected(proxy) as (reader, writer):
            assert await eventually(lambda: proxy.open == 1)
            await proxy.refuse()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(proxy.host, proxy.port)
            writer.write(b"ok\n")
            assert await asyncio.wait_for(reader.readexactly(6), 5) == b"ok\nok\n"
        await proxy.heal()
        assert proxy.port == port
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"

    run(test)


def test_proxy_ends_the_way_down_in_good_order_when_half_closed() -> None:
    """The provider sees an end of file, not an error, and a new connection sees it at once."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.half_close_after(4)
        async with connected(proxy) as (reader, writer):
            writer.write(b"abcd\n")
            assert await asyncio.wait_for(reader.read(), 5) == b"abcd"
        async with connected(proxy) as (reader, _):
            assert await asyncio.wait_for(reader.read(), 5) == b""

    run(test)


def test_proxy_slows_down_when_throttled() -> None:
    """4 kB at 10 kB/s need about 0.4 s, and no byte is lost."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.throttle(10_000)
        began = time.monotonic()
        answer = await asked(proxy, b"y" * 999 + b"\n", 2_000)
        assert len(answer) == 2_000
        assert 0.25 < time.monotonic() - began < 4

    run(test)


def test_proxy_holds_answers_back_when_delayed() -> None:
    """An answer comes no sooner than the delay."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.delay(0.1)
        began = time.monotonic()
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"
        assert time.monotonic() - began >= 0.1

    run(test)


def test_proxy_breaks_what_is_open_once_when_dropped() -> None:
    """The open connection is reset; the next one works without healing."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, _):
            assert await eventually(lambda: proxy.open == 1)
            await proxy.drop()
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 5)
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"

    run(test)


def test_proxy_lets_the_answer_through_when_the_provider_closes_its_way_up() -> None:
    """Half closing from below is no reason to lose the answer."""

    async def test(proxy: FaultProxy) -> None:
        async with connected(proxy) as (reader, writer):
            writer.write(b"bye\n")
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 5) == b"bye\nbye\n"

    run(test)


def test_proxy_resets_when_the_server_is_gone() -> None:
    """Without a server behind it, a connection breaks instead of hanging."""

    async def main() -> None:
        spare = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        host, port = spare.sockets[0].getsockname()[:2]
        spare.close()
        await spare.wait_closed()
        proxy = FaultProxy(host, port)
        await proxy.start()
        try:
            with pytest.raises(ConnectionError):
                await broken_read(proxy)
            assert proxy.open == 0
        finally:
            await proxy.stop()

    asyncio.run(main())


def test_proxy_leaves_no_task_when_stopped() -> None:
    """Stopping ends every connection and every task."""

    async def main() -> None:
        async with echo_behind_proxy() as proxy:
            async with connected(proxy) as (reader, _):
                assert await eventually(lambda: proxy.open == 1)
                await proxy.stop()
                assert await asyncio.wait_for(reader.read(), 5) == b""
            names = {task.get_name() for task in asyncio.all_tasks()}
        assert not {name for name in names if name.startswith("proxy")}

    asyncio.run(main())


def untrusting() -> ssl.SSLContext:
    """Return what a client verifies a server with."""
    return ssl.create_default_context()


def trusting() -> ssl.SSLContext:
    """Return what a client believes everybody with."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_proxy_tells_who_believes_an_impostor() -> None:
    """A client that verifies refuses, one that does not is fooled, one without TLS is heard."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.pretend()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(proxy.host, proxy.port, ssl=untrusting())
        assert await eventually(lambda: len(proxy.met) == 1)
        _, writer = await asyncio.open_connection(proxy.host, proxy.port, ssl=trusting())
        writer.transport.abort()
        assert await eventually(lambda: len(proxy.met) == 2)
        async with connected(proxy) as (reader, writer):
            writer.write(b"secret\n")
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert [each.how.value for each in proxy.met] == ["refused", "fooled", "plain"]
        assert proxy.met[-1].said == b"secret\n"
        await proxy.heal()
        assert await asked(proxy, b"hi\n", 6) == b"hi\nhi\n"

    run(test)


def test_proxy_hangs_up_on_a_client_that_waits_to_be_spoken_to() -> None:
    """An impostor does not know the protocol, so a client that says nothing is let go after a second."""

    async def test(proxy: FaultProxy) -> None:
        await proxy.pretend()
        async with connected(proxy) as (reader, _):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert [(each.how.value, each.said) for each in proxy.met] == [("plain", b"")]

    run(test)
