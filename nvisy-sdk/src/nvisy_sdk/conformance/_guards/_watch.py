"""Run one check on a fresh event loop with every guard on.

The order of the end matters: first what is left on the loop, then the garbage, then the threads.
"""

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from .._outcome import CheckFailed
from ._blocking import blocking_calls
from ._finding import Finding
from ._noise import Noise
from ._origin import Origin
from ._secrets import Canary, logged, printed
from ._stock import PATIENCE, Left, Stock, counts, family, settled
from ._world import World, changes, world

if TYPE_CHECKING:
    from .._case import Case

_POOL: Final = 32  # threads of the loop's own pool, as many as a large machine would give it
# What a library keeps once for the whole process appears in one check and never again; a leak appears in every one.
_seen: weakref.WeakKeyDictionary[type, set[str]] = weakref.WeakKeyDictionary()


class Watch:
    """The guards around one check.

    Args:
        case: The check's run.
    """

    def __init__(self, case: "Case") -> None:
        self.findings: list[Finding] = []
        self._case = case
        self._origin = Origin(case.subject.folders)
        self._canary = Canary(case.secret)
        self._noise = Noise(self._origin, case.service, self._found, self._shown)
        self._pool: ThreadPoolExecutor | None = None
        self._threads: frozenset[Any] = frozenset()
        self._left = Left()

    def run(self, doing: Coroutine[Any, Any, None]) -> None:
        """Run a check's coroutine and raise what it raises; afterwards `findings` tells what the guards saw.

        Raises:
            CheckFailed: It failed, or the provider tried to end the process.
        """
        self._case.raised = self._raised
        gc.freeze()  # only what the check makes is garbage afterwards, and looking for it is quick
        try:
            with ExitStack() as guards:
                guards.enter_context(logged(self._logged))
                guards.enter_context(printed(self._printed))
                guards.enter_context(self._noise.heard())
                guards.enter_context(blocking_calls(self._origin, self._blocked))
                before = world()
                self._loop(doing)
                self._compare(before)
                gc.collect()
        finally:
            gc.unfreeze()
            self._case.raised = lambda error: None
        for message in dict.fromkeys(self._case.mutated):
            self._found(Finding("WRT-11", message))

    # ------------------------------------------------------------------ the loop

    def _loop(self, doing: Coroutine[Any, Any, None]) -> None:
        loop = asyncio.new_event_loop()
        self._noise.attach(loop)
        self._pool = ThreadPoolExecutor(_POOL, thread_name_prefix="asyncio")
        loop.set_default_executor(self._pool)
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._watched(doing))
        except (SystemExit, GeneratorExit) as err:
            raise CheckFailed(f"the provider raised {type(err).__name__}, which ends the process") from err
        finally:
            self._close(loop)

    async def _watched(self, doing: Coroutine[Any, Any, None]) -> None:
        service = self._case.service
        before = Stock.take(service)
        self._threads = before.threads
        try:
            await doing
            self._left = await settled(before, service, ignore=("threads",))
            self._blame(self._left)
        finally:
            await self._cancel(before)

    async def _cancel(self, before: Stock) -> None:
        tasks = [task for task in asyncio.all_tasks() - before.tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)
        for task in tasks:
            if not task.done():  # it swallows its cancellation; the check that is about that has said so
                setattr(task, "_log_destroy_pending", False)  # noqa: B010

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
            self._wait_for_threads()
            asyncio.set_event_loop(None)
            loop.close()

    # ------------------------------------------------------------------ what was left

    def _wait_for_threads(self) -> None:
        until = time.monotonic() + PATIENCE
        while (left := self._new_threads()) and time.monotonic() < until:
            time.sleep(0.005)
        for name in left:
            if self._again(f"thread {family(name)}"):
                self._found(Finding("LEAK-02", f"the thread `{name}` still runs after the session was closed"))

    def _new_threads(self) -> list[str]:
        return sorted(each.name for each in threading.enumerate() if counts(each) and each not in self._threads)

    def _blame(self, left: Left) -> None:
        for task in left.tasks:
            self._found(Finding("LEAK-01", f"{task} still runs after the session was closed"))
        if left.sessions > 0:
            many = f"{left.sessions} connection{'s are' if left.sessions > 1 else ' is'}"
            self._found(Finding("LEAK-04", f"{many} still open at the server after the session was closed"))
        for what in (*left.sockets, *left.handles):
            if "to port" in what or self._again(family(what)):
                self._found(Finding("LEAK-03", f"{what} is left after the session was closed"))

    def _again(self, what: str) -> bool:
        seen = _seen.setdefault(self._case.subject.provider, set())
        known = what in seen
        seen.add(what)
        return known

    def _compare(self, before: World) -> None:
        for name in changes(before, world()):
            self._found(Finding("LEAK-08", f"the provider changed {name}"))

    # ------------------------------------------------------------------ what was said

    def _found(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def _blocked(self, message: str) -> None:
        self._found(Finding("ASY-01", message))

    def _raised(self, error: BaseException) -> None:
        where = self._canary.found_in_error(error)
        if where is not None:
            self._found(Finding("SEC-03", f"the secret is in {where}"))

    def _logged(self, record: logging.LogRecord, text: str) -> None:
        if self._canary.sings_in(text):
            self._found(Finding("SEC-02", f"the secret is in a record of the logger `{record.name}`"))

    def _printed(self, name: str, text: str) -> None:
        if self._canary.sings_in(text):
            self._found(Finding("SEC-05", f"the secret was written to the {name}"))

    def _shown(self, text: str) -> None:
        if self._canary.sings_in(text):
            self._found(Finding("SEC-05", "the secret is in a warning"))
