"""Fills the server with the data and clears it between runs, so that each run begins as every other one does."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from benchmarks import data
from benchmarks.checks import ORIGINAL
from benchmarks.model import Stage
from benchmarks.server import Server
from benchmarks.settings import COLUMNS, Folder

# Characters that stand nowhere in the documents, so that each line is one value of a CSV of one column.
LINES = "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
_READY = "src.ready"
GROWING, TENFOLD = "src.growing", "src.tenfold"


def flights_csv(folder: Folder, rows: int) -> Path:
    """The flights as CSV."""
    return data.write_csv(folder.data(rows) / "flights.csv", rows)


def flights_sqlite(folder: Folder, rows: int) -> Path:
    """The flights as a SQLite file."""
    return data.write_sqlite(folder.data(rows) / "flights.db", rows)


def documents(folder: Folder, count: int) -> Path:
    """The documents as JSON Lines."""
    return data.write_documents(folder.data(count) / "documents" / "documents.jsonl", count)


def fill(server: Server, folder: Folder, rows: int, count: int) -> Server:
    """Make a database of this size unless it is there, and return the server with it."""
    name = f"bench_{rows}_{count}"
    if not server.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        server.sql(f"CREATE DATABASE {name}")
    server = dataclasses.replace(server, database=name)
    if not server.sql(f"SELECT to_regclass('{_READY}')"):
        _fill(server, flights_csv(folder, rows), documents(folder, count))
    return server


def _fill(server: Server, csv: Path, lines: Path) -> None:
    """Load the files, and make of them what else the works read."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    like = "(LIKE src.flights INCLUDING INDEXES)"
    changed = "dep_delay = coalesce(dep_delay, 0) + 1, tailnum = 'old', time_hour = time_hour - interval '1 hour'"
    server.sql(
        "DROP SCHEMA IF EXISTS src CASCADE",
        "CREATE SCHEMA src",
        f"CREATE TABLE src.flights ({columns}, PRIMARY KEY (id))",
        f"\\copy src.flights FROM '{csv}' (FORMAT csv, HEADER)",
        # what an upsert finds: every other row, with other values
        f"CREATE TABLE src.stale {like}",
        "INSERT INTO src.stale SELECT * FROM src.flights WHERE id % 2 = 0 ORDER BY id",
        f"UPDATE src.stale SET {changed}",
        # what grows between two runs
        f"CREATE TABLE {GROWING} {like}",
        f"INSERT INTO {GROWING} SELECT * FROM src.flights ORDER BY id",
        f"CREATE TABLE {ORIGINAL} (doc jsonb)",
        f"\\copy {ORIGINAL} FROM '{lines}' {LINES}",
    )
    for table in ("src.flights", "src.stale", GROWING, ORIGINAL):
        server.sql(f"VACUUM (FULL, ANALYZE) {table}" if table == "src.stale" else f"VACUUM ANALYZE {table}")
    server.sql(f"CREATE TABLE {_READY} ()")


def clear(stage: Stage) -> None:
    """Remove what the run before has written, and make the server write down what it has in memory."""
    shutil.rmtree(stage.folder.out, ignore_errors=True)
    stage.folder.out.mkdir(parents=True)
    stage.server.sql(
        "DROP SCHEMA IF EXISTS target CASCADE",
        "DROP SCHEMA IF EXISTS target_staging CASCADE",
        "CREATE SCHEMA target",
        f"DELETE FROM {GROWING} WHERE id > {stage.rows}",
    )


def grown(stage: Stage) -> str:
    """The statement that adds the new rows of an increment."""
    rest = ", ".join(list(COLUMNS)[1:])
    return (
        f"INSERT INTO {GROWING} (id, {rest}) "
        f"SELECT id + {stage.rows}, {rest} FROM src.flights WHERE id <= {stage.more} ORDER BY id"
    )


def tenfold(stage: Stage) -> tuple[str, ...]:
    """The statements that make a table of ten times the flights, where it is not there yet."""
    rest = ", ".join(list(COLUMNS)[1:])
    repeated = f"SELECT id + part * {stage.rows}, {rest} FROM generate_series(0, 9) AS part, src.flights ORDER BY 1"
    made = f"CREATE TABLE {TENFOLD} (LIKE src.flights INCLUDING INDEXES); INSERT INTO {TENFOLD} (id, {rest}) {repeated}"
    missing = f"to_regclass('{TENFOLD}') IS NULL"
    return f"DO $$BEGIN IF {missing} THEN {made}; END IF; END$$", f"VACUUM ANALYZE {TENFOLD}"


def settled(stage: Stage) -> None:
    """Let the next run begin with a server that has nothing left to do of what came before."""
    stage.server.sql(f"VACUUM ANALYZE {GROWING}", "CHECKPOINT")
