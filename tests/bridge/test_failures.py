"""What a provider raises reaches Rust whole, comes back as the same object, and harms nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from nvisy import _core
from nvisy.host import _host
from nvisy_sdk import Batch, Context, Each, IncomingBatch, Keyset, ProtocolError, Receipt, Resumable, ThrottledError

from tests.bridge.support import FINGERPRINT, Base, after, close, drain, eventually, one_batch, open_session


class Odd(BaseException):
    """Neither an exit nor an interrupt."""


class Healthy(Base):
    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))


ODD: list[Callable[[], BaseException]] = [
    lambda: SystemExit(3),
    lambda: KeyboardInterrupt(),
    lambda: Odd("odd"),
    lambda: GeneratorExit(),
    lambda: asyncio.CancelledError("mine"),
]


@pytest.mark.parametrize("make", ODD, ids=["exit", "interrupt", "base", "generator", "cancelled"])
@pytest.mark.parametrize("place", ["read", "write", "check", "disconnect"])
def test_base_exception_fails_that_call_only(make: Callable[[], BaseException], place: str) -> None:
    """The one call fails with the very object; a stream of another session goes on as if nothing had been."""
    error = make()

    class Violent(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            if place == "read":
                raise error
            yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))

        async def write(self, batch: IncomingBatch) -> Receipt:
            raise error

        async def check(self) -> None:
            raise error

        async def streams(self) -> list[object]:
            return []

        async def describe(self) -> None:
            raise NotImplementedError

        async def disconnect(self) -> None:
            if place == "disconnect":
                raise error

    other = open_session(Healthy)
    stream = other.read()
    session = open_session(Violent)
    with pytest.raises(type(error)) as raised:
        if place == "read":
            session.read().next()
        elif place == "write":
            session.begin(place, batch=one_batch()).wait()
        else:
            session.begin(place).wait()
    assert raised.value is error
    assert drain(stream) == [{"id": 1}]
    close(other)
    if place != "disconnect":
        close(session)


def test_loop_survives_a_providers_own_task_that_exits(caplog: pytest.LogCaptureFixture) -> None:
    """Asyncio lets SystemExit of any task end its loop; ours runs on and says who tried."""

    class Spawning(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            async def leave() -> None:
                raise SystemExit(4)

            task = asyncio.ensure_future(leave())
            await asyncio.wait([task])
            assert isinstance(task.exception(), SystemExit)
            yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))

    session = open_session(Spawning)
    assert drain(session.read()) == [{"id": 1}]
    close(session)
    assert "tried to end the event loop" in caplog.text


def test_stream_that_ends_without_a_terminal_message_is_an_error() -> None:
    """When the task behind a stream goes without a word, that is no normal end."""

    class Silent(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))
            await asyncio.Event().wait()

    session = open_session(Silent)
    stream = session.read()
    assert stream.next() is not None
    host = _host._host
    assert host is not None
    (pump,) = [pump for pump in host._sessions._pumps.values() if isinstance(pump.session.opened, Silent)]
    host._loop.call_soon_threadsafe(host._link.closed, pump._number)
    with pytest.raises(_core.BridgeError, match="without saying whether it is complete"):
        stream.next()
    close(session)


class Faulty(Base):
    """Fails after 10,000 good items, with a cause, a context and notes."""

    error: ThrottledError
    single = False

    async def read(self, context: Context | None) -> AsyncIterator[Batch | Resumable]:
        if self.single:
            for number in range(10_000):
                yield Resumable({"id": number}, after(number))
        else:
            for start in range(0, 10_000, 1_000):
                rows = [{"id": number} for number in range(start, start + 1_000)]
                yield Batch(rows, Keyset(("id",), FINGERPRINT))
        try:
            try:
                int("not a number")
            except ValueError:
                raise KeyError("lost key")  # noqa: B904 (an implicit chain is part of what is tested)
        except KeyError as cause:
            raise self.error from cause


@pytest.mark.parametrize("single", [False, True], ids=["batches", "items"])
def test_exception_after_10000_items_loses_none_and_tells_everything(single: bool) -> None:
    """Every good item arrives; the error has kind, hint, context, chain, notes, both stacks and the object itself."""
    error = ThrottledError("slow down", hint="ask for a higher quota", retry_after=1.5, context={"bucket": "b1"})
    error.add_note("seen at the second page")
    session = open_session(type("Failing", (Faulty,), {"error": error, "single": single}))
    stream = session.read()
    rows = []
    with pytest.raises(ThrottledError) as raised:
        while (batch := stream.next()) is not None:
            rows += batch.rows()
    assert rows == [{"id": number} for number in range(10_000)]
    assert raised.value is error

    told = json.loads(stream.error() or "")
    assert (told["kind"], told["retryable"], told["retry_after"]) == ("throttled", True, 1.5)
    assert (told["operation"], told["message"]) == ("read from `sample`", "slow down")
    assert told["hint"] == "ask for a higher quota"
    assert told["context"]["bucket"] == "b1"
    assert (told["context"]["provider"], told["context"]["item"]) == ("sample", "10000")
    assert told["causes"] == ["Python raised nvisy_sdk._error.ThrottledError"]
    for part in ("ValueError: invalid literal", "KeyError: 'lost key'", "direct cause", "seen at the second page"):
        assert part in told["traceback"]
    assert "in read" in told["traceback"]
    assert "rows =" not in told["traceback"].split("in read")[-1].splitlines()[0]
    assert any("failed to read from `sample`" in note for note in error.__notes__)
    close(session)


def test_bad_item_loses_none_before_it() -> None:
    """Items that were gathered before a bad one are delivered; the error names the column, the row and the fix."""

    class Mixed(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Resumable]:
            for number in range(10):
                yield Resumable({"id": number if number != 7 else "seven"}, after(number))

    session = open_session(Mixed)
    stream = session.read()
    batch = stream.next()
    assert batch is not None
    assert [row["id"] for row in batch.rows()] == list(range(7))
    with pytest.raises(Exception, match="column `id`, row 7, holds text where the rows before hold an int"):
        stream.next()
    close(session)


def test_single_items_arrive_although_the_source_waits() -> None:
    """An item does not wait for a thousand others; after 50 ms it goes alone."""

    class Trickle(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Resumable]:
            yield Resumable({"id": 1}, after(1))
            await asyncio.Event().wait()

    session = open_session(Trickle)
    stream = session.read()
    batch = stream.next(5)
    assert batch is not None
    assert batch.rows() == [{"id": 1}]
    assert json.loads(stream.context_after(1) or "")["values"] == [{"type": "int", "value": 1}]
    stream.drop()
    close(session)


@pytest.mark.parametrize("accepted", [0, 2])
def test_receipt_that_does_not_account_for_the_batch_is_refused(accepted: int) -> None:
    """`OUT-2`: accepted and rejected items together are the batch."""

    class Forgetful(Base):
        async def write(self, batch: IncomingBatch) -> Receipt:
            return Receipt(accepted=accepted)

    session = open_session(Forgetful)
    with pytest.raises(ProtocolError, match="the receipt accounts for"):
        session.begin("write", batch=one_batch()).wait()
    close(session)


def test_positions_of_each_item_and_contexts_cross() -> None:
    """Each item's context arrives, and resuming hands the provider the context it gave."""
    seen: list[Context | None] = []

    class Resuming(Base):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            seen.append(context)
            yield Batch([{"id": 1}, {"id": 2}], Each([after(1), after(2)]))

    session = open_session(Resuming)
    stream = session.read()
    assert stream.next() is not None
    resume = stream.context_after(1)
    assert resume == after(1).model_dump_json()
    assert session.read(resume).next() is not None
    assert eventually(lambda: seen == [None, after(1)])
    close(session)


def test_disconnect_twice_is_fine_and_everything_else_is_refused_after_it() -> None:
    """A closed session says so."""
    session = open_session(Healthy)
    close(session)
    close(session)
    with pytest.raises(Exception, match="the session is"):
        session.read().next()
