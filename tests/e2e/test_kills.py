"""More than 50 real SIGKILLs at seeded random moments: after the last resume nothing is lost and nothing is there twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from demo import proof
from tests.e2e.support import Nvisy, booked, files, kill_after, numbers, query, sqlite, workflow

ROWS = 60_000
BATCH = 1_000
OBJECT = 5_000
SEED = 20_131_231
CHAIN = 7  # most kills before a run is left alone to finish
WANTED = {"upsert": 27, "append": 27}  # 54 kills in all


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that takes a second or two to move in small batches."""
    return numbers(tmp_path_factory.mktemp("source") / "source.db", ROWS)


def prepare(folder: Path, source: Path, mode: str) -> Path:
    """A new folder with a workflow into both sinks; in append mode the target table has no key that hides duplicates."""
    folder.mkdir()
    key: list[str] = ["id"] if mode == "upsert" else []
    if mode == "append":
        query(folder / "copy.db", "CREATE TABLE numbers (id INTEGER, label TEXT, amount INTEGER, share REAL)")
    return workflow(
        folder / "chain.json",
        connections={
            "source": sqlite(source),
            "copy": sqlite(folder / "copy.db"),
            "objects": files(folder / "objects"),
        },
        nodes=[
            {"id": "numbers", "read": "source", "params": {"table": "numbers", "key": ["id"], "batch_rows": BATCH}},
            {"id": "copy", "write": "copy", "params": {"table": "numbers", "key": key, "mode": mode}},
            {
                "id": "encoded",
                "transform": "encode",
                "from": ["numbers"],
                "params": {"format": "jsonl", "compression": "zstd", "rows": OBJECT},
            },
            {"id": "objects", "write": "objects", "from": ["encoded"]},
        ],
    )


@pytest.mark.parametrize("mode", sorted(WANTED))
def test_every_chain_of_kills_ends_with_each_row_once(tmp_path: Path, source: Path, mode: str) -> None:
    """Chains of killed runs, each resumed to its end: rows, objects and ledger are as if nothing had happened."""
    random_moment = random.Random(f"{SEED} {mode}")
    expected = proof.of_table(source, "numbers")

    plain = prepare(tmp_path / "plain", source, mode)
    started = time.monotonic()
    Nvisy(tmp_path / "plain" / "home").run(plain)
    whole = time.monotonic() - started
    judge(tmp_path / "plain", expected)

    killed = chains = resumed = 0
    while killed < WANTED[mode]:
        chains += 1
        folder = tmp_path / f"chain-{chains}"
        path = prepare(folder, source, mode)
        nvisy = Nvisy(folder / "home")
        for _ in range(min(CHAIN, WANTED[mode] - killed)):
            if not kill_after(nvisy.start("run", path, "--json"), random_moment.uniform(0.05, 0.8) * whole):
                break
            killed += 1
        some = (folder / "copy.db").exists() and bool(
            query(folder / "copy.db", "SELECT 1 FROM sqlite_master WHERE name = 'numbers'")
        )
        begun = query(folder / "copy.db", "SELECT count(*) FROM numbers")[0][0] if some else 0
        outcome = nvisy.run(path)
        resumed += bool(outcome["resumed"])
        if 0 < begun < ROWS:
            assert outcome["resumed"] is True, f"{begun} rows were there, and the run does not say that it resumed"
        judge(folder, expected)
        judge_ledger(nvisy)
        assert chains <= WANTED[mode], "the runs end before they can be killed: make the table larger"
    print(f"{mode}: {killed} kills in {chains} chains, {resumed} of the last runs resumed")


def judge_ledger(nvisy: Nvisy) -> None:
    """Over all runs of a chain each path has read and written every row once, the killed runs' parts included."""
    written = booked(nvisy)
    assert set(written.values()) == {ROWS}, written


def judge(folder: Path, expected: proof.Sum) -> None:
    """0 lost and 0 duplicated in both sinks, no torn object, no object twice, nothing left lying about."""
    assert proof.of_table(folder / "copy.db", "numbers") == expected
    # What an interrupted write left behind is under a hidden name, where no reader looks.
    there = sorted(path.relative_to(folder / "objects") for path in (folder / "objects").rglob("*") if path.is_file())
    wanted = [Path(f"part-{first:012}.jsonl.zst") for first in range(0, ROWS, OBJECT)]
    assert [path for path in there if not any(part.startswith(".") for part in path.parts)] == wanted
    for path in wanted:
        assert sum(1 for _ in proof.rows_of(folder / "objects" / path)) == OBJECT
    assert proof.of_objects(folder / "objects") == expected
