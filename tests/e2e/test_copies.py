"""`nvisy copy`: full each time, resumed when it was interrupted, started over or continued on request."""

from __future__ import annotations

from pathlib import Path

from nvisy_sdk.testing import kill_when

from demo import proof
from tests.e2e.support import Nvisy, booked, numbers, query


def uris(folder: Path) -> tuple[str, str]:
    """The pair of URIs that these tests copy between."""
    return (
        f"sqlite:///{folder / 'source.db'}?table=numbers&batch_rows=500",
        f"sqlite:///{folder / 'copy.db'}?table=numbers",
    )


def same(folder: Path) -> bool:
    """Whether source and copy hold the same rows."""
    return proof.of_table(folder / "source.db", "numbers") == proof.of_table(folder / "copy.db", "numbers")


def begun(folder: Path, rows: int) -> bool:
    """Whether so many rows are in the copy."""
    if not (folder / "copy.db").exists():
        return False
    there = query(folder / "copy.db", "SELECT 1 FROM sqlite_master WHERE name = 'numbers'")
    return bool(there) and query(folder / "copy.db", f"SELECT max(id) >= {rows} FROM numbers")[0][0] == 1


def test_copy_is_full_each_time(tmp_path: Path, nvisy: Nvisy) -> None:
    """A second copy reads everything again and leaves each row once, changes included."""
    numbers(tmp_path / "source.db", 4_000)
    assert nvisy.copy(*uris(tmp_path))["read"] == 4_000
    query(tmp_path / "source.db", "UPDATE numbers SET label = 'changed' WHERE id = 7")
    second = nvisy.copy(*uris(tmp_path))
    assert (second["read"], second["resumed"]) == (4_000, False)
    assert same(tmp_path)


def test_interrupted_copy_resumes_by_itself(tmp_path: Path, nvisy: Nvisy) -> None:
    """After a kill the same copy reads only the rest and says so; the one after that is full again."""
    numbers(tmp_path / "source.db", 60_000)
    assert kill_when(nvisy.start("copy", *uris(tmp_path), "--json"), lambda: begun(tmp_path, 20_000))
    before = booked(nvisy).total()
    resumed = nvisy.copy(*uris(tmp_path))
    assert (resumed["read"], resumed["resumed"]) == (60_000 - before, True)
    assert same(tmp_path)
    assert nvisy.copy(*uris(tmp_path))["read"] == 60_000


def test_fresh_copy_forgets_the_interrupted_one(tmp_path: Path, nvisy: Nvisy) -> None:
    """`--fresh` starts over although there is something to resume."""
    numbers(tmp_path / "source.db", 60_000)
    assert kill_when(nvisy.start("copy", *uris(tmp_path), "--json"), lambda: begun(tmp_path, 5_000))
    fresh = nvisy.copy(*uris(tmp_path), "--fresh")
    assert (fresh["read"], fresh["resumed"]) == (60_000, False)
    assert same(tmp_path)


def test_incremental_copy_reads_new_rows_only(tmp_path: Path, nvisy: Nvisy) -> None:
    """`--incremental` continues after the last row of the copy before."""
    numbers(tmp_path / "source.db", 1_000)
    nvisy.copy(*uris(tmp_path), "--incremental")
    numbers(tmp_path / "source.db", 30, first=1_001)
    assert nvisy.copy(*uris(tmp_path), "--incremental")["read"] == 30
    assert same(tmp_path)


def test_copy_without_a_key_appends_and_loses_nothing(tmp_path: Path, nvisy: Nvisy) -> None:
    """A table without a key is copied whole all the same."""
    query(tmp_path / "source.db", "CREATE TABLE numbers (a INTEGER, b TEXT)")
    query(tmp_path / "source.db", "INSERT INTO numbers VALUES (1, 'x'), (1, 'x'), (NULL, NULL)")
    nvisy.copy(*uris(tmp_path))
    assert sorted(map(str, query(tmp_path / "copy.db", "SELECT * FROM numbers"))) == [
        "(1, 'x')",
        "(1, 'x')",
        "(None, None)",
    ]


def test_two_copies_to_different_targets_do_not_share_a_position(tmp_path: Path, nvisy: Nvisy) -> None:
    """A position belongs to its pair."""
    numbers(tmp_path / "source.db", 500)
    source, target = uris(tmp_path)
    nvisy.copy(source, target, "--incremental")
    other = target.replace("copy.db", "other.db")
    assert nvisy.copy(source, other, "--incremental")["read"] == 500
