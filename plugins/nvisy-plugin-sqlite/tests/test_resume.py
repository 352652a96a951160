"""Resuming: from the context of row i, a read yields exactly the rows after i, whatever the key is made of."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_sqlite import Params, Provider
from nvisy_plugin_sqlite._stream import Stream
from nvisy_plugin_sqlite.client import Database
from nvisy_sdk import InvalidContextError, InvalidDataError, KeysetContext, TextValue
from nvisy_sdk.testing import items, positions_of

from .sqlite_base import Base

# Letters that collations and encodings disagree about: case, spaces at the end, accents in two forms, astral planes.
TEXT = st.text(alphabet="aAbB zZ'\"%_\u00e9e\u0301\ud7ff\ue000\U0001f600\u00df", max_size=4)
INTEGER = st.sampled_from([-(2**63), -(2**53) - 1, -2, -1, 0, 1, 2, 2**53 + 1, 2**63 - 1]) | st.integers(-5, 5)


def every_suffix(base: Base, **params: object) -> list[dict[str, object]]:
    """Check that each item's context leads to the items after it, by one session per read; return the items."""

    async def use(session: Provider) -> list[dict[str, object]]:
        whole = await items(session.read(None))
        rows = [row for row, _ in whole]
        for index, (_, context) in enumerate(whole):
            assert [row for row, _ in await items(session.read(context))] == rows[index + 1 :]
        return rows

    return base.run(use, **params)


def filled(folder: str, *statements: str, rows: Sequence[Sequence[object]]) -> Base:
    """Make a database of those rows."""
    base = Base(Path(folder) / "base.db")
    base.sql(*statements, rows=rows) if rows else base.sql(*statements[:-1])
    return base


@settings(max_examples=25, deadline=None)
@given(st.lists(INTEGER, unique=True, max_size=9), st.integers(1, 10))
def test_integer_key_resumes_after_every_row(keys: list[int], size: int) -> None:
    """An INTEGER PRIMARY KEY, negative and extreme values included."""
    with TemporaryDirectory() as folder:
        made = "CREATE TABLE t (v TEXT, id INTEGER PRIMARY KEY)"
        base = filled(folder, made, "INSERT INTO t VALUES ('x', ?)", rows=[(key,) for key in keys])
        assert [row["id"] for row in every_suffix(base, table="t", batch_rows=size)] == sorted(keys)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(TEXT, INTEGER), max_size=9),
    st.integers(1, 10),
    st.sampled_from(["BINARY", "NOCASE", "RTRIM"]),
    st.sampled_from(["", " WITHOUT ROWID"]),
)
def test_composite_key_resumes_after_every_row(
    keys: list[tuple[str, int]], size: int, collation: str, option: str
) -> None:
    """A text of any collation and an integer, with ties in the first column."""
    with TemporaryDirectory() as folder:
        made = f"CREATE TABLE t (b INTEGER NOT NULL, a TEXT NOT NULL COLLATE {collation}, PRIMARY KEY (a, b)){option}"
        rows = [(b, a) for a, b in keys]
        base = filled(folder, made, "INSERT OR IGNORE INTO t VALUES (?, ?)", rows=rows)
        wanted = [{"b": b, "a": a} for b, a in base.sql("SELECT b, a FROM t ORDER BY a, b")]
        assert every_suffix(base, table="t", batch_rows=size) == wanted


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, unique=True, max_size=9), st.integers(1, 10))
def test_text_key_is_ordered_by_the_collation_of_its_index(keys: list[str], size: int) -> None:
    """A column that folds case under an index that does not: `a` and `A` are two rows, and neither is lost."""
    with TemporaryDirectory() as folder:
        statements = "CREATE TABLE t (a TEXT NOT NULL COLLATE NOCASE)", "CREATE UNIQUE INDEX i ON t (a COLLATE BINARY)"
        base = filled(folder, *statements, "INSERT INTO t VALUES (?)", rows=[(key,) for key in keys])
        found = [str(row["a"]) for row in every_suffix(base, table="t", key=["a"], batch_rows=size)]
        assert found == sorted(keys, key=str.encode)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.datetimes(), INTEGER), max_size=8), st.sampled_from(["T", " "]), st.integers(1, 9))
def test_timestamp_key_resumes_in_the_form_it_is_stored_in(
    moments: list[tuple[datetime, int]], separator: str, size: int
) -> None:
    """A key of (changed at, id), the timestamps written with T or with a space."""
    with TemporaryDirectory() as folder:
        rows = [(m.isoformat(separator, "microseconds"), i) for m, i in moments]
        made = "CREATE TABLE t (at DATETIME NOT NULL, id INTEGER PRIMARY KEY)"
        base = filled(folder, made, "INSERT OR IGNORE INTO t VALUES (?, ?)", rows=rows)
        assert len(every_suffix(base, table="t", key=["at", "id"], batch_rows=size)) == len({i for _, i in moments})


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("REAL", [-1e300, -1.5, 0.0, 5e-324, 0.1, 1e300]),
        ("BLOB", [b"", b"\x00", b"\x00\xff", b"a", b"\xff"]),
        ("BOOLEAN", [0, 1]),
        ("DATE", ["0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"]),
        ("TIME", ["00:00:00.000000", "23:59:59.999999"]),
        ("TIMESTAMPTZ", ["1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z"]),
        ("UUID", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        ("DECIMAL(10,2)", [-10.5, 2, 10.25]),
        ("DECIMAL TEXT(38,2)", ["-1.00", "123456789012345678901234567890.12"]),
    ],
)
def test_key_of_each_type_resumes_after_every_row(base: Base, declared: str, values: list[object]) -> None:
    """Keys of every type that can be one."""
    statements = f"CREATE TABLE t (k {declared} NOT NULL UNIQUE)", "INSERT INTO t VALUES (?)"
    base.sql(*statements, rows=[(value,) for value in values])
    assert len(every_suffix(base, table="t", batch_rows=1)) == len(values)


class Explaining(Database):
    """A connection that keeps the plan of every query."""

    plans: list[str]

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Explain the query, then run it."""
        self.plans += [str(line[3]) for line in super().rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return super().rows(sql, parameters)


def test_every_step_of_a_page_is_a_search_of_the_index(base: Base) -> None:
    """Three key columns of three collations: each of the three queries is one range, and nothing is sorted."""
    made = "CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM, c INT, PRIMARY KEY (a, b, c)) WITHOUT ROWID"
    base.sql(made)
    Explaining.plans = []
    db = Explaining(base.path, busy_timeout_ms=0, writable=False)
    stream = Stream(db, Params(path=base.path), "t")
    db.plans.clear()
    stream.select(("x", "y", 1), 9)
    db.close()
    assert len(db.plans) == 3
    assert all("SEARCH t USING PRIMARY KEY" in plan for plan in db.plans)


def test_table_without_a_key_resumes_by_its_hidden_row_number(base: Base) -> None:
    """The row number is no column of the items, and the stream has no key."""
    base.sql("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (?, ?)", rows=[(1, "x")] * 5)
    assert every_suffix(base, table="t", batch_rows=2) == [{"a": 1, "b": "x"}] * 5
    described = base.run(lambda session: session.describe(), table="t")
    assert described.key == ()


def test_row_number_is_a_column_when_it_is_asked_for(base: Base) -> None:
    """`key: [rowid]` yields it along, and a column of that name hides it."""
    base.sql("CREATE TABLE t (a)", "INSERT INTO t VALUES (?)", rows=[(1,), (1,)])
    assert every_suffix(base, table="t", key=["rowid"]) == [{"a": 1, "rowid": 1}, {"a": 1, "rowid": 2}]
    base.sql("CREATE TABLE u (rowid)", "INSERT INTO u VALUES (?)", rows=[("b",), ("a",)])
    assert every_suffix(base, table="u", batch_rows=1) == [{"rowid": "b"}, {"rowid": "a"}]


def test_view_resumes_by_the_key_it_is_given(base: Base) -> None:
    """A view has no key of its own."""
    base.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO t VALUES (?, ?)",
        rows=[(i, "Ab"[i % 2]) for i in range(5)],
    )
    base.sql("CREATE VIEW v AS SELECT a, id AS number, id * 2 AS twice FROM t")
    assert [row["twice"] for row in every_suffix(base, table="v", key=["a", "number"], batch_rows=2)] == [0, 4, 8, 2, 6]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_view_with_ties_is_refused_wherever_the_page_ends(base: Base, size: int) -> None:
    """A key that is not unique would lose rows between two pages."""
    base.sql("CREATE TABLE t (a)", "INSERT INTO t VALUES (?)", rows=[(1,), (2,), (2,), (3,)])
    base.sql("CREATE VIEW v AS SELECT a FROM t")
    with pytest.raises(InvalidDataError, match="not unique"):
        base.rows(table="v", key=["a"], batch_rows=size)


def test_rows_deleted_meanwhile_do_not_matter(base: Base) -> None:
    """The row of the context, and others, are gone: still the exact suffix."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(9)])
    contexts = [context for _, context in base.read(table="t")]
    base.sql("DELETE FROM t WHERE id IN (3, 4)")
    assert [row["id"] for row, _ in base.read(contexts[3], table="t", batch_rows=2)] == [5, 6, 7, 8]


def test_rows_added_after_the_last_context_are_what_the_next_read_yields(base: Base) -> None:
    """Incremental: nothing twice, nothing lost, and nothing at all where there is nothing new."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(1,), (2,)])
    last = base.read(table="t")[-1][1]
    assert base.read(last, table="t") == []
    base.sql("INSERT INTO t VALUES (7), (5)")
    assert [row["id"] for row, _ in base.read(last, table="t")] == [5, 7]


def test_context_of_another_stream_is_refused(base: Base) -> None:
    """Another table, filter, key or choice of columns; another number or type of values."""
    base.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE NOT NULL)", "CREATE TABLE u (id INTEGER PRIMARY KEY)"
    )
    base.sql("INSERT INTO t VALUES (1, 'x')")
    context = base.read(table="t")[0][1]
    assert isinstance(context, KeysetContext)
    others: list[dict[str, object]] = [
        {"table": "u"},
        {"table": "t", "key": ["a"]},
        {"table": "t", "columns": ["id"]},
        {"table": "t", "filter": [{"column": "id", "op": "gt", "value": 0}]},
    ]
    for params in others:
        with pytest.raises(InvalidContextError):
            base.read(context, **params)
    hostile = TextValue(value="1) OR 1=1 --")
    for values in ((hostile,), (context.values[0], hostile), (hostile, hostile)):
        with pytest.raises(InvalidContextError):
            base.read(context.model_copy(update={"values": values}), table="t")


def test_two_reads_of_one_session_are_independent(base: Base) -> None:
    """Interleaved pages of two reads."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(6)])

    async def use(session: Provider) -> None:
        first, second = session.read(None), session.read(None)
        one = [positions_of(await anext(first)) for _ in range(2)]
        two = [positions_of(await anext(second)) for _ in range(3)]
        assert one == two[:2]

    base.run(use, table="t", batch_rows=2)


def test_context_works_in_another_session(base: Base) -> None:
    """Through JSON, in a new session, with another size of page."""
    base.sql("CREATE TABLE t (a TEXT PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(c,) for c in "dbca"])
    context = base.read(table="t", batch_rows=3)[1][1]
    assert [row["a"] for row, _ in base.read(context, table="t", batch_rows=1)] == ["c", "d"]
