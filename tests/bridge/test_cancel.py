"""Dropping a Rust future or stream cancels the Python task behind it, started or not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Self

import pytest
from nvisy_sdk import Batch, ClosedError, Context, IncomingBatch, Keyset, NoCredentials, Receipt, RelationalParams

from tests.bridge.support import FINGERPRINT, Base, close, eventually, one_batch, open_session

WIDE = 20 * 1024 * 1024  # bytes; more than the channel takes before it asks the pump to wait


class Waiting(Base):
    """Reads, writes and checks until it is cancelled."""

    log: list[str]
    sleep = 0.0

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        await self._forever("read")
        yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))

    async def write(self, batch: IncomingBatch) -> Receipt:
        await self._forever("write")
        return Receipt(accepted=len(batch))

    async def check(self) -> None:
        time.sleep(self.sleep)  # noqa: ASYNC251 (the test wants the loop held)
        await self._forever("check")

    async def streams(self) -> list[object]:
        return []

    async def describe(self) -> None:
        raise NotImplementedError

    async def _forever(self, what: str) -> None:
        self.log.append(f"{what} began")
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{what} ended on {threading.current_thread().name}")


def fresh(**attributes: object) -> type[Waiting]:
    """The provider with a log of its own."""
    return type("Fresh", (Waiting,), {"log": [], **attributes})


def test_read_is_cancelled_when_its_stream_is_dropped() -> None:
    """A read that waits ends on the loop thread soon after the drop."""
    found = fresh()
    session = open_session(found)
    stream = session.read()
    assert eventually(lambda: found.log == ["read began"])
    stream.drop()
    assert eventually(lambda: found.log == ["read began", "read ended on nvisy-loop"])
    close(session)


@pytest.mark.parametrize("method", ["check", "write"])
def test_call_is_cancelled_when_its_future_is_dropped(method: str) -> None:
    """A call that waits ends on the loop thread soon after the drop, and the session goes on."""
    found = fresh()
    session = open_session(found)
    pending = session.begin(method, batch=one_batch() if method == "write" else None)
    assert eventually(lambda: found.log == [f"{method} began"])
    pending.drop()
    assert eventually(lambda: len(found.log) == 2)
    assert found.log[1] == f"{method} ended on nvisy-loop"
    assert session.begin("streams").wait() == "[]"
    close(session)


def test_read_and_call_never_begin_when_dropped_before_the_loop_took_them() -> None:
    """What is dropped while the loop is busy elsewhere does not even begin."""
    found = fresh(sleep=0.4)
    session = open_session(found)
    busy = session.begin("check")
    time.sleep(0.1)
    stream, call = session.read(), session.begin("check")
    stream.drop()
    call.drop()
    assert eventually(lambda: found.log == ["check began"])
    busy.drop()
    assert eventually(lambda: len(found.log) == 2)
    close(session)
    assert found.log == ["check began", "check ended on nvisy-loop"]


def test_write_never_begins_when_dropped_behind_another() -> None:
    """A write in the inbox is taken out of it; the one before it goes on, the one after it is next."""
    found = fresh()
    session = open_session(found)
    batch = one_batch()
    first, second, third = (session.begin("write", batch=batch) for _ in range(3))
    assert eventually(lambda: found.log == ["write began"])
    second.drop()
    first.drop()
    assert eventually(lambda: found.log.count("write began") == 2)
    third.drop()
    assert eventually(lambda: len(found.log) == 4)
    close(session)
    assert found.log.count("write began") == 2


def test_generator_runs_its_finally_on_the_loop_thread_when_abandoned_at_a_yield() -> None:
    """A generator that stands at a `yield`, because the channel is full, is closed where it lives."""
    ended: list[str] = []

    class Suspended(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            try:
                while True:
                    yield Batch([{"id": 1, "data": b"x" * WIDE}], Keyset(("id",), FINGERPRINT))
            finally:
                await asyncio.sleep(0)
                ended.append(threading.current_thread().name)

    session = open_session(Suspended)
    stream = session.read()
    assert stream.next() is not None
    stream.drop()
    assert eventually(lambda: ended == ["nvisy-loop"])
    close(session)


def test_generator_that_swallows_the_cancellation_is_closed_all_the_same() -> None:
    """`except CancelledError: continue` in a provider does not keep a stream alive."""
    ended: list[str] = []

    class Stubborn(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            try:
                while True:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(3600)
                    yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))
            finally:
                ended.append(threading.current_thread().name)

    session = open_session(Stubborn)
    stream = session.read()
    with pytest.raises(TimeoutError):
        stream.next(0.2)
    stream.drop()
    assert eventually(lambda: ended == ["nvisy-loop"])
    close(session)


@pytest.mark.parametrize("swallows", [False, True])
def test_connect_leaves_nothing_open_when_dropped(swallows: bool) -> None:
    """A connect that is dropped is cancelled; one that succeeds all the same is disconnected."""
    log: list[str] = []

    class Slow(Base):
        @classmethod
        async def connect(cls, credentials: NoCredentials, params: RelationalParams) -> Self:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                log.append("cancelled")
                if not swallows:
                    raise
            return cls(credentials, params)

        async def disconnect(self) -> None:
            log.append("disconnected")

        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            yield Batch([], Keyset(("id",), FINGERPRINT))

    with pytest.raises(TimeoutError):
        open_session(Slow, timeout=0.3)
    wanted = ["cancelled", "disconnected"] if swallows else ["cancelled"]
    assert eventually(lambda: log == wanted)


def test_session_is_disconnected_when_dropped() -> None:
    """A session that Rust forgets is disconnected, its streams first."""
    log: list[str] = []

    class Logged(Waiting):
        async def disconnect(self) -> None:
            log.append("disconnected")

    found = type("Fresh", (Logged,), {"log": log})
    session = open_session(found)
    stream = session.read()
    assert eventually(lambda: log == ["read began"])
    session.drop()
    stream.drop()
    assert eventually(lambda: log == ["read began", "read ended on nvisy-loop", "disconnected"])


def test_cancellation_escalates_and_disconnect_stays_possible(caplog: pytest.LogCaptureFixture) -> None:
    """A task that ignores its cancellation poisons its session, is named with its stack, and does not bar the end."""
    log: list[str] = []
    let_go = threading.Event()

    class Deaf(Base):
        async def disconnect(self) -> None:
            log.append("disconnected")

        async def check(self) -> None:
            while not let_go.is_set():
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    log.append("ignored")

        async def streams(self) -> list[object]:
            return []

        async def describe(self) -> None:
            raise NotImplementedError

        async def write(self, batch: IncomingBatch) -> Receipt:
            return Receipt(accepted=len(batch))

    session = open_session(Deaf, name="deaf")
    with caplog.at_level(logging.WARNING, logger="nvisy"):
        pending = session.begin("check")
        time.sleep(0.1)
        pending.drop()
        assert eventually(lambda: "after it was cancelled" in caplog.text, timeout=8)
    assert "provider deaf" in caplog.text
    assert "in check" in caplog.text
    with pytest.raises(ClosedError, match="cannot be used any more"):
        session.begin("streams").wait()
    with pytest.raises(ClosedError, match="cannot be used any more"):
        session.begin("write", batch=one_batch()).wait()
    let_go.set()
    close(session)
    assert "disconnected" in log
