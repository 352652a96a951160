"""Interrupt an operation at each of its await points, one after another.

The operation is driven step by step inside a task of its own. At the chosen suspension the task is cancelled, exactly as
`task.cancel()` from elsewhere would do it there, or an exception is thrown in. The number of await points differs from run to
run: sweep until an interruption no longer fires.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ._guards._origin import ASYNCIO
from ._patience import ended

_PATIENCE: Final = 2.0
"""Seconds an interrupted operation may need to end: it may have to wait for a call that has begun."""
MOST: Final = 400
"""Await points of one operation after which a sweep gives up: it would never end."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How an interrupted operation ended.

    Args:
        point: The await point at which it was to be interrupted, from 1.
        fired: Whether it had so many.
        where: The code that was waiting there.
        ended: Whether it ended in time.
        error: What it raised; None when it returned.
        result: What it returned.
        again: Whether it was interrupted a second time.
    """

    point: int
    fired: bool
    where: str
    ended: bool
    error: BaseException | None
    result: Any
    again: bool = False

    @property
    def cancelled(self) -> bool:
        """Whether the cancellation arrived."""
        return isinstance(self.error, asyncio.CancelledError)

    def __str__(self) -> str:
        return f"await point {self.point} ({self.where})"


class _Steps:
    def __init__(
        self, doing: Coroutine[Any, Any, Any], point: int, throw: BaseException | None, again: int | None
    ) -> None:
        self._doing = doing
        self._point = point
        self._throw = throw
        self._second = None if again is None else point + again
        self.again = False
        self._count = 0
        self.fired = False
        self.where = ""
        self.raised: BaseException | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._doing.__await__()
        error: BaseException | None = None
        while True:
            try:
                waiting = next(inner) if error is None else inner.throw(error)
            except StopIteration as done:
                return done.value
            except asyncio.CancelledError:
                raise
            except BaseException as err:  # noqa: BLE001  # one that ends the process must not reach the loop
                self.raised = err
                return None
            error = None
            self._count += 1
            if self._count == self._point:
                self.fired, self.where = True, _waiting(self._doing)
                if self._throw is not None:
                    error = self._throw
                    if asyncio.isfuture(waiting):
                        waiting._asyncio_future_blocking = False
                        asyncio.get_running_loop().call_soon(waiting.cancel)  # or the loop waits for it for ever
                    continue
                _cancel()
            elif self._count == self._second:
                self.again = True
                _cancel()
            try:
                yield waiting
            except BaseException as err:  # noqa: BLE001  # whatever it is, it goes where it was to go
                error = err


def _cancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.cancel()


async def interrupted(
    doing: Coroutine[Any, Any, Any],
    point: int,
    *,
    throw: BaseException | None = None,
    again: int | None = None,
    patience: float = _PATIENCE,
) -> Cut:
    """Run an operation in a task of its own and interrupt it at an await point.

    Args:
        doing: The operation.
        point: The await point, from 1.
        throw: What to throw in there; None means that the task is cancelled.
        again: Cancel it a second time so many await points later, if it has as many.
        patience: Seconds to wait for its end.
    """
    steps = _Steps(doing, point, throw, again)

    async def driven() -> Any:
        return await steps

    task = asyncio.get_running_loop().create_task(driven(), name="interrupted")
    if not await ended(task, patience):
        task.cancel()
        await asyncio.wait((task,), timeout=0.1)
        return Cut(point, steps.fired, steps.where, False, None, None, steps.again)
    if task.cancelled():
        return Cut(point, steps.fired, steps.where, True, asyncio.CancelledError(), None, steps.again)
    await asyncio.sleep(0)
    error = task.exception() or steps.raised
    return Cut(point, steps.fired, steps.where, True, error, None if error else task.result(), steps.again)


async def sweep(make: Callable[[], Awaitable[Coroutine[Any, Any, Any]]], *, most: int = MOST) -> AsyncIterator[Cut]:
    """Interrupt an operation at its first await point, then a fresh one at its second, until none fires.

    The last one yielded did not fire: it ran to its end.

    Args:
        make: Prepares an operation and returns it, not awaited yet.
        most: Stop after so many.
    """
    for point in range(1, most + 1):
        cut = await interrupted(await make(), point)
        yield cut
        if not cut.fired:
            return


def _waiting(doing: Any) -> str:
    """Return where a suspended coroutine waits: its innermost frame that is not asyncio's."""
    place = "?"
    for _ in range(100):
        frame = getattr(doing, "cr_frame", None) or getattr(doing, "ag_frame", None) or getattr(doing, "gi_frame", None)
        if frame is not None and not frame.f_code.co_filename.startswith(ASYNCIO):
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        doing = (
            getattr(doing, "cr_await", None) or getattr(doing, "ag_await", None) or getattr(doing, "gi_yieldfrom", None)
        )
        if doing is None:
            break
    return place
