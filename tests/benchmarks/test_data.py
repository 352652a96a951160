"""The data, and how what was made of them is compared; without a server."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from benchmarks import checks, data
from benchmarks.settings import COLUMNS, FLIGHTS, SQLITE_TYPES

FEW = 50


def test_flights_are_repeated_with_a_number_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time around every value but the number is the same."""
    few = [row[1:] for row in data.flights(3)]
    monkeypatch.setattr(data, "_once", lambda: iter(few))
    rows = list(data.flights(7))
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[3][1:] == rows[0][1:]


def test_flights_have_every_column_and_absent_values() -> None:
    """Twenty values a row, and a null where the package has NA."""
    rows = list(data.flights(1_000))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert any(value is None for row in rows for value in row)
    assert FLIGHTS == 336_776


def test_csv_and_sqlite_hold_the_same_values(tmp_path: Path) -> None:
    """What the server loads and what the SQLite file holds are equal, column by column."""
    with data.write_csv(tmp_path / "f.csv", FEW).open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == list(COLUMNS)
    with closing(sqlite3.connect(data.write_sqlite(tmp_path / "f.db", FEW))) as database:
        rows = database.execute("SELECT * FROM flights").fetchall()
        declared = database.execute("PRAGMA table_info(flights)").fetchall()
    kinds = [SQLITE_TYPES[kind] for kind in COLUMNS.values()]
    assert [(column[1], column[2], column[5]) for column in declared][:2] == [
        ("id", "INTEGER", 1),
        ("year", "INTEGER", 0),
    ]
    as_numbers = {"INTEGER": int, "REAL": float, "TEXT": str}
    assert rows == [
        tuple(as_numbers[kind](cell) if cell else None for cell, kind in zip(line, kinds, strict=True))
        for line in lines
    ]


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Data are made once; a file that was not finished has another name."""
    (tmp_path / "f.csv").write_text("mine")
    assert data.write_csv(tmp_path / "f.csv", FEW).read_text() == "mine"


def test_documents_are_nested_and_one_a_line(tmp_path: Path) -> None:
    """A document has objects, lists, and the flight's own values."""
    lines = data.write_documents(tmp_path / "d.jsonl", FEW).read_text().splitlines()
    first = json.loads(lines[0])
    assert len(lines) == FEW
    assert first["carrier"] == {"code": "UA", "flight": 1545, "tail": {"number": "N14228"}}
    assert [leg["delay"] for leg in first["legs"]] == [2, 11]
    assert first["note"] == "flight UA1545 from EWR to IAH"


def table(tmp_path: Path) -> pyarrow.Table:
    """A few flights as Arrow, in the types that a reader finds in CSV."""
    return pyarrow.csv.read_csv(data.write_csv(tmp_path / "f.csv", FEW))


def test_parquet_and_json_lines_are_compared_as_the_same_rows(tmp_path: Path) -> None:
    """Wider integers, floats for integers, times as times or texts: the loaded CSV is one and the same."""
    flights = table(tmp_path)
    other = flights.set_column(4, "dep_time", flights["dep_time"].cast(pyarrow.float64()))
    pyarrow.parquet.write_table(other, tmp_path / "f.parquet")
    lines = [json.dumps({**row, "time_hour": f"{row['time_hour']:%Y-%m-%dT%H:%M:%SZ}"}) for row in flights.to_pylist()]
    (tmp_path / "f.jsonl").write_text("\n".join(lines))
    found = [list(checks.tables(tmp_path / f"f.{form}", form)) for form in ("parquet", "jsonl")]
    (one,), (two,) = found
    assert one.drop(["time_hour"]).equals(two.drop(["time_hour"]))
    assert one.column_names == two.column_names == list(COLUMNS)
    assert one.num_rows == FEW


def test_a_value_that_would_change_is_an_error(tmp_path: Path) -> None:
    """Half a minute is not rounded away, and a column that is not there is missed."""
    flights = table(tmp_path)
    half = flights.set_column(4, "dep_time", pyarrow.array([0.5] * FEW))
    with pytest.raises(pyarrow.ArrowInvalid, match="truncated"):
        checks.canonical(half)
    with pytest.raises(KeyError, match="dest"):
        checks.canonical(flights.drop(["dest"]))


def test_checksum_looks_at_every_column() -> None:
    """No column is left out of the digest, and every table goes through the same expression."""
    statement = checks.flights("target.flights")
    assert all(f"{name}::" in statement for name in COLUMNS)
    assert statement.replace("target.flights", "src.flights") == checks.flights("src.flights")
