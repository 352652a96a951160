"""Interrupting an operation at its await points: where, how it ended, and when the sweep is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from nvisy_sdk.conformance._sweep import Cut, interrupted, sweep


async def three_steps(done: list[str]) -> str:
    """Wait three times, and note each time."""
    for name in ("a", "b", "c"):
        await asyncio.sleep(0.001)
        done.append(name)
    return "end"


async def stubborn() -> str:
    """Swallow a cancellation."""
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        return "anyway"
    return "end"


async def wrapping() -> None:
    """Turn whatever comes into another error."""
    try:
        await asyncio.sleep(1)
    except BaseException as err:
        raise RuntimeError("wrapped") from err


def swept(make: Callable[[], Coroutine[Any, Any, Any]], **options: int) -> list[Cut]:
    """Run a sweep and return its cuts."""

    async def main() -> list[Cut]:
        async def made() -> Coroutine[Any, Any, Any]:
            return make()

        return [cut async for cut in sweep(made, **options)]

    return asyncio.run(main())


def cut_at(point: int, doing: Coroutine[Any, Any, Any], **options: Any) -> Cut:
    """Interrupt once and return how it ended."""
    return asyncio.run(interrupted(doing, point, **options))


def test_sweep_interrupts_at_each_point_until_none_is_left() -> None:
    """An operation with three await points is cancelled three times and then runs to its end."""
    traces: list[list[str]] = []

    def make() -> Coroutine[Any, Any, Any]:
        traces.append([])
        return three_steps(traces[-1])

    cuts = swept(make)
    assert [(cut.point, cut.fired, cut.cancelled) for cut in cuts] == [
        (1, True, True),
        (2, True, True),
        (3, True, True),
        (4, False, False),
    ]
    assert traces == [[], ["a"], ["a", "b"], ["a", "b", "c"]]
    assert (cuts[-1].result, cuts[-1].error) == ("end", None)


def test_sweep_stops_when_there_is_no_end() -> None:
    """An operation that waits for ever is given up after so many points."""

    async def endless() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    assert [cut.fired for cut in swept(endless, most=5)] == [True] * 5


def test_interrupted_names_the_code_that_waited() -> None:
    """The place is that of the innermost code that is not asyncio's."""
    cut = cut_at(1, three_steps([]))
    assert str(cut).startswith("await point 1 (test_sweep.py:")


def test_interrupted_tells_when_a_cancellation_was_swallowed() -> None:
    """The operation returned, although it was cancelled."""
    cut = cut_at(1, stubborn())
    assert (cut.fired, cut.ended, cut.cancelled, cut.error, cut.result) == (True, True, False, None, "anyway")


def test_interrupted_tells_when_a_cancellation_was_wrapped() -> None:
    """The error that came out is the other one."""
    cut = cut_at(1, wrapping())
    assert (cut.fired, cut.cancelled, repr(cut.error)) == (True, False, "RuntimeError('wrapped')")


def test_interrupted_tells_when_the_operation_does_not_end() -> None:
    """Waiting on after a cancellation is no end."""

    async def hang() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    cut = cut_at(1, hang(), patience=0.05)
    assert (cut.fired, cut.ended, cut.error) == (True, False, None)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_interrupted_throws_what_it_is_given(kind: type[BaseException]) -> None:
    """The exception arrives at the await point, and neither ends the loop nor is lost."""
    done: list[str] = []
    cut = cut_at(2, three_steps(done), throw=kind())
    assert (type(cut.error), cut.fired, done) == (kind, True, ["a"])


def test_interrupted_returns_the_result_when_there_is_no_such_point() -> None:
    """Nothing fires, and the operation is as if nobody had looked."""
    cut = cut_at(9, three_steps([]))
    assert (cut.fired, cut.where, cut.result) == (False, "", "end")


def test_interrupted_leaves_the_loop_usable_when_a_connection_was_thrown_out() -> None:
    """Throwing into a connect leaves no stale socket in the loop: the next connect works."""

    async def main() -> list[Cut]:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]

        async def connect() -> None:
            _, writer = await asyncio.open_connection(host, port)
            writer.close()

        cuts = [await interrupted(connect(), 1, throw=KeyboardInterrupt()) for _ in range(3)]
        cuts.append(await interrupted(connect(), 99))
        server.close()
        return cuts

    cuts = asyncio.run(main())
    assert [type(cut.error) for cut in cuts] == [KeyboardInterrupt] * 3 + [type(None)]
    assert cuts[-1].ended


def test_interrupted_cancels_again_so_many_points_later() -> None:
    """The second cancellation arrives in the clean-up, at the point that was asked for."""
    done: list[str] = []

    async def careful() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            for name in ("a", "b"):
                await asyncio.sleep(0.001)
                done.append(name)

    cut = cut_at(1, careful(), again=2)
    assert (cut.fired, cut.again, cut.cancelled, done) == (True, True, True, ["a"])
    assert not cut_at(1, careful(), again=3).again
