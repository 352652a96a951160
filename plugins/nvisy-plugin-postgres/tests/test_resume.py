"""Resuming: from the context of row i, a read yields exactly the rows after i, whatever the key is made of."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_postgres import Provider
from nvisy_plugin_postgres._stream import Stream
from nvisy_sdk import Batch, IntValue, InvalidContextError, InvalidDataError, KeysetContext, TextValue
from nvisy_sdk.testing import items, positions_of

from .postgres_base import Base, Row

# Letters that collations and encodings disagree about: case, spaces at the end, accents in two forms, astral planes.
TEXT = st.text(alphabet="aAbB zZ'\"%_\\\u00e9e\u0301\ud7ff\ue000\U0001f600\u00df", max_size=4)
INTEGER = st.sampled_from([-(2**63), -(2**53) - 1, -2, -1, 0, 1, 2, 2**53 + 1, 2**63 - 1]) | st.integers(-5, 5)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
DECIMAL = st.decimals(min_value=1 - 10**9, max_value=10**9 - 1, places=3)
MOMENT = st.datetimes(timezones=st.just(UTC))
_TABLES = itertools.count(1)


def every_suffix(base: Base, **params: object) -> list[Row]:
    """Check that each item's context leads to the items after it, by one session; return the items."""

    async def use(session: Provider) -> list[Row]:
        whole = await items(session.read(None))
        rows = [row for row, _ in whole]
        for index, (_, context) in enumerate(whole):
            assert [row for row, _ in await items(session.read(context))] == rows[index + 1 :]
        return rows

    return base.run(use, **params)


def filled(base: Base, columns: str, rows: Sequence[Sequence[object]]) -> str:
    """Make a table of those rows, without those whose key is there already."""
    name = f"t{next(_TABLES)}"
    made = f'CREATE TABLE "{name}" ({columns})'
    if not rows:
        base.sql(made)
    else:
        marks = ", ".join(f"${at}" for at in range(1, len(rows[0]) + 1))
        base.sql(made, f'INSERT INTO "{name}" VALUES ({marks}) ON CONFLICT DO NOTHING', rows=rows)
    return name


@settings(max_examples=15, deadline=None)
@given(st.lists(INTEGER, unique=True, max_size=7), st.integers(1, 8))
def test_integer_key_resumes_after_every_row(common: Base, keys: list[int], size: int) -> None:
    """A primary key, negative and extreme values included."""
    name = filled(common, "v text, id bigint PRIMARY KEY", [("x", key) for key in keys])
    assert [row["id"] for row in every_suffix(common, table=name, batch_rows=size)] == sorted(keys)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(TEXT, INTEGER, MOMENT), max_size=7),
    st.integers(1, 8),
    st.permutations(["a", "b", "c"]),
    st.sampled_from(["text", "varchar(9)", "citext", 'text COLLATE "C"', 'text COLLATE "POSIX"']),
)
def test_composite_key_resumes_after_every_row(
    common: Base, keys: list[tuple[str, int, datetime]], size: int, order: list[str], declared: str
) -> None:
    """A text of any collation, an integer and a timestamp in any order, with ties in each."""
    columns = f"a {declared}, b bigint, c timestamptz, PRIMARY KEY ({', '.join(order)})"
    name = filled(common, columns, keys)
    wanted = common.sql(f'SELECT a, b, c FROM "{name}" ORDER BY {", ".join(order)}')
    found = every_suffix(common, table=name, batch_rows=size)
    assert [(row["a"], row["b"], row["c"]) for row in found] == wanted


@settings(max_examples=15, deadline=None)
@given(st.lists(TEXT, unique=True, max_size=7), st.integers(1, 8))
def test_text_key_is_ordered_by_the_collation_of_its_index(common: Base, keys: list[str], size: int) -> None:
    """A column that folds case by its own order, under an index that does not."""
    name = filled(common, 'a text NOT NULL COLLATE "pg_c_utf8"', [(key,) for key in keys])
    common.sql(f'CREATE UNIQUE INDEX ON "{name}" (a COLLATE "C")')
    found = [str(row["a"]) for row in every_suffix(common, table=name, key=["a"], batch_rows=size)]
    assert found == sorted(keys, key=str.encode)


KINDS: list[tuple[str, st.SearchStrategy[Any]]] = [
    ("smallint", st.integers(-(2**15), 2**15 - 1)),
    ("integer", st.integers(-(2**31), 2**31 - 1)),
    ("real", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    ("double precision", FLOAT),
    ("numeric(12,3)", DECIMAL),
    ("numeric(38,0)", st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
    ("boolean", st.booleans()),
    ("bytea", st.binary(max_size=3)),
    ("date", st.dates()),
    ("time", st.times()),
    ("timestamp", st.datetimes()),
    ("timestamptz", MOMENT),
    ("uuid", st.uuids()),
    ("char(4)", TEXT.map(lambda text: text[:4])),
    ("name", TEXT),
]


@pytest.mark.parametrize(("declared", "values"), KINDS)
def test_key_of_each_type_resumes_after_every_row(common: Base, declared: str, values: st.SearchStrategy[Any]) -> None:
    """Keys of every type that can be one, in the server's own order of them."""

    @settings(max_examples=8, deadline=None)
    @given(st.lists(values, max_size=7, unique=True), st.integers(1, 8))
    def each(keys: list[Any], size: int) -> None:
        name = filled(common, f"k {declared} PRIMARY KEY", [(key,) for key in keys])
        wanted = [row[0] for row in common.sql(f'SELECT k FROM "{name}" ORDER BY k')]
        assert [row["k"] for row in every_suffix(common, table=name, batch_rows=size)] == wanted

    each()


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("inet", ["10.0.0.1", "9.0.0.1", "::1", "10.0.0.0/8"]),
        ("mood", ["sad", "ok", "happy"]),
        ("int4range", ["[1,5)", "[1,4)", "empty", "(,3)"]),
        ("interval", ["1 mon", "-3 days", "40 days", "1 year 00:00:00.000001"]),
        ("timestamptz", ["infinity", "-infinity", "0044-03-15 BC", "2024-02-29 12:00+02"]),
        ("numeric", ["NaN", "1e50", "-0.10", "Infinity", "3"]),
        ("double precision", ["NaN", "Infinity", "-Infinity", "0.1"]),
        ("bit varying", ["", "1", "01", "10"]),
        ("macaddr", ["08:00:2b:01:02:03", "00:00:00:00:00:01"]),
        ("jsonb", ["1", '"a"', "[1, 2]", '{"a": null}']),
        ("bigint", ["-9", "100", "20"]),
    ],
)
def test_key_read_as_text_keeps_the_order_of_its_type(base: Base, declared: str, values: list[str]) -> None:
    """What has no portable form, or values outside of it: `9.0.0.1` stays before `10.0.0.1`."""
    base.sql("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')", f"CREATE TABLE t (k {declared} PRIMARY KEY)")
    for value in values:
        base.sql(f"INSERT INTO t VALUES ('{value}')")
    wanted = [row[0] for row in base.sql("SET TimeZone = 'UTC'", "SELECT k::text FROM t ORDER BY t.k")]
    found = every_suffix(base, table="t", batch_rows=2, types={"k": {"name": "text"}})
    assert [row["k"] for row in found] == wanted
    assert len(wanted) == len(values)


def test_key_is_a_unique_index_where_there_is_no_primary_key(base: Base) -> None:
    """The first whose columns are never null; others, partial ones and expressions do not count."""
    base.sql(
        "CREATE TABLE t (a int UNIQUE, b int NOT NULL, c text NOT NULL, d text NOT NULL)",
        "CREATE UNIQUE INDEX ON t (b) WHERE b > 0",
        "CREATE UNIQUE INDEX ON t (lower(c))",
        "INSERT INTO t SELECT n, -n, 'c' || n, 'd' || n FROM generate_series(1, 3) AS n",
    )
    with pytest.raises(Exception, match="has no key of its own"):
        base.rows(table="t")
    base.sql("CREATE UNIQUE INDEX ON t (d, b DESC) INCLUDE (c)")
    assert [row["a"] for row in every_suffix(base, table="t", batch_rows=2)] == [1, 2, 3]
    assert [row["a"] for row in every_suffix(base, table="t", key=["a"], batch_rows=2)] == [1, 2, 3]
    assert [row["a"] for row in every_suffix(base, table="t", key=["b", "a"], batch_rows=2)] == [3, 2, 1]
    with pytest.raises(Exception, match=r"key \(b\) is not unique"):
        base.rows(table="t", key=["b"])


def test_null_in_a_key_is_refused_wherever_it_is(base: Base) -> None:
    """It has no place in the order, and would be lost behind any position."""
    base.sql("CREATE TABLE t (a int, b int, UNIQUE (a, b))", "INSERT INTO t VALUES (1, 1), (2, 2)")
    contexts = [context for _, context in base.read(table="t", key=["a", "b"])]
    base.sql("INSERT INTO t VALUES (3, NULL)")
    for context in (None, contexts[0]):
        with pytest.raises(InvalidDataError, match="is null"):
            base.read(context, table="t", key=["a", "b"])
    some = {"filter": [{"column": "b", "op": "not_null"}]}
    assert [row["a"] for row in every_suffix(base, table="t", key=["a", "b"], **some)] == [1, 2]


def test_every_read_from_a_position_is_a_range_of_the_index(base: Base) -> None:
    """Nothing is sorted and nothing is read in vain, for a key of three columns and two collations."""
    base.sql(
        'CREATE TABLE t (a text COLLATE "C", b timestamptz, c uuid, PRIMARY KEY (a, b, c))',
        "INSERT INTO t SELECT 'x' || n / 9, now(), gen_random_uuid() FROM generate_series(1, 5000) AS n",
        "ANALYZE t",
    )

    async def use(session: Provider) -> list[str]:
        async with session._using() as db:
            stream = await Stream.open(db, base.params(table="t"), "t")
            after = ["'x8'::text", "now()", "'00000000-0000-0000-0000-000000000000'::uuid"]
            async with db.transaction():
                await db.run("SET LOCAL enable_bitmapscan = off")  # which suits a small table, and then sorts
                return [row[0] for row in await db.rows(f"EXPLAIN {stream.select(after)}")]

    plan = "\n".join(base.run(use))
    assert "Index Cond: (ROW(a, b, c) > ROW(" in plan
    assert "Sort" not in plan


def test_rows_deleted_meanwhile_do_not_matter(base: Base) -> None:
    """The row of the context, and others, are gone: still the exact suffix."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(0, 8)")
    contexts = [context for _, context in base.read(table="t")]
    base.sql("DELETE FROM t WHERE id IN (3, 4)")
    assert [row["id"] for row, _ in base.read(contexts[3], table="t", batch_rows=2)] == [5, 6, 7, 8]


def test_rows_added_after_the_last_context_are_what_the_next_read_yields(base: Base) -> None:
    """Incremental: nothing twice, nothing lost, and nothing at all where there is nothing new."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    last = base.read(table="t")[-1][1]
    assert base.read(last, table="t") == []
    base.sql("INSERT INTO t VALUES (7), (5)")
    assert [row["id"] for row, _ in base.read(last, table="t")] == [5, 7]


def test_context_of_another_stream_is_refused(base: Base) -> None:
    """Another table, filter, key or choice of columns; another number or type of values."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE NOT NULL)", "CREATE TABLE u (id int PRIMARY KEY)")
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
    hostile, huge = TextValue(value="1) OR 1=1 --"), IntValue(value=2**40)
    for values in ((hostile,), (context.values[0], hostile), (hostile, hostile), (huge,)):
        with pytest.raises(InvalidContextError):
            base.read(context.model_copy(update={"values": values}), table="t")


@pytest.mark.parametrize("text", ["'", "\\", "1'; DROP TABLE t; --", "\0", "10.0.0.300"])
def test_hostile_text_of_a_context_is_only_a_value(base: Base, text: str) -> None:
    """It is quoted, tried first, and refused when no key can be so."""
    base.sql("CREATE TABLE t (k inet PRIMARY KEY, a text UNIQUE NOT NULL)", "INSERT INTO t VALUES ('1.1.1.1', 'x')")
    context = base.read(table="t")[0][1]
    assert isinstance(context, KeysetContext)
    with pytest.raises(InvalidContextError):
        base.read(context.model_copy(update={"values": (TextValue(value=text),)}), table="t")
    assert base.sql("SELECT count(*) FROM t") == [(1,)]


def test_context_is_good_with_another_batch_size_and_while_others_write(base: Base) -> None:
    """A read sees the state of its beginning, rows that come later included in the next."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'a' FROM generate_series(1, 500) AS n"
    )

    async def use(session: Provider) -> list[object]:
        reading, seen = session.read(None), []
        first = await anext(reading)
        other = await base.server.connect()
        await other.execute(f'UPDATE "{base.schema}".t SET v = \'b\'; DELETE FROM "{base.schema}".t WHERE id > 400')
        await other.close()
        for batch in [first, *[each async for each in reading]]:
            seen += [row["v"] for row in _rows(batch)]
        return seen

    assert base.run(use, table="t", batch_rows=10) == ["a"] * 500
    context = base.read(table="t", batch_rows=3)[99][1]
    assert [row["id"] for row, _ in base.read(context, table="t", batch_rows=70)] == list(range(101, 401))


def _rows(batch: Batch) -> list[Row]:
    return [row for row, _ in positions_of(batch)]


def test_two_reads_of_one_session_are_independent(base: Base) -> None:
    """Interleaved batches of two reads."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(0, 5)")

    async def use(session: Provider) -> None:
        first, second = session.read(None), session.read(None)
        one = [_rows(await anext(first)) for _ in range(2)]
        two = [_rows(await anext(second)) for _ in range(3)]
        assert one == two[:2]
        await first.aclose()
        await second.aclose()

    base.run(use, table="t", batch_rows=2)


def test_key_values_at_the_edges_come_back_exactly(base: Base) -> None:
    """Dates, times, timestamps and UUIDs as Python objects."""
    base.sql("CREATE TABLE t (d date, t time, p timestamp, z timestamptz, u uuid, PRIMARY KEY (d, t, p, z, u))")
    rows = [
        (date.min, time.min, datetime.min, datetime.min.replace(tzinfo=UTC), UUID(int=0)),
        (date.max, time.max, datetime.max, datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)),
        (date(1969, 12, 31), time(1), datetime(1999, 12, 31), datetime(2000, 1, 1, tzinfo=UTC), UUID(int=1)),
    ]
    for row in rows:  # as texts: the library writes the first and the last day there is as infinities
        base.sql("INSERT INTO t VALUES (" + ", ".join(f"'{value}'" for value in row) + ")")
    assert [tuple(row.values()) for row in every_suffix(base, table="t", batch_rows=1)] == sorted(rows)
