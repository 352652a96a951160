"""The limits: the server's own bulk commands through its own command line, with nothing between that knows a row."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import sys

from benchmarks.model import Command, Contender, Documents, Flights, Nowhere, Role, Sql, Stage
from benchmarks.settings import COLUMNS, ROOT
from benchmarks.stage import LINES, TENFOLD, documents, flights_sqlite, grown, tenfold

TABLE = "target.flights"
# A table like the source's, key and all, which a bulk command needs to be there.
MADE = Sql((f"CREATE TABLE {TABLE} (LIKE src.flights INCLUDING INDEXES)",))
# The same, with every other row there and outdated.
STALE = Sql((*MADE.statements, f"INSERT INTO {TABLE} SELECT * FROM src.stale ORDER BY id"))
_OUT = "\\copy src.flights TO STDOUT (FORMAT binary)"
_IN = f"\\copy {TABLE} FROM STDIN (FORMAT binary)"


def pipe(*commands: Command, to: str = "") -> Command:
    """Programs joined by pipes; the whole fails when any of them does."""
    return ("bash", "-o", "pipefail", "-c", " | ".join(shlex.join(command) for command in commands) + to)


def upsert() -> str:
    """The statement that puts a staged table into the target, row by row of the same key."""
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in list(COLUMNS)[1:])
    return f"INSERT INTO {TABLE} SELECT * FROM staged ON CONFLICT (id) DO UPDATE SET {changed}"


def table_to_table(stage: Stage) -> Contender:
    """The whole table, as the server encodes it."""
    about = "binary COPY through a pipe, into a table with a primary key; no order, no restart, no checks"
    command = pipe(stage.server.psql(_OUT), stage.server.psql(_IN))
    return Contender("psql to psql", Role.LIMIT, about, command, Flights(TABLE), before=(MADE,))


def tenfold_to_table(stage: Stage) -> Contender:
    """The same for the larger table."""
    command = pipe(stage.server.psql(_OUT.replace("src.flights", TENFOLD)), stage.server.psql(_IN))
    before = (Sql(tenfold(stage)), MADE)
    return dataclasses.replace(table_to_table(stage), command=command, target=Flights(TABLE, TENFOLD), before=before)


def table_over_table(stage: Stage) -> Contender:
    """The whole table into a staged one, and from there into the target."""
    about = "binary COPY through a pipe into a temporary table, then INSERT ... ON CONFLICT DO UPDATE"
    staged = ("CREATE TEMPORARY TABLE staged (LIKE target.flights)", "\\copy staged FROM STDIN (FORMAT binary)")
    command = pipe(stage.server.psql(_OUT), stage.server.psql(*staged, upsert()))
    return Contender("psql to psql, staged", Role.LIMIT, about, command, Flights(TABLE), before=(STALE,))


def sqlite_to_table(stage: Stage) -> Contender:
    """The SQLite file as CSV, by its own command line where there is one."""
    path = str(flights_sqlite(stage.folder, stage.rows))
    own = "sqlite3 to psql", ("sqlite3", "-readonly", "-csv", path, "SELECT * FROM flights")
    other = "python to psql", (sys.executable, str(ROOT / "benchmarks/contenders/sqlite_csv.py"), path)
    name, out = own if shutil.which("sqlite3") else other
    about = "CSV through a pipe into COPY, into a table with a primary key; a text becomes a time while it is loaded"
    command = pipe(out, stage.server.psql(f"\\copy {TABLE} FROM STDIN (FORMAT csv)"))
    return Contender(name, Role.LIMIT, about, command, Flights(TABLE), before=(MADE,))


def table_to_nowhere(stage: Stage) -> Contender:
    """Reading alone: what is to be written cannot be there earlier."""
    about = "binary COPY to nowhere: the reading half alone, so it cannot be reached"
    return Contender("psql to nowhere", Role.LIMIT, about, pipe(stage.server.psql(_OUT), to=" > /dev/null"), Nowhere())


def lines_to_table(stage: Stage) -> Contender:
    """Each line as it is, into one column of type jsonb."""
    path = documents(stage.folder, stage.documents)
    about = "COPY of whole lines into one jsonb column; nothing but the server parses them"
    command = stage.server.psql(f"\\copy target.documents FROM '{path}' {LINES}")
    made = Sql(("CREATE TABLE target.documents (doc jsonb)",))
    holds = Documents("target.documents", "doc")
    return Contender("psql, whole lines", Role.LIMIT, about, command, holds, before=(made,))


def increment(stage: Stage) -> Contender:
    """The new rows, found and moved by the server alone."""
    new = f"INSERT INTO {TABLE} SELECT * FROM src.growing WHERE id > (SELECT max(id) FROM {TABLE})"
    about = "INSERT ... SELECT of the greater keys, inside the server"
    first = Sql((*MADE.statements, f"INSERT INTO {TABLE} SELECT * FROM src.growing", grown(stage)))
    holds = Flights(TABLE, "src.growing")
    return Contender("psql, inside", Role.LIMIT, about, stage.server.psql(new), holds, before=(first,))
