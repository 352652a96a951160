"""Records into objects and back: what comes out equals what went in."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import proof
from tests.e2e.support import Nvisy, files, numbers, query, sqlite, workflow

ENCODINGS = [
    ("csv", "none", "csv"),
    ("csv", "gzip", "csv.gz"),
    ("jsonl", "none", "jsonl"),
    ("jsonl", "zstd", "jsonl.zst"),
    ("parquet", "zstd", "parquet"),
    ("arrow", "none", "arrow"),
]


@pytest.mark.parametrize(("layout", "compression", "extension"), ENCODINGS)
def test_round_trip_through_objects_keeps_every_row(
    tmp_path: Path, nvisy: Nvisy, layout: str, compression: str, extension: str
) -> None:
    """A table goes into several objects and from there into another table, with equal checksums."""
    numbers(tmp_path / "source.db", 10_000)
    out = workflow(
        tmp_path / "out.json",
        connections={"source": sqlite(tmp_path / "source.db"), "objects": files(tmp_path / "objects")},
        nodes=[
            {"id": "numbers", "read": "source", "params": {"table": "numbers", "key": ["id"]}},
            {
                "id": "encoded",
                "transform": "encode",
                "params": {"format": layout, "compression": compression, "rows": 3_000},
            },
            {"id": "objects", "write": "objects"},
        ],
    )
    back = workflow(
        tmp_path / "back.json",
        connections={"objects": files(tmp_path / "objects"), "copy": sqlite(tmp_path / "copy.db")},
        nodes=[
            {"id": "objects", "read": "objects", "params": {"glob": f"*.{extension}"}},
            {"id": "numbers", "transform": "decode"},
            {"id": "copy", "write": "copy", "params": {"table": "numbers", "key": ["id"]}},
        ],
    )
    assert nvisy.run(out)["read"] == 10_000
    made = sorted(path.name for path in (tmp_path / "objects").iterdir() if not path.name.startswith("."))
    assert made == [f"part-{first:012}.{extension}" for first in (0, 3_000, 6_000, 9_000)]
    assert nvisy.run(back)["written"] == 10_000
    assert proof.of_table(tmp_path / "copy.db", "numbers") == proof.of_table(tmp_path / "source.db", "numbers")


def test_real_flights_come_back_from_parquet(tmp_path: Path, nvisy: Nvisy, flights: Path) -> None:
    """All columns of the real weather table survive Parquet: text, whole numbers, fractions, nulls."""
    path = workflow(
        tmp_path / "weather.json",
        connections={"source": sqlite(flights), "objects": files(tmp_path / "objects")},
        nodes=[
            {"id": "weather", "read": "source", "params": {"table": "weather", "key": ["id"]}},
            {"id": "encoded", "transform": "encode", "params": {"format": "parquet"}},
            {"id": "objects", "write": "objects"},
        ],
    )
    nvisy.run(path)
    nvisy.run(
        workflow(
            tmp_path / "back.json",
            connections={"objects": files(tmp_path / "objects"), "copy": sqlite(tmp_path / "copy.db")},
            nodes=[
                {"id": "objects", "read": "objects"},
                {"id": "weather", "transform": "decode"},
                {"id": "copy", "write": "copy", "params": {"table": "weather", "key": ["id"]}},
            ],
        )
    )
    assert proof.of_table(tmp_path / "copy.db", "weather") == proof.of_table(flights, "weather")


def test_line_that_is_no_record_is_rejected_and_named(tmp_path: Path, nvisy: Nvisy) -> None:
    """A broken line among good ones fails the run by default; with a budget the good ones arrive and it is counted."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"id": 1}\n{"id": \n{"id": 3}\n')
    connections = {"in": files(tmp_path / "in"), "copy": sqlite(tmp_path / "copy.db")}
    nodes: list[dict[str, object]] = [
        {"id": "objects", "read": "in"},
        {"id": "rows", "transform": "decode"},
        {"id": "copy", "write": "copy", "params": {"table": "rows", "key": ["id"]}},
    ]
    strict = nvisy("run", workflow(tmp_path / "strict.json", connections=connections, nodes=nodes), "--json", code=4)
    assert strict.outcome["status"] == "rejected"
    lenient = workflow(tmp_path / "lenient.json", connections=connections, nodes=nodes, max_rejects=1)
    outcome = nvisy("run", lenient, "--json").outcome
    assert (outcome["read"], outcome["written"], outcome["rejected"]) == (3, 2, 1)
    assert query(tmp_path / "copy.db", "SELECT id FROM rows ORDER BY id") == [(1,), (3,)]
