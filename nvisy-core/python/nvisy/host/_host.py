"""The loop thread. It takes commands from Rust and hands them to the sessions.

Nothing a provider raises gets past a task; should something end the loop all the same, the loop runs on.
"""

import asyncio
import contextlib
import importlib
import logging
import threading
from typing import TYPE_CHECKING, Final

from ._job import GRACE
from ._session import Session
from ._sessions import Sessions
from ._watchdog import Blocked, Watchdog

if TYPE_CHECKING:
    from nvisy._core import Link

_LOG = logging.getLogger("nvisy")
_EXIT: Final = 2 * GRACE + 2  # seconds the ordered end may take: cancel, disconnect, and a margin


class Host:
    """One loop on one thread."""

    def __init__(self, link: "Link") -> None:
        self._link = link
        self._sessions = Sessions(link)
        self._loop = _new_loop()
        self._ending: asyncio.Task[None] | None = None
        self._ended = False
        running = threading.Event()
        self._loop.call_soon(running.set)
        # A daemon, so that the interpreter gets as far as `atexit`, where it is joined: it never outlives that.
        self._thread = threading.Thread(target=self._run, name="nvisy-loop", daemon=True)
        self._thread.start()
        running.wait()
        self._watchdog = Watchdog(self._loop, self._thread.ident or 0, lambda: self._sessions.busy)

    def stop(self) -> None:
        """End in order, from another thread: refuse what is new, cancel, disconnect, stop the loop, join the thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(_EXIT)
        if self._thread.is_alive():
            _LOG.warning("the event loop did not end within %.0f s: a provider blocks it", _EXIT)
        self._watchdog.stop()
        self._link.close()

    def blocked(self) -> list[Blocked]:
        """Return every time the loop was found blocked, oldest first."""
        return list(self._watchdog.seen)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._link.fileno(), self._drain)
        while not self._ended:
            try:
                self._loop.run_forever()
            except BaseException:  # noqa: BLE001 (a provider's own task raised SystemExit; the loop is whole, so it runs on)
                _LOG.exception("a provider's own task tried to end the event loop")
        self._loop.remove_reader(self._link.fileno())
        self._loop.close()

    def _drain(self) -> None:
        sessions = self._sessions
        for command in self._link.take():
            match command:
                case ("resume", stream):
                    sessions.resume(stream)
                case ("drain", number):
                    sessions.drain(number)
                case ("connect", call, number, loader, provider, credentials, params):
                    sessions.connect(call, Session(number, provider), loader, credentials, params)
                case ("call", call, number, method, argument):
                    sessions.call(call, number, method, argument)
                case ("cancel", call):
                    sessions.cancel(call)
                case ("read", stream, number, context):
                    sessions.read(stream, number, context)
                case ("stop", stream):
                    sessions.stop(stream)
                case ("abort", number, sequence):
                    sessions.abort(number, sequence)
                case ("abandon", number):
                    sessions.abandon(number)

    def _end(self) -> None:
        if self._ending is None:
            self._ending = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        try:
            await self._sessions.end()
            await asyncio.wait_for(self._loop.shutdown_asyncgens(), GRACE)
        except Exception:  # noqa: BLE001 (the border to a provider)
            _LOG.exception("the event loop did not end cleanly")
        finally:
            self._ended = True
            self._loop.stop()


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop where it is installed, else of asyncio."""
    try:
        loop = importlib.import_module("uvloop").new_event_loop()
    except (ImportError, AttributeError):  # not installed, or something else of that name is
        return asyncio.new_event_loop()
    return loop if isinstance(loop, asyncio.AbstractEventLoop) else asyncio.new_event_loop()


_host: Host | None = None


def start(link: "Link") -> None:
    """Start the loop thread. Called once, by Rust, at first use."""
    global _host
    if _host is None:
        _host = Host(link)


def stop() -> None:
    """End the loop thread in order. Called at the interpreter's exit; a second call does nothing."""
    if _host is not None:
        _host.stop()


def blocked() -> list[Blocked]:
    """Return every time a provider was found to block the loop, oldest first; at most the last hundred."""
    return [] if _host is None else _host.blocked()
