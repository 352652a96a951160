"""What a read yields: which columns, which rows, in which batches, and which error where that cannot be told."""

import pytest
from nvisy_plugin_postgres import Params, Provider
from nvisy_sdk import (
    Batch,
    InvalidConfigError,
    InvalidDataError,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    StreamInfo,
)
from nvisy_sdk.testing import positions_of
from pydantic import ValidationError

from .postgres_base import Base

HOSTILE = [
    'a"b',
    "a'b",
    "a b",
    "a`b",
    "a]b[",
    "select",
    "é\U0001f600",
    "%_\\",
    "..",
    "a;--",
    "a\nb",
    "$1",
    ":x",
    "1",
    "s",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_taken_for_what_they_are(base: Base, name: str) -> None:
    """Tables and columns whose names look like SQL."""
    quoted = '"' + name.replace('"', '""') + '"'
    other = '"v ' + quoted[1:]
    base.sql(f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, {other} text)")
    base.sql(f"INSERT INTO {quoted} VALUES ($1, $2)", rows=[(1, name), (2, None)])
    found = base.rows(
        table=name, key=[name], columns=[name], filter=[{"column": name, "op": "ge", "value": 1}], batch_rows=1
    )
    assert found == [{name: 1}, {name: 2}]
    assert base.rows(table=name, types={f"v {name}": {"name": "text"}})[0] == {name: 1, f"v {name}": name}


def test_schemas_are_told_apart(base: Base) -> None:
    """A table of that name in the search path is not taken for the one in a schema."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (7)")
    assert base.rows(table="t") == [{"id": 7}]
    with pytest.raises(NotFoundError, match="there is no table t in the search path"):
        base.rows(table="t", schema=None)
    with pytest.raises(NotFoundError, match="nowhere"):
        base.rows(table="t", schema="nowhere")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_of_a_filter_are_only_values(base: Base, name: str) -> None:
    """They are quoted, never part of the SQL."""
    base.sql("CREATE TABLE t (a text PRIMARY KEY)", "INSERT INTO t VALUES ($1)", rows=[(n,) for n in HOSTILE])
    assert base.rows(table="t", filter=[{"column": "a", "op": "eq", "value": name}]) == [{"a": name}]
    assert len(base.rows(table="t", filter=[{"column": "a", "op": "in", "value": HOSTILE}])) == len(HOSTILE)


def test_columns_choose_and_the_key_is_read_along(base: Base) -> None:
    """A projection without the key is still resumable."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b text)", "INSERT INTO t VALUES (1, 'x', 'y')")
    assert base.rows(table="t", columns=["b"]) == [{"b": "y", "id": 1}]
    for params in (
        {"columns": ["nope"]},
        {"columns": ["a", "a"]},
        {"types": {"nope": {"name": "text"}}},
        {"key": ["no"]},
    ):
        with pytest.raises(InvalidConfigError):
            base.rows(table="t", **params)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"column": "i", "op": "gt", "value": 1}, [2, 3]),
        ({"column": "i", "op": "in", "value": [1, 3]}, [1, 3]),
        ({"column": "i", "op": "in", "value": []}, []),
        ({"column": "i", "op": "lt", "value": 2**62}, [1, 2, 3]),
        ({"column": "i", "op": "eq", "value": -1}, []),
        ({"column": "t", "op": "ne", "value": "b"}, [1]),
        ({"column": "t", "op": "is_null"}, [3]),
        ({"column": "t", "op": "not_null"}, [1, 2]),
        ({"column": "d", "op": "ge", "value": "2020-01-02"}, [2, 3]),
        ({"column": "at", "op": "lt", "value": "2020-01-01T10:00:01"}, [1]),
        ({"column": "z", "op": "le", "value": "2020-01-01T12:00:01+02:00"}, [1, 2]),
        ({"column": "z", "op": "eq", "value": "2020-01-01T10:00:02"}, [3]),
        ({"column": "n", "op": "eq", "value": "1.50"}, [1]),
        ({"column": "n", "op": "gt", "value": 9}, [2]),
        ({"column": "n", "op": "eq", "value": 1.5}, [1]),
        ({"column": "r", "op": "le", "value": 1}, [1]),
        ({"column": "b", "op": "eq", "value": True}, [1, 3]),
        ({"column": "ip", "op": "lt", "value": "10.0.0.1"}, [2]),
        ({"column": "m", "op": "gt", "value": "sad"}, [2]),
        ({"column": "c", "op": "eq", "value": "a"}, [1]),
        ({"column": "c", "op": "eq", "value": "abcd"}, []),
        ({"column": "u", "op": "eq", "value": "00000000-0000-0000-0000-000000000001"}, [1]),
    ],
)
def test_filter_compares_by_type(base: Base, condition: dict[str, object], wanted: list[int]) -> None:
    """A date with a date, a number with a number, an address with an address, whatever their texts look like."""
    base.sql(
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE TABLE t (i smallint PRIMARY KEY, t text, d date, at timestamp, z timestamptz, n numeric(5,2), r real, b bool,"
        " ip inet, m mood, c char(3), u uuid)",
        "INSERT INTO t VALUES"
        " (1, 'a', '2020-01-01', '2020-01-01 10:00:00', '2020-01-01 10:00:00Z', 1.5, 1.0, true, '10.0.0.2', 'sad', 'a',"
        " '00000000-0000-0000-0000-000000000001'),"
        " (2, 'b', '2020-01-02', '2020-01-01 10:00:01', '2020-01-01 10:00:01Z', 10, 1.5, false, '9.0.0.1', 'happy', 'abc',"
        " gen_random_uuid()),"
        " (3, NULL, '2020-01-03', '2020-01-01 10:00:02', '2020-01-01 10:00:02Z', 2, 2.0, true, NULL, NULL, NULL, NULL)",
    )
    assert [row["i"] for row in base.rows(table="t", columns=["i"], filter=[condition])] == wanted


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "i", "op": "eq", "value": "1"},
        {"column": "i", "op": "eq", "value": 1.5},
        {"column": "i", "op": "eq", "value": True},
        {"column": "t", "op": "eq", "value": 1},
        {"column": "t", "op": "in", "value": "a"},
        {"column": "t", "op": "eq", "value": ["a"]},
        {"column": "t", "op": "eq"},
        {"column": "t", "op": "eq", "value": "a\0"},
        {"column": "d", "op": "eq", "value": "yesterday"},
        {"column": "at", "op": "eq", "value": "2020-01-01T00:00:00Z"},
        {"column": "n", "op": "lt", "value": "ten"},
        {"column": "ip", "op": "eq", "value": "10.0.0.300"},
        {"column": "j", "op": "eq", "value": "{}"},
        {"column": "nope", "op": "is_null"},
    ],
)
def test_filter_that_means_nothing_is_refused(base: Base, condition: dict[str, object]) -> None:
    """Instead of comparing `1` with `'1'`, or something with nothing."""
    base.sql("CREATE TABLE t (i int PRIMARY KEY, t text, d date, at timestamp, n numeric(30,2), ip inet, j jsonb)")
    with pytest.raises(InvalidConfigError):
        base.rows(table="t", filter=[condition])


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (2, 3), (3, 3), (4, 3), (7, 1), (2_500, 1_000)])
def test_batches_hold_what_was_asked_for(base: Base, count: int, size: int) -> None:
    """All but the last are full, and none is empty."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v text)",
        f"INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, {count}) n",
    )

    async def use(session: Provider) -> list[Batch]:
        return [batch async for batch in session.read(None)]

    batches = [[row for row, _ in positions_of(batch)] for batch in base.run(use, table="t", batch_rows=size)]
    assert [len(batch) for batch in batches] == [size] * (count // size) + [count % size] * bool(count % size)
    assert [row["id"] for batch in batches for row in batch] == list(range(1, count + 1))


def test_batch_of_wide_rows_has_fewer(base: Base) -> None:
    """Some megabytes of text in each row: a batch is bounded in bytes too, and nothing is lost."""
    made = "INSERT INTO t SELECT n, repeat('x', 6000000) FROM generate_series(1, 9) n"
    base.sql("CREATE TABLE t (id int PRIMARY KEY, v text)", made)

    async def use(session: Provider) -> list[list[object]]:
        return [[row["id"] for row, _ in positions_of(batch)] async for batch in session.read(None)]

    batches = base.run(use, table="t")
    assert [one for batch in batches for one in batch] == list(range(1, 10))
    assert max(map(len, batches)) <= 4


def test_partitions_and_generated_columns_are_read_like_any(base: Base) -> None:
    """By the key of the whole, across its parts."""
    base.sql(
        "CREATE TABLE p (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
        "INSERT INTO p VALUES (15), (5)",
    )
    assert base.rows(table="p") == [{"id": 5, "twice": 10}, {"id": 15, "twice": 30}]


def test_key_of_a_table_does_not_hold_for_those_that_inherit(base: Base) -> None:
    """A select yields their rows too, so the key is watched while it is read."""
    base.sql(
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE c () INHERITS (p)",
        "INSERT INTO p VALUES (1)",
        "INSERT INTO c VALUES (2)",
    )
    with pytest.raises(InvalidConfigError, match="no key of its own"):
        base.rows(table="p")
    assert base.rows(table="p", key=["id"]) == [{"id": 1}, {"id": 2}]
    base.sql("INSERT INTO c VALUES (1)")
    with pytest.raises(InvalidDataError, match="not unique"):
        base.rows(table="p", key=["id"])


def test_streams_lists_tables_and_views_with_what_is_known(base: Base) -> None:
    """One that needs `key` or `types` hides no other; what belongs to the provider is not listed."""
    base.sql(
        "CREATE TABLE b (id int PRIMARY KEY, v text NOT NULL)",
        "CREATE TABLE a (v text)",
        "CREATE VIEW c AS SELECT * FROM b",
        "CREATE TABLE _nvisy_mark (id int PRIMARY KEY)",
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
    )
    found = base.run(lambda session: session.streams())
    assert [(one.name, one.key) for one in found] == [("a", ()), ("b", ("id",)), ("c", ()), ("p", ("id",))]
    assert found[1].schema is not None
    assert [(field.name, field.type.name, field.nullable) for field in found[1].schema.fields] == [
        ("id", "int32", False),
        ("v", "text", False),
    ]


def test_describe_counts_small_tables(base: Base) -> None:
    """Rows and bytes of a table; of a view neither."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY)", "CREATE VIEW v AS SELECT * FROM t", "INSERT INTO t VALUES (1), (2)")

    def described(**params: object) -> StreamInfo:
        return base.run(lambda session: session.describe(), **params)

    assert described(table="t").rows == 2
    assert (described(table="t").bytes or 0) > 0
    assert (described(table="v", key=["id"]).rows, described(table="v", key=["id"]).bytes) == (None, None)
    assert described(table="t", filter=[{"column": "id", "op": "gt", "value": 1}]).rows is None


def test_table_that_may_not_be_read_is_a_question_of_permission(base: Base) -> None:
    """The user is known and lacks the right."""
    role = f"reader_{base.schema}"
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY)",
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
        f"GRANT USAGE ON SCHEMA {base.schema} TO {role}",
    )
    other = Base(base.server, base.schema)
    other.credentials = lambda **_: Base.credentials(other, username=role, password="x")  # type: ignore[method-assign]
    try:
        with pytest.raises(PermissionDeniedError) as caught:
            other.rows(table="t")
        assert caught.value.context["sqlstate"] == "42501"
    finally:
        base.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_nothing_to_read_is_named() -> None:
    """Parameters that contradict each other."""
    for params in (
        {"table": "t", "query": "SELECT 1"},
        {"lag_column": "at"},
        {"port": "5432"},
        {"tls": "maybe"},
        {"nope": 1},
    ):
        with pytest.raises(ValidationError):
            Params.model_validate(params)


def test_no_table_is_named(base: Base) -> None:
    """Neither a table nor a query."""
    with pytest.raises(InvalidConfigError, match="no table is named"):
        base.rows()
    with pytest.raises(ProviderError):
        base.rows(table="x" * 100)
