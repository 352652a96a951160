"""The calls of a session over a connection that it must close."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ._error import ClosedError

T = TypeVar("T")


class Calls:
    """What a session is asking at the moment, so that its end can end that first.

    A client library that is closed while a call is under way may let the call connect once more, and nobody closes that connection.
    So give every call to `run`, and close these calls before the client.
    """

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Task[Any], float] = {}
        self._closed = False

    async def run(self, call: Coroutine[Any, Any, T], *, grace: float = 0.0) -> T:
        """Await a call, as a task of its own.

        Args:
            call: What to await.
            grace: Seconds for which it may go on when it is cancelled or closed, since cutting it off would do harm.

        Raises:
            ClosedError: `close` was called, before or meanwhile.
            asyncio.CancelledError: The awaiting task was cancelled; the call has ended.
        """
        if self._closed:
            call.close()
            raise ClosedError("the session is closed")
        task = asyncio.ensure_future(call)
        self._under_way[task] = grace
        task.add_done_callback(self._under_way.pop)
        try:
            await asyncio.wait((task,))
        finally:
            await _end(task, grace)
        if task.cancelled():  # by `close`: a cancellation from outside has gone on above
            raise ClosedError("the session is closed")
        return task.result()

    async def close(self) -> None:
        """End the calls under way, each after its grace, and take no more. It can be called twice."""
        self._closed = True
        await asyncio.gather(*(_end(task, grace) for task, grace in self._under_way.items()))


async def _end(task: "asyncio.Task[Any]", grace: float) -> None:
    if not task.done():
        try:
            await asyncio.wait((task,), timeout=grace)
        finally:
            task.cancel()
            await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # it was looked at; asyncio need not report it
