"""How long the event loop stood still: nothing else could run on it meanwhile.

A machine under load also makes a loop late. Where the system tells how long a thread that could have run had to wait for a
processor, that time is taken off; elsewhere only the processor time the thread has used meanwhile is beyond doubt.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

_BEAT: Final = 0.002
"""Seconds between two beats: fine enough to see a stall of 50 ms."""
_WAITED: Final = Path("/proc/thread-self/schedstat")


class Stall:
    """The longest time the loop stood still, so far: on the clock, and of the processor alone."""

    def __init__(self, *, exact: bool) -> None:
        self.seconds = 0.0
        self.busy = 0.0
        self._exact = exact

    @property
    def certain(self) -> float:
        """The longest time that was not the fault of a machine under load."""
        return self.seconds if self._exact else min(self.seconds, self.busy)


@asynccontextmanager
async def measured_stall() -> AsyncIterator[Stall]:
    """Measure the running loop meanwhile."""
    loop = asyncio.get_running_loop()
    source = _waits()
    stall = Stall(exact=source is not None)
    last = _now(source)
    handle: asyncio.TimerHandle | None = None

    def beat() -> None:
        nonlocal last, handle
        last = _since(last, source, stall)
        handle = loop.call_later(_BEAT, beat)

    handle = loop.call_later(_BEAT, beat)
    try:
        yield stall
    finally:
        handle.cancel()
        _since(last, source, stall)
        if source is not None:
            os.close(source)


def _now(source: int | None) -> tuple[float, float]:
    """Return the time on the clock, without what the thread has waited for a processor, and the processor time it has used."""
    return time.perf_counter() - _waited(source), time.thread_time()


def _since(last: tuple[float, float], source: int | None, stall: Stall) -> tuple[float, float]:
    now = _now(source)
    stall.seconds = max(stall.seconds, now[0] - last[0] - _BEAT)
    stall.busy = max(stall.busy, now[1] - last[1])
    return now


def _waits() -> int | None:
    try:
        return os.open(_WAITED, os.O_RDONLY)
    except OSError:
        return None


def _waited(source: int | None) -> float:
    if source is not None:
        with suppress(OSError, ValueError, IndexError):
            return int(os.pread(source, 128, 0).split()[1]) / 1e9
    return 0.0
