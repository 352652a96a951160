"""What is compared with what: works, contenders, the steps before a run, what is checked after it, and the targets.

A contender is data, not code: everything that runs it, measures it and writes about it reads it here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.server import Server
from benchmarks.settings import Folder

Command = tuple[str, ...]


class Role(enum.StrEnum):
    """What a contender stands for in the comparison."""

    LIMIT = "limit"
    """The least that anyone must do: the system's own bulk commands, with nothing between them."""
    OURS = "ours"
    GLUE = "glue"
    """Libraries joined by hand, without state, restart or checks."""
    PEER = "peer"
    """Another tool."""


@dataclass(frozen=True)
class Sql:
    """Statements before a run, by the server's role."""

    statements: tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """A command before a run that is not measured, such as the first load of an increment."""

    command: Command
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Write:
    """A file before a run, such as a workflow."""

    path: Path
    text: str


Step = Sql | Before | Write


@dataclass(frozen=True)
class Flights:
    """A table of the server that must hold the flights of another one."""

    table: str
    like: str = "src.flights"


@dataclass(frozen=True)
class Documents:
    """A table that must hold the documents; `expression` is one of them as jsonb, made of the row `t`."""

    table: str
    expression: str


@dataclass(frozen=True)
class Files:
    """Files below the folder of what a run writes that must hold the flights: `parquet` or `jsonl`."""

    glob: str
    format: str


@dataclass(frozen=True)
class Nowhere:
    """What is read goes nowhere, so nothing can be checked; only a limit may do that."""


Target = Flights | Documents | Files | Nowhere


@dataclass(frozen=True)
class Contender:
    """One way to do a work."""

    name: str
    role: Role
    about: str
    """How it is set up, and in what it does more or less than the others."""
    command: Command
    target: Target
    env: Mapping[str, str] = field(default_factory=dict)
    before: tuple[Step, ...] = ()
    needs: str | None = None
    """The peer whose environment it runs in."""
    slow: bool = False
    """Takes minutes where others take seconds: only in the long form, and there once."""
    items: int | None = None
    """What it moves, where that is not what the others move."""


@dataclass(frozen=True)
class Missing:
    """A work, or a way to do it, that a contender cannot do, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Goal:
    """What our own engine is to reach in a work.

    `figure` is `rate` (against the named contender, or the best of a role), `wall` (seconds), `memory` (MiB, or a share of
    the named contender's) or `cpu` (client seconds for a million items).
    """

    figure: str
    bound: float
    against: str | None = None
    """A contender, or `limit`, `glue`: the best of that role."""


@dataclass(frozen=True)
class Work:
    """One task, and all who do it."""

    name: str
    title: str
    about: str
    items: int
    """Rows or documents that move in the measured run."""
    unit: str
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Where the works are done: folders, server, our own programs, and what each peer's environment is."""

    folder: Folder
    server: Server
    ours: Path
    """The folder of our own command."""
    environments: Mapping[str, Path]
    """Peer -> the folder of its environment; only those that could be installed."""
    rows: int
    documents: int

    def hidden(self, text: str) -> str:
        """The text without what only this machine and this run know: folders, the port, the password."""
        text = text.replace(f":{self.server.port}/", "/").replace(self.server.password, "***")
        for programs in (self.ours, self.server.programs):
            text = text.replace(f"{programs}/", "")
        return self.folder.hidden(text)

    @property
    def more(self) -> int:
        """Rows of the increment: one in a hundred."""
        return max(1, self.rows // 100)
