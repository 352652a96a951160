"""What a read yields: which columns, which rows, which types, and which error where that cannot be told."""

import asyncio
import hashlib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from nvisy_plugin_sqlite import Credentials, Params, Provider
from nvisy_sdk import (
    ClosedError,
    InvalidConfigError,
    InvalidDataError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from nvisy_sdk.testing import positions_of

from .sqlite_base import Base

HOSTILE = ['a"b', "a'b", "a b", "a`b", "a]b[", "select", "é\U0001f600", "%_\\", "..", "a;--", "a\nb", "?1", ":x", "1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_taken_for_what_they_are(base: Base, name: str) -> None:
    """Tables and columns whose names look like SQL."""
    quoted = '"' + name.replace('"', '""') + '"'
    base.sql(f"CREATE TABLE {quoted} ({quoted} INTEGER PRIMARY KEY, v{quoted[1:-1] if name.isalnum() else ''} TEXT)")
    base.sql(f"INSERT INTO {quoted} VALUES (?, ?)", rows=[(1, name), (2, None)])
    found = base.rows(
        table=name, key=[name], columns=[name], filter=[{"column": name, "op": "ge", "value": 1}], batch_rows=1
    )
    assert found == [{name: 1}, {name: 2}]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_of_a_filter_are_only_values(base: Base, name: str) -> None:
    """They are bound, never part of the SQL."""
    base.sql("CREATE TABLE t (a TEXT PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(n,) for n in HOSTILE])
    assert base.rows(table="t", filter=[{"column": "a", "op": "eq", "value": name}]) == [{"a": name}]
    assert len(base.rows(table="t", filter=[{"column": "a", "op": "in", "value": HOSTILE}])) == len(HOSTILE)


def test_columns_choose_and_the_key_is_read_along(base: Base) -> None:
    """A projection without the key is still resumable."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)", "INSERT INTO t VALUES (1, 'x', 'y')")
    assert base.rows(table="t", columns=["b"]) == [{"b": "y", "id": 1}]
    for columns in (["nope"], ["a", "a"]):
        with pytest.raises(InvalidConfigError):
            base.rows(table="t", columns=columns)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"column": "i", "op": "gt", "value": 1}, [2, 3]),
        ({"column": "i", "op": "in", "value": [1, 3]}, [1, 3]),
        ({"column": "i", "op": "in", "value": []}, []),
        ({"column": "t", "op": "ne", "value": "b"}, [1]),
        ({"column": "t", "op": "is_null"}, [3]),
        ({"column": "t", "op": "not_null"}, [1, 2]),
        ({"column": "d", "op": "ge", "value": "2020-01-02"}, [2, 3]),
        ({"column": "at", "op": "lt", "value": "2020-01-01T10:00:01"}, [1]),
        ({"column": "n", "op": "eq", "value": "1.50"}, [1]),
        ({"column": "n", "op": "gt", "value": 9}, [2]),
        ({"column": "r", "op": "le", "value": 1}, [1]),
        ({"column": "b", "op": "eq", "value": True}, [1, 3]),
    ],
)
def test_filter_compares_by_type(base: Base, condition: dict[str, object], wanted: list[int]) -> None:
    """A date with a date, a number with a number, in the form they are stored in."""
    base.sql(
        "CREATE TABLE t (i INTEGER PRIMARY KEY, t TEXT, d DATE, at DATETIME, n DECIMAL(5,2), r REAL, b BOOLEAN)",
        "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows=[
            (1, "a", "2020-01-01", "2020-01-01 10:00:00", 1.5, 1.0, 1),
            (2, "b", "2020-01-02", "2020-01-01 10:00:01", 10, 1.5, 0),
            (3, None, "2020-01-03", "2020-01-01 10:00:02", 2, 2.0, 1),
        ],
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
        {"column": "d", "op": "eq", "value": "yesterday"},
        {"column": "n", "op": "lt", "value": 10},
        {"column": "nope", "op": "is_null"},
    ],
)
def test_filter_that_means_nothing_is_refused(base: Base, condition: dict[str, object]) -> None:
    """Instead of comparing `1` with `'1'`, or numbers by their text."""
    base.sql("CREATE TABLE t (i INTEGER PRIMARY KEY, t TEXT, d DATE, n DECIMAL TEXT(30,2))")
    with pytest.raises(InvalidConfigError):
        base.rows(table="t", filter=[condition])


def test_undeclared_columns_get_their_type_from_one_look(base: Base) -> None:
    """Integers and reals together are float64; other mixtures need `types`."""
    base.sql("CREATE TABLE t (a, b, c NUMERIC, d, e, f SOMETHING)", "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows=[
        (1, 1, 1, "x", None, b"y"),
        (2, 1.5, 2, None, None, b""),
    ])  # fmt: skip
    found = {field.name: field.type.name for field in base.schema(table="t").fields}
    assert found == {"a": "int64", "b": "float64", "c": "int64", "d": "text", "e": "text", "f": "binary"}
    assert [type(row["b"]) for row in base.rows(table="t")] == [float, float]
    base.sql("INSERT INTO t VALUES ('x', 1, 1, 1, 1, 1)")
    with pytest.raises(InvalidDataError, match=r"column a of table t .* integer and text"):
        base.rows(table="t", columns=["a"])


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("INTEGER", "x"),
        ("INTEGER", 1.5),
        ("TEXT", b"x"),
        ("REAL", "x"),
        ("BOOLEAN", 2),
        ("DATE", "2020-13-01"),
        ("DATE", "20200101"),
        ("DATE", 5),
        ("DATETIME", "2020-01-01T00:00:00Z"),
        ("DATETIME", "2020-01-01T00:00:00.1234567"),
        ("DATETIME", 1577836800),
        ("TIMESTAMPTZ", "2020-01-01 00:00:00"),
        ("UUID", "x"),
        ("JSON", "{"),
        ("JSON", "[NaN]"),
        ("DECIMAL(5,2)", 1.125),
        ("DECIMAL(5,2)", 1000),
        ("DECIMAL(5,2)", "x"),
    ],
)
def test_value_that_does_not_fit_is_named_with_the_fix(base: Base, declared: str, value: object) -> None:
    """Table, column, key and type are named; the value is not turned into something else."""
    base.sql(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})",
        "INSERT INTO t VALUES (?, ?)",
        rows=[(7, None), (8, value)],
    )
    with pytest.raises(InvalidDataError, match=r"column v of table t .*id=8.*") as caught:
        base.rows(table="t")
    assert "types:" in str(caught.value.hint)


def test_types_say_more_than_the_declaration(base: Base) -> None:
    """`types` overrides, also to the bytes of a text that is not UTF-8."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, n TEXT, raw TEXT)")
    base.sql("INSERT INTO t VALUES (1, '2020-01-01T00:00:00Z', '1.50', CAST(x'ff' AS TEXT))")
    with pytest.raises(InvalidDataError, match="UTF-8"):
        base.rows(table="t")
    types = {
        "at": {"name": "timestamp", "utc": True},
        "n": {"name": "decimal", "precision": 3, "scale": 2},
        "raw": {"name": "binary"},
    }
    row = base.rows(table="t", types=types)[0]
    assert (str(row["at"]), row["n"], row["raw"]) == ("2020-01-01 00:00:00+00:00", Decimal("1.50"), b"\xff")
    for wrong in (
        {"nope": {"name": "text"}},
        {"id": {"name": "json"}},
        {"n": {"name": "list", "item": {"name": "text"}}},
    ):
        with pytest.raises(InvalidConfigError):
            base.rows(table="t", types=wrong)


def test_values_keep_their_python_types(base: Base) -> None:
    """Dates are dates, a bool is no 0."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE, at DATETIME, b BOOLEAN, j JSON)")
    base.sql("""INSERT INTO t VALUES (1, '2024-02-29', '2024-02-29 01:02:03.5', 1, '{"a": [1, null]}')""")
    with pytest.raises(InvalidDataError):
        base.rows(table="t")
    base.sql("UPDATE t SET at = '2024-02-29 01:02:03.500'")
    assert base.rows(table="t") == [
        {
            "id": 1,
            "d": date(2024, 2, 29),
            "at": datetime(2024, 2, 29, 1, 2, 3, 500_000),
            "b": True,
            "j": {"a": [1, None]},
        }
    ]


def test_null_in_a_key_is_an_error(base: Base) -> None:
    """Also when it was added after the context, where the order would hide it."""
    base.sql("CREATE TABLE t (a TEXT PRIMARY KEY)", "INSERT INTO t VALUES ('x')")
    last = base.read(table="t")[0][1]
    base.sql("INSERT INTO t VALUES (NULL)")
    for context in (None, last):
        with pytest.raises(InvalidDataError, match="null in a"):
            base.read(context, table="t")


def test_key_must_be_unique(base: Base) -> None:
    """By a primary key or a unique index over some of its columns, and not by a partial index or an expression."""
    base.sql("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, c INT NOT NULL UNIQUE)")
    base.sql(
        "CREATE UNIQUE INDEX i ON t (a) WHERE b > 0",
        "CREATE UNIQUE INDEX j ON t (abs(a))",
        "INSERT INTO t VALUES (1, 2, 3)",
    )
    assert base.rows(table="t", key=["a", "c"]) == [{"a": 1, "b": 2, "c": 3}]
    for key in (["a"], ["a", "b"], ["nope"]):
        with pytest.raises(InvalidConfigError):
            base.rows(table="t", key=key)


def test_best_key_is_found(base: Base) -> None:
    """The primary key, else a unique index whose columns are never null, else none."""
    base.sql(
        "CREATE TABLE p (a TEXT, b TEXT, PRIMARY KEY (b, a))",
        "CREATE TABLE q (a INT UNIQUE, b INT NOT NULL UNIQUE)",
        "CREATE TABLE r (a INT UNIQUE)",
        "CREATE VIEW v AS SELECT * FROM q",
        "CREATE TABLE _nvisy_mark (key TEXT PRIMARY KEY)",
    )
    found = {info.name: (info.key, info.rows) for info in base.run(lambda session: session.streams())}
    assert found == {"p": (("b", "a"), 0), "q": (("b",), 0), "r": ((), 0), "v": ((), None)}


def test_missing_file_or_table_is_not_found(base: Base) -> None:
    """And reading creates neither."""
    for use in (lambda s: s.check(), lambda s: s.streams(), lambda s: s.describe()):
        with pytest.raises(NotFoundError, match=r"base\.db"):
            base.run(use, table="t")
    with pytest.raises(NotFoundError, match=r"base\.db"):
        base.rows(table="t")
    assert not base.path.exists()
    base.sql("CREATE TABLE other (a)")
    with pytest.raises(NotFoundError, match="table t"):
        base.rows(table="t")
    with pytest.raises(InvalidConfigError, match="table"):
        base.rows()
    with pytest.raises(InvalidConfigError, match="schema"):
        base.rows(table="other", schema="public")


def test_file_that_is_no_database_is_refused_when_connecting(tmp_path: Path) -> None:
    """The header says so."""
    path = tmp_path / "base.db"
    path.write_bytes(b"not a database at all, but long enough" * 99)
    with pytest.raises(InvalidConfigError, match="not a database"):
        Base(path).run(lambda session: session.check())


def test_reading_changes_nothing(base: Base) -> None:
    """Not one byte of the file, and a writer may write between two pages."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(10)])
    before = hashlib.sha256(base.path.read_bytes()).digest()
    base.rows(table="t")
    base.run(lambda session: session.streams())
    assert hashlib.sha256(base.path.read_bytes()).digest() == before

    async def use(session: Provider) -> None:
        found: list[object] = []
        async for batch in session.read(None):
            base.sql("INSERT INTO t VALUES ((SELECT max(id) + 1 FROM t))") if len(found) < 6 else None
            found += [row["id"] for row, _ in positions_of(batch)]
        assert found == list(range(13))

    base.run(use, table="t", batch_rows=2)


def test_locked_database_is_unavailable(base: Base) -> None:
    """A lock held by another process is worth another try."""
    import sqlite3

    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    other = sqlite3.connect(base.path, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnavailableError, match="lock") as caught:
            base.rows(table="t", busy_timeout_ms=1)
        assert caught.value.retryable
        assert caught.value.__cause__ is not None
    finally:
        other.close()


def test_collation_of_another_program_is_unsupported(base: Base) -> None:
    """Its order is unknown here."""
    import sqlite3

    other = sqlite3.connect(base.path)
    other.create_collation("icu", lambda a, b: (a > b) - (a < b))
    other.execute("CREATE TABLE t (a TEXT PRIMARY KEY COLLATE icu)")
    other.commit()
    other.close()
    with pytest.raises(UnsupportedError, match="icu"):
        base.rows(table="t")


def test_closed_session_says_so(base: Base) -> None:
    """Disconnecting twice is fine; a read under way ends with `closed`."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(10)])

    async def use() -> None:
        session = await Provider.connect(Credentials(), Params(path=base.path, table="t", batch_rows=1))
        stream = session.read(None)
        await anext(stream)
        await session.disconnect()
        await session.disconnect()
        with pytest.raises(ClosedError):
            await anext(stream)
        with pytest.raises(ClosedError):
            await session.check()

    asyncio.run(use())


def test_generated_columns_and_wide_tables_are_read(base: Base) -> None:
    """500 columns, one of them computed."""
    many = ", ".join(f"c{i} INT" for i in range(498))
    base.sql(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, {many}, g INT AS (id + 1))", "INSERT INTO t (id, c1) VALUES (1, 5)"
    )
    row = base.rows(table="t")[0]
    assert (len(row), row["g"], row["c1"], row["c2"]) == (500, 2, 5, None)
