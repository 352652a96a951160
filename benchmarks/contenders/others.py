"""The other tools: ingestr, Meltano's tap and target, CocoIndex. Most are slow, and only in the long form."""

from __future__ import annotations

import dataclasses

from benchmarks.contenders.limit import pipe
from benchmarks.model import Before, Contender, Flights, Role, Sql, Stage, Step
from benchmarks.settings import ROOT
from benchmarks.stage import flights_sqlite, grown

TABLE = "target.flights"
_PROGRAMS = ROOT / "benchmarks" / "peers"


def ingestr_table(stage: Stage) -> Contender:
    """One table into another, by ingestr."""
    about = "`ingestr ingest`, strategy replace; makes no primary key"
    return _ingestr(stage, about, ("--source-table", "src.flights"), Flights(TABLE))


def ingestr_merge(stage: Stage) -> Contender:
    """One table merged into another."""
    merge = ("--incremental-strategy", "merge", "--primary-key", "id")
    first = _ingestr(stage, "", ("--source-table", "src.stale", *merge), Flights(TABLE))
    steps = (Before(first.command, first.env),)
    about = "`ingestr ingest`, strategy merge by key"
    return _ingestr(stage, about, ("--source-table", "src.flights", *merge), Flights(TABLE), steps)


def ingestr_sqlite(stage: Stage) -> Contender:
    """A SQLite file into a table."""
    made = _ingestr(stage, "`ingestr ingest`, strategy replace", ("--source-table", "flights"), Flights(TABLE))
    uri = f"sqlite:///{flights_sqlite(stage.folder, stage.rows)}"
    return dataclasses.replace(made, env={**made.env, "SOURCE_URI": uri})


def ingestr_increment(stage: Stage) -> Contender:
    """The new rows merged by key."""
    merge = ("--incremental-strategy", "merge", "--primary-key", "id", "--incremental-key", "id")
    first = _ingestr(stage, "", ("--source-table", "src.growing", *merge), Flights(TABLE, "src.growing"))
    steps = (Before(first.command, first.env), Sql((grown(stage),)))
    return dataclasses.replace(first, about="`ingestr ingest`, strategy merge, incremental key id", before=steps)


def meltano(stage: Stage) -> Contender:
    """One table into another, by the tap and the target that Meltano runs."""
    programs, files = stage.folder.environments / "singer" / "bin", stage.folder.out
    make = Before((str(programs / "python"), str(_PROGRAMS / "singer_files.py"), str(files)))
    command = pipe(
        (str(programs / "tap-postgres"), "--config", f"{files}/tap.json", "--catalog", f"{files}/catalog.json"),
        (str(programs / "target-postgres"), "--config", f"{files}/target.json"),
    )
    about = "tap-postgres | target-postgres, full table, with COPY and without validation; makes a primary key, a time loses its zone"
    return Contender("meltano", Role.PEER, about, command, Flights(TABLE), {}, (make,), "singer", slow=True)


def cocoindex(stage: Stage) -> Contender:
    """One table into another, by an app that declares every row."""
    python = stage.folder.environments / "cocoindex" / "bin" / "python"
    command = (str(python), str(_PROGRAMS / "cocoindex_app.py"))
    about = "an app with one component that declares every row; makes a primary key"
    env = {"COCOINDEX_DB": str(stage.folder.out / "cocoindex.db")}
    return Contender("cocoindex", Role.PEER, about, command, Flights(TABLE), env, (), "cocoindex", slow=True)


def _ingestr(
    stage: Stage, about: str, arguments: tuple[str, ...], target: Flights, before: tuple[Step, ...] = ()
) -> Contender:
    """One `ingestr ingest`; addresses are in the environment, because they hold the password."""
    program = stage.folder.environments / "ingestr" / "bin" / "ingestr"
    command = (str(program), "ingest", "--yes", "--progress", "log", "--dest-table", TABLE, *arguments)
    uri = f"{stage.server.environment()['BENCH_URL']}?sslmode=disable"
    state = str(stage.folder.out / "ingestr")
    env = {"SOURCE_URI": uri, "DESTINATION_URI": uri, "PIPELINES_DIR": state, "INGESTR_DISABLE_TELEMETRY": "true"}
    return Contender("ingestr", Role.PEER, about, command, target, env, before, "ingestr")
