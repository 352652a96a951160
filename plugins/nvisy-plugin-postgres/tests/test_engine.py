"""Through the real command line: from SQLite and into it, killed at seeded moments, resumed, each row there once."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from nvisy_sdk.testing import held_when, kill_when

from .postgres_base import Base

ROWS = 20_000
WIDE = 2_000  # characters, so that what is written together is a small part of all
BATCH = 250
KILLS = 4
PATIENCE = 120
COLUMNS = "id, name, score, at, data"
MADE = f"""
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})
INSERT INTO t SELECT i, CASE i % 7 WHEN 0 THEN NULL ELSE printf('name "%d\n\U0001f600%.{WIDE}c', i, 'x') END, i / 8.0,
    strftime('%Y-%m-%dT%H:%M:%S', 86400 * (i % 9999), 'unixepoch') || '.000001Z', json_object('n', i, 'deep', json_array(i, NULL)) FROM n
"""


class Copy:
    """A workflow between a table of the server and one of a SQLite file, with a state folder of its own."""

    def __init__(self, base: Base, folder: Path, *, into: bool, **writing: object) -> None:
        self.base, self.folder, self.into = base, folder, into
        self.file = folder / "data.db"
        server = base.server
        there = {
            "provider": "postgres",
            "params": {"host": server.host, "port": server.port, "database": server.database},
            "credentials": {"username": server.user, "password": "${env:PG_PASSWORD}"},
        }
        here = {"provider": "sqlite", "params": {"path": str(self.file)}}
        table: dict[str, object] = {"schema": base.schema, "table": "t", "key": ["id"]}
        plain: dict[str, object] = {"table": "t", "key": ["id"]}
        nodes = [
            {"id": "source", "read": "source", "params": {**(plain if into else table), "batch_rows": BATCH}},
            {"id": "target", "write": "target", "params": {**(table if into else plain), **writing}},
        ]
        connections = {"source": here if into else there, "target": there if into else here}
        self.workflow = folder / "copy.json"
        workflow = {"version": 1, "name": "copy", "connections": connections, "nodes": nodes, "max_rejects": 10}
        self.workflow.write_text(json.dumps(workflow))

    def sqlite(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in the file; return what the last one gives."""
        with closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
            return [connection.execute(statement).fetchall() for statement in statements][-1]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command and do not wait."""
        command = [str(Path(sys.executable).parent / "nvisy"), *arguments]
        more = {"NVISY_HOME": str(self.folder / "home"), "PG_PASSWORD": self.base.server.password}
        return subprocess.Popen(
            command, env=os.environ | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self) -> dict[str, Any]:
        """Run to the end and return the outcome, whose ledger balances."""
        process = self.start("run", str(self.workflow), "--json")
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"{out}\n{err}"
        assert self.base.server.password not in out + err
        found = json.loads(out.splitlines()[-1])
        assert isinstance(found, dict)
        assert found["read"] == found["written"] + found["rejected"] + found["filtered"]
        return found

    def count(self, table: str = "t") -> int:
        """Return how many rows the target holds so far."""
        if not self.into:
            return int(self.sqlite("SELECT count(*) FROM sqlite_master WHERE name = 't'")[0][0] and self.rows_here())
        there = self.base.sql(f"SELECT to_regclass('{self.base.schema}.{table}') IS NOT NULL")[0][0]
        return int(self.base.sql(f'SELECT count(*) FROM "{table}"')[0][0]) if there else 0

    def rows_here(self) -> int:
        """Return how many rows the file's table holds."""
        return int(self.sqlite("SELECT count(*) FROM t")[0][0])

    def killed(self, goal: int, table: str = "t") -> bool:
        """Start a run and send SIGKILL once the target holds so many rows; whether it was still running."""
        return kill_when(self.start("run", str(self.workflow), "--json"), lambda: self.count(table) >= goal)


def further(there: int, moments: random.Random) -> int:
    """Return a number of rows that a run can be killed at and leave the most of its work undone."""
    return there + moments.randint(1, (ROWS - there) // 4)


def fill(copy: Copy) -> list[tuple[Any, ...]]:
    """Make the rows in the file, and return them in a form that both systems give."""
    copy.sqlite("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, score REAL, at TIMESTAMPTZ, data JSON)", MADE)
    return normal(copy)


def normal(copy: Copy) -> list[tuple[Any, ...]]:
    """Return the rows of the file."""
    found = copy.sqlite(f"SELECT {COLUMNS} FROM t ORDER BY id")
    return [(*row[:3], row[3], json.loads(row[4])) for row in found]


def there(base: Base) -> list[tuple[Any, ...]]:
    """Return the rows of the server's table in the same form."""
    at = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    found = base.sql(f"SELECT id, name, score, {at}, data FROM t ORDER BY id")
    return [(*row[:4], json.loads(row[4])) for row in found]


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_killed_copies_into_the_server_lose_and_repeat_nothing(base: Base, tmp_path: Path, mode: str) -> None:
    """SIGKILL at random moments, and the next run goes on; the guarantee is exactly once, also for `append`."""
    copy = Copy(base, tmp_path, into=True, mode=mode)
    wanted = fill(copy)
    moments, watched = random.Random(f"20261123 {mode}"), "_nvisy_stage_t" if mode == "replace" else "t"
    for _ in range(KILLS):
        goal = further(copy.count(watched), moments)
        assert copy.killed(goal, watched), "the run ended before it could be killed"
        counted = base.sql(f"SELECT count(*), count(DISTINCT id), max(id) + 1 FROM {watched}")[0]
        assert counted[0] == counted[1] == counted[2]
        assert counted[0] % BATCH == 0
    outcome = copy.run()
    assert (outcome["guarantee"], outcome["resumed"]) == ("exactly_once", True)
    assert there(base) == wanted
    again = ROWS if mode == "replace" else 0  # a replace that was published begins anew
    assert copy.run()["read"] == again
    copy.sqlite(f"INSERT INTO t (id, data) VALUES ({ROWS}, '[]')")
    assert copy.run()["written"] == again + 1
    assert there(base) == normal(copy)


def test_killed_copies_out_of_the_server_lose_and_repeat_nothing(base: Base, tmp_path: Path) -> None:
    """Each run reads on from the key of the last row that was committed."""
    into = tmp_path / "into"
    into.mkdir()
    first = Copy(base, into, into=True)
    wanted = fill(first)
    first.run()
    copy = Copy(base, tmp_path, into=False, mode="append")
    moments = random.Random("20261123 out")
    for _ in range(KILLS):
        goal = further(copy.count(), moments)
        assert copy.killed(goal), "the run ended before it could be killed"
        counted = copy.sqlite("SELECT count(*), count(DISTINCT id), max(id) + 1 FROM t")[0]
        assert counted[0] == counted[1] == counted[2]
    outcome = copy.run()
    assert (outcome["guarantee"], outcome["resumed"]) == ("exactly_once", True)
    assert normal(copy) == wanted
    assert copy.run()["read"] == 0


def test_rows_that_the_server_refuses_are_kept_aside(base: Base, tmp_path: Path) -> None:
    """Within the budget the run succeeds, and its ledger counts them."""
    copy = Copy(base, tmp_path, into=True)
    fill(copy)
    base.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text, score float8, at timestamptz, data jsonb, CHECK (id % 5000 <> 7))"
    )
    outcome = copy.run()
    assert (outcome["written"], outcome["rejected"]) == (ROWS - 4, 4)
    assert copy.count() == ROWS - 4


def test_one_line_copies_a_table(base: Base, tmp_path: Path) -> None:
    """By URIs, with the password in them; it is shown nowhere."""
    copy = Copy(base, tmp_path, into=True)
    wanted = fill(copy)
    login = f"{quote(base.server.user, safe='')}:{quote(base.server.password, safe='')}"
    where = f"postgresql://{login}@{base.server.host}:{base.server.port}/{base.server.database}?schema={base.schema}&table=t&key=id"
    process = copy.start("copy", f"sqlite:///{copy.file}?table=t&key=id", where, "--json")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, f"{out}\n{err}"
    assert base.server.password not in out + err
    assert there(base) == wanted


@pytest.mark.parametrize("back", [True, False])
def test_server_that_dies_under_a_run_costs_no_row(tmp_path: Path, start: Callable[..., Any], *, back: bool) -> None:
    """Back at once, the run goes on; otherwise it says what happened, and the next one ends with each row once."""
    base = Base(start())
    base.create()
    copy = Copy(base, tmp_path, into=True, mode="append")
    wanted = fill(copy)
    process = copy.start("run", str(copy.workflow), "--json")
    with held_when(process, lambda: copy.count() >= ROWS // 4) as running:
        assert running
        base.server.end(signal.SIGQUIT)
    if back:
        base.server.again()
    out, err = process.communicate(timeout=PATIENCE)
    outcome = json.loads(out.splitlines()[-1])
    if not back:
        assert outcome["status"] == "failed", f"{out}\n{err}"
        assert outcome["error"]["retryable"], f"{out}\n{err}"
        base.server.again()
    elif outcome["status"] != "succeeded":  # a server that still starts up outlasts the patience of some attempts
        assert outcome["error"]["retryable"], f"{out}\n{err}"
    copy.run()
    assert there(base) == wanted
