"""Blocking calls: where they run, and what a cancellation does to them."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import Awaitable, Callable

import pytest
from nvisy_sdk import ClosedError, Worker, in_thread

variable = contextvars.ContextVar("variable", default="outside")


def test_in_thread_returns_the_result_when_the_call_ends() -> None:
    """The call runs on another thread, sees context variables, and takes keywords."""

    def call(a: int, *, b: int) -> tuple[int, str, bool]:
        return a + b, variable.get(), threading.current_thread() is threading.main_thread()

    async def main() -> tuple[int, str, bool]:
        variable.set("inside")
        return await in_thread(call, 1, b=2)

    assert asyncio.run(main()) == (3, "inside", False)


def test_in_thread_raises_the_same_object_when_the_call_raises() -> None:
    """The exception is not wrapped."""
    error = OSError("gone")

    def call() -> None:
        raise error

    with pytest.raises(OSError, match="gone") as caught:
        asyncio.run(in_thread(call))
    assert caught.value is error


def test_in_thread_raises_a_runtime_error_when_the_call_raises_stop_iteration() -> None:
    """A bare StopIteration would end the awaiting generator as if nothing were left."""
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(in_thread(next, iter(())))


@pytest.mark.parametrize("through", ["in_thread", "worker"])
def test_cancellation_waits_for_the_call_when_it_has_begun(through: str) -> None:
    """When the task ends as cancelled, no thread is inside the resource any more; a second cancel changes nothing."""
    begun, may_end = threading.Event(), threading.Event()
    ended: list[bool] = []

    def call() -> None:
        begun.set()
        may_end.wait()
        ended.append(True)

    async def main() -> None:
        worker = Worker()
        run: Callable[[Callable[[], None]], Awaitable[None]] = in_thread if through == "in_thread" else worker.run
        task = asyncio.ensure_future(run(call))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]
        await worker.close()

    asyncio.run(main())


def test_cancellation_wins_when_the_call_fails_meanwhile() -> None:
    """The failure of a call nobody waits for any more is seen and dropped, not logged as lost."""
    begun, may_end = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        may_end.wait()
        raise OSError("too late")

    async def main() -> None:
        task = asyncio.ensure_future(in_thread(call))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_cancellation_drops_the_call_when_it_has_not_begun() -> None:
    """A call that waits for its turn never runs once its task is cancelled."""
    may_end = threading.Event()
    calls: list[str] = []

    async def main() -> None:
        worker = Worker()
        first = asyncio.ensure_future(worker.run(may_end.wait))
        second = asyncio.ensure_future(worker.run(calls.append, "second"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        may_end.set()
        await first
        await worker.close()

    asyncio.run(main())
    assert calls == []


def test_worker_keeps_one_thread_when_many_calls_run() -> None:
    """A resource made on the worker's thread is used on no other."""

    async def main() -> set[int]:
        worker = Worker()
        try:
            return set(await asyncio.gather(*(worker.run(threading.get_ident) for _ in range(50))))
        finally:
            await worker.close()

    assert len(asyncio.run(main())) == 1


def test_worker_is_closed_when_close_returns() -> None:
    """Closing waits for accepted calls, can be repeated, and a later call is refused."""
    done: list[int] = []

    async def main() -> None:
        worker = Worker()
        pending = asyncio.ensure_future(worker.run(done.append, 1))
        await asyncio.sleep(0)
        await worker.close()
        await worker.close()
        assert done == [1]
        await pending
        with pytest.raises(ClosedError):
            await worker.run(done.append, 2)

    asyncio.run(main())


def test_in_thread_leaves_nothing_to_report_when_its_awaiter_is_thrown_out() -> None:
    """A call that fails after an interrupt ended its awaiter is not reported as an exception nobody retrieved."""
    reported: list[dict[str, object]] = []
    entered, leave = threading.Event(), threading.Event()

    def call() -> None:
        entered.set()
        leave.wait()
        raise OSError("too late")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: reported.append(about))
        waiting = in_thread(call)
        waiting.send(None)
        await asyncio.to_thread(entered.wait)
        with pytest.raises(KeyboardInterrupt):
            waiting.throw(KeyboardInterrupt())
        leave.set()
        await in_thread(bool)
        del waiting
        gc.collect()

    asyncio.run(main())
    assert reported == []
