"""Prints the flights of a SQLite file as CSV, for machines without the `sqlite3` command."""

from __future__ import annotations

import csv
import sqlite3
import sys
from contextlib import closing

if __name__ == "__main__":
    with closing(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)) as database:
        csv.writer(sys.stdout, lineterminator="\n").writerows(database.execute("SELECT * FROM flights ORDER BY id"))
