"""Sling by its own program, which the Python package brings along; its wrapper in Python is left out, to Sling's advantage."""

from __future__ import annotations

import json

from benchmarks.model import Before, Contender, Documents, Files, Flights, Role, Sql, Stage, Step, Target
from benchmarks.stage import documents, flights_sqlite, grown

NAME = PEER = "sling"
TABLE = "target.flights"
_INTO = ("--tgt-conn", "BASE", "--tgt-object")
_FROM = ("--src-conn", "BASE", "--src-stream")


def table_to_table(stage: Stage) -> Contender:
    """One table into another, which gets no primary key."""
    arguments = (*_FROM, "src.flights", *_INTO, TABLE, "--mode", "full-refresh")
    return _sling(stage, "full-refresh; makes no primary key", arguments, Flights(TABLE))


def table_over_table(stage: Stage) -> Contender:
    """One table merged into another by its key."""
    made = f"CREATE TABLE {TABLE} (LIKE src.flights INCLUDING INDEXES)"
    stale = Sql((made, f"INSERT INTO {TABLE} SELECT * FROM src.stale ORDER BY id"))
    arguments = (*_FROM, "src.flights", *_INTO, TABLE, "--mode", "incremental", "--primary-key", "id")
    return _sling(stage, "incremental with a primary key, which upserts", arguments, Flights(TABLE), (stale,))


def sqlite_to_table(stage: Stage) -> Contender:
    """A SQLite file into a table."""
    arguments = ("--src-conn", "FILE", "--src-stream", "main.flights", *_INTO, TABLE, "--mode", "full-refresh")
    return _sling(stage, "full-refresh; makes no primary key", arguments, Flights(TABLE))


def table_to_files(stage: Stage, form: str) -> Contender:
    """A table into a file."""
    path, options = stage.folder.out / f"flights.{form}", json.dumps({"format": form.replace("jsonl", "jsonlines")})
    arguments = (*_FROM, "src.flights", "--tgt-object", f"file://{path}", "--tgt-options", options)
    return _sling(stage, "into one file", arguments, Files(f"**/*.{form}", form))


def lines_to_table(stage: Stage) -> Contender:
    """Documents into a table with one column."""
    path = documents(stage.folder, stage.documents)
    arguments = ("--src-stream", f"file://{path}", *_INTO, "target.documents", "--mode", "full-refresh")
    holds = Documents("target.documents", "t.data::jsonb")
    return _sling(stage, "full-refresh, whole documents in one column", arguments, holds)


def increment(stage: Stage) -> Contender:
    """The new rows merged by key."""
    keys = ("--primary-key", "id", "--update-key", "id")
    arguments = (*_FROM, "src.growing", *_INTO, TABLE, "--mode", "incremental", *keys)
    steps = (Before((*_program(stage), *arguments), _env(stage)), Sql((grown(stage),)))
    return _sling(stage, "incremental, update key id", arguments, Flights(TABLE, "src.growing"), steps)


def _sling(
    stage: Stage, about: str, arguments: tuple[str, ...], target: Target, before: tuple[Step, ...] = ()
) -> Contender:
    """One `sling run`."""
    return Contender(NAME, Role.PEER, about, (*_program(stage), *arguments), target, _env(stage), before, PEER)


def _program(stage: Stage) -> tuple[str, str]:
    """The program inside of the package."""
    environment = stage.folder.environments / PEER
    found = sorted(environment.glob("lib/python3*/site-packages/sling_*/bin/sling-*"))
    return (str(found[0]) if found else str(environment / "bin" / "sling"), "run")


def _env(stage: Stage) -> dict[str, str]:
    """The connections by their names; nobody is told of these runs."""
    base = stage.server.environment()["BENCH_URL"]
    file = flights_sqlite(stage.folder, stage.rows)
    # Outlives a run, because Sling fetches a program for Parquet there and should do that once.
    home = str(stage.folder.environments / PEER / "home")
    return {
        "SLING_DISABLE_TELEMETRY": "TRUE",
        "SLING_HOME_DIR": home,
        "BASE": f"{base}?sslmode=disable",
        "FILE": f"sqlite://{file}",
    }
