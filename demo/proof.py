"""Counts and checksums that do not depend on the order of rows, taken by reading the stores directly, without Nvisy."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow

_MODULUS = 2**64
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class Sum:
    """How many rows there are, how many different keys, and the sum of the rows' digests."""

    rows: int
    keys: int
    checksum: str


def total(rows: Iterable[Sequence[object]]) -> Sum:
    """Add up rows: each is digested alone, so that their order does not matter and a row that is there twice does."""
    count, checksum, keys = 0, 0, set()
    for row in rows:
        digest = hashlib.blake2b(_encode(row).encode(), digest_size=8).digest()
        checksum = (checksum + int.from_bytes(digest, "big")) % _MODULUS
        count += 1
        keys.add(row[0])
    return Sum(count, len(keys), f"{checksum:016x}")


def of_table(path: Path, table: str) -> Sum:
    """Add up a SQLite table; its first column is the key."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return total(database.execute(f"SELECT * FROM {table}"))


def of_objects(folder: Path) -> Sum:
    """Add up the rows of all zstd JSON Lines objects in a folder."""
    return total(row for path in sorted(folder.glob("**/*.jsonl.zst")) for row in rows_of(path))


def rows_of(path: Path) -> Iterator[list[object]]:
    """The rows of one object, their values in the order of its columns."""
    with pyarrow.input_stream(str(path), compression="zstd") as stream:
        for line in stream.read().splitlines():
            yield list(json.loads(line).values())
