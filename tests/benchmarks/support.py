"""A small result with one of everything: equal runs, failed ones, a peer that is faster, one that is absent."""

from __future__ import annotations

from benchmarks.model import Goal, Missing, Role
from benchmarks.result import Entry, Result, Run, Task


def run(number: int, wall: float, *, memory: float = 70.0, reason: str | None = None) -> Run:
    """A run; equal unless there is a reason why not."""
    return Run(number, wall, wall / 2, wall / 4, memory, equal=reason is None, reason=reason)


def entry(name: str, role: Role, *walls: float, failed: int = 0) -> Entry:
    """A contender with one run for each time, and some more that failed."""
    runs = [run(number, wall) for number, wall in enumerate(walls, 1)]
    runs += [run(len(walls) + number, 9.0, reason="exit code 1: no | such `file`") for number in range(1, failed + 1)]
    return Entry(name, role, f"how {name} is set up", f"{name} --go", tuple(runs))


def task(*entries: Entry, goals: tuple[Goal, ...] = (), missing: tuple[Missing, ...] = ()) -> Task:
    """A work of a thousand rows."""
    return Task("W1", "Here to there", "A table into a new one.", 1_000, "rows", entries, goals, missing)


def usual() -> Task:
    """A work in which ours reaches one goal, misses another, and a third cannot be judged."""
    return task(
        entry("raw", Role.LIMIT, 1.0, 1.1, 1.2),
        entry("nvisy", Role.OURS, 2.0, 2.2, 2.1),
        entry("nvisy, again", Role.OURS, 2.0, 2.31, 2.4),
        entry("quick", Role.PEER, 1.5, 1.6, 1.7),
        entry("slow", Role.PEER, 8.0, failed=1),
        entry("broken", Role.GLUE, failed=3),
        goals=(Goal("rate", 0.85, "limit"), Goal("rate", 2.0, "slow"), Goal("rate", 1.1, "glue"), Goal("memory", 120)),
        missing=(Missing("nvisy, sideways", "nobody has written it"),),
    )


def outcome(*works: Task) -> Result:
    """A comparison."""
    return Result(
        started="2026-01-02T03:04:05Z",
        seconds=60,
        command="python -m benchmarks run --short",
        form="short",
        rows=1_000,
        documents=500,
        runs=3,
        build="a release",
        machine={"cpu": "a processor", "cores": "2", "memory": "4.0 GiB", "kernel": "Linux 6", "load before": "0.10"},
        settings={"server": "fsync = on"},
        versions={"system": {"postgresql": "18.6"}, "ours": {"nvisy-core": "0.1.0"}},
        absent={"gone": "no such package"},
        works=works or (usual(),),
    )
