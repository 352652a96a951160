"""A session: who is let in, what is said when it fails, and what is left behind."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
from nvisy_plugin_nats import Credentials, Params, Provider
from nvisy_sdk import (
    AuthError,
    ClosedError,
    ConnectionFailedError,
    DataKind,
    PermissionDeniedError,
    ProviderError,
    TimeoutExceededError,
    UnavailableError,
)
from nvisy_sdk.testing import RowBatch, items
from pydantic import ValidationError

from .nats_base import PASSWORD, USER, Base, Server, free_port

Start = Callable[..., Server]


@pytest.fixture
def own(start: Start) -> Base:
    """A server that may be stopped, with data that outlives it."""
    return Base(start())


def batch(stream: str, count: int = 5) -> RowBatch:
    """Return a batch of messages."""
    rows = [{"id": f"m{n}", "subject": f"{stream}.a", "payload": b"x" * 1_000} for n in range(count)]
    return RowBatch(rows, kind=DataKind.MESSAGE)


def connected(base: Base, **params: object) -> Provider:
    """Return a session, opened and closed again."""

    async def use() -> Provider:
        session = await Provider.connect(base.credentials(), base.params(**params))
        await session.disconnect()
        return session

    return asyncio.run(use())


def test_wrong_password_is_told_from_an_absent_server(base: Base) -> None:
    """The one cannot be helped by trying again, the other may."""
    for username, password in ((base.server.user, "wr0ng"), ("nobody", PASSWORD), ("", "")):
        credentials = Credentials.model_validate({"username": username, "password": password})
        with pytest.raises(AuthError, match="refuses the user or the password") as caught:
            asyncio.run(Provider.connect(credentials, base.params()))
        assert not caught.value.retryable
    with pytest.raises(ConnectionFailedError, match=r"no connection to 127\.0\.0\.1") as refused:
        connected(base, port=free_port(), connect_timeout=2)
    assert refused.value.retryable
    assert refused.value.__cause__ is not None
    with pytest.raises(ConnectionFailedError):
        connected(base, host="nowhere.invalid")


def test_first_server_that_answers_is_taken(base: Base) -> None:
    """Those of a list that are down are passed over."""
    servers = [f"127.0.0.1:{free_port()}", f"nats://{base.server.host}:{base.server.port}"]
    for order in (servers, servers[::-1]):
        connected(base, servers=order)


def test_server_that_never_answers_is_a_timeout(base: Base) -> None:
    """Within the time that is given, and without a socket left open."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(TimeoutExceededError, match=r"no answer from 127\.0\.0\.1") as caught:
            connected(base, port=silent.getsockname()[1], connect_timeout=0.5)
        assert time.monotonic() - started < 8
        assert caught.value.retryable
        peer, _ = silent.accept()
        peer.settimeout(5)
        assert peer.recv(1) == b""
        peer.close()


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"INFO {\r\n", b'INFO {"max_payload": 9}\r\n']
)
def test_server_that_is_no_nats_server_is_a_failed_connection(base: Base, said: bytes) -> None:
    """Whatever it says before it hangs up."""

    async def use() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionFailedError):
            await Provider.connect(base.credentials(), base.params(port=port, connect_timeout=3))
        server.close()
        await server.wait_closed()

    asyncio.run(use())


def test_user_without_the_right_is_denied_by_name(start: Start) -> None:
    """The server says so aside; it reaches the call, at once, and the session goes on."""
    config = """
    authorization { users: [
      {user: all, password: p}
      {user: reader, password: p, permissions: {publish: {deny: ["HIDDEN.>", "$JS.API.STREAM.MSG.GET.HIDDEN"]}}}
      {user: deaf, password: p, permissions: {subscribe: {deny: "_INBOX.>"}}}
      {user: mute, password: p, permissions: {publish: {deny: "$JS.API.CONSUMER.>"}}}
    ] }"""
    server = start(config)
    server.user, server.password = "all", "p"
    base = Base(server)
    stream = base.stream("HIDDEN")
    base.numbers(stream, 2)

    def denied() -> "pytest.RaisesExc[PermissionDeniedError]":
        return pytest.raises(PermissionDeniedError, match="the user may not do this: permissions violation")

    async def opened(user: str) -> Provider:
        credentials = Credentials.model_validate({"username": user, "password": "p"})
        return await Provider.connect(credentials, base.params(stream=stream))

    async def use(user: str) -> None:
        session = await opened(user)
        try:
            started = time.monotonic()
            with denied() as caught:
                await (items(session.read(None)) if user == "mute" else session.write(batch(stream)))
            assert time.monotonic() - started < 8
            assert not caught.value.retryable
            if user == "reader":
                assert len(await items(session.read(None))) == 2
        finally:
            await session.disconnect()

    for user in ("reader", "mute"):
        asyncio.run(use(user))
    for _ in range(20):  # the connect itself says it, however its messages are timed
        with denied():
            asyncio.run(opened("deaf"))


def test_session_of_a_server_that_dies_fails_at_once(own: Base) -> None:
    """In the middle of a read and of a write, never as a normal end; the next call works once the server is back."""
    stream = own.stream(storage="file")
    sent = own.numbers(stream, 9)

    async def use() -> None:
        session = await Provider.connect(own.credentials(), own.params(stream=stream, batch_rows=2))
        reading = session.read(None)
        await anext(reading)
        own.server.stop()
        for attempt in (lambda: items(reading), lambda: session.write(batch(stream)), session.check):
            started = time.monotonic()
            with pytest.raises(ConnectionFailedError, match="no connection to") as caught:
                await attempt()
            assert time.monotonic() - started < 8
            assert caught.value.retryable
        with pytest.raises(ConnectionFailedError):
            await Provider.connect(own.credentials(), own.params(connect_timeout=2))
        await asyncio.to_thread(own.server.again)
        assert [row["payload"] for row, _ in await items(session.read(None))] == sent
        assert (await session.write(batch(stream))).accepted == 5
        await session.disconnect()
        with pytest.raises(ClosedError):
            await session.check()

    asyncio.run(use())
    assert len(own.payloads(stream=stream)) == 9 + 5


def test_session_of_a_server_that_hangs_times_out_and_closes(own: Base) -> None:
    """No call waits longer than it may, and neither does closing."""
    stream = own.stream()
    own.numbers(stream, 2_000)  # more than can be on its way when the server stops
    assert own.server.process is not None

    async def use(process: "subprocess.Popen[bytes]") -> None:
        sessions = [
            await Provider.connect(own.credentials(), own.params(stream=stream, batch_rows=2, request_timeout=2.5))
            for _ in range(2)
        ]
        reading = sessions[0].read(None)
        await anext(reading)
        process.send_signal(signal.SIGSTOP)
        try:
            for attempt in (lambda: items(reading), lambda: sessions[0].write(batch(stream, 4_000))):
                started = time.monotonic()
                with pytest.raises(TimeoutExceededError, match=r"no answer from 127.0.0.1:\d+ within 2.5 s"):
                    await attempt()
                assert time.monotonic() - started < 12
            started = time.monotonic()
            await asyncio.gather(*(session.disconnect() for session in (*sessions, *sessions)))
            assert time.monotonic() - started < 12
        finally:
            process.send_signal(signal.SIGCONT)

    asyncio.run(use(own.server.process))


def test_server_without_jetstream_is_named(start: Start) -> None:
    """It is there and lets us in, but nothing answers."""
    server = start()
    server.stop()
    server.command = [part for part in server.command if part != "-js"]
    server.again()
    with pytest.raises(UnavailableError, match="stream T: nothing answers; is JetStream enabled"):
        Base(server).read(stream="T")


def test_reason_for_which_the_server_hangs_up_is_told(base: Base) -> None:
    """It comes aside, right before the end of the connection."""

    async def use() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'INFO {"server_id": "x", "version": "2.15.1", "headers": true, "max_payload": 1000}\r\n')
            for _ in range(3):  # one at the login, two after the subscription
                while not (await reader.readline()).startswith(b"PING"):
                    pass
                writer.write(b"PONG\r\n")
            await reader.readline()
            writer.write(b"-ERR 'User Authentication Expired'\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        session = await Provider.connect(base.credentials(), base.params(port=port))
        with pytest.raises(AuthError, match="refuses the user or the password"):
            await session.check()
        await session.disconnect()
        server.close()
        await server.wait_closed()

    asyncio.run(use())


def test_closed_session_says_so(base: Base) -> None:
    """Every call, also one that is under way; closing again is nothing."""
    stream = base.stream()
    base.numbers(stream, 9)

    async def use() -> None:
        session = await Provider.connect(base.credentials(), base.params(stream=stream, batch_rows=2))
        reading = session.read(None)
        await anext(reading)
        writing = asyncio.create_task(session.write(batch(stream, 5_000)))
        await asyncio.sleep(0)
        await asyncio.gather(session.disconnect(), session.disconnect())
        with pytest.raises(ClosedError, match="the session is closed"):
            await writing
        attempts: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: items(reading),
            lambda: items(session.read(None)),
            lambda: session.write(batch(stream)),
            session.check,
            session.streams,
            session.describe,
        ]
        for attempt in attempts:
            with pytest.raises(ClosedError, match="the session is closed"):
                await attempt()
        await session.disconnect()

    asyncio.run(use())


@types.coroutine
def stepping(work: Coroutine[Any, Any, object], last: int) -> Generator[Any, Any, object]:
    """Await `work`, and cancel the task where it waits for the time `last`."""
    task, steps, waiting = asyncio.current_task(), 0, work.__await__()
    assert task is not None
    thrown: BaseException | None = None
    while True:
        try:
            future = waiting.send(None) if thrown is None else waiting.throw(thrown)
        except StopIteration as done:
            return done.value
        thrown, steps = None, steps + 1
        if steps == last:
            asyncio.get_running_loop().call_soon(task.cancel)
        try:
            yield future
        except BaseException as err:
            thrown = err


def test_cancellation_arrives_at_every_step(base: Base) -> None:
    """Of a connect, a read and a write; the session works afterwards and no task is left."""
    stream = base.stream()
    base.numbers(stream, 6)

    async def cancelled(work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        for steps in range(1, 1_000):
            task = asyncio.create_task(stepping(work(), steps))
            try:
                await task
            except asyncio.CancelledError:
                continue
            return
        raise AssertionError("it does not end")

    async def opening() -> None:
        await (await Provider.connect(base.credentials(), base.params())).disconnect()

    async def use() -> None:
        before = len(asyncio.all_tasks())
        await cancelled(opening)
        session = await Provider.connect(base.credentials(), base.params(stream=stream, batch_rows=2))
        await cancelled(lambda: items(session.read(None)))
        await cancelled(lambda: session.write(batch(stream)))
        assert len(await items(session.read(None))) == 6 + 5
        await session.disconnect()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == before

    asyncio.run(use())


def descriptors() -> set[str]:
    """Return what the process has open, apart from what the loop needs itself."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{entry.name} {entry.readlink()}")
    return {each for each in found if "socket" in each}


def test_sessions_leave_nothing_open(base: Base) -> None:
    """Used, abandoned and failed ones: no task, no socket, no connection at the server."""
    stream = base.stream()
    base.numbers(stream, 6)
    wrong = Credentials.model_validate({"username": USER, "password": "wr0ng"})

    async def use() -> None:
        tasks, sockets = asyncio.all_tasks(), descriptors()
        for _ in range(5):
            session = await Provider.connect(base.credentials(), base.params(stream=stream, batch_rows=2))
            abandoned = session.read(None)
            await anext(abandoned)
            await session.write(batch(stream))
            await session.disconnect()
            with pytest.raises(ClosedError):
                await anext(abandoned)
            with pytest.raises(AuthError):
                await Provider.connect(wrong, base.params())
            with pytest.raises(ConnectionFailedError):
                await Provider.connect(wrong, base.params(port=free_port()))
        await asyncio.sleep(0)
        gc.collect()
        assert asyncio.all_tasks() == tasks
        assert descriptors() == sockets

    asyncio.run(use())


def test_password_is_never_shown(
    base: Base, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not by the objects, the log at its lowest level, the errors with their causes, or what is printed."""
    canary = "c4nary-0f-the-test"
    caplog.set_level(logging.DEBUG)
    credentials = Credentials.model_validate({"username": "someone", "password": canary})
    with pytest.raises(AuthError) as caught:
        asyncio.run(Provider.connect(credentials, base.params()))
    with pytest.raises(ValidationError) as refused:
        Params.model_validate({"servers": [f"nats://someone:{canary}@localhost:4222"]})
    with pytest.raises(ValidationError) as unknown:
        Credentials.model_validate({"username": "someone", "pasword": canary})
    session = connected(base)
    shown = [repr(session), repr(vars(session)), repr(credentials), caplog.text, *capfd.readouterr()]
    error: BaseException | None = caught.value
    while error is not None:
        shown += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    shown += [str(refused.value), str(unknown.value)]
    assert [text for text in shown if canary in text or base.server.password in text] == []
    assert "credentials" in str(refused.value)


def test_errors_say_where(base: Base) -> None:
    """The server's address and the stream."""
    with pytest.raises(ProviderError) as caught:
        base.read(stream="nowhere")
    assert caught.value.context == {"stream": "nowhere"}
    port = free_port()
    with pytest.raises(ProviderError) as refused:
        connected(base, port=port)
    assert refused.value.context == {"server": f"127.0.0.1:{port}"}


def test_library_is_imported_by_the_first_connect_alone() -> None:
    """Listing providers must not load it; when it is missing, the error says what to install."""
    script = """
import sys, asyncio
import nvisy_plugin_nats as plugin
assert not [name for name in sys.modules if name == "nats" or name.startswith("nats.")]
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nats":
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
credentials = plugin.Credentials.model_validate({"username": "u", "password": "p"})
try:
    asyncio.run(plugin.Provider.connect(credentials, plugin.Params()))
except Exception as error:
    print(error.kind, error, error.hint, sep="; ")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "missing_dependency; the package nats-py is not installed; pip install nats-py", (
        done.stderr
    )
