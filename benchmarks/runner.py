"""Runs the works: clears, prepares, measures, checks, and writes down what happened, also when it went wrong."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import checks, stage
from benchmarks.figures import rounds
from benchmarks.measure import Measurement, measure
from benchmarks.model import Before, Contender, Sql, Stage, Step, Work, Write
from benchmarks.result import Entry, Run, Task
from benchmarks.settings import ROOT

# What no command is to see of the shell that started the comparison.
HIDDEN = ("NVISY_", "PG", "DLT_", "RUNTIME__", "PYTHON", "VIRTUAL_ENV")
_REASON = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Where a machine asks for names is its own affair.
_ADDRESS = re.compile(r"\b(?!127\.)\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b")


def run(place: Stage, work: Work, contenders: Sequence[Contender], runs: int, timeout: float) -> Task:
    """All rounds of a work."""
    found: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number, contender in rounds(contenders, runs):
        made = once(place, contender, number, timeout, f"{work.name}.{_slug(contender.name)}")
        found[contender.name].append(made)
        _say(work, contender, made)
    entries = tuple(
        Entry(each.name, each.role, each.about, written(place, each), tuple(found[each.name]), each.items)
        for each in contenders
    )
    return Task(work.name, work.title, work.about, work.items, work.unit, entries, work.goals, work.missing)


def once(place: Stage, contender: Contender, number: int, timeout: float, log: str) -> Run:
    """One run, from an empty target to the check."""
    env = environment(place, contender.env)
    path = place.folder.logs / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        stage.clear(place)
        for step in contender.before:
            _prepare(place, step, timeout)
        stage.settled(place)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return _failed(number, None, f"not prepared: {place.hidden(checks.explained(error))}")
    taken = measure(contender.command, env=env, cwd=ROOT, log=path, timeout=timeout, server=place.server.pid)
    if taken.timed_out:
        return _failed(number, taken, f"not finished after {timeout:.0f} s")
    if taken.code != 0:
        return _failed(number, taken, f"exit code {taken.code}: {place.hidden(last_words(path))}")
    try:
        reason = checks.differs(place, contender.target)
    except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        reason = f"not checked: {place.hidden(checks.explained(error))}"
    if reason is not None:
        return _failed(number, taken, reason)
    return Run(number, taken.wall, taken.cpu, taken.server_cpu, taken.memory, equal=True)


def environment(place: Stage, own: Mapping[str, str]) -> dict[str, str]:
    """What a command sees: the machine's variables without those that would set it up, the server's, and its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    return {**kept, **place.server.environment(), **own}


def written(place: Stage, contender: Contender) -> str:
    """The command as a reader may type it."""
    shell = contender.command[0] == "bash"
    return place.hidden(contender.command[-1] if shell else " ".join(_quoted(part) for part in contender.command))


def _quoted(part: str) -> str:
    """One argument, in double quotes where it holds single ones."""
    return f'"{part}"' if "'" in part and not re.search(r'["$`]', part) else shlex.quote(part)


def _prepare(place: Stage, step: Step, timeout: float) -> None:
    """One step before a run."""
    match step:
        case Sql(statements):
            place.server.sql(*statements)
        case Write(path, text):
            path.write_text(text, encoding="utf-8")
        case Before(command, own):
            env = environment(place, own)
            subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=timeout)


def _failed(number: int, taken: Measurement | None, reason: str) -> Run:
    """A run that has no time, though it took some."""
    if taken is None:
        return Run(number, 0, 0, 0, 0, equal=False, reason=reason)
    return Run(number, taken.wall, taken.cpu, taken.server_cpu, taken.memory, equal=False, reason=reason)


def last_words(log: Path) -> str:
    """The last line a command wrote, without colours and without addresses of other machines."""
    lines = [
        _ADDRESS.sub("...", _COLOUR.sub("", line)).strip() for line in log.read_text(errors="replace").splitlines()
    ]
    return next((line for line in reversed(lines) if line), "")[:_REASON]


def _say(work: Work, contender: Contender, made: Run) -> None:
    """One line on the terminal for each run."""
    items = contender.items or work.items
    rate = f"{items / made.wall:>10,.0f} {work.unit}/s" if made.equal else f"FAILED: {made.reason}"
    taken = f"{made.wall:8.2f} s {made.cpu:7.2f} s cpu {made.server_cpu:7.2f} s server {made.memory:7.0f} MiB"
    print(f"{work.name:<5} {made.round} {contender.name:<24} {taken} {rate}", file=sys.stderr, flush=True)


def _slug(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)
