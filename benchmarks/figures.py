"""Statistics of runs: medians, ratios to the limit and to the best of the others, the noise, and whether a goal is reached.

A run whose target was not equal to its source has no figures. It counts as a failure, never as a time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.model import Contender, Goal, Role
from benchmarks.result import Entry, Run, Task

# Ours as anyone would type it, which every goal is judged by, and the same command under its second name.
OURS = "nvisy"
CONTROL = (OURS, "nvisy, again")


@dataclass(frozen=True)
class Figures:
    """The medians of a contender's equal runs. Times in seconds, memory in MiB, rate in items a second."""

    wall: float
    cpu: float
    server_cpu: float
    memory: float
    rate: float
    spread: float
    """(slowest - fastest) / median."""


@dataclass(frozen=True)
class Verdict:
    """A goal and what was found: nothing where ours has failed, or where there was nobody to compare it with."""

    goal: Goal
    found: float | None
    reached: bool | None


def rounds(contenders: Sequence[Contender], runs: int) -> Iterator[tuple[int, Contender]]:
    """A B C, A B C, ...: what disturbs the machine for a while disturbs all alike. The slow ones run in the first round."""
    for number in range(1, runs + 1):
        for contender in contenders:
            if number == 1 or not contender.slow:
                yield number, contender


def of(entry: Entry, items: int) -> Figures | None:
    """The medians of a contender; nothing without an equal run."""
    equal = [run for run in entry.runs if run.equal]
    if not equal:
        return None
    wall = statistics.median(run.wall for run in equal)
    return Figures(
        wall=wall,
        cpu=statistics.median(run.cpu for run in equal),
        server_cpu=statistics.median(run.server_cpu for run in equal),
        memory=statistics.median(run.memory for run in equal),
        rate=(entry.items or items) / wall,
        spread=_spread(equal) / wall,
    )


def best(task: Task, roles: Iterable[Role]) -> tuple[Entry, Figures] | None:
    """The fastest contender of these roles."""
    asked = set(roles)
    found = [
        (entry, figures)
        for entry in task.entries
        if entry.role in asked
        if (figures := of(entry, task.items)) is not None
    ]
    return max(found, key=lambda pair: pair[1].rate, default=None)


def ours(task: Task) -> Figures | None:
    """Our default configuration."""
    return named(task, OURS)


def named(task: Task, name: str) -> Figures | None:
    """The contender of that name."""
    found = [figures for entry in task.entries if entry.name == name if (figures := of(entry, task.items))]
    return found[0] if found else None


def noise(task: Task) -> float | None:
    """By how much the medians of one command under two names differ, as a share of the first."""
    first, second = (named(task, name) for name in CONTROL)
    return abs(second.wall / first.wall - 1) if first and second else None


def judged(task: Task) -> list[Verdict]:
    """Each goal of a work, by our default configuration: the better of several would win by noise alone."""
    return [_judge(task, goal) for goal in task.goals]


def _judge(task: Task, goal: Goal) -> Verdict:
    """One goal."""
    figures = ours(task)
    if figures is None:  # who has not arrived has missed every goal
        return Verdict(goal, None, False)
    match goal.figure:
        case "wall":
            found: float | None = figures.wall
        case "memory" if goal.against:
            other = named(task, goal.against)
            found = figures.memory / other.memory if other else None
        case "memory":
            found = figures.memory
        case "cpu":
            found = figures.cpu / task.items * 1_000_000
        case _:
            found = _ratio(task, figures, goal.against or Role.LIMIT)
    if found is None:
        return Verdict(goal, None, None)
    return Verdict(goal, found, found >= goal.bound if goal.figure == "rate" else found <= goal.bound)


def _ratio(task: Task, own: Figures, against: str) -> float | None:
    """Our rate over that of a contender, or of the best of a role."""
    if against in set(Role):
        fastest = best(task, [Role(against)])
        other = fastest[1] if fastest else None
    else:
        other = named(task, against)
    return own.rate / other.rate if other else None


def _spread(runs: Sequence[Run]) -> float:
    """Seconds between the fastest and the slowest run."""
    return max(run.wall for run in runs) - min(run.wall for run in runs)
