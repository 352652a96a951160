"""The best way to join libraries by hand: a reader that gives Arrow, a writer that takes it. No state, no restart.

Arguments: what is read (`table`, `sqlite`), what is written (`table`, `upsert`, `parquet`, `jsonl`), and the file that is
read from or written to.
"""

# pyright: reportMissingImports=false, reportMissingTypeStubs=false, reportAttributeAccessIssue=false

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow

URL = os.environ["BENCH_URL"]
QUERY = "SELECT * FROM src.flights"
TABLE = "target.flights"
BATCH = 65_536
# Types of columns that a binary COPY must meet to the bit.
TYPES = {
    "bigint": pyarrow.int64(),
    "integer": pyarrow.int32(),
    "double precision": pyarrow.float64(),
    "text": pyarrow.string(),
    "timestamp with time zone": pyarrow.timestamp("us", "UTC"),
}


def from_table() -> Any:
    """The table as a stream of Arrow batches, by connectorx."""
    import connectorx

    return connectorx.read_sql(URL, QUERY, return_type="arrow_stream", batch_size=BATCH)


def from_sqlite(path: str) -> Any:
    """The file as Arrow batches, by connectorx, which cannot stream from SQLite."""
    import connectorx

    table = connectorx.read_sql(f"sqlite://{path}", "SELECT * FROM flights", return_type="arrow")
    return table.to_reader(max_chunksize=BATCH)


def to_table(reader: Any, *, upsert: bool) -> None:
    """Batches into the table by binary COPY, which pgpq encodes; through a staged table when rows are to be replaced."""
    import pgpq
    import psycopg

    with psycopg.connect(URL) as connection:
        schema = wanted(connection, reader.schema.names)
        encoder = pgpq.ArrowToPostgresBinaryEncoder(schema)
        into = "staged" if upsert else TABLE
        if upsert:
            connection.execute(f"CREATE TEMPORARY TABLE staged (LIKE {TABLE})")
        with connection.cursor().copy(f"COPY {into} FROM STDIN (FORMAT binary)") as copy:
            copy.write(encoder.write_header())
            for batch in fitted(reader, schema):
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())
        if upsert:
            changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in schema.names if name != "id")
            connection.execute(f"INSERT INTO {TABLE} SELECT * FROM staged ON CONFLICT (id) DO UPDATE SET {changed}")


def wanted(connection: Any, names: list[str]) -> pyarrow.Schema:
    """The target's columns as Arrow types."""
    declared = (
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    )
    types = dict(connection.execute(declared, (TABLE,)).fetchall())
    return pyarrow.schema([(name, TYPES[types[name]]) for name in names])


def fitted(reader: Any, schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    """The batches in the target's types."""
    for batch in reader:
        columns = [fit(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
        yield pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def fit(column: Any, kind: Any) -> Any:
    """One column in the target's type; a text becomes a time."""
    if pyarrow.types.is_timestamp(kind) and not pyarrow.types.is_timestamp(column.type):
        from pyarrow import compute

        naive = compute.strptime(column, "%Y-%m-%dT%H:%M:%SZ", "us")
        return compute.assume_timezone(naive, "UTC")
    return column.cast(kind)


def to_parquet(reader: Any, path: str) -> None:
    """Batches into one Parquet file, by pyarrow."""
    from pyarrow import parquet

    with parquet.ParquetWriter(path, reader.schema, compression="snappy") as writer:
        for batch in reader:
            writer.write_batch(batch)


def to_lines(path: str) -> None:
    """The table into JSON Lines: read by ADBC, written by DuckDB."""
    import adbc_driver_postgresql.dbapi
    import duckdb

    with adbc_driver_postgresql.dbapi.connect(URL) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        reader = cursor.fetch_record_batch()  # noqa: F841  # DuckDB finds it by its name
        duckdb.sql(f"COPY (SELECT * FROM reader) TO '{path}' (FORMAT json)")


def main(source: str, target: str, path: str = "") -> None:
    """Join a reader and a writer."""
    if target == "jsonl":
        to_lines(path)
        return
    reader = from_table() if source == "table" else from_sqlite(path)
    if target == "parquet":
        to_parquet(reader, path)
    else:
        to_table(reader, upsert=target == "upsert")


if __name__ == "__main__":
    main(*sys.argv[1:])
