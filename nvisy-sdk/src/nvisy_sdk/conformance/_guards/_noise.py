"""What an interpreter complains about after the fact: things never closed, never awaited, errors that nobody saw.

A complaint counts when it is about the provider's code, or when that code made what it is about: many a foreign library has
complaints of its own, for which its user cannot help.
"""

import asyncio
import inspect
import sys
import traceback
import warnings
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._service import Service
from .._threads import is_harness
from ._finding import Finding
from ._origin import Origin
from ._secrets import shown


class Noise:
    """Listens to warnings, to exceptions that could not be raised and to those that a loop reports.

    Args:
        origin: Tells whose code it is.
        service: The system behind the provider.
        found: Called with each finding.
        text: Called with every text that was shown to the world, whoever is to blame.
    """

    def __init__(
        self, origin: Origin, service: Service, found: Callable[[Finding], None], text: Callable[[str], None]
    ) -> None:
        self._origin = origin
        self._service = service
        self._found = found
        self._text = text
        self._made: weakref.WeakKeyDictionary[asyncio.Future[Any], str | None] = weakref.WeakKeyDictionary()

    # ------------------------------------------------------------------ warnings

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to warnings and to what cannot be raised, and pass nothing on."""
        hook = sys.unraisablehook
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            setattr(warnings, "_showwarnmsg_impl", self._warned)  # noqa: B010  # the one place that gives the source
            sys.unraisablehook = self._unraisable
            try:
                yield
            finally:
                sys.unraisablehook = hook

    def _warned(self, message: Any) -> None:
        if is_harness():
            return
        text = str(message.message)
        self._text(text)
        if issubclass(message.category, ResourceWarning) and self._ours(message):
            self._found(Finding("LEAK-06", f"a ResourceWarning: {_cut(text)}"))
        if issubclass(message.category, RuntimeWarning) and "never awaited" in text and self._ours(message):
            self._found(Finding("LEAK-06", f"a RuntimeWarning: {_cut(text)}"))

    def _ours(self, message: Any) -> bool:
        source = getattr(message, "source", None)
        code = getattr(source, "cr_code", None) or getattr(source, "ag_code", None)
        if code is not None and self._origin.owns(code.co_filename):
            return True
        if self._origin.on_stack() is not None or self._origin.owns(message.filename):
            return True
        return self._to_endpoint(source)

    def _to_endpoint(self, source: object) -> bool:
        if isinstance(source, asyncio.BaseTransport):
            source = source.get_extra_info("socket")
        if self._service.proxy is None or not hasattr(source, "getpeername"):
            return False
        try:
            return bool(source.getpeername()[1] == self._service.proxy.port)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess, reportOptionalSubscript]
        except (OSError, IndexError, TypeError):
            return False

    def _unraisable(self, what: Any) -> None:
        if is_harness():
            return
        self._text(f"{what.err_msg} {shown(what.exc_value)}")
        code = getattr(what.object, "__code__", None) or getattr(what.object, "ag_code", None)
        ours = code is not None and self._origin.owns(code.co_filename)
        if ours or self._origin.in_traceback(what.exc_traceback) or self._origin.on_stack():
            told = f"{type(what.exc_value).__name__}: {_cut(str(what.exc_value))}"
            self._found(Finding("LEAK-06", f"an exception that could not be raised: {told}"))

    # ------------------------------------------------------------------ the loop

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to a loop, and note for each of its tasks whose code made it."""
        loop.set_exception_handler(self._reported)
        loop.set_task_factory(self._make)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def made(self, task: "asyncio.Future[Any]") -> str | None:
        """Return the place of the provider's code that made a task, or None."""
        return self._made.get(task)

    def _make(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        self._made[task] = self._origin.calls(sys._getframe(1))
        return task

    def _reported(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        message = str(context.get("message", ""))
        error = context.get("exception")
        self._text(f"{message} {shown(error)} {shown(dict(context))}")
        subject = context.get("task") or context.get("future")
        if isinstance(error, BaseException) and not _of_a_stream(subject, error):
            ours = self._origin.in_traceback(error.__traceback__) is not None or self._code_is_ours(subject)
            ours = ours or (subject is not None and self.made(subject) is not None)
            if ours:
                told = f"{type(error).__name__}: {_cut(str(error))}"
                self._found(Finding("ASY-12", f"{message.lower()}: {told}"))

    def _code_is_ours(self, subject: object) -> bool:
        if not isinstance(subject, asyncio.Task):
            return False
        coroutine = subject.get_coro()
        code = getattr(coroutine, "cr_code", None)
        return inspect.iscoroutine(coroutine) and code is not None and self._origin.owns(code.co_filename)


def _of_a_stream(subject: object, error: BaseException) -> bool:
    """Whether it is the future in which a stream of asyncio keeps the error that broke its connection.

    Its reader has raised the very same error; the future is looked at by a finalizer alone, which may come too late.
    """
    if isinstance(subject, asyncio.Task) or not isinstance(error, OSError):
        return False
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and Path(frames[-1][0].f_code.co_filename).parent.name == "asyncio"


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
