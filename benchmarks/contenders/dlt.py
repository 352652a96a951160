"""dlt, in the fastest configuration that its documentation has, and as its tutorial has it."""

from __future__ import annotations

from benchmarks.model import Before, Command, Contender, Documents, Files, Flights, Role, Sql, Stage, Step, Target
from benchmarks.settings import ROOT
from benchmarks.stage import documents, flights_sqlite, grown

NAME = PEER = "dlt"
TABLE = "target.flights"
# Nobody is told of these runs.
ENV = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "WARNING"}
_PROGRAM = ROOT / "benchmarks" / "peers" / "dlt_pipeline.py"
_FAST = ("--backend", "connectorx", "--format", "parquet")
_ABOUT = "read by connectorx, loaded from Parquet by ADBC"
_USUAL = "as in the tutorial: rows by SQLAlchemy, loaded by INSERT"


def table_to_table(stage: Stage) -> tuple[Contender, ...]:
    """One table into another, which gets no primary key."""
    fast = _dlt(stage, NAME, f"{_ABOUT}; makes no primary key", _FAST, Flights(TABLE))
    return fast, _dlt(stage, f"{NAME}, default", f"{_USUAL}; makes no primary key", (), Flights(TABLE), slow=True)


def table_over_table(stage: Stage) -> tuple[Contender, ...]:
    """One table merged into another by its key."""
    merge = (*_FAST, "--write", "merge")
    first = Before(_command(stage, (*_FAST, "--write", "merge", "--table", "stale")), ENV)
    return (_dlt(stage, NAME, f"{_ABOUT}, merged by key", merge, Flights(TABLE), (first,)),)


def sqlite_to_table(stage: Stage) -> tuple[Contender, ...]:
    """A SQLite file into a table."""
    file = ("--sqlite", str(flights_sqlite(stage.folder, stage.rows)))
    fast = _dlt(stage, NAME, f"{_ABOUT}; makes no primary key", (*file, *_FAST), Flights(TABLE))
    return fast, _dlt(stage, f"{NAME}, default", f"{_USUAL}; makes no primary key", file, Flights(TABLE), slow=True)


def table_to_parquet(stage: Stage) -> tuple[Contender, ...]:
    """A table into Parquet files."""
    to = ("--files", str(stage.folder.out / "files"))
    files = Files("files/target/flights/*.parquet", "parquet")
    return (_dlt(stage, NAME, "read by connectorx, written as Parquet", (*to, *_FAST), files),)


def table_to_lines(stage: Stage) -> tuple[Contender, ...]:
    """A table into JSON Lines files."""
    to = ("--files", str(stage.folder.out / "files"), "--format", "jsonl")
    files = Files("files/target/flights/*.jsonl*", "jsonl")
    return (_dlt(stage, f"{NAME}, default", "as in the tutorial: rows by SQLAlchemy", to, files, slow=True),)


def lines_to_table(stage: Stage) -> tuple[Contender, ...]:
    """Documents into a table; nested values stay whole."""
    lines = ("--lines", str(documents(stage.folder, stage.documents).parent))
    holds = Documents("target.documents", "to_jsonb(t) - '_dlt_load_id' - '_dlt_id'")
    return (_dlt(stage, NAME, "read_jsonl, with nested values kept whole as jsonb", lines, holds, slow=True),)


def increment(stage: Stage) -> tuple[Contender, ...]:
    """The new rows appended, and merged by key."""
    found = []
    for name, write in ((NAME, "append"), (f"{NAME}, merging", "merge")):
        given = (*_FAST, "--table", "growing", "--cursor", "id", "--write", write)
        steps = (Before(_command(stage, given), ENV), Sql((grown(stage),)))
        about = f"{_ABOUT}; incremental in id, write disposition {write}"
        found.append(_dlt(stage, name, about, given, Flights(TABLE, "src.growing"), steps))
    return tuple(found)


def _dlt(
    stage: Stage,
    name: str,
    about: str,
    arguments: tuple[str, ...],
    target: Target,
    before: tuple[Step, ...] = (),
    *,
    slow: bool = False,
) -> Contender:
    """The program of `benchmarks/peers/dlt_pipeline.py`."""
    return Contender(name, Role.PEER, about, _command(stage, arguments), target, ENV, before, PEER, slow)


def _command(stage: Stage, arguments: tuple[str, ...]) -> Command:
    """The program with a state folder that is empty at the beginning of a run."""
    python = stage.folder.environments / PEER / "bin" / "python"
    return (str(python), str(_PROGRAM), "--state", str(stage.folder.out / "state"), *arguments)
