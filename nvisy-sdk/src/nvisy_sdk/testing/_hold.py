"""A process that a test meets in the middle of its work."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

_RUNS = 0.005  # seconds between two looks
_HELD = 0.5  # seconds for a look; after that the process goes on, for it may hold what the look waits for


@contextmanager
def held_when(
    process: "subprocess.Popen[Any]", condition: Callable[[], bool], *, patience: float = 60.0
) -> Iterator[bool]:
    """Hold the process as soon as the condition holds, and let it go on at the end of the block.

    The process is stopped (SIGSTOP) for each look at the condition, so it does not end, nor come much further, while a slow one is
    looked at. A look that takes longer than half a second is taken to wait for a lock of the process, which then goes on.
    What the process has started itself is never stopped.

    Yields:
        Whether the process is there and held; False when it had ended before, or after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    found = False
    while process.poll() is None and not found and time.monotonic() < deadline:
        found = _look(process, condition)
        if not found:
            time.sleep(_RUNS)
    try:
        yield found and process.poll() is None
    finally:
        process.send_signal(signal.SIGCONT)


def kill_when(process: "subprocess.Popen[Any]", condition: Callable[[], bool], *, patience: float = 60.0) -> bool:
    """Send SIGKILL as soon as the condition holds; whether the process was still running and died of that.

    It is killed in any case, after `patience` seconds at the latest. Its pipes are read to their end.
    """
    with held_when(process, condition, patience=patience):
        process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def _look(process: "subprocess.Popen[Any]", condition: Callable[[], bool]) -> bool:
    """Whether the condition holds; if so, the process stays stopped."""
    process.send_signal(signal.SIGSTOP)
    goes_on = Timer(_HELD, process.send_signal, (signal.SIGCONT,))
    goes_on.start()
    found = False
    try:
        found = condition()
    finally:
        goes_on.cancel()
        goes_on.join()
        process.send_signal(signal.SIGSTOP if found else signal.SIGCONT)
    return found
