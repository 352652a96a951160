"""Notices a provider that blocks the loop, and says which one and where.

A blocked loop stops every run of the process, and nothing else would tell: so a thread asks the loop for a sign of
life and, when there is none, logs the loop thread's stack.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

_LOG = logging.getLogger("nvisy")
_EVERY: Final = 0.25  # seconds between two questions
_PATIENCE: Final = 1.0  # seconds the loop may take to answer


@dataclass(frozen=True, slots=True)
class Blocked:
    """One time the loop did not answer: whose code it was in, and where."""

    provider: str | None
    stack: str


class Watchdog:
    """The thread that watches a loop while `busy` says there is something to watch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, loop_thread: int, busy: Callable[[], bool]) -> None:
        self.seen: deque[Blocked] = deque(maxlen=100)
        self._loop = loop
        self._loop_thread = loop_thread
        self._busy = busy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nvisy-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            if not self._busy():
                continue
            alive = threading.Event()
            try:
                self._loop.call_soon_threadsafe(alive.set)
            except RuntimeError:
                return  # the loop is closed
            if not alive.wait(_PATIENCE):
                self._report()
            while not alive.wait(_EVERY) and not self._stop.is_set():
                pass

    def _report(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        if frame is None:
            return
        stack = "".join(traceback.format_stack(frame))
        blocked = Blocked(_provider(frame), stack)
        self.seen.append(blocked)
        _LOG.warning(
            "provider %s has blocked the event loop for more than %.0f s; use `await in_thread(...)` for blocking calls\n%s",
            blocked.provider,
            _PATIENCE,
            stack,
        )


def _provider(frame: FrameType | None) -> str | None:
    """Whose code runs: the session of the host's own frame below it."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("nvisy.host."):
            for name in ("self", "session"):
                owner = frame.f_locals.get(name)
                provider = getattr(getattr(owner, "session", owner), "provider", None)
                if isinstance(provider, str):
                    return provider
        frame = frame.f_back
    return None
