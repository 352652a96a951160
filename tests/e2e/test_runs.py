"""What a second run does: continue, start over, resume; graphs with several ends; exit codes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from nvisy_sdk.testing import kill_when

from demo import proof
from tests.e2e.support import Nvisy, balanced, booked, files, numbers, query, sqlite, wait, workflow


def one_way(folder: Path, **params: object) -> Path:
    """A workflow from `source.db` to `copy.db` in that folder."""
    return workflow(
        folder / "one_way.json",
        connections={"source": sqlite(folder / "source.db"), "copy": sqlite(folder / "copy.db")},
        nodes=[
            {"id": "numbers", "read": "source", "params": {"table": "numbers", "key": ["id"], "batch_rows": 500}},
            {"id": "copy", "write": "copy", "params": {"table": "numbers", "key": ["id"]} | params},
        ],
    )


def same(folder: Path) -> bool:
    """Whether source and copy hold the same rows."""
    return proof.of_table(folder / "source.db", "numbers") == proof.of_table(folder / "copy.db", "numbers")


def test_next_run_reads_new_rows_only(tmp_path: Path, nvisy: Nvisy) -> None:
    """A workflow continues at its committed position: first all rows, then none, then the new ones."""
    numbers(tmp_path / "source.db", 5_000)
    path = one_way(tmp_path)
    assert nvisy.run(path)["read"] == 5_000
    assert nvisy.run(path)["read"] == 0
    numbers(tmp_path / "source.db", 70, first=5_001)
    outcome = nvisy.run(path)
    assert (outcome["read"], outcome["written"], outcome["resumed"]) == (70, 70, False)
    assert same(tmp_path)


def test_full_run_reads_everything_again(tmp_path: Path, nvisy: Nvisy) -> None:
    """`--full` starts over, and an upsert by key leaves each row once."""
    numbers(tmp_path / "source.db", 5_000)
    path = one_way(tmp_path)
    nvisy.run(path)
    query(tmp_path / "source.db", "UPDATE numbers SET label = 'changed' WHERE id % 10 = 0")
    assert nvisy.run(path)["read"] == 0
    assert not same(tmp_path)
    assert nvisy.run(path, "--full")["read"] == 5_000
    assert same(tmp_path)


def test_replace_leaves_exactly_the_rows_of_the_last_full_run(tmp_path: Path, nvisy: Nvisy) -> None:
    """In mode `replace` a row that is gone from the source is gone from the target after a full run."""
    numbers(tmp_path / "source.db", 3_000)
    path = one_way(tmp_path, mode="replace")
    nvisy.run(path)
    query(tmp_path / "source.db", "DELETE FROM numbers WHERE id <= 1000")
    nvisy.run(path, "--full")
    assert same(tmp_path)


def test_interrupted_run_resumes_and_says_so(tmp_path: Path, nvisy: Nvisy) -> None:
    """After a kill half-way, the same command reads only what is missing and prints `resumed`."""
    numbers(tmp_path / "source.db", 60_000)
    path = one_way(tmp_path)

    def half() -> bool:
        if not (tmp_path / "copy.db").exists():
            return False
        there = query(tmp_path / "copy.db", "SELECT 1 FROM sqlite_master WHERE name = 'numbers'")
        return bool(there) and query(tmp_path / "copy.db", "SELECT max(id) >= 20000 FROM numbers")[0][0] == 1

    assert kill_when(nvisy.start("run", path, "--json"), half)
    before = booked(nvisy).total()
    outcome = nvisy.run(path)
    # What the sink had committed in the very moment of the kill is counted by the run that finds it.
    assert (outcome["read"], outcome["resumed"]) == (60_000 - before, True)
    assert same(tmp_path)


def test_fan_out_and_fan_in_keep_each_row_once(tmp_path: Path, nvisy: Nvisy) -> None:
    """Two sources into one sink, and one of them into a second sink through three steps, in one run."""
    numbers(tmp_path / "first.db", 4_000)
    numbers(tmp_path / "second.db", 3_000, first=10_001)
    path = workflow(
        tmp_path / "graph.json",
        connections={name: sqlite(tmp_path / f"{name}.db") for name in ("first", "second", "all", "slim")},
        nodes=[
            {"id": "a", "read": "first", "params": {"table": "numbers", "key": ["id"]}},
            {"id": "b", "read": "second", "params": {"table": "numbers", "key": ["id"]}},
            {"id": "all", "write": "all", "from": ["a", "b"], "params": {"table": "numbers", "key": ["id"]}},
            {"id": "some", "transform": "select", "from": ["b"], "params": {"columns": ["id", "amount", "label"]}},
            {"id": "named", "transform": "rename", "params": {"columns": {"amount": "total"}}},
            {"id": "short", "transform": "drop", "params": {"columns": ["label"]}},
            {"id": "text", "transform": "cast", "params": {"columns": {"total": "text"}}},
            {"id": "slim", "write": "slim", "params": {"table": "slim", "key": ["id"]}},
        ],
    )
    outcome = nvisy.run(path)
    both = proof.total(
        row for name in ("first", "second") for row in query(tmp_path / f"{name}.db", "SELECT * FROM numbers")
    )
    assert proof.of_table(tmp_path / "all.db", "numbers") == both
    expected = query(tmp_path / "second.db", "SELECT id, CAST(amount AS TEXT) FROM numbers ORDER BY id")
    assert query(tmp_path / "slim.db", "SELECT id, total FROM slim ORDER BY id") == expected
    written = sorted((sink["node"], sink["source"], sink["written"]) for sink in outcome["sinks"])
    assert written == [("all", "a", 4_000), ("all", "b", 3_000), ("slim", "b", 3_000)]


def test_rejected_rows_fail_the_run_with_their_own_exit_code(tmp_path: Path, nvisy: Nvisy) -> None:
    """A row the target refuses is counted, named and fails the run; nothing is dropped in silence."""
    numbers(tmp_path / "source.db", 1_000)
    query(
        tmp_path / "copy.db",
        "CREATE TABLE numbers (id INTEGER PRIMARY KEY, label TEXT, amount INTEGER NOT NULL, share REAL)",
    )
    ended = nvisy("run", one_way(tmp_path), "--json", code=4)
    assert ended.outcome["status"] == "rejected"
    assert ended.outcome["rejected"] > 0


def test_provider_failure_has_its_own_exit_code(tmp_path: Path, nvisy: Nvisy) -> None:
    """A source that is not there fails the run with a message that names it."""
    numbers(tmp_path / "source.db", 10, table="others")
    ended = nvisy("run", one_way(tmp_path), "--json", code=3)
    assert ended.outcome["status"] == "failed"
    assert "numbers" in ended.outcome["error"]["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelled_run_has_its_own_exit_code_and_resumes(tmp_path: Path, nvisy: Nvisy, number: signal.Signals) -> None:
    """Ctrl-C (or a polite end) cancels: a clean end with status `cancelled`, and the next run resumes."""
    numbers(tmp_path / "source.db", 200_000)
    path = one_way(tmp_path)
    process = nvisy.start("run", path, "--json")
    while process.poll() is None and not (tmp_path / "copy.db").exists():
        pass
    process.send_signal(number)
    ended = wait(process)
    assert ended.code == 5, ended.err
    assert ended.outcome["status"] == "cancelled"
    nvisy.run(path)
    assert same(tmp_path)


def test_objects_are_read_after_the_last_one_only(tmp_path: Path, nvisy: Nvisy) -> None:
    """A workflow that reads objects continues after the last object it has read."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.csv").write_text("id,name\n1,one\n2,two\n")
    path = workflow(
        tmp_path / "inbox.json",
        connections={"inbox": files(folder), "copy": sqlite(tmp_path / "copy.db")},
        nodes=[
            {"id": "files", "read": "inbox", "params": {"glob": "*.csv"}},
            {"id": "rows", "transform": "decode"},
            {"id": "copy", "write": "copy", "params": {"table": "names", "key": ["id"]}},
        ],
    )
    assert balanced(nvisy.run(path))["written"] == 2
    (folder / "b.csv").write_text("id,name\n3,three\n")
    assert nvisy.run(path)["written"] == 1
    assert query(tmp_path / "copy.db", "SELECT id, name FROM names ORDER BY id") == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]
