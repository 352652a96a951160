"""Making a table ready: created, evolved, or refused by name before the first row."""

import asyncio
from datetime import date

import pytest
from nvisy_sdk import (
    BinaryType,
    ColumnType,
    DataKind,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float32Type,
    Float64Type,
    Int16Type,
    Int64Type,
    InvalidConfigError,
    InvalidDataError,
    JsonType,
    ListType,
    NotFoundError,
    PermissionDeniedError,
    Prepare,
    Schema,
    StructType,
    TextType,
    TimestampType,
    TimeType,
    UnsupportedError,
    UuidType,
    VectorType,
)
from nvisy_sdk.testing import RowBatch

from .postgres_base import Base

STRUCT = StructType(fields=(Field(name="a", type=Int64Type()),))


def one(column: ColumnType) -> Schema:
    """A key and one more column."""
    return Schema(fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="v", type=column)))


def test_missing_target_is_created_or_refused(base: Base) -> None:
    """With the key as primary key and every declaration; never against `create: false`, nor in a schema that is not there."""
    with pytest.raises(NotFoundError, match="no table t"):
        base.write([{"id": 1}], table="t", create=False)
    with pytest.raises(NotFoundError, match="nowhere"):
        Base(base.server, "nowhere").write([{"id": 1}], table="t")
    schema = Schema(
        fields=(
            Field(name="b", type=TextType(), nullable=False),
            Field(name='a"', type=Int64Type()),
            Field(name="k", type=UuidType()),
        )
    )
    base.write([], schema=schema, table='t"', key=["k", "b"])
    assert base.sql(
        "SELECT attname, atttypid::regtype::text, attnotnull FROM pg_attribute "
        f'WHERE attrelid = \'{base.schema}."t"""\'::regclass AND attnum > 0 ORDER BY attnum'
    ) == [("b", "text", True), ('a"', "bigint", False), ("k", "uuid", True)]
    assert base.sql(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid = '{base.schema}.\"t\"\"\"'::regclass AND contype = 'p'"
    ) == [("PRIMARY KEY (k, b)",)]


def test_missing_columns_are_added_only_on_request(base: Base) -> None:
    """And named when they are not."""
    base.write([{"id": 1}], table="t", key=["id"])
    rows: list[dict[str, object]] = [{"id": 2, "New": "x", "d": date(2020, 1, 1)}]
    with pytest.raises(InvalidDataError, match="no column New, d"):
        base.write(rows, table="t", key=["id"])
    for _ in range(2):
        base.write(rows, table="t", key=["id"], evolve=True)
    assert base.rows(table="t") == [{"id": 1, "New": None, "d": None}, *rows]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("int", TextType()),
        ("int", Float64Type()),
        ("int", DecimalType(precision=5, scale=0)),
        ("text", Int64Type()),
        ("text", BinaryType()),
        ("text", UuidType()),
        ("real", Float64Type()),
        ("real", Int16Type()),
        ("float8", Int64Type()),
        ("date", TimestampType(utc=False)),
        ("timestamp", TimestampType(utc=True)),
        ("timestamptz", TimestampType(utc=False)),
        ("timestamptz(3)", TimestampType(utc=True)),
        ("time(0)", TimeType()),
        ("interval", DateType()),
        ("interval day to second", DurationType()),
        ("interval(3)", DurationType()),
        ("numeric(5,2)", DecimalType(precision=9, scale=3)),
        ("numeric(5,-2)", Int64Type()),
        ("numeric(5,2)", TextType()),
        ("json", TextType()),
        ("jsonb", TextType()),
        ("jsonb", Int64Type()),
        ("bytea", TextType()),
        ("uuid", TextType()),
        ("name", TextType()),
        ("money", TextType()),
        ('"char"', TextType()),
        ("varchar(5)[]", ListType(item=TextType())),
        ("text[]", JsonType()),
        ("text[]", ListType(item=Int64Type())),
        ("timestamp(3)[]", ListType(item=TimestampType(utc=False))),
        ("real[]", ListType(item=Float64Type())),
        ("public.vector(4)", VectorType(dimension=3)),
        ("public.vector", ListType(item=Int64Type())),
        ("public.halfvec(3)", VectorType(dimension=3)),
        ("pair", STRUCT),
        ("pair", TextType()),
        ("text", STRUCT),
        ("int GENERATED ALWAYS AS (1) STORED", Int64Type()),
    ],
)
def test_column_that_would_bend_values_is_refused_by_name(base: Base, kind: str, column: ColumnType) -> None:
    """Before the first batch; nothing is changed."""
    base.sql(
        "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public",
        "CREATE TYPE pair AS (a int, b int)",
        f"CREATE TABLE t (id int PRIMARY KEY, v {kind})",
    )
    schema = Schema(fields=(*one(column).fields, Field(name="more", type=TextType())))
    with pytest.raises(InvalidDataError, match="column v of table t") as caught:
        base.write([], schema=schema, table="t", key=["id"], evolve=True)
    assert caught.value.context["column"] == "v"
    assert base.sql(
        f"SELECT count(*) FROM pg_attribute WHERE attrelid = '{base.schema}.t'::regclass AND attnum > 0"
    ) == [(2,)]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("timestamptz(6)", TimestampType(utc=True)),
        ("numeric(5,2)", Int64Type()),
        ("numeric(9,4)", DecimalType(precision=9, scale=3)),
        ("float8", Float32Type()),
        ("text", JsonType()),
        ("jsonb", ListType(item=Int64Type())),
        ("public.vector", VectorType(dimension=3)),
        ("varchar", TextType()),
        ("date", TextType()),
    ],
)
def test_column_that_refuses_what_it_cannot_keep_is_taken(base: Base, kind: str, column: ColumnType) -> None:
    """Though it is declared otherwise than a new one would be."""
    base.sql("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public", f"CREATE TABLE t (id int PRIMARY KEY, v {kind})")
    base.write([], schema=one(column), table="t", key=["id"])


def test_what_a_table_demands_and_nobody_writes_is_refused_by_name(base: Base) -> None:
    """A NOT NULL column without a default; views; items that are no records; names that are none."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, d int NOT NULL DEFAULT 5)",
        "CREATE VIEW v AS SELECT 1 AS id",
    )
    with pytest.raises(InvalidDataError, match="column n of table t"):
        base.write([{"id": 1}], table="t", key=["id"])
    with pytest.raises(InvalidConfigError, match="view"):
        base.write([{"id": 1}], table="v", key=["id"])
    with pytest.raises(UnsupportedError, match="object"):
        base.run(lambda s: s.prepare(Prepare(kind=DataKind.OBJECT, schema=one(TextType()), fresh=True)), table="t")
    for name in ("", "a\0b", "x" * 64, "\U0001f600" * 16):
        with pytest.raises(InvalidConfigError):
            base.write([{"id": 1, name: 2}], table="new")
        with pytest.raises(InvalidConfigError):
            base.write([{"id": 1}], table=name or "\0")


def test_upsert_needs_a_unique_index(base: Base) -> None:
    """Over exactly its key, whole and checked at once; the error says how to get there."""
    base.sql(
        "CREATE TABLE t (id int, v int UNIQUE DEFERRABLE)",
        "CREATE UNIQUE INDEX i ON t (id) WHERE v > 0",
        "CREATE UNIQUE INDEX j ON t ((id + 1))",
    )
    for params in ({"key": ["id"]}, {"mode": "upsert"}, {"key": ["v"]}, {"key": ["id"], "mode": "replace"}):
        with pytest.raises(InvalidConfigError, match=r"unique index|end of a transaction"):
            base.write([{"id": 1, "v": 2}], table="t", **params)
    with pytest.raises(InvalidConfigError, match="key column k"):
        base.write([{"id": 1}], table="new", key=["k"])


def test_writers_that_prepare_the_same_table_at_once_agree(base: Base) -> None:
    """One creates it, one adds the column, one makes the table of marks; the others find what they need."""
    rows: list[dict[str, object]] = [{"id": 1, "v": "x"}]

    async def use() -> None:
        for extra in ({}, {"w": 1.5}):
            batch = RowBatch([row | extra for row in rows])
            sessions = [await base.connect(table="t", key=["id"], evolve=True) for _ in range(8)]
            ready = Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=True)
            await asyncio.gather(*(session.prepare(ready) for session in sessions))
            await asyncio.gather(*(session.write(batch) for session in sessions))
            for session in sessions:
                await session.disconnect()

    asyncio.run(use())
    assert base.rows(table="t") == [{"id": 1, "v": "x", "w": 1.5}]


def test_role_that_may_not_is_told_so(base: Base) -> None:
    """What it lacks is named by the server; nothing is left behind."""
    role = f"weak_{base.schema}"
    base.sql(
        f"CREATE ROLE {role} LOGIN PASSWORD 'weak'",
        f"GRANT USAGE ON SCHEMA {base.schema} TO {role}",
        "CREATE TABLE t (id int PRIMARY KEY)",
    )

    async def use(table: str) -> None:
        from nvisy_plugin_postgres import Provider

        session = await Provider.connect(
            base.credentials(username=role, password="weak"), base.params(table=table, key=["id"])
        )
        try:
            await session.write(RowBatch([{"id": 1}]))
        finally:
            await session.disconnect()

    try:
        for table in ("t", "new"):
            with pytest.raises(PermissionDeniedError):
                asyncio.run(use(table))
        base.sql(f"GRANT INSERT, SELECT, UPDATE ON t TO {role}")
        asyncio.run(use("t"))
        base.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON t USING (id < 5)")
        asyncio.run(use("t"))  # COPY takes no table with policies
        base.sql("DROP POLICY p ON t", "CREATE POLICY p ON t USING (id > 5)")
        with pytest.raises(PermissionDeniedError, match="row-level security"):
            asyncio.run(use("t"))
    finally:
        base.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
