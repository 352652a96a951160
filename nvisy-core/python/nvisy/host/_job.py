"""One task that runs on behalf of Rust. Its cancellation escalates: cancel, grace, poison the session and say so."""

import asyncio
import gc
import traceback
from collections.abc import Callable, Coroutine
from types import AsyncGeneratorType, FrameType
from typing import Final

from ._session import Session

GRACE: Final = 5.0  # seconds a task has to react to being cancelled


class Job:
    """A task of a session.

    Args:
        session: Whose task it is.
        what: What it does, completing "it was cancelled while ...".
        work: What to run. It must not let an exception out: SystemExit would end the loop.
        ended: Called when the task is over, also when it was cancelled before it began.
    """

    def __init__(
        self,
        session: Session,
        what: str,
        work: Coroutine[object, object, None],
        ended: Callable[[], None] | None = None,
    ) -> None:
        self.session = session
        self.what = what
        self.cancelled = False
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        session.jobs.add(self)
        name = f"nvisy {session.provider} {what}"
        self.task = self._loop.create_task(work, name=name, context=session.context)
        self.task.add_done_callback(self._over)

    def cancel(self) -> None:
        """Cancel the task, also before it has begun. Cancelling twice is cancelling once."""
        if self.cancelled or self.task.done():
            return
        self.cancelled = True
        self.task.cancel()
        self.watch()

    def watch(self) -> None:
        """Give the task the grace to end; after that its session is poisoned."""
        if self._timer is None:
            self._timer = self._loop.call_later(GRACE, self._overdue)

    def calm(self) -> None:
        """The task has reacted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _overdue(self) -> None:
        self._timer = None
        self.session.poison(f"{self.what} went on for {GRACE:.0f} s after it was cancelled", stack_of(self.task))

    def _over(self, task: asyncio.Task[None]) -> None:
        self.calm()
        self.session.jobs.discard(self)
        if not task.cancelled():
            task.exception()  # nothing gets here; asking keeps asyncio from saying so at the task's end
        if self._ended is not None:
            self._ended()


def stack_of(task: asyncio.Task[None]) -> str:
    """Return where the task waits, innermost last and without locals: asyncio itself shows the outermost frame only."""
    lines: list[str] = []
    waiting: object = task.get_coro()
    while waiting is not None:
        frame = _attribute(waiting, "frame")
        if isinstance(frame, FrameType):
            lines.extend(traceback.format_stack(frame, limit=1))
            waiting = _attribute(waiting, "await") or getattr(waiting, "gi_yieldfrom", None)
        else:  # what `async for` awaits hides its generator
            waiting = next((held for held in gc.get_referents(waiting) if isinstance(held, AsyncGeneratorType)), None)
    return "".join(lines)


def _attribute(waiting: object, name: str) -> object:
    return next((found for kind in ("cr", "ag", "gi") if (found := getattr(waiting, f"{kind}_{name}", None))), None)
