"""The one way from a coroutine to a blocking call.

Both helpers keep one promise: when the awaiting task is cancelled, a call that has begun is waited for before the
cancellation goes on. So a connection is never closed, or used again, while another thread is still inside it.
"""

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from ._error import ClosedError

P = ParamSpec("P")
T = TypeVar("T")

_THREADS: Final = 32  # enough for the sessions of one run to block at once; threads start only when needed


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="nvisy-blocking")


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in a bounded pool of threads, off the event loop.

    Context variables are visible inside the call. Two calls may run on two threads: for a resource that belongs to one
    thread, use `Worker`.

    Raises:
        asyncio.CancelledError: The task was cancelled; the call has ended, or never began.
    """
    return await _settle(_submit(_pool(), function, *args, **kwargs))


class Worker:
    """One dedicated thread, for a session whose resource must stay on the thread that made it."""

    def __init__(self, *, name: str = "nvisy-worker") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._closed = False

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call on this worker's thread, after the calls before it.

        Raises:
            ClosedError: The worker was closed.
            asyncio.CancelledError: The task was cancelled; the call has ended, or never began.
        """
        if self._closed:
            raise ClosedError("the session is closed")
        return await _settle(_submit(self._executor, function, *args, **kwargs))

    async def close(self) -> None:
        """End the thread once the calls already accepted have ended. It can be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            await _settle(_submit(self._executor, bool))
        finally:
            self._executor.shutdown(wait=False)


def _submit(
    executor: ThreadPoolExecutor, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> "Future[T]":
    context = contextvars.copy_context()

    def call() -> T:
        try:
            return context.run(function, *args, **kwargs)
        except StopIteration as err:  # asyncio cannot carry it: it would end the awaiting generator in silence
            raise RuntimeError("the blocking call raised StopIteration; call next() with a default") from err

    return executor.submit(call)


async def _settle(future: "Future[T]") -> T:
    waiting = asyncio.wrap_future(future)
    waiting.add_done_callback(_seen)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.wait((waiting,))
        except asyncio.CancelledError as err:
            cancelled = err
            if future.cancel():
                break
    if cancelled is None:
        return waiting.result()
    raise cancelled


def _seen(waiting: "asyncio.Future[T]") -> None:
    """Look at the call's exception, so that asyncio does not report one that nobody waits for any more."""
    if not waiting.cancelled():
        waiting.exception()
