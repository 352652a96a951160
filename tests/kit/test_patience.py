"""The kit's patience: an idle process is waited for as long as it says, one at work longer, and nothing for ever."""

from __future__ import annotations

import asyncio
import time

from nvisy_sdk.conformance._patience import MOST, SHARE, ended


def _waited(worker: bool) -> tuple[bool, float]:
    """Return whether something endless was said to have ended, and after how long."""

    async def work() -> None:
        while True:
            until = time.thread_time() + 0.01
            while worker and time.thread_time() < until:
                pass
            await asyncio.sleep(0 if worker else 1)

    async def main() -> tuple[bool, float]:
        task = asyncio.ensure_future(work())
        began = time.monotonic()
        found = await ended(task, 0.2)
        took = time.monotonic() - began
        task.cancel()
        await asyncio.wait((task,))
        return found, took

    return asyncio.run(main())


def test_what_ends_is_seen_at_once() -> None:
    """Whether it ends with a result or an error."""

    async def main() -> tuple[bool, bool]:
        async def fail() -> None:
            raise KeyError

        done, failed = asyncio.ensure_future(asyncio.sleep(0.001)), asyncio.ensure_future(fail())
        found = await ended(done, 30), await ended(failed, 30)
        failed.exception()
        return found

    assert asyncio.run(main()) == (True, True)


def test_idle_process_is_given_what_was_said() -> None:
    """And not much more, however slow the machine."""
    found, took = _waited(worker=False)
    assert not found
    assert took >= 0.2


def test_process_at_work_is_given_more_and_not_for_ever() -> None:
    """A fraction of a processor is enough to be at work."""
    assert SHARE <= 0.25
    found, took = _waited(worker=True)
    assert not found
    assert took >= 0.2 * MOST
