"""The result file: everything a reader needs to believe or repeat a comparison, as JSON, with every single run.

No host name, user or folder of a machine is in it, and no secret.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.model import Goal, Missing, Role

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """One run: seconds, MiB, and whether the target was equal to the source afterwards; else `reason` says why not."""

    round: int
    wall: float
    cpu: float
    server_cpu: float
    memory: float
    equal: bool
    reason: str | None = None


@dataclass(frozen=True)
class Entry:
    """A contender with its runs, in the order in which they took place."""

    name: str
    role: Role
    about: str
    command: str
    runs: tuple[Run, ...]
    items: int | None = None
    """What it moves, where that is not what the work says."""


@dataclass(frozen=True)
class Task:
    """A work with its contenders."""

    name: str
    title: str
    about: str
    items: int
    unit: str
    entries: tuple[Entry, ...]
    goals: tuple[Goal, ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Result:
    """A comparison."""

    started: str
    seconds: int
    command: str
    form: str
    rows: int
    documents: int
    runs: int
    build: str
    machine: dict[str, str]
    settings: dict[str, str]
    versions: dict[str, dict[str, str]]
    """Environment -> package -> version; `system` is what no package manager installed."""
    absent: dict[str, str]
    """Peers that were asked for and could not be installed -> why."""
    works: tuple[Task, ...]


def write(result: Result, path: Path) -> None:
    """Write a result with one line for each run, so that a change can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(result), encoding="utf-8")


def text(result: Result) -> str:
    """The file's text."""
    return json.dumps({"format": FORMAT, **asdict(result)}, indent=1, ensure_ascii=False) + "\n"


def read(path: Path) -> Result:
    """Read a result; one of another format is refused."""
    return parse(path.read_text(encoding="utf-8"))


def parse(source: str) -> Result:
    """A result from the file's text."""
    found: dict[str, Any] = json.loads(source)
    if found.pop("format", None) != FORMAT:
        message = f"not a result of format {FORMAT}"
        raise ValueError(message)
    works = tuple(_task(work) for work in found.pop("works"))
    return Result(**found, works=works)


def _task(found: dict[str, Any]) -> Task:
    """One work."""
    entries = tuple(_entry(entry) for entry in found.pop("entries"))
    goals = tuple(Goal(**goal) for goal in found.pop("goals"))
    missing = tuple(Missing(**each) for each in found.pop("missing"))
    return Task(**found, entries=entries, goals=goals, missing=missing)


def _entry(found: dict[str, Any]) -> Entry:
    """One contender."""
    runs = tuple(Run(**run) for run in found.pop("runs"))
    return Entry(**{**found, "role": Role(found["role"])}, runs=runs)


def machine() -> dict[str, str]:
    """What the machine is, without its name, and how busy it was before we began."""
    return {
        "cpu": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int((_field(Path('/proc/meminfo'), 'MemTotal') or '0').split()[0]) / 2**20:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def _field(path: Path, name: str) -> str | None:
    """The value of the first line of that name."""
    for line in path.read_text().splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return None
