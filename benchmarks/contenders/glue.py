"""Libraries joined by hand, each work by the pair that is fastest at it. They keep no state and cannot be resumed."""

from __future__ import annotations

from benchmarks.contenders.limit import MADE, STALE, TABLE
from benchmarks.model import Contender, Files, Flights, Role, Stage, Step, Target
from benchmarks.settings import ROOT
from benchmarks.stage import LINES, flights_sqlite

PEER = "glue"
_PROGRAM = ROOT / "benchmarks" / "peers" / "glue.py"


def table_to_table(stage: Stage) -> Contender:
    """The table as connectorx streams it, encoded by pgpq for COPY."""
    about = "streamed by connectorx in batches of 65,536, encoded by pgpq, into a table with a primary key"
    return _glue(stage, "connectorx + pgpq", about, ("table", "table"), Flights(TABLE), (MADE,))


def table_over_table(stage: Stage) -> Contender:
    """The same through a staged table."""
    about = "streamed by connectorx, encoded by pgpq into a temporary table, then INSERT ... ON CONFLICT DO UPDATE"
    return _glue(stage, "connectorx + pgpq", about, ("table", "upsert"), Flights(TABLE), (STALE,))


def sqlite_to_table(stage: Stage) -> Contender:
    """The same from a SQLite file."""
    path = str(flights_sqlite(stage.folder, stage.rows))
    about = "read whole by connectorx, encoded by pgpq, into a table with a primary key"
    return _glue(stage, "connectorx + pgpq", about, ("sqlite", "table", path), Flights(TABLE), (MADE,))


def table_to_parquet(stage: Stage) -> Contender:
    """The table as connectorx streams it, written by pyarrow."""
    path = str(stage.folder.out / "flights.parquet")
    about = "streamed by connectorx, written by pyarrow into one file with Snappy"
    return _glue(stage, "connectorx + pyarrow", about, ("table", "parquet", path), Files("*.parquet", "parquet"), ())


def table_to_lines(stage: Stage) -> tuple[Contender, ...]:
    """ADBC reads and DuckDB writes; or the server makes the lines itself."""
    path = stage.folder.out / "flights.jsonl"
    about = "read by ADBC, written by DuckDB into one file"
    files = Files("*.jsonl", "jsonl")
    command = f"\\copy (SELECT row_to_json(t) FROM src.flights AS t) TO '{path}' {LINES}"
    inside = Contender(
        "psql, row_to_json", Role.GLUE, "lines made by the server, into one file", stage.server.psql(command), files
    )
    return _glue(stage, "adbc + duckdb", about, ("table", "jsonl", str(path)), files, ()), inside


def _glue(
    stage: Stage, name: str, about: str, arguments: tuple[str, ...], target: Target, before: tuple[Step, ...]
) -> Contender:
    """The program of `benchmarks/peers/glue.py`."""
    python = stage.folder.environments / PEER / "bin" / "python"
    return Contender(name, Role.GLUE, about, (str(python), str(_PROGRAM), *arguments), target, {}, before, PEER)
