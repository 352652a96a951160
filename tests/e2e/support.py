"""Drives the real command line in processes of its own, and reads the stores without Nvisy."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
# Longer than any run of these tests takes on a slow machine; a hang fails with what was printed until then.
PATIENCE = 240


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code, what it printed, and the JSON object on its last line, where there is one."""

    code: int
    out: str
    err: str

    @property
    def outcome(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        lines = self.out.splitlines()
        assert lines, f"nothing on standard output; exit code {self.code}; standard error:\n{self.err}"
        found = json.loads(lines[-1])
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Nvisy:
    """The command line with a state folder of its own."""

    home: Path
    command: Sequence[str] = (str(BIN / "nvisy"),)
    env: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start it and do not wait."""
        command = [*self.command, *map(str, arguments)]
        env = os.environ | {"NVISY_HOME": str(self.home)} | dict(self.env)
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *arguments: str | Path, code: int = 0) -> Ended:
        """Run it to its end and insist on the exit code."""
        ended = wait(self.start(*arguments))
        assert ended.code == code, f"exit code {ended.code}, not {code}\n{ended.out}\n{ended.err}"
        return ended

    def run(self, workflow: Path, *options: str) -> dict[str, Any]:
        """Run a workflow to success; its outcome, the ledger checked."""
        return balanced(self("run", workflow, "--json", *options).outcome)

    def copy(self, source: str, target: str, *options: str) -> dict[str, Any]:
        """Copy to success; its outcome, the ledger checked."""
        return balanced(self("copy", source, target, "--json", *options).outcome)


def wait(process: subprocess.Popen[str]) -> Ended:
    """Wait for a started command."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        message = f"no end after {PATIENCE} s; standard error:\n{err}"
        raise AssertionError(message) from None
    return Ended(process.returncode, out, err)


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Send SIGKILL after that long; whether the process was still running and died by it."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == -signal.SIGKILL


def booked(nvisy: Nvisy) -> Counter[str]:
    """How many records each path has written according to the ledgers of all runs, killed ones included."""
    written: Counter[str] = Counter()
    for run in nvisy("runs", "--json", "--limit", "1000").outcome["runs"]:
        for path, ledger in run["ledger"].items():
            assert ledger["read"] == ledger["written"] + ledger["rejected"] + ledger["filtered"], run
            written[path] += ledger["written"]
    return written


def balanced(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome, after checking that it succeeded and that every record is accounted for."""
    assert outcome["status"] == "succeeded", outcome
    assert outcome["read"] == outcome["written"] + outcome["rejected"] + outcome["filtered"], outcome
    return outcome


def workflow(
    path: Path, *, connections: Mapping[str, object], nodes: Iterable[Mapping[str, object]], **more: object
) -> Path:
    """Write a workflow file (JSON is one of its two languages)."""
    content = {"version": 1, "name": path.stem, "connections": connections, "nodes": list(nodes), **more}
    path.write_text(json.dumps(content, indent=1))
    return path


def sqlite(path: Path) -> dict[str, object]:
    """A connection to a SQLite file."""
    return {"provider": "sqlite", "params": {"path": str(path)}}


def files(path: Path) -> dict[str, object]:
    """A connection to a folder of objects."""
    return {"provider": "files", "params": {"root": str(path)}}


def query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask a SQLite file directly."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(statement).fetchall()
        database.commit()
    return found


def numbers(path: Path, rows: int, *, first: int = 1, table: str = "numbers") -> Path:
    """Make a table of numbered rows, or add some to it: a key, a text, a number with nulls, a fraction."""
    statement = f"""
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + rows - 1})
        INSERT INTO {table}
        SELECT i, 'row ' || i || ' ö', CASE WHEN i % 7 THEN i * 1000003 END, i / 8.0 FROM n"""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {table} "
            "(id INTEGER PRIMARY KEY, label TEXT NOT NULL, amount INTEGER, share REAL NOT NULL)"
        )
        database.execute(statement)
        database.commit()
    return path
