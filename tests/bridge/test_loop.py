"""The loop thread: who blocks it is named, and context variables last as long as a session."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Self

import pyarrow as pa
import pytest
from nvisy import host
from nvisy_sdk import Batch, Context, IncomingBatch, Keyset, NoCredentials, Receipt, RelationalParams

from tests.bridge.support import FINGERPRINT, Base, close, drain, eventually, open_session

MEBIBYTE = 1024 * 1024
trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="none")


def test_provider_that_blocks_the_loop_is_named_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    """A `time.sleep` in a provider is found by its provider's name and the line it is on."""

    class Sleepy(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            dawdle()
            yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))

    def dawdle() -> None:
        time.sleep(2.2)

    before = len(host.blocked())
    session = open_session(Sleepy, name="sleepy")
    with caplog.at_level(logging.WARNING, logger="nvisy"):
        assert drain(session.read()) == [{"id": 1}]
    close(session)
    assert eventually(lambda: len(host.blocked()) > before)
    blocked = host.blocked()[-1]
    assert blocked.provider == "sleepy"
    assert "in dawdle" in blocked.stack
    assert "time.sleep(2.2)" in blocked.stack
    assert "provider sleepy has blocked the event loop" in caplog.text


def test_context_variables_survive_reads_and_calls_and_stay_in_their_session() -> None:
    """What `connect` and a read set is there at the next read and in a write; another session sees none of it."""
    seen: list[str] = []

    class Traced(Base):
        @classmethod
        async def connect(cls, credentials: NoCredentials, params: RelationalParams) -> Self:
            seen.append(trace.get())
            trace.set("connect")
            return cls(credentials, params)

        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            for number in range(3):
                seen.append(trace.get())
                trace.set(f"read {number}")
                yield Batch([{"id": number}], Keyset(("id",), FINGERPRINT))

        async def write(self, batch: IncomingBatch) -> Receipt:
            seen.append(trace.get())
            return Receipt(accepted=len(batch))

    session = open_session(Traced)
    stream = session.read()
    batch = stream.next()
    drain(stream)
    session.begin("write", batch=batch).wait()
    assert seen == ["none", "connect", "read 0", "read 1", "read 2"]
    close(open_session(Traced))
    assert seen[-1] == "none"
    close(session)


def test_source_is_held_back_in_bytes_and_woken_again() -> None:
    """A source that nobody reads stops after some megabytes, and goes on when there is room."""
    made: list[int] = []

    class Endless(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            while True:
                made.append(len(made))
                yield Batch([{"id": len(made), "data": b"x" * MEBIBYTE}], Keyset(("id",), FINGERPRINT))

    session = open_session(Endless)
    stream = session.read()
    assert eventually(lambda: len(made) >= 16)
    time.sleep(0.2)
    assert len(made) <= 17
    for number in range(1, 41):
        batch = stream.next()
        assert batch is not None
        assert batch.rows()[0]["id"] == number
    assert len(made) <= 40 + 17
    stream.drop()
    close(session)


def test_foreign_arrow_memory_is_released_on_the_loop_thread() -> None:
    """A batch that ends on a thread of Rust hands its producer's memory back where Python may run."""
    released: list[str] = []

    class Owner:
        """Keeps the bytes until the last array of them is gone."""

        def __init__(self) -> None:
            self.array = (ctypes.c_int64 * 4)(0, 1, 2, 3)

        def __del__(self) -> None:
            released.append(threading.current_thread().name)

    class Foreign(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            owner = Owner()
            buffer = pa.foreign_buffer(ctypes.addressof(owner.array), 32, base=owner)
            del owner
            column = pa.Array.from_buffers(pa.int64(), 4, [None, buffer])
            del buffer
            data = pa.RecordBatch.from_arrays([column], names=["id"])
            del column
            yield Batch(data, Keyset(("id",), FINGERPRINT))
            del data
            await asyncio.Event().wait()

    session = open_session(Foreign)
    stream = session.read()
    batch = stream.next()
    assert batch is not None
    assert [row["id"] for row in batch.rows()] == [0, 1, 2, 3]
    stream.drop()
    del stream
    time.sleep(0.1)
    assert released == []
    del batch
    close(session)
    close(open_session(Foreign))
    assert eventually(lambda: released == ["nvisy-loop"])
