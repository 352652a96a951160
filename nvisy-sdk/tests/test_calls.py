"""Calls under way: what a cancellation does to them, and what the end of their session."""

import asyncio
import contextlib

import pytest
from nvisy_sdk import Calls, ClosedError


async def answer(seconds: float, told: list[str]) -> str:
    """Answer after a while, and note how it ended."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        told.append("cancelled")
        raise
    told.append("answered")
    return "yes"


def test_call_returns_its_result_and_raises_its_error() -> None:
    """As if it had been awaited itself."""

    async def fail() -> None:
        raise OSError("gone")

    async def main() -> None:
        calls = Calls()
        assert await calls.run(answer(0, [])) == "yes"
        with pytest.raises(OSError, match="gone"):
            await calls.run(fail())

    asyncio.run(main())


def test_close_ends_what_is_under_way_as_closed() -> None:
    """At once, or after the grace of a call that would do harm when it is cut off."""
    told: list[str] = []

    async def main() -> None:
        calls = Calls()
        slow = asyncio.ensure_future(calls.run(answer(60, told)))
        change = asyncio.ensure_future(calls.run(answer(0.05, told), grace=30))
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await asyncio.gather(calls.close(), calls.close())
            assert await change == "yes"
            with pytest.raises(ClosedError, match="the session is closed"):
                await slow
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert sorted(told) == ["answered", "cancelled"]


def test_closed_calls_take_no_more() -> None:
    """And what was given is closed, not left to the garbage collector."""
    told: list[str] = []

    async def main() -> None:
        calls = Calls()
        await calls.close()
        with pytest.raises(ClosedError, match="the session is closed"):
            await calls.run(answer(0, told))
        await calls.close()

    asyncio.run(main())
    assert told == []


@pytest.mark.parametrize(("grace", "how"), [(0, "cancelled"), (30, "answered")])
def test_cancellation_goes_on_when_the_call_has_ended(grace: float, how: str) -> None:
    """No task is left behind, and the answer of a call that ended meanwhile is not taken for an answer."""
    told: list[str] = []

    async def main() -> None:
        calls = Calls()
        waiting = asyncio.ensure_future(calls.run(answer(0.05, told), grace=grace))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert waiting.cancelled()
        assert told == [how]
        assert len(asyncio.all_tasks()) == 1
        await calls.close()

    asyncio.run(main())


def test_cancelled_and_closed_at_once_is_cancelled() -> None:
    """A cancellation must never be swallowed."""

    async def main() -> None:
        calls = Calls()
        waiting = asyncio.ensure_future(calls.run(answer(60, [])))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(calls.close())
        waiting.cancel()
        await asyncio.wait((waiting, closing))
        assert waiting.cancelled()

    asyncio.run(main())


def test_error_of_a_call_that_nobody_awaits_any_more_is_not_reported() -> None:
    """Asyncio would report it when the task is collected; warnings are errors here."""
    reports: list[object] = []

    async def fail() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError("gone")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        calls = Calls()
        waiting = asyncio.ensure_future(calls.run(fail()))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert waiting.cancelled()

    asyncio.run(main())
    assert reports == []
