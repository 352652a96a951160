"""The functions of ``nvisy``: the same engine the command line uses, without the command line."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nvisy._copy import prepare
from nvisy._errors import CancelledError, DefinitionError, DefinitionProblem, RejectedError, RunError
from nvisy._events import RunEvents
from nvisy._home import home_folder
from nvisy._hooks import with_hooks
from nvisy._outcome import Outcome
from nvisy._session import Session, Start, open_session
from nvisy.discovery import Discovery, discover

if TYPE_CHECKING:
    from nvisy import _core

__all__ = ["copy", "copy_async", "copy_start", "plan", "providers", "read_workflow", "run", "run_async"]

Workflow = str | Path | Mapping[str, object]


def run(workflow: Workflow, *, full: bool = False, home: str | Path | None = None) -> Outcome:
    """Run a workflow from its last committed position, and wait for its end.

    Args:
        workflow: The path of a YAML or JSON file, or the same as a mapping. Relative paths inside mean the file's
            folder; in a mapping, the current folder.
        full: Start over instead of continuing.
        home: Where state lives; the usual home when ``None``.

    Returns:
        The outcome of a run that succeeded.

    Raises:
        DefinitionError: If the workflow has problems; all of them at once, before anything connects.
        RejectedError: If sinks refused more items than the workflow allows.
        CancelledError: If it was cancelled.
        RunError: If it failed without an exception of a provider.
        Exception: The very exception that a provider raised; a note names the run, ``outcome`` is set on it where
            the exception takes attributes.
    """
    text, base = read_workflow(workflow)
    session = open_session(home)
    return _settle(session, session.start(text, base, start=_start(full)))


async def run_async(workflow: Workflow, *, full: bool = False, home: str | Path | None = None) -> Outcome:
    """`run` without blocking the event loop; cancelling the task cancels the run and waits until it has ended."""
    text, base = read_workflow(workflow)
    session = await asyncio.to_thread(open_session, home)
    return await _settle_async(session, await asyncio.to_thread(session.start, text, base, start=_start(full)))


def copy(
    source_uri: str,
    target_uri: str,
    *,
    fresh: bool = False,
    incremental: bool = False,
    home: str | Path | None = None,
) -> Outcome:
    """Copy one stream. A full copy each time, unless an interrupted copy of the same pair is there to resume.

    Args:
        source_uri: Where from, such as ``sqlite:///flights.db?table=flights``.
        target_uri: Where to. Table, key and types are the source's unless it says otherwise.
        fresh: Start over even if an interrupted copy is there.
        incremental: Continue after the last copy's end.
        home: Where state lives; the usual home when ``None``.

    Raises:
        DefinitionError: If a URI cannot be used, or ``fresh`` and ``incremental`` are both given.
        Exception: As `run`.
    """
    return _settle(*_start_copy(source_uri, target_uri, copy_start(fresh=fresh, incremental=incremental), home))


async def copy_async(
    source_uri: str,
    target_uri: str,
    *,
    fresh: bool = False,
    incremental: bool = False,
    home: str | Path | None = None,
) -> Outcome:
    """`copy` without blocking the event loop; cancelling the task cancels the copy and waits until it has ended."""
    start = copy_start(fresh=fresh, incremental=incremental)
    return await _settle_async(*await asyncio.to_thread(_start_copy, source_uri, target_uri, start, home))


def plan(workflow: Workflow, *, home: str | Path | None = None) -> dict[str, object]:
    """What `run` would do: the paths with the kinds on their edges, each pair's guarantee and why, and warnings.

    Raises:
        DefinitionError: If the workflow has problems.
    """
    text, base = read_workflow(workflow)
    return open_session(home).plan(text, base)


def providers(*, home: str | Path | None = None) -> Discovery:
    """The installed providers and every problem of the rest, known ones of imports included. None is imported."""
    return with_hooks(discover(home=home_folder(home), verdicts=True))[0]


def read_workflow(workflow: Workflow) -> tuple[str, Path]:
    """The text of a workflow and the folder its relative paths start from.

    Raises:
        DefinitionError: If the file cannot be read, or the mapping cannot be written as JSON.
    """
    if isinstance(workflow, Mapping):
        try:
            return json.dumps(workflow, default=_plain), Path.cwd()
        except (TypeError, ValueError) as error:
            raise DefinitionError([DefinitionProblem("syntax", None, f"the workflow is not JSON: {error}")]) from error
    path = Path(workflow)
    try:
        return path.read_text(encoding="utf-8"), path.absolute().parent
    except OSError as error:
        message, hint = f"{path} cannot be read: {error.strerror}", "give the path of a workflow file"
        raise DefinitionError([DefinitionProblem("unreadable", None, message, hint)]) from error
    except UnicodeDecodeError as error:
        raise DefinitionError([DefinitionProblem("unreadable", None, f"{path} is not UTF-8 text")]) from error


def copy_start(*, fresh: bool, incremental: bool) -> Start:
    """Where a copy starts."""
    if fresh and incremental:
        message = "a copy either starts over or continues"
        raise DefinitionError([DefinitionProblem("contradiction", None, message, "give `fresh` or `incremental`")])
    return "full" if fresh else "continue" if incremental else "resume_or_full"


def _settle(session: Session, run: _core.Run) -> Outcome:
    """Wait for the end of a run, and raise when it is not success."""
    events = RunEvents(session.hooks)
    try:
        events.started(run)
        while (ended := run.wait(1.0)) is None:  # each second the interpreter looks for signals
            events.progress(run)
    except BaseException:
        run.cancel()
        while (ended := run.wait(1.0)) is None:
            pass  # its sessions are being closed; a second Ctrl-C does not wait for that
        events.finished(Outcome.parse(ended))
        raise
    outcome = Outcome.parse(ended)
    events.finished(outcome)
    return _judge(run, outcome)


async def _settle_async(session: Session, run: _core.Run) -> Outcome:
    waiting = _in_own_thread(run, RunEvents(session.hooks))
    try:
        outcome = await asyncio.shield(waiting)
    except asyncio.CancelledError:
        run.cancel()
        await waiting
        raise
    return _judge(run, outcome)


def _in_own_thread(run: _core.Run, events: RunEvents) -> asyncio.Future[Outcome]:
    """Wait for `run` in a thread of its own: the loop's few shared threads must not be held for hours."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome] = loop.create_future()

    def wait() -> None:
        events.started(run)
        while (ended := run.wait(1.0)) is None:
            events.progress(run)
        outcome = Outcome.parse(ended)
        events.finished(outcome)
        with suppress(RuntimeError):  # the loop may have been closed meanwhile
            loop.call_soon_threadsafe(arrive, outcome)

    def arrive(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    threading.Thread(target=wait, name=f"nvisy-wait-{run.id}", daemon=True).start()
    return future


def _judge(run: _core.Run, outcome: Outcome) -> Outcome:
    match outcome.status:
        case "succeeded":
            return outcome
        case "rejected":
            raise RejectedError(outcome)
        case "cancelled":
            raise CancelledError(outcome)
        case "failed":
            raised = run.exception()
            if not isinstance(raised, Exception):
                # A SystemExit of a provider must not end the caller; it stays visible as the cause.
                raise RunError(outcome) from raised
            raised.add_note(f"nvisy: in run {outcome.run_id} of the workflow {outcome.workflow}")
            with suppress(AttributeError):  # an exception with slots; the note says as much
                raised.outcome = outcome  # type: ignore[attr-defined]
            raise raised


def _start_copy(source_uri: str, target_uri: str, start: Start, home: str | Path | None) -> tuple[Session, _core.Run]:
    session = open_session(home)
    base = Path.cwd()
    prepared = prepare(session, source_uri, target_uri, start=start, base=base)
    return session, session.start(json.dumps(prepared.definition), base, start=start)


def _start(full: bool) -> Start:
    return "full" if full else "continue"


def _plain(value: object) -> str:
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
