"""Views and queries, whose key nothing proves, and append-only tables whose commits are late."""

import pytest
from nvisy_sdk import Context, InvalidConfigError, InvalidContextError, InvalidDataError, KeysetContext, ProviderError

from .postgres_base import Base
from .test_resume import every_suffix


@pytest.fixture
def numbers(base: Base) -> Base:
    """Nine rows."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, a text, price numeric(6,2), at timestamptz)",
        "INSERT INTO t SELECT n, chr(97 + n % 2), n * 1.25, '2024-01-01Z'::timestamptz + make_interval(days => n)"
        " FROM generate_series(1, 9) AS n",
    )
    return base


def test_view_resumes_by_the_key_it_is_given(numbers: Base) -> None:
    """A view has no key of its own; the columns keep their digits."""
    numbers.sql("CREATE VIEW v AS SELECT a, id AS number, price, id * 2 AS twice FROM t")
    with pytest.raises(InvalidConfigError, match="no key of its own"):
        numbers.rows(table="v")
    found = every_suffix(numbers, table="v", key=["a", "number"], batch_rows=2)
    assert [row["twice"] for row in found] == [4, 8, 12, 16, 2, 6, 10, 14, 18]
    described = numbers.described(table="v", key=["a", "number"]).field("price")
    assert described is not None
    assert described.type.model_dump() == {"name": "decimal", "precision": 6, "scale": 2}


def test_materialized_view_has_the_key_of_its_index(numbers: Base) -> None:
    """Or the one it is given."""
    numbers.sql("CREATE MATERIALIZED VIEW m AS SELECT id, a FROM t")
    assert len(every_suffix(numbers, table="m", key=["a", "id"], batch_rows=4)) == 9
    numbers.sql("CREATE UNIQUE INDEX ON m (id)")
    assert len(every_suffix(numbers, table="m", key=["id"], batch_rows=4)) == 9


@pytest.mark.parametrize("size", [1, 2, 3])
def test_view_with_ties_is_refused_wherever_the_batch_ends(base: Base, size: int) -> None:
    """A key that is not unique would lose rows between two batches; from a tie's own context too."""
    base.sql("CREATE TABLE t (a int, b int)", "INSERT INTO t VALUES (1, 1), (2, 1), (2, 2), (3, 1)")
    base.sql("CREATE VIEW v AS SELECT a, b FROM t")
    for params in ({"table": "v"}, {"query": f"SELECT a, b FROM {base.schema}.t"}):
        with pytest.raises(InvalidDataError, match=r"key \(a\) is not unique in (table v|the query)"):
            base.rows(key=["a"], batch_rows=size, **params)
    base.sql("DELETE FROM t WHERE b = 2")
    contexts = [context for _, context in base.read(table="v", key=["a"])]
    base.sql("INSERT INTO t VALUES (2, 2)")
    assert [row["a"] for row, _ in base.read(contexts[2], table="v", key=["a"])] == []
    for context in contexts[:2]:
        with pytest.raises(InvalidDataError, match="not unique"):
            base.read(context, table="v", key=["a"], batch_rows=size)


def test_null_in_the_key_of_a_view_is_refused(base: Base) -> None:
    """Also behind a position that it can never come after."""
    base.sql("CREATE TABLE t (a int, b int)", "INSERT INTO t VALUES (1, 1), (2, 2)")
    base.sql("CREATE VIEW v AS SELECT a, b FROM t")
    contexts: list[Context | None] = [None, base.read(table="v", key=["a", "b"])[0][1]]
    base.sql("INSERT INTO t VALUES (3, NULL)")
    for context in contexts:
        with pytest.raises(InvalidDataError, match="is null"):
            base.read(context, table="v", key=["a", "b"])


def test_query_is_read_like_a_table(numbers: Base) -> None:
    """With its own columns, a filter, a choice and types."""
    query = f'SELECT id, upper(a) AS "A b", price, at FROM {numbers.schema}.t WHERE id <> 5 ORDER BY price DESC -- all but one'
    found = every_suffix(
        numbers,
        query=query,
        key=["id"],
        columns=["A b", "price"],
        filter=[{"column": "A b", "op": "eq", "value": "B"}],
        types={"price": {"name": "decimal", "precision": 9, "scale": 2}},
        batch_rows=2,
    )
    assert [row["id"] for row in found] == [1, 3, 7, 9]
    described = numbers.run(lambda session: session.describe(), query=query, key=["id"])
    assert described.schema is not None
    assert [field.type.name for field in described.schema.fields] == ["int32", "text", "decimal", "timestamp"]
    assert (described.name, described.key) == ("query", ("id",))


def test_query_with_a_semicolon_at_its_end_is_taken(numbers: Base) -> None:
    """Also with aggregates and a WITH."""
    query = f"WITH x AS (SELECT a, id FROM {numbers.schema}.t) SELECT a, count(*) AS n FROM x GROUP BY a;\n"
    assert numbers.rows(query=query, key=["a"]) == [{"a": "a", "n": 4}, {"a": "b", "n": 5}]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM {}.t RETURNING id",
        "WITH x AS (DELETE FROM {}.t RETURNING id) SELECT id FROM x",
        "SELECT id FROM {}.t; DELETE FROM {}.t",
        "SELECT id FROM {}.t) AS s; DELETE FROM {}.t; --",
        "SELECT 1 AS id) TO STDOUT; DELETE FROM {}.t; COPY (SELECT 1 AS id",
        "SELECT id FROM {}.t WHERE id = $1",
        "SELECT id, id FROM {}.t",
        "SELECT id FROM nowhere",
        "SELECT 1 AS id WITH CHECK OPTION",
        "nonsense",
    ],
)
def test_what_is_no_single_select_is_refused(numbers: Base, query: str) -> None:
    """And nothing of it happens."""
    with pytest.raises(ProviderError) as caught:
        numbers.rows(query=query.replace("{}", numbers.schema), key=["id"])
    assert not caught.value.retryable
    assert numbers.sql("SELECT count(*) FROM t") == [(9,)]


def test_function_of_a_query_cannot_write(numbers: Base) -> None:
    """The read is a transaction that only reads."""
    numbers.sql("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM t RETURNING id $$")
    with pytest.raises(ProviderError):
        numbers.rows(query=f"SELECT {numbers.schema}.f() AS id", key=["id"])
    assert numbers.sql("SELECT count(*) FROM t") == [(9,)]


def test_context_of_another_query_is_refused(numbers: Base) -> None:
    """The text of the query is a part of what a context belongs to."""
    query = f"SELECT id FROM {numbers.schema}.t"
    context = numbers.read(query=query, key=["id"])[0][1]
    assert isinstance(context, KeysetContext)
    assert len(numbers.read(context, query=query, key=["id"])) == 8
    with pytest.raises(InvalidContextError):
        numbers.read(context, query=f"{query} WHERE id > 0", key=["id"])


def test_rows_younger_than_the_lag_wait(base: Base) -> None:
    """By a timestamp that the key begins with, with or without a zone."""
    for number, kind in enumerate(("timestamptz", "timestamp")):
        name = f"t{number}"
        base.sql(
            f"CREATE TABLE {name} (at {kind}, id int, PRIMARY KEY (at, id))",
            "SET TimeZone = 'UTC'",
            f"INSERT INTO {name} SELECT now() - make_interval(mins => n), n FROM generate_series(0, 9) AS n",
        )
        assert [row["id"] for row in every_suffix(base, table=name, lag=330.0, batch_rows=2)] == [9, 8, 7, 6]


def test_stream_ends_before_the_first_young_row_in_the_order_of_another_key(base: Base) -> None:
    """A row behind it would carry the position past rows that are not settled; the next read goes on there."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, at timestamptz)",
        "INSERT INTO t VALUES (1, now() - interval '1 h'), (2, NULL), (3, now()), (4, now() - interval '2 h')",
    )
    read = base.read(table="t", lag=60.0, lag_column="at")
    assert [row["id"] for row, _ in read] == [1, 2]
    base.sql("UPDATE t SET at = now() - interval '1 h' WHERE id = 3")
    assert [row["id"] for row, _ in base.read(read[-1][1], table="t", lag=60.0, lag_column="at")] == [3, 4]


def test_lag_needs_a_timestamp(numbers: Base) -> None:
    """The key's first column is none, and none is named."""
    with pytest.raises(InvalidConfigError, match="`lag` needs a timestamp"):
        numbers.rows(table="t", lag=1.0)
    with pytest.raises(InvalidConfigError, match="`lag` needs a timestamp"):
        numbers.rows(table="t", lag=1.0, lag_column="a")
