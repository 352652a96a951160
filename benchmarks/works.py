"""The works: what moves where, who takes part, and what our own engine is to reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from benchmarks.contenders import dlt, glue, limit, others, ours, sling
from benchmarks.model import Contender, Goal, Missing, Stage, Work

ROWS, DOCUMENTS = "rows", "documents"


def table_to_table(stage: Stage) -> Work:
    """PostgreSQL to PostgreSQL."""
    return Work(
        "W1",
        "PostgreSQL to PostgreSQL",
        "A table into a new one, with its primary key.",
        stage.rows,
        ROWS,
        (
            limit.table_to_table(stage),
            *ours.table_to_table(stage),
            *dlt.table_to_table(stage),
            sling.table_to_table(stage),
            glue.table_to_table(stage),
            others.ingestr_table(stage),
            others.meltano(stage),
            others.cocoindex(stage),
        ),
        (
            Goal("rate", 0.85, "limit"),
            Goal("cpu", 1.3),
            Goal("rate", 2.0, dlt.NAME),
            Goal("rate", 4.0, sling.NAME),
            Goal("memory", 120),
        ),
    )


def table_over_table(stage: Stage) -> Work:
    """PostgreSQL to PostgreSQL as an upsert."""
    return Work(
        "W1u",
        "PostgreSQL to PostgreSQL, upsert by key",
        "A table over one that holds every other of its rows with outdated values.",
        stage.rows,
        ROWS,
        (
            limit.table_over_table(stage),
            *ours.table_over_table(stage),
            *dlt.table_over_table(stage),
            sling.table_over_table(stage),
            glue.table_over_table(stage),
            others.ingestr_merge(stage),
        ),
        (Goal("rate", 0.85, "limit"), Goal("memory", 150)),
    )


def sqlite_to_table(stage: Stage) -> Work:
    """SQLite to PostgreSQL."""
    return Work(
        "W2",
        "SQLite to PostgreSQL",
        "The same rows from a SQLite file.",
        stage.rows,
        ROWS,
        (
            limit.sqlite_to_table(stage),
            *ours.sqlite_to_table(stage),
            *dlt.sqlite_to_table(stage),
            sling.sqlite_to_table(stage),
            glue.sqlite_to_table(stage),
            others.ingestr_sqlite(stage),
        ),
        (Goal("rate", 0.85, "limit"), Goal("memory", 150)),
    )


def table_to_parquet(stage: Stage) -> Work:
    """PostgreSQL to Parquet."""
    return Work(
        "W3",
        "PostgreSQL to Parquet",
        "A table into Parquet files.",
        stage.rows,
        ROWS,
        (
            limit.table_to_nowhere(stage),
            *ours.table_to_files(stage, "parquet"),
            *dlt.table_to_parquet(stage),
            sling.table_to_files(stage, "parquet"),
            glue.table_to_parquet(stage),
        ),
        (Goal("rate", 1.1, "glue"), Goal("memory", 150)),
    )


def table_to_lines(stage: Stage) -> Work:
    """PostgreSQL to JSON Lines."""
    return Work(
        "W4",
        "PostgreSQL to JSON Lines",
        "A table into JSON Lines files.",
        stage.rows,
        ROWS,
        (
            limit.table_to_nowhere(stage),
            *ours.table_to_files(stage, "jsonl"),
            *dlt.table_to_lines(stage),
            sling.table_to_files(stage, "jsonl"),
            *glue.table_to_lines(stage),
        ),
        (Goal("rate", 1.3, "glue"),),
    )


def lines_to_table(stage: Stage) -> Work:
    """JSON Lines to PostgreSQL."""
    return Work(
        "W5",
        "JSON Lines documents to PostgreSQL",
        "Nested documents into jsonb.",
        stage.documents,
        DOCUMENTS,
        (
            limit.lines_to_table(stage),
            *ours.lines_to_table(stage),
            *dlt.lines_to_table(stage),
            sling.lines_to_table(stage),
        ),
        (Goal("rate", 0.9, "limit"),),
        (Missing("nvisy, one column", "there is no step yet that puts a whole document into one column of a table"),),
    )


def increment(stage: Stage) -> Work:
    """One row in a hundred is new."""
    return Work(
        "W6",
        "PostgreSQL to PostgreSQL, one percent of new rows",
        "The second run, after one row in a hundred was added. The first is not measured.",
        stage.more,
        ROWS,
        (
            limit.increment(stage),
            *ours.increment(stage),
            *dlt.increment(stage),
            sling.increment(stage),
            others.ingestr_increment(stage),
        ),
        (Goal("wall", 0.8),),
    )


def tenfold_to_table(stage: Stage) -> Work:
    """PostgreSQL to PostgreSQL, ten times as much."""
    return Work(
        "W1x10",
        "PostgreSQL to PostgreSQL, ten times the rows",
        "Whether a row takes as long, and the process as little memory, when there are ten times as many.",
        10 * stage.rows,
        ROWS,
        (limit.tenfold_to_table(stage), *ours.tenfold_to_table(stage)),
        (Goal("rate", 0.9, ours.TENTH), Goal("memory", 1.1, ours.TENTH), Goal("memory", 150)),
    )


WORKS: Mapping[str, Callable[[Stage], Work]] = MappingProxyType(
    {
        "W1": table_to_table,
        "W1u": table_over_table,
        "W2": sqlite_to_table,
        "W3": table_to_parquet,
        "W4": table_to_lines,
        "W5": lines_to_table,
        "W6": increment,
        "W1x10": tenfold_to_table,
    }
)


def chosen(work: Work, peers: Iterable[str], *, slow: bool) -> list[Contender]:
    """Who takes part: the limits and ours always, peers when they are asked for, the slow ones in the long form."""
    asked = set(peers)
    return [each for each in work.contenders if (each.needs is None or each.needs in asked) and (slow or not each.slow)]
