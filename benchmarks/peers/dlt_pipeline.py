"""A dlt pipeline, as its documentation has them; everything it can be set up with is an argument."""

# pyright: reportMissingImports=false, reportMissingTypeStubs=false

from __future__ import annotations

import argparse
import os
from typing import Any

import dlt


def arguments() -> argparse.Namespace:
    """What to read, how, and where to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", default="flights")
    parser.add_argument("--sqlite", help="read this file instead of the server")
    parser.add_argument("--lines", help="read the JSON Lines files of this folder instead")
    parser.add_argument("--backend", default="sqlalchemy", help="how a database is read")
    parser.add_argument("--format", help="what is loaded from; dlt's own choice without it")
    parser.add_argument("--write", default="replace", choices=["replace", "append", "merge"])
    parser.add_argument("--cursor", help="read only what is greater in this column than the time before")
    parser.add_argument("--files", help="write into this folder instead of the server")
    parser.add_argument("--state", required=True, help="where dlt keeps its state")
    return parser.parse_args()


def source(given: argparse.Namespace) -> Any:
    """The stream of rows."""
    if given.lines:
        from dlt.sources.filesystem import filesystem, read_jsonl

        files = filesystem(bucket_url=f"file://{given.lines}", file_glob="*.jsonl")
        read = (files | read_jsonl(chunksize=10_000)).with_name("documents")
        read.max_table_nesting = 0  # nested values stay whole, as in every other contender's target
        return read
    from dlt.sources.sql_database import sql_table

    options: dict[str, Any] = {"backend": given.backend, "chunk_size": 50_000}
    if given.backend == "connectorx":
        options["backend_kwargs"] = {"return_type": "arrow_stream", "batch_size": 50_000}
    if given.cursor:
        options["incremental"] = dlt.sources.incremental(given.cursor)
    if given.sqlite:
        return sql_table(credentials=f"sqlite:///{given.sqlite}", table=given.table, **options)
    return sql_table(credentials=os.environ["BENCH_URL"], schema="src", table=given.table, **options)


def main() -> None:
    """Run the pipeline."""
    given = arguments()
    if given.files:
        destination = dlt.destinations.filesystem(bucket_url=f"file://{given.files}")
    else:
        destination = dlt.destinations.postgres(credentials=os.environ["BENCH_URL"])
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name="target", pipelines_dir=given.state)
    options: dict[str, Any] = {"write_disposition": given.write}
    if given.format:
        options["loader_file_format"] = given.format
    if given.write == "merge":
        options["primary_key"] = "id"
    print(pipeline.run(source(given), table_name="documents" if given.lines else "flights", **options))


if __name__ == "__main__":
    main()
