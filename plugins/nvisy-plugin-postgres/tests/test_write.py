"""Writing: what arrives, what is refused and how, in each of the ways a batch may go."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from nvisy_plugin_postgres import Provider
from nvisy_sdk import (
    BinaryType,
    BoolType,
    ColumnType,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float32Type,
    Float64Type,
    Int8Type,
    Int16Type,
    Int32Type,
    Int64Type,
    JsonType,
    ListType,
    Mark,
    Receipt,
    Schema,
    StructType,
    TextType,
    TimestampType,
    TimeType,
    Uint8Type,
    Uint16Type,
    Uint32Type,
    Uint64Type,
    UuidType,
    VectorType,
)
from nvisy_sdk.testing import RowBatch

from .postgres_base import Base

STRUCT = StructType(fields=(Field(name="a", type=Int64Type()), Field(name="b", type=TextType())))
VALUES: dict[str, tuple[ColumnType, list[object]]] = {
    "bool": (BoolType(), [True, False, None]),
    "int8": (Int8Type(), [-128, 127]),
    "int16": (Int16Type(), [-(2**15), 2**15 - 1]),
    "int32": (Int32Type(), [-(2**31), 2**31 - 1, None]),
    "int64": (Int64Type(), [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), None]),
    "uint8": (Uint8Type(), [0, 255]),
    "uint16": (Uint16Type(), [0, 2**16 - 1]),
    "uint32": (Uint32Type(), [0, 2**32 - 1, None]),
    "float32": (Float32Type(), [0.5, -0.0, -1.401298464324817e-45, 3.4028234663852886e38, math.inf]),
    "float64": (Float64Type(), [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, math.inf, -math.inf, math.nan, None]),
    "decimal": (DecimalType(precision=38, scale=4), [Decimal("9" * 34 + ".9999"), Decimal("-0.0001"), Decimal("5.0000"), Decimal("10000.0000"), None]),
    "money": (DecimalType(precision=5, scale=2), [Decimal("999.99"), Decimal("0.00"), Decimal("-1.10")]),
    "whole": (DecimalType(precision=38, scale=0), [Decimal("9" * 38), Decimal(0), Decimal("-10000")]),
    "text": (TextType(), ["", " ", "\U0001f600", "\u00e9 e\u0301", "a\r\nb", "\\N", "\\.", "x" * 2**20, "\u202eabc", None]),
    "binary": (BinaryType(), [b"", bytes(range(256)), b"\xff" * 2**20, None]),
    "date": (DateType(), [date.min, date(1969, 12, 31), date(2000, 1, 1), date(2024, 2, 29), date.max, None]),
    "time": (TimeType(), [time.min, time.max, time(1, 2, 3), None]),
    "timestamp": (TimestampType(utc=False), [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 1), None]),
    "instant": (TimestampType(utc=True), [datetime(1, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), None]),
    "duration": (DurationType(), [timedelta(0), timedelta(microseconds=-1), timedelta(days=99999, microseconds=1), None]),
    "uuid": (UuidType(), [UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-9abc-def0-1234-56789abcdef0"), None]),
    "json": (JsonType(), [{}, [], {"": None, "a.b": [1, 1.5, "x", None, {"$": True}]}, "text", "12", 12, 1.5, True, 2**63 - 1, {"n": 2**70}, None]),
    "vector": (VectorType(dimension=3), [[0.5, -0.0, 3.0], [1.0, 2.0, -3.4028234663852886e38], None]),
    "list": (ListType(item=Int64Type()), [[], [1, None, -(2**63)], None]),
    "texts": (ListType(item=TextType()), [[], ["", None, 'a"b', "{}", "\U0001f600"], None]),
    "instants": (ListType(item=TimestampType(utc=True)), [[datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC), None]]),
    "decimals": (ListType(item=DecimalType(precision=10, scale=2)), [[Decimal("1.10"), None]]),
    "jsons": (ListType(item=JsonType()), [[{"a": [1]}, None, "x"]]),
    "uuids": (ListType(item=UuidType()), [[UUID(int=5)], None]),
}  # fmt: skip


def one(column: ColumnType, *, nullable: bool = True) -> Schema:
    """A key and one more column."""
    return Schema(
        fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="v", type=column, nullable=nullable))
    )


@pytest.fixture
def vectors(base: Base) -> Base:
    """A schema of a database that has pgvector."""
    base.sql("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
    return base


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("way", ["copied", "staged", "upserted"])
def test_value_of_each_type_comes_back_as_it_was(vectors: Base, name: str, way: str) -> None:
    """Written by the provider and read back by it, whichever way the batch goes; a copy of the copy is equal too."""
    column, values = VALUES[name]
    rows: list[dict[str, object]] = [{"id": i, "v": value} for i, value in enumerate(values)]
    mode = "upsert" if way == "upserted" else "append"
    first = "t"
    for table in ("t", "u"):
        schema = one(column) if table == "t" else vectors.described(table=first)
        vectors.write([], schema=schema, table=table, key=["id"], mode=mode)
        if way == "staged":  # a column with a length is not copied straight
            vectors.sql(f"ALTER TABLE {table} ADD w varchar(5)")
            schema = Schema(fields=(*schema.fields, Field(name="w", type=TextType())))
        elif way == "upserted":  # a row that is there sends all that follow through the staging table
            vectors.sql(f"INSERT INTO {table} (id) VALUES (0)")
        assert vectors.write(rows, schema=schema, table=table, key=["id"], mode=mode) == Receipt(accepted=len(rows))
        found = [row["v"] for row in vectors.rows(table=table)]
        assert [(type(each), repr(each)) for each in found] == [(type(each), repr(each)) for each in values]
        vectors.sql(f"ALTER TABLE {table} DROP COLUMN IF EXISTS w")


def declared(base: Base) -> list[object]:
    """The types of the columns of table t."""
    found = base.sql(
        f"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{base.schema}.t'::regclass "
        "AND attnum > 0 ORDER BY attnum"
    )
    return [name for (name,) in found]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (Uint64Type(), "bigint"),
        (Uint32Type(), "bigint"),
        (VectorType(dimension=3), "vector(3)"),
        (ListType(item=DecimalType(precision=10, scale=2)), "numeric(10,2)[]"),
        (ListType(item=ListType(item=TextType())), "jsonb"),
        (STRUCT, "jsonb"),
        (JsonType(), "jsonb"),
        (TimestampType(utc=True), "timestamp with time zone"),
        (DurationType(), "interval"),
    ],
)
def test_new_column_is_declared_by_its_type(vectors: Base, column: ColumnType, wanted: str) -> None:
    """As the README says."""
    vectors.write([], schema=one(column), table="t", key=["id"])
    assert declared(vectors) == ["bigint", wanted]


def test_what_has_no_column_type_of_its_own_is_kept_in_another_form(base: Base) -> None:
    """The largest integers as decimals where the column is one, structs and lists of lists as JSON."""
    base.sql("CREATE TABLE t (id bigint PRIMARY KEY, u numeric(20,0), s jsonb, l jsonb)")
    fields = (
        Field(name="id", type=Int64Type(), nullable=False),
        Field(name="u", type=Uint64Type()),
        Field(name="s", type=STRUCT),
        Field(name="l", type=ListType(item=ListType(item=TextType()))),
    )
    rows: list[dict[str, object]] = [
        {"id": 1, "u": 2**64 - 1, "s": {"a": 2**53 + 1, "b": "\U0001f600"}, "l": [["x", None], []]},
        {"id": 2, "u": 0, "s": {"a": None, "b": ""}, "l": None},
    ]
    for _ in range(2):
        assert base.write(rows, schema=Schema(fields=fields), table="t", key=["id"]).accepted == 2
        found = base.rows(table="t")
        assert [row["u"] for row in found] == [Decimal(2**64 - 1), Decimal(0)]
        assert [(row["s"], row["l"]) for row in found] == [(row["s"], row["l"]) for row in rows]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (Uint64Type(), 2**63, "out_of_range"),
        (TextType(), "a\0b", "invalid_text"),
        (JsonType(), {"a": "\0"}, "invalid_text"),
        (ListType(item=TextType()), ["\0"], "invalid_text"),
        (VectorType(dimension=2), [math.nan, 1.0], None),
    ],
)
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_value_that_cannot_be_kept_is_rejected_alone(
    vectors: Base, column: ColumnType, value: object, code: str | None, mode: str
) -> None:
    """The other rows of the batch arrive."""
    rows: list[dict[str, object]] = [{"id": 1, "v": None}, {"id": 2, "v": value}, {"id": 3, "v": None}]
    receipt = vectors.write(rows, schema=one(column), table="t", key=["id"], mode=mode)
    assert (receipt.accepted, [r.index for r in receipt.rejected]) == (2, [1])
    assert code is None or receipt.rejected[0].code == code
    assert [row["id"] for row in vectors.rows(table="t")] == [1, 3]


@pytest.mark.parametrize(
    ("kind", "column", "good", "bad", "code"),
    [
        ("int", Int64Type(), -(2**31), 2**31, "out_of_range"),
        ("smallint", Uint64Type(), 32767, 32768, "out_of_range"),
        ("numeric(3,1)", DecimalType(precision=5, scale=1), Decimal("99.9"), Decimal("100.0"), "out_of_range"),
        ("numeric(2)", Int32Type(), 99, 100, "out_of_range"),
        ("varchar(3)", TextType(), "\u00e9\U0001f600c", "abc ", "length"),
        ("char(3)", TextType(), "abc", "ab", "length"),
        ("bit(3)", TextType(), "101", "1010", "length"),
        ("mood", TextType(), "sad", "angry", "invalid"),
        ("inet", TextType(), "10.0.0.0/8", "#bad#", "invalid"),
        ("int4range", TextType(), "[1,5)", "[5,1)", "invalid"),
        ("positive", Int64Type(), 1, 0, "check"),
        ("macaddr", TextType(), "08:00:2b:01:02:03", "#bad#", "invalid"),
        ("numeric", TextType(), "NaN", "#bad#", "invalid"),
        ("interval", TextType(), "1 mon 2 days", "#bad#", "invalid"),
        ("timestamptz", TextType(), "infinity", "#bad#", "invalid"),
        ("mood[]", ListType(item=TextType()), ["sad", None], ["angry"], "invalid"),
        ("positive[]", ListType(item=Int32Type()), [1, 2], [0], "check"),
        ("varchar[]", ListType(item=TextType()), ["a"], ["\0"], "invalid_text"),
        ("jsonb", STRUCT, {"a": 1, "b": "x"}, {"a": 1, "b": "\0"}, "invalid_text"),
        ("vector", ListType(item=Float32Type()), [1.0, 2.0], [None, 2.0], "invalid"),
        ("double precision[]", VectorType(dimension=2), [0.5, 2.0], None, ""),
    ],
)
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_existing_column_takes_what_it_can_keep_and_refuses_the_rest(
    vectors: Base, kind: str, column: ColumnType, good: object, bad: object, code: str, mode: str
) -> None:
    """By row, whatever the column's type: nothing is rounded, padded or cut."""
    vectors.sql(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        f"CREATE TABLE t (id int PRIMARY KEY, v {vectors.schema + '.' if kind[:4] in ('mood', 'posi') else ''}{kind})",
    )
    rows: list[dict[str, object]] = [{"id": 1, "v": good}, {"id": 2, "v": bad}, {"id": 3, "v": None}]
    receipt = vectors.write(rows, schema=one(column), table="t", key=["id"], mode=mode)
    assert [(r.index, r.code) for r in receipt.rejected] == ([(1, code)] if code else [])
    assert [row for (row,) in vectors.sql("SELECT id FROM t ORDER BY id")] == ([1, 3] if code else [1, 2, 3])
    if column == TextType():
        assert vectors.sql("SELECT v::text FROM t WHERE id = 1") == [(good,)]
        assert str(bad) not in receipt.rejected[0].reason


def test_constraint_violations_are_rejected_with_index_code_and_reason(base: Base) -> None:
    """Each row that the table refuses is named; the batch commits without them."""
    base.sql(
        "CREATE TABLE p (id int PRIMARY KEY)",
        "INSERT INTO p VALUES (1)",
        "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, n int NOT NULL, c int CHECK (c > 0), "
        "f int REFERENCES p DEFERRABLE INITIALLY DEFERRED, r int4range, EXCLUDE USING gist (r WITH &&))",
    )
    good: dict[str, object] = {"id": 1, "u": 1, "n": 1, "c": 1, "f": 1, "r": "[1,2)"}
    changes: list[dict[str, object]] = [
        {},
        {"u": 2, "r": None},
        {"id": 2, "r": None},
        {"id": 3, "u": 3, "n": None, "r": None},
        {"id": 4, "u": 4, "c": 0, "r": None},
        {"id": 5, "u": 5, "f": 9, "r": None},
        {"id": 6, "u": 6},
        {"id": 7, "u": 7, "c": None, "f": None, "r": None},
    ]
    receipt = base.write([good | change for change in changes], table="t", mode="append")
    assert [(r.index, r.code) for r in receipt.rejected] == [
        (1, "unique"),
        (2, "unique"),
        (3, "not_null"),
        (4, "check"),
        (5, "foreign_key"),
        (6, "exclusion"),
    ]
    assert "t_pkey" in receipt.rejected[0].reason
    assert "(1)" not in receipt.rejected[0].reason
    assert (receipt.accepted, base.sql("SELECT id FROM t ORDER BY id")) == (2, [(1,), (7,)])


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_that_a_trigger_drops_or_refuses_are_rejected(base: Base, mode: str) -> None:
    """Every row that does not arrive is a rejection; what a trigger changes is its own business."""
    base.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        f"SET search_path = {base.schema}; CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF new.v = 1 THEN RETURN NULL; END IF; IF new.v = 2 THEN RAISE 'not this one'; END IF; "
        "new.v := -new.v; RETURN new; END $$",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()",
    )
    rows: list[dict[str, object]] = [{"id": i, "v": i} for i in range(5)]
    receipt = base.write(rows, table="t", key=["id"], mode=mode)
    assert [(r.index, r.code) for r in receipt.rejected] == [(1, "ignored"), (2, "trigger")]
    assert "not this one" in receipt.rejected[1].reason
    assert base.sql("SELECT * FROM t ORDER BY id") == [(0, 0), (3, -3), (4, -4)]


@pytest.mark.parametrize("bad", [1, 50, 1000])
def test_any_number_of_refused_rows_is_told_apart(base: Base, bad: int) -> None:
    """Among a thousand, up to all of them."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v = 0))")
    places = set(range(0, 1000, 1000 // bad))
    rows: list[dict[str, object]] = [{"id": i, "v": int(i in places)} for i in range(1000)]
    receipt = base.write(rows, table="t", mode="append")
    assert [r.index for r in receipt.rejected] == sorted(places)
    assert base.sql("SELECT count(*) FROM t") == [(1000 - len(places),)]


def test_upsert_takes_the_place_of_the_row_with_its_key(base: Base) -> None:
    """Again changes nothing; the last of a batch wins; columns that are not written stay."""
    base.sql(
        "CREATE TABLE t (a text, b int NOT NULL, v int, kept int DEFAULT 7)",
        'CREATE UNIQUE INDEX i ON t (b, a COLLATE "C")',
        "INSERT INTO t VALUES ('x', 1, 0, 5)",
    )
    rows: list[dict[str, object]] = [{"a": "x", "b": 1, "v": 1}, {"a": "X", "b": 1, "v": 2}, {"a": "x", "b": 1, "v": 3}]
    for _ in range(2):
        assert base.write(rows, table="t", key=["a", "b"]) == Receipt(accepted=3)
        assert base.sql('SELECT * FROM t ORDER BY a COLLATE "C"') == [("X", 1, 2, 7), ("x", 1, 3, 5)]


def test_last_row_of_a_key_wins_unless_it_is_refused(base: Base) -> None:
    """As a sequence of upserts would leave it, in the first batch of a session and in the later ones."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 9))")

    async def use(session: Provider) -> None:
        for offset in (0, 0, 10):
            values = [(1, 1), (1, 2), (2, 3), (1, 9), (2, 4), (3, 5), (3, 9)]
            rows: list[dict[str, object]] = [{"id": offset + key, "v": value} for key, value in values]
            receipt = await session.write(RowBatch(rows))
            assert [(r.index, r.code) for r in receipt.rejected] == [(3, "check"), (6, "check")]

    base.run(use, table="t", key=["id"])
    found = base.sql("SELECT * FROM t ORDER BY id")
    assert found == [(1, 2), (2, 4), (3, 5), (11, 2), (12, 4), (13, 5)]


def test_keys_that_the_table_holds_equal_are_one_key(base: Base) -> None:
    """By the type of its column, not by their bytes."""
    base.sql(
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public", "CREATE TABLE t (id public.citext PRIMARY KEY, v int)"
    )
    rows: list[dict[str, object]] = [{"id": "a", "v": 1}, {"id": "A", "v": 2}, {"id": "b", "v": 3}]
    for _ in range(2):
        assert base.write(rows, table="t", key=["id"]) == Receipt(accepted=3)
        assert base.sql("SELECT v FROM t ORDER BY v") == [(2,), (3,)]


def test_upsert_of_nothing_but_a_key_is_counted(base: Base) -> None:
    """A row that is there already is accepted."""
    for _ in range(2):
        assert base.write([{"id": 1}, {"id": 2}], table="t", key=["id"]) == Receipt(accepted=2)
    assert base.sql("SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("key", ["int PRIMARY KEY", "int UNIQUE"])
def test_null_key_is_rejected_rather_than_added(base: Base, mode: str, key: str) -> None:
    """A unique index takes several nulls for different keys: each repetition would add one more."""
    if (mode, key) == ("append", "int UNIQUE"):
        pytest.skip("append has no key of its own, and the table takes the row")
    base.sql(f"CREATE TABLE t (id {key}, v text)")
    schema = Schema(fields=(Field(name="id", type=Int64Type()), Field(name="v", type=TextType())))
    rows: list[dict[str, object]] = [{"id": None, "v": "x"}, {"id": 1, "v": "y"}]
    receipt = base.write(rows, schema=schema, table="t", key=["id"], mode=mode, publish=True)
    assert [(r.index, r.code) for r in receipt.rejected] == [(0, "not_null")]
    assert base.sql("SELECT * FROM t") == [(1, "y")]


@pytest.mark.parametrize("identity", ["ALWAYS", "BY DEFAULT"])
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_identity_and_generated_columns_and_defaults_are_kept(base: Base, identity: str, mode: str) -> None:
    """A written identity is what was written; one that is not written is numbered, and defaults fill in."""
    base.sql(
        f"CREATE TABLE t (id int GENERATED {identity} AS IDENTITY PRIMARY KEY, v int, n serial, d text DEFAULT 'x', "
        "g int GENERATED ALWAYS AS (v * 2) STORED)"
    )
    for _ in range(2):
        rows: list[dict[str, object]] = [{"id": 7, "v": 1}, {"id": 8, "v": 2}]
        receipt = base.write(rows, table="t", key=["id"], mode="upsert" if mode == "append" else mode, publish=True)
        assert receipt == Receipt(accepted=2)
        assert base.sql("SELECT id, v, d, g FROM t ORDER BY id") == [(7, 1, "x", 2), (8, 2, "x", 4)]
    base.sql("TRUNCATE t")
    assert base.write([{"v": 5}, {"v": 6}], table="t", mode="append") == Receipt(accepted=2)
    assert base.sql("SELECT id, v FROM t ORDER BY id") == [(1, 5), (2, 6)]


HOSTILE = [
    'a"b',
    "a'b",
    "a b",
    "a\\b",
    "%s",
    "$1",
    "select",
    "\u00e9\U0001f600",
    "t(1)",
    "a;--",
    "A",
    "r",
    "c0",
    "x" * 63,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_any_name_of_table_and_columns_is_taken_for_what_it_is(base: Base, name: str, mode: str) -> None:
    """Created, evolved, written by each way, and read back."""
    rows: list[dict[str, object]] = [{name: 1, f"{name[:60]}.v": "x"}, {name: 2, f"{name[:60]}.v": None}]
    batch = RowBatch(rows)
    for _ in range(2):
        receipt = base.write(rows, table=name, key=[name], mode="upsert" if mode == "append" else mode, publish=True)
        assert receipt == Receipt(accepted=2)
        assert base.rows(table=name) == rows
    assert base.write(rows, schema=batch.schema, table=name, mode="append").accepted == 0
    more: list[dict[str, object]] = [{**row, f"{name[:60]} w": 1.5} for row in rows]
    base.write(more, table=name, key=[name], mode="upsert" if mode == "append" else mode, evolve=True, publish=True)
    assert base.rows(table=name) == more


def committed(base: Base, key: str) -> Mark | None:
    """The mark that a new session finds."""
    return base.run(lambda session: session.committed(key), table="t")


def test_mark_is_stored_with_its_batch(base: Base) -> None:
    """Both or neither; also with an empty batch; one for each key."""
    assert committed(base, "a") is None
    assert base.sql(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{base.schema}'") == [(0,)]
    base.write([{"id": 1}], table="t", key=["id"], mark=Mark(key="a", value="1"))
    base.write([], schema=base.described(table="t"), table="t", key=["id"], mark=Mark(key="a", value="2"))
    base.write([{"id": 2}], table="t", key=["id"], mark=Mark(key="b'\"\\", value=""))
    for key, value in (("a", "2"), ("b'\"\\", "")):
        assert committed(base, key) == Mark(key=key, value=value)
    assert committed(base, "c") is None
    base.sql(f"ALTER TABLE {base.schema}._nvisy_mark ADD CHECK (value <> '3')")
    with pytest.raises(Exception, match="check"):
        base.write([{"id": 8}, {"id": 9}], table="t", key=["id"], mark=Mark(key="a", value="3"))
    assert committed(base, "a") == Mark(key="a", value="2")
    assert base.sql("SELECT id FROM t ORDER BY id") == [(1,), (2,)]


def test_items_with_other_columns_are_written_by_their_own_schema(base: Base) -> None:
    """Two sources of one sink, and a batch whose columns come in another order."""
    base.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b text)")

    async def use(session: Provider) -> None:
        for rows in ([{"id": 1, "a": "x"}], [{"b": "y", "id": 2}], [{"a": "z", "id": 3}]):
            assert await session.write(RowBatch(rows)) == Receipt(accepted=1)

    base.run(use, table="t", key=["id"])
    assert base.sql("SELECT * FROM t ORDER BY id") == [(1, "x", None), (2, None, "y"), (3, "z", None)]
