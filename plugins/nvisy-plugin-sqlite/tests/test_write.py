"""Writing: what arrives, what is refused and how, and what is there after a failure."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_sqlite import Provider
from nvisy_sdk import (
    BinaryType,
    BoolType,
    ColumnType,
    DataKind,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float32Type,
    Float64Type,
    Int8Type,
    Int64Type,
    InvalidConfigError,
    InvalidDataError,
    JsonType,
    ListType,
    Mark,
    NotFoundError,
    Prepare,
    Receipt,
    Schema,
    TextType,
    TimestampType,
    TimeType,
    Uint64Type,
    UnsupportedError,
    UuidType,
)
from nvisy_sdk.testing import RowBatch

from .sqlite_base import Base

VALUES: dict[str, tuple[ColumnType, list[object]]] = {
    "bool": (BoolType(), [True, False, None]),
    "int8": (Int8Type(), [-128, 127]),
    "int64": (Int64Type(), [0, 1, -1, 2**31, 2**53 - 1, 2**53 + 1, 2**63 - 1, -(2**63), None]),
    "uint64": (Uint64Type(), [0, 2**63 - 1]),
    "float32": (Float32Type(), [0.5, -1e-45, 3.4028234663852886e38]),
    "float64": (Float64Type(), [0.0, 5e-324, 1.7976931348623157e308, 0.1, math.inf, -math.inf, 1e16, None]),
    "money": (DecimalType(precision=15, scale=2), [Decimal("0.10"), Decimal("-9999999999999.99"), Decimal("5.00"), None]),
    "decimal": (DecimalType(precision=38, scale=4), [Decimal("9" * 34 + ".9999"), Decimal("1234567890123456789012345678901234.5000"), Decimal("-0.0001")]),
    "text": (TextType(), ["", "\0a\0", "\U0001f600", "\u00e9 e\u0301", "a\r\nb", "123", "1e5", "x" * 2**20, "\u202eabc", None]),
    "binary": (BinaryType(), [b"", bytes(range(256)), b"\xff" * 2**20, b"123", None]),
    "date": (DateType(), [date.min, date(1969, 12, 31), date(2024, 2, 29), date.max, None]),
    "time": (TimeType(), [time.min, time.max, time(1, 2, 3), None]),
    "timestamp": (TimestampType(utc=False), [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 1), None]),
    "instant": (TimestampType(utc=True), [datetime(1, 1, 2, tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC), None]),
    "duration": (DurationType(), [timedelta(0), timedelta(microseconds=-1), timedelta(days=99999, microseconds=1), None]),
    "uuid": (UuidType(), [UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-9abc-def0-1234-56789abcdef0"), None]),
    "json": (
        JsonType(),
        [{}, [], {"": None, "a.b": [1, 1.5, "x", None, {"$": True}]}, "text", "12", 12, 1.5, True, 2**63 - 1, {"n": 2**70}, None],
    ),
}  # fmt: skip


def one(column: ColumnType, *, nullable: bool = True) -> Schema:
    """A key and one more column."""
    return Schema(
        fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="v", type=column, nullable=nullable))
    )


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("mode", ["upsert", "append", "replace"])
def test_value_of_each_type_comes_back_as_it_was(base: Base, name: str, mode: str) -> None:
    """Written by the provider, read back by it: the same values of the same Python types, for a copy of a copy too."""
    column, values = VALUES[name]
    rows: list[dict[str, object]] = [{"id": i, "v": value} for i, value in enumerate(values)]
    receipt = base.write(rows, schema=one(column), table="t", key=["id"], mode=mode, publish=True)
    assert receipt == Receipt(accepted=len(rows))
    found = base.rows(table="t")
    assert found == rows
    assert [(type(row["v"]), repr(row["v"])) for row in found] == [(type(value), repr(value)) for value in values]
    first = base.schema(table="t")
    assert base.write(found, schema=first, table="u", key=["id"], mode=mode, publish=True).accepted == len(rows)
    assert (base.rows(table="u"), base.schema(table="u")) == (rows, first)
    declared = [line[2:6] for line in base.sql("PRAGMA table_info(t)")]
    assert declared == [line[2:6] for line in base.sql("PRAGMA table_info(u)")]


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_json_comes_back_or_is_refused(value: object) -> None:
    """A column declared JSON bends texts that look like a number; what it would bend is rejected."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        base = Base(Path(folder) / "base.db")
        receipt = base.write([{"id": 1, "v": value}], schema=one(JsonType()), table="t", key=["id"])
        found = [row["v"] for row in base.rows(table="t")]
        assert [repr(one) for one in found] == ([repr(value)] if receipt.accepted else [])
        assert receipt.accepted or isinstance(value, int | float)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (Uint64Type(), 2**63, "out_of_range"),
        (Float64Type(), math.nan, "nan"),
        (TextType(), "\ud800", "invalid_text"),
        (JsonType(), 1.0, "out_of_range"),
        (JsonType(), [math.nan], "out_of_range"),
        (JsonType(), 2**63, "out_of_range"),
    ],
)
def test_value_that_would_be_bent_is_rejected_alone(base: Base, column: ColumnType, value: object, code: str) -> None:
    """The other items of the batch arrive."""
    good = {"uint64": 5, "float64": 1.5, "text": "x", "json": [1]}[column.name]
    rows: list[dict[str, object]] = [{"id": 1, "v": good}, {"id": 2, "v": value}, {"id": 3, "v": None}]
    receipt = base.write(rows, schema=one(column), table="t", key=["id"])
    assert (receipt.accepted, [(r.index, r.code) for r in receipt.rejected]) == (2, [(1, code)])
    assert [row["id"] for row in base.rows(table="t")] == [1, 3]


def test_negative_zero_is_stored_as_zero(base: Base) -> None:
    """The one value that SQLite changes, into an equal one; the README says so."""
    base.write([{"id": 1, "v": -0.0}], table="t", key=["id"])
    assert str(base.rows(table="t")[0]["v"]) == "0.0"


def test_constraint_violations_are_rejected_with_index_code_and_reason(base: Base) -> None:
    """Each item that the table refuses is named; the batch commits without them."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT UNIQUE, n INT NOT NULL, c INT CHECK (c > 0))")
    rows: list[dict[str, object]] = [
        {"id": 1, "u": 1, "n": 1, "c": 1},
        {"id": 1, "u": 2, "n": 1, "c": 1},
        {"id": 2, "u": 1, "n": 1, "c": 1},
        {"id": 3, "u": 3, "n": None, "c": 1},
        {"id": 4, "u": 4, "n": 1, "c": 0},
        {"id": 5, "u": 5, "n": 1, "c": None},
    ]
    receipt = base.write(rows, table="t", mode="append")
    assert [(r.index, r.code) for r in receipt.rejected] == [
        (1, "unique"),
        (2, "unique"),
        (3, "not_null"),
        (4, "check"),
    ]
    assert "t.id" in receipt.rejected[0].reason
    assert (receipt.accepted, base.sql("SELECT id FROM t")) == (2, [(1,), (5,)])


def test_rules_of_the_table_never_drop_rows_in_silence(base: Base) -> None:
    """`ON CONFLICT IGNORE`, `REPLACE` and a trigger that ignores: every row that does not arrive is a rejection."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, u INT UNIQUE ON CONFLICT REPLACE)")
    base.sql("CREATE TRIGGER g BEFORE INSERT ON t WHEN new.u = 9 BEGIN SELECT RAISE(IGNORE); END")
    rows: list[dict[str, object]] = [{"id": 1, "u": 1}, {"id": 1, "u": 2}, {"id": 2, "u": 1}, {"id": 3, "u": 9}]
    receipt = base.write(rows, table="t", mode="append")
    assert [(r.index, r.code) for r in receipt.rejected] == [(1, "unique"), (2, "unique"), (3, "ignored")]
    assert base.sql("SELECT * FROM t") == [(1, 1)]


def test_upsert_takes_the_place_of_the_row_with_its_key(base: Base) -> None:
    """Again changes nothing; the last of a batch wins; columns that are not written stay."""
    base.sql(
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, v INT, kept INT DEFAULT 7)",
        "CREATE UNIQUE INDEX i ON t (b, a COLLATE BINARY)",
    )
    base.sql("INSERT INTO t VALUES ('x', 1, 0, 5)")
    rows: list[dict[str, object]] = [{"a": "x", "b": 1, "v": 1}, {"a": "X", "b": 1, "v": 2}, {"a": "x", "b": 1, "v": 3}]
    for _ in range(2):
        assert base.write(rows, table="t", key=["a", "b"]) == Receipt(accepted=3)
        assert base.sql("SELECT * FROM t ORDER BY a COLLATE BINARY") == [("X", 1, 2, 7), ("x", 1, 3, 5)]


def test_upsert_of_nothing_but_a_key_is_counted(base: Base) -> None:
    """An item that is there already is accepted."""
    for _ in range(2):
        assert base.write([{"id": 1}, {"id": 2}], table="t", key=["id"]) == Receipt(accepted=2)
    assert base.sql("SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("key", ["INTEGER PRIMARY KEY", "TEXT PRIMARY KEY"])
def test_null_key_is_rejected_rather_than_made_up(base: Base, mode: str, key: str) -> None:
    """SQLite would number the row itself, or add one more at every repetition."""
    base.sql(f"CREATE TABLE t (id {key}, v TEXT)")
    schema = one(TextType())
    if "TEXT" in key:
        schema = Schema(fields=(Field(name="id", type=TextType()), schema.fields[1]))
    named = ["id"] if mode == "append" else []
    receipt = base.write([{"id": None, "v": "x"}], schema=schema, table="t", key=named, mode=mode, publish=True)
    assert [r.code for r in receipt.rejected] == ["not_null"]
    assert base.sql("SELECT * FROM t") == []


def test_upsert_needs_a_unique_index(base: Base) -> None:
    """Over exactly its key; the error says how to get there."""
    base.sql("CREATE TABLE t (id INT, v INT)", "CREATE UNIQUE INDEX i ON t (id) WHERE v > 0")
    for params in ({"key": ["id"]}, {"mode": "upsert"}):
        with pytest.raises(InvalidConfigError, match="unique index"):
            base.write([{"id": 1, "v": 2}], table="t", **params)
    with pytest.raises(InvalidConfigError, match="key column k"):
        base.write([{"id": 1}], table="new", key=["k"])


def test_missing_target_is_created_or_refused(base: Base) -> None:
    """With the key as primary key and every declaration; never against `create: false`."""
    with pytest.raises(NotFoundError, match=r"base\.db"):
        base.write([{"id": 1}], table="t", create=False)
    assert not base.path.exists()
    schema = Schema(
        fields=(
            Field(name="b", type=TextType(), nullable=False),
            Field(name='a"', type=Int64Type()),
            Field(name="k", type=UuidType()),
        )
    )
    base.write([], schema=schema, table='t"', key=["k", "b"])
    assert base.sql("""SELECT sql FROM sqlite_master WHERE name = 't"'""") == [
        ('CREATE TABLE "t""" ("b" TEXT NOT NULL, "a""" INTEGER, "k" UUID NOT NULL, PRIMARY KEY ("k", "b"))',)
    ]
    assert base.sql("PRAGMA journal_mode") == [("wal",)]
    with pytest.raises(NotFoundError, match="table t"):
        base.write([{"id": 1}], table="t", create=False)
    with pytest.raises(NotFoundError, match="folder"):
        Base(base.path.parent / "no" / "base.db").write([{"id": 1}], table="t")


def test_journal_mode_of_a_database_stays(base: Base) -> None:
    """Only a new file gets a write-ahead log."""
    base.sql("CREATE TABLE x (a)")
    base.write([{"id": 1}], table="t")
    assert base.sql("PRAGMA journal_mode") == [("delete",)]


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
    ("declared", "column"),
    [
        ("INTEGER", TextType()),
        ("INTEGER", Float64Type()),
        ("TEXT", Int64Type()),
        ("REAL", Int64Type()),
        ("TEXT", BinaryType()),
        ("DATE", TextType()),
        ("DATETIME", TimestampType(utc=True)),
        ("DECIMAL(5,2)", DecimalType(precision=9, scale=2)),
        ("NUMERIC", Float64Type()),
        ("JSON", TextType()),
        ("BLOB", TextType()),
        ("TEXT", ListType(item=TextType())),
        ("INT AS (1)", Int64Type()),
    ],
)
def test_column_that_would_bend_values_is_refused_by_name(base: Base, declared: str, column: ColumnType) -> None:
    """Before the first batch."""
    base.sql(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
    with pytest.raises(InvalidDataError, match="column v of table t"):
        base.write([], schema=one(column), table="t", key=["id"])


@pytest.mark.parametrize(
    "column",
    [TextType(), DateType(), TimestampType(utc=True), UuidType(), JsonType(), DecimalType(precision=38, scale=2)],
)
def test_text_column_takes_what_is_written_as_text(base: Base, column: ColumnType) -> None:
    """SQLite has no other form for these, and their text is exact."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(99))")
    base.write([], schema=one(column), table="t", key=["id"])


def test_what_a_table_demands_and_nobody_writes_is_refused_by_name(base: Base) -> None:
    """A NOT NULL column without a default; views; lists."""
    base.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT NOT NULL, d INT NOT NULL DEFAULT 5)",
        "CREATE VIEW v AS SELECT 1 AS id",
    )
    with pytest.raises(InvalidDataError, match="column n of table t"):
        base.write([{"id": 1}], table="t", key=["id"])
    with pytest.raises(InvalidConfigError, match="view"):
        base.write([{"id": 1}], table="v", key=["id"])
    with pytest.raises(InvalidDataError, match="column v of table new"):
        base.write([], schema=one(ListType(item=TextType())), table="new")
    with pytest.raises(UnsupportedError, match="object"):
        base.run(lambda s: s.prepare(Prepare(kind=DataKind.OBJECT, schema=one(TextType()), fresh=True)), table="t")


def committed(base: Base, key: str) -> Mark | None:
    """The mark that a new session finds."""
    return base.run(lambda session: session.committed(key), table="t")


def test_mark_is_stored_with_its_batch(base: Base) -> None:
    """Both or neither; also with an empty batch; one for each key."""
    assert committed(base, "a") is None
    assert not base.path.exists()
    base.write([{"id": 1}], table="t", key=["id"], mark=Mark(key="a", value="1"))
    base.write([], schema=base.schema(table="t"), table="t", key=["id"], mark=Mark(key="a", value="2"))
    base.write([{"id": 2}], table="t", key=["id"], mark=Mark(key="b'\"", value=""))
    for key, value in (("a", "2"), ("b'\"", "")):
        assert committed(base, key) == Mark(key=key, value=value)
    assert committed(base, "c") is None
    base.sql("CREATE TRIGGER g BEFORE INSERT ON t WHEN new.id = 9 BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
    with pytest.raises(Exception, match="no"):
        base.write([{"id": 8}, {"id": 9}], table="t", key=["id"], mark=Mark(key="a", value="3"))
    assert committed(base, "a") == Mark(key="a", value="2")
    assert base.sql("SELECT id FROM t") == [(1,), (2,)]


def test_items_with_other_columns_are_written_by_their_own_schema(base: Base) -> None:
    """Two sources of one sink, and a batch whose columns come in another order."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")

    async def use(session: Provider) -> None:
        for rows in ([{"id": 1, "a": "x"}], [{"b": "y", "id": 2}], [{"a": "z", "id": 3}]):
            assert await session.write(RowBatch(rows)) == Receipt(accepted=1)

    base.run(use, table="t", key=["id"])
    assert base.sql("SELECT * FROM t") == [(1, "x", None), (2, None, "y"), (3, "z", None)]


class Replacing:
    """`replace`: the table changes at the end, all at once, and keeps what belongs to it."""

    def __init__(self, base: Base) -> None:
        self.base = base

    async def batch(self, session: Provider, *ids: int, fresh: bool) -> None:
        """Prepare, and write a batch of those ids."""
        batch = RowBatch([{"id": i, "v": f"{i}"} for i in ids], schema=one(TextType()))
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=fresh))
        assert await session.write(batch) == Receipt(accepted=len(ids))

    def ids(self) -> list[object]:
        """What a reader sees."""
        return [row[0] for row in self.base.sql("SELECT id FROM t ORDER BY id")]


def test_replace_shows_the_old_rows_until_it_is_published(base: Base) -> None:
    """Then the new ones; publishing again, or after another session, changes nothing."""
    replacing = Replacing(base)
    base.write([{"id": 1, "v": "old"}, {"id": 2, "v": "older"}], table="t", key=["id"])
    base.sql(
        "CREATE UNIQUE INDEX 'my index' ON t (v)",
        "CREATE INDEX j ON t (id, v)",
        "CREATE VIEW w AS SELECT count(*) AS n FROM t",
        "CREATE TABLE log (id)",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END",
    )
    before = base.sql("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%nvisy%' ORDER BY name")

    async def use(session: Provider) -> None:
        await replacing.batch(session, 2, 3, fresh=True)
        await replacing.batch(session, 4, fresh=True)  # the second source of the same run
        assert replacing.ids() == [1, 2]
        await session.publish()
        assert replacing.ids() == [2, 3, 4]
        await session.publish()

    base.run(use, table="t", key=["id"], mode="replace")
    base.run(lambda session: session.publish(), table="t", key=["id"], mode="replace")
    assert replacing.ids() == [2, 3, 4]
    assert base.sql("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%nvisy%' ORDER BY name") == before
    assert base.sql("SELECT n FROM w") == [(3,)]
    base.sql("INSERT INTO t VALUES (9, 'new')")
    assert base.sql("SELECT id FROM log") == [(9,)]


def test_replace_goes_on_after_an_interruption(base: Base) -> None:
    """fresh=False keeps what is staged; fresh=True forgets it; an unfinished run changes nothing."""
    replacing = Replacing(base)
    base.write([{"id": 1, "v": "old"}], table="t", key=["id"])
    params: dict[str, object] = {"table": "t", "key": ["id"], "mode": "replace"}
    base.run(lambda session: replacing.batch(session, 2, fresh=True), **params)
    assert replacing.ids() == [1]
    base.run(lambda session: replacing.batch(session, 3, fresh=True), **params)
    base.run(lambda session: replacing.batch(session, 3, 4, fresh=False), **params)

    async def publish(session: Provider) -> None:
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=one(TextType()), fresh=False))
        await session.publish()

    for _ in range(2):  # the second time as after a kill between `publish` and the engine's note of it
        base.run(publish, **params)
        assert replacing.ids() == [3, 4]


def test_replace_that_goes_on_after_it_was_published_adds(base: Base) -> None:
    """An incremental stream: the rows already there stay."""
    replacing = Replacing(base)

    async def use(session: Provider) -> None:
        await replacing.batch(session, 1, fresh=True)
        await session.publish()
        await replacing.batch(session, 2, fresh=False)
        assert replacing.ids() == [1]
        await session.publish()

    base.run(use, table="t", key=["id"], mode="replace")
    assert replacing.ids() == [1, 2]


def test_replace_without_rows_empties_the_table(base: Base) -> None:
    """The target holds exactly this run's items: none."""
    base.write([{"id": 1}], table="t", key=["id"])
    base.write([], schema=base.schema(table="t"), table="t", mode="replace", publish=True)
    assert base.rows(table="t") == []


@pytest.mark.parametrize("name", ['a"b', "a'b", "a b", "a`b", "[a]", "select", "é\U0001f600", "t(1)", "a;--"])
def test_replace_of_hostile_names_keeps_their_constraints(base: Base, name: str) -> None:
    """The staging table has the target's constraints, whatever the quoting of its statement."""
    quoted = '"' + name.replace('"', '""') + '"'
    base.sql(
        f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'bad'))",
        f"CREATE UNIQUE INDEX i ON {quoted} (v)",
    )
    rows: list[dict[str, object]] = [{"id": 1, "v": "a"}, {"id": 2, "v": "bad"}, {"id": 3, "v": "a"}]
    receipt = base.write(rows, table=name, mode="replace", publish=True)
    assert [r.code for r in receipt.rejected] == ["check", "unique"]
    assert base.rows(table=name) == rows[:1]
