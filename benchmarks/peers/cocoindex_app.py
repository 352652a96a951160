"""A CocoIndex app that copies the table: one component that declares every row, which is the least work for each of them."""

# pyright: reportMissingImports=false, reportMissingTypeStubs=false

from __future__ import annotations

import datetime
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg  # type: ignore[import-untyped]
import cocoindex
from cocoindex.connectors import postgres

BASE = cocoindex.ContextKey[asyncpg.Pool]("base")


@dataclass(slots=True)
class Flight:
    """A row."""

    id: int
    year: int
    month: int
    day: int
    dep_time: int | None
    sched_dep_time: int
    dep_delay: float | None
    arr_time: int | None
    sched_arr_time: int
    arr_delay: float | None
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    air_time: float | None
    distance: int
    hour: int
    minute: int
    time_hour: datetime.datetime


@cocoindex.lifespan  # type: ignore[untyped-decorator]
async def lifespan(builder: cocoindex.EnvironmentBuilder) -> AsyncIterator[None]:
    """Connect for as long as the app runs."""
    async with await asyncpg.create_pool(os.environ["BENCH_URL"]) as pool:
        builder.provide(BASE, pool)
        yield


@cocoindex.fn  # type: ignore[untyped-decorator]
async def copy() -> None:
    """Declare each row of the source as one of the target."""
    schema = await postgres.TableSchema.from_class(Flight, primary_key=["id"])
    target = await postgres.mount_table_target(BASE, table_name="flights", table_schema=schema, pg_schema_name="target")
    source = postgres.PgTableSource(
        cocoindex.use_context(BASE), table_name="flights", pg_schema_name="src", row_type=Flight
    )
    async for row in source.fetch_rows():
        target.declare_row(row=row)


if __name__ == "__main__":
    print(cocoindex.App(cocoindex.AppConfig(name="bench"), copy).update_blocking(report_to_stdout=False))
