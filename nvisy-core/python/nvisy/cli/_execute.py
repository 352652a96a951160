"""A run under the command line's eyes: progress, Ctrl-C, the end and its exit code. `run` and `copy` share it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from nvisy._events import RunEvents
from nvisy._outcome import Outcome
from nvisy._session import Session, Start, problems_of
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._progress import Progress
from nvisy.cli._summary import summarise

if TYPE_CHECKING:
    from nvisy import _core

__all__ = ["execute"]

_LOOK_SECONDS = 0.2
"""How often progress is drawn and signals are looked for: fast enough for an eye, too slow to cost anything."""


def execute(
    session: Session,
    text: str,
    base: Path,
    *,
    start: Start,
    output: Output,
    progress: Progress,
    hidden: frozenset[str] = frozenset(),
) -> Exit:
    """Run a workflow to its end.

    Args:
        session: The engine.
        text: The workflow.
        base: The folder that relative paths start from.
        start: Where to begin.
        output: Where to print.
        progress: Shows how far it is.
        hidden: Codes of warnings that were given already in other words.
    """
    output.redact(session.hooks.redactor)
    plan = session.plan(text, base, start=start)
    output.problems(problem for problem in problems_of(plan["warnings"]) if problem.code not in hidden)
    events = RunEvents(session.hooks)
    outcome = _watch(lambda: session.start(text, base, start=start), output, progress, events)
    events.finished(outcome)
    if output.as_json:
        if outcome.error is not None:
            output.failure(outcome.error)
        output.result(outcome.to_dict())
    else:
        summarise(outcome, output)
    return _code(outcome)


def _watch(begin: Callable[[], _core.Run], output: Output, progress: Progress, events: RunEvents) -> Outcome:
    """Begin a run and look after it. Signals are heard from before the beginning, so that none is lost."""
    run: _core.Run | None = None
    asked = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(Exit.CANCELLED)
        asked = True
        if run is not None:
            run.cancel()
        progress.end()
        output.say("cancelling; once more stops at once")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        begun = run = begin()
        events.started(begun)
        if asked:
            begun.cancel()
        while (ended := begun.wait(_LOOK_SECONDS)) is None:
            progress.show(json.loads(begun.progress()))
            events.progress(begun)
    finally:
        progress.end()
        for number, handler in before.items():
            signal.signal(number, handler)
    return Outcome.parse(ended)


def _code(outcome: Outcome) -> Exit:
    match outcome.status:
        case "succeeded":
            return Exit.SUCCESS
        case "rejected":
            return Exit.REJECTED
        case "cancelled":
            return Exit.CANCELLED
        case "failed":
            # An internal error without a traceback of Python did not come from a provider.
            error = outcome.error
            ours = error is not None and error.kind == "internal" and error.traceback is None
            return Exit.INTERNAL if ours else Exit.PROVIDER
