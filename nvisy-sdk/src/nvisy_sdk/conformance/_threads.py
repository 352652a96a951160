"""Which threads belong to the harness: its own, and all that are started from there.

Python says nothing of who starts a thread (it audits that only from 3.12 on), so while a harness lives, `Thread.start` is
stood in for by a function that remembers it.
"""

import threading
import weakref
from typing import Any, Final

HARNESS_THREAD: Final = "nvisy-harness"
"""Name of the thread on which the harness and the proxy live."""

_started: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()
_lock: Final = threading.Lock()
_start: Final[Any] = threading.Thread.start
_followers = 0


def is_harness(thread: threading.Thread | None = None) -> bool:
    """Whether a thread, by default the calling one, is the harness's or was started by one of the harness's."""
    thread = thread or threading.current_thread()
    return thread.name == HARNESS_THREAD or thread in _started


def follow() -> None:
    """Begin to remember which threads the harness's threads start."""
    global _followers
    with _lock:
        _followers += 1
        setattr(threading.Thread, "start", _remembered)  # noqa: B010


def unfollow() -> None:
    """Stop remembering, once every `follow` was undone."""
    global _followers
    with _lock:
        _followers -= 1
        if _followers == 0:
            setattr(threading.Thread, "start", _start)  # noqa: B010


def _remembered(thread: threading.Thread) -> None:
    if is_harness():
        _started.add(thread)
    _start(thread)
