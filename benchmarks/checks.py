"""Says whether a run has moved everything: count and an order-independent checksum over all columns, against the source's.

Both are computed by the server, with one expression for every contender, so that nobody's own metrics count. What a run
wrote into files is first loaded into a table.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from benchmarks.model import Documents, Files, Flights, Nowhere, Stage, Target
from benchmarks.server import Server
from benchmarks.settings import COLUMNS

# A contender may keep an integer in a wider type, a float as a decimal or a time as text: the values must be the same, and
# each is compared as its column's widest form.
_FORMS = {
    "bigint": "{}::bigint",
    "integer": "{}::bigint",
    "double precision": "{}::double precision",
    "text": "{}::text",
    "timestamp with time zone": "extract(epoch FROM {}::timestamptz)::bigint",
}
_ARROW = {
    "bigint": pyarrow.int64(),
    "integer": pyarrow.int64(),
    "double precision": pyarrow.float64(),
    "text": pyarrow.string(),
}
LOADED = "checks.loaded"
SOURCE = "src.flights"
ORIGINAL = "src.documents"


def differs(stage: Stage, target: Target) -> str | None:
    """What is wrong with the target; nothing when it holds exactly what the source does."""
    match target:
        case Nowhere():
            return None
        case Flights(table, "src.growing" as like):  # from run to run
            found, wanted = stage.server.sql(flights(table)), stage.server.sql(flights(like))
        case Flights(table, like):
            found, wanted = stage.server.sql(flights(table)), _source(stage.server, flights(like))
        case Documents(table, expression):
            wanted = _source(stage.server, documents(ORIGINAL, "doc"))
            found = stage.server.sql(documents(table, expression))
        case Files(glob, form):
            _load(stage, glob, form)
            found, wanted = stage.server.sql(flights(LOADED)), _source(stage.server, flights(SOURCE))
    return None if found == wanted else f"count|checksum is {found}, not {wanted}"


def flights(table: str) -> str:
    """The statement that counts the flights of a table and adds up a digest of each."""
    values = ", ".join(_FORMS[kind].format(name) for name, kind in COLUMNS.items())
    return _total(f"ROW({values})::text", table)


def documents(table: str, expression: str) -> str:
    """The same for documents. Their one time is compared as a time, because some keep it as such."""
    moment = "to_jsonb(extract(epoch FROM (d ->> 'at')::timestamptz)::bigint)"
    return _total(f"jsonb_set(d, '{{at}}', {moment})::text", f"(SELECT {expression} AS d FROM {table} AS t) AS t")


@functools.cache
def _source(server: Server, statement: str) -> str:
    """What a source that nobody changes adds up to; asked for once."""
    return server.sql(statement)


def _total(text: str, table: str) -> str:
    """Count rows and add up the first 60 bits of the digest of a text of each: order does not matter, repetition does."""
    digest = f"('x' || left(md5({text}), 15))::bit(60)::bigint::numeric"
    return f"SELECT count(*), coalesce(sum({digest}), 0) FROM {table}"


def _load(stage: Stage, glob: str, form: str) -> None:
    """Load files into a table, as CSV."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    stage.server.sql(
        "CREATE SCHEMA IF NOT EXISTS checks",
        f"DROP TABLE IF EXISTS {LOADED}",
        f"CREATE UNLOGGED TABLE {LOADED} ({columns})",
    )
    copied = stage.folder.out / "check.csv"
    for path in sorted(stage.folder.out.glob(glob)):
        with copied.open("wb") as file:
            for table in tables(path, form):
                pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))
        stage.server.sql(f"\\copy {LOADED} FROM '{copied}' (FORMAT csv)")
    copied.unlink(missing_ok=True)


def tables(path: Path, form: str) -> Iterator[pyarrow.Table]:
    """The flights of one file, piece by piece, in the columns and types of the source."""
    if form == "parquet":
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield canonical(pyarrow.Table.from_batches([batch]))
    else:
        compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
        with pyarrow.input_stream(str(path), compression=compression) as stream:
            yield canonical(pyarrow.json.read_json(stream))


def canonical(table: pyarrow.Table) -> pyarrow.Table:
    """The source's columns in the source's order; a cast that would change a value is an error."""
    columns = [
        table[name].cast(_ARROW[kind]) if kind in _ARROW else table[name].cast(_moment(table[name].type))
        for name, kind in COLUMNS.items()
    ]
    return pyarrow.table(columns, names=list(COLUMNS))


def _moment(kind: pyarrow.DataType) -> pyarrow.DataType:
    """How a time goes into CSV: texts as they are, times in UTC."""
    return kind if pyarrow.types.is_string(kind) else pyarrow.timestamp("us", "UTC")


def explained(error: Exception) -> str:
    """Why a check could not be made, which fails the run as well: the target is not there or cannot be read."""
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    return " ".join(str(text).split())[:300]
