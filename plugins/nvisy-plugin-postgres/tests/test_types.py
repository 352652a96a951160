"""What each type of PostgreSQL is read as, and that its values come exactly, or are named."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from nvisy_plugin_postgres import Provider
from nvisy_sdk import InvalidConfigError, InvalidDataError
from nvisy_sdk.testing import items

from .postgres_base import Base

INSTANT = datetime(2024, 2, 29, 10, 30, 0, 1, UTC)
VALUES: list[tuple[str, str, str, object]] = [
    ("boolean", "true", "bool", True),
    ("smallint", "-32768", "int16", -(2**15)),
    ("integer", "2147483647", "int32", 2**31 - 1),
    ("bigint", "-9223372036854775808", "int64", -(2**63)),
    ("real", "0.1", "float32", 0.10000000149011612),
    ("double precision", "5e-324", "float64", 5e-324),
    ("double precision", "'-Infinity'", "float64", -math.inf),
    (
        "numeric(38,10)",
        "-1234567890123456789012345678.0123456789",
        "decimal",
        Decimal("-1234567890123456789012345678.0123456789"),
    ),
    ("numeric(5,0)", "12345", "decimal", Decimal(12345)),
    ("numeric(3,-2)", "12345", "decimal", Decimal(12300)),
    ("numeric(2,5)", "0.00012", "decimal", Decimal("0.00012")),
    ("numeric", "1.500", "text", "1.500"),
    ("numeric", "'NaN'", "text", "NaN"),
    ("numeric(60,2)", "1e55", "text", "1" + "0" * 55 + ".00"),
    ("text", "'a\u00df\U0001f600\n'", "text", "a\u00df\U0001f600\n"),
    ("varchar(5)", "'abc  '", "text", "abc  "),
    ("char(5)", "'abc'", "text", "abc  "),
    ('"char"', "'x'", "text", "x"),
    ("name", "'n'", "text", "n"),
    ("citext", "'Ab'", "text", "Ab"),
    ("bytea", "'\\x00ff'", "binary", b"\x00\xff"),
    ("bytea", "''", "binary", b""),
    ("date", "'0001-01-01'", "date", date.min),
    ("time", "'23:59:59.999999'", "time", time(23, 59, 59, 999_999)),
    ("time(3)", "'01:02:03.004'", "time", time(1, 2, 3, 4000)),
    ("timetz", "'10:00+02'", "text", "10:00:00+02"),
    ("timestamp", "'1969-12-31 23:59:59.999999'", "timestamp", datetime(1969, 12, 31, 23, 59, 59, 999_999)),
    ("timestamptz", "'2024-02-29 12:30:00.000001+02'", "timestamp", INSTANT),
    ("interval", "'-3 days 01:00:00.000001'", "duration", timedelta(days=-3, hours=1, microseconds=1)),
    ("uuid", "'00000000-0000-0000-0000-000000000001'", "uuid", UUID(int=1)),
    ("json", '\'{"b": [1, null], "a": 1.0}\'', "json", {"b": [1, None], "a": 1.0}),
    ("jsonb", '\'{"b": [1, null], "a": "\u00e9"}\'', "json", {"a": "\u00e9", "b": [1, None]}),
    ("jsonb", "'\"text\"'", "json", "text"),
    ("inet", "'10.0.0.1/8'", "text", "10.0.0.1/8"),
    ("cidr", "'10.0.0.0/8'", "text", "10.0.0.0/8"),
    ("macaddr", "'08:00:2b:01:02:03'", "text", "08:00:2b:01:02:03"),
    ("int4range", "'[1,5]'", "text", "[1,6)"),
    ("tstzrange", "'[2024-01-01,]'", "text", '["2024-01-01 00:00:00+00",)'),
    ("int4multirange", "'{[1,2],[4,5]}'", "text", "{[1,3),[4,6)}"),
    ("bit(3)", "B'101'", "text", "101"),
    ("varbit", "B'1'", "text", "1"),
    ("money", "12.5", "text", "$12.50"),
    ("pg_lsn", "'16/B374D848'", "text", "16/B374D848"),
    ("tsvector", "'fat cat'", "text", "'cat' 'fat'"),
    ("point", "'(1,2)'", "text", "(1,2)"),
    ("oid", "4294967295", "text", "4294967295"),
    ("mood", "'happy'", "text", "happy"),
    ("positive", "7", "int32", 7),
    ("moment", "'2024-02-29 10:30:00.000001Z'", "timestamp", INSTANT),
    ("price", "1.50", "decimal", Decimal("1.50")),
    ("integer[]", "'{1,NULL,3}'", "list", [1, None, 3]),
    ("integer[]", "'{}'", "list", []),
    ("numeric(4,1)[]", "'{1.5,NULL}'", "list", [Decimal("1.5"), None]),
    ("numeric[]", "'{1.500,NaN}'", "list", ["1.500", "NaN"]),
    ("text[]", '\'{"a,b",NULL,""}\'', "list", ["a,b", None, ""]),
    ("timestamptz[]", "'{2024-02-29 10:30:00.000001Z}'", "list", [INSTANT]),
    ("jsonb[]", "ARRAY['{\"a\": 1}'::jsonb]", "list", [{"a": 1}]),
    ("uuid[]", "'{00000000-0000-0000-0000-000000000001}'", "list", [UUID(int=1)]),
    ("mood[]", "'{happy,sad}'", "list", ["happy", "sad"]),
    ("positive[]", "'{1,2}'", "list", ["1", "2"]),
    ("inet[]", "'{10.0.0.1}'", "list", ["10.0.0.1/32"]),
    ("vector(3)", "'[1,-0.5,3e-20]'", "vector", [1.0, -0.5, 2.9999999047965676e-20]),
    ("vector", "'[1,2]'", "list", [1.0, 2.0]),
    ("real[]", "'{0.5,NaN}'", "list", [0.5, math.nan]),
]


@pytest.fixture(scope="module")
def typed(common: Base) -> Base:
    """A schema with types of its own."""
    common.sql(
        "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public",
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE TYPE pair AS (a int, b text)",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        "CREATE DOMAIN instant AS timestamptz",
        "CREATE DOMAIN moment AS instant",
        "CREATE DOMAIN price AS numeric(9,2)",
    )
    return common


@pytest.mark.parametrize(("declared", "written", "name", "wanted"), VALUES)
def test_value_of_each_type_is_read_exactly(
    typed: Base, declared: str, written: str, name: str, wanted: object
) -> None:
    """By its portable type where it has one, else by its text; null stays null."""
    typed.sql("DROP TABLE IF EXISTS v", f"CREATE TABLE v (id int PRIMARY KEY, v {declared})")
    typed.sql("SET TimeZone = 'UTC'", f"INSERT INTO v VALUES (1, {written}), (2, NULL)")

    async def use(session: Provider) -> list[object]:
        return [row["v"] for row, _ in await items(session.read(None))]

    found = typed.run(use, table="v")
    assert repr(found) == repr([wanted, None])  # which tells 1 from True and takes NaN for itself
    field = typed.described(table="v").field("v")
    assert field is not None
    assert field.type.name == name


@pytest.mark.parametrize("declared", ["pair", "pair[]", "v_row"])
def test_rows_within_rows_are_refused_and_can_be_read_as_text(typed: Base, declared: str) -> None:
    """The column and what helps are named."""
    typed.sql(
        "DROP TABLE IF EXISTS c",
        "DROP TABLE IF EXISTS v_row",
        "CREATE TABLE v_row (a int, b text)",
        f"CREATE TABLE c (id int PRIMARY KEY, v {declared})",
        "INSERT INTO c VALUES (1, NULL)",
    )
    with pytest.raises(InvalidConfigError, match=r"column v is .*(pair|v_row).* no portable form") as caught:
        typed.rows(table="c")
    assert "types" in str(caught.value.hint)
    assert caught.value.context["column"] == "v"
    assert typed.rows(table="c", types={"v": {"name": "text"}}) == [{"id": 1, "v": None}]
    assert typed.rows(table="c", columns=["id"]) == [{"id": 1}]


CASTS: list[tuple[str, str, dict[str, object], object]] = [
    ("smallint", "7", {"name": "int64"}, 7),
    ("bigint", "7", {"name": "int16"}, 7),
    ("integer", "7", {"name": "float64"}, 7.0),
    ("integer", "7", {"name": "decimal", "precision": 9, "scale": 2}, Decimal("7.00")),
    ("numeric", "1.5", {"name": "decimal", "precision": 9, "scale": 2}, Decimal("1.50")),
    ("real", "0.5", {"name": "float64"}, 0.5),
    ("timestamp", "'2024-02-29 10:30:00.000001'", {"name": "timestamp", "utc": True}, INSTANT),
    ("timestamptz", "'2024-02-29 10:30:00.000001Z'", {"name": "timestamp", "utc": False}, INSTANT.replace(tzinfo=None)),
    ("date", "'2024-02-29'", {"name": "timestamp", "utc": False}, datetime(2024, 2, 29)),
    ("text", "'{\"a\": 1}'", {"name": "json"}, {"a": 1}),
    ("text", "'00000000-0000-0000-0000-000000000001'", {"name": "uuid"}, UUID(int=1)),
    ("text", "'12'", {"name": "int64"}, 12),
    ("vector", "'[1,2]'", {"name": "vector", "dimension": 2}, [1.0, 2.0]),
    ("integer[]", "'{1}'", {"name": "list", "item": {"name": "int64"}}, [1]),
    ("integer[]", "'{1}'", {"name": "list", "item": {"name": "text"}}, ["1"]),
    ("integer[]", "'{{1,2},{3,4}}'", {"name": "text"}, "{{1,2},{3,4}}"),
    ("interval", "'1 mon 2 days'", {"name": "text"}, "1 mon 2 days"),
    ("timestamptz", "'infinity'", {"name": "text"}, "infinity"),
    ("date", "'0044-03-15 BC'", {"name": "text"}, "0044-03-15 BC"),
    ("bytea", "'\\x00ff'", {"name": "text"}, "\\x00ff"),
    ("char(3)", "'a'", {"name": "text"}, "a  "),
    ("double precision", "0.1", {"name": "text"}, "0.1"),
]


@pytest.mark.parametrize(("declared", "written", "wanted_type", "wanted"), CASTS)
def test_column_is_read_as_the_type_that_is_asked_for(
    typed: Base, declared: str, written: str, wanted_type: dict[str, object], wanted: object
) -> None:
    """Where nothing is lost by it."""
    typed.sql("DROP TABLE IF EXISTS v", f"CREATE TABLE v (id int PRIMARY KEY, v {declared})")
    typed.sql(f"INSERT INTO v VALUES (1, {written})")
    found = typed.rows(table="v", types={"v": wanted_type})
    assert repr(found) == repr([{"id": 1, "v": wanted}])


@pytest.mark.parametrize(
    ("declared", "wanted_type"),
    [
        ("double precision", {"name": "int64"}),
        ("double precision", {"name": "float32"}),
        ("bigint", {"name": "float64"}),
        ("numeric(9,2)", {"name": "int64"}),
        ("timestamptz", {"name": "date"}),
        ("bytea", {"name": "json"}),
        ("inet", {"name": "uuid"}),
        ("integer", {"name": "uint32"}),
        ("integer[]", {"name": "list", "item": {"name": "float32"}}),
        ("integer", {"name": "list", "item": {"name": "int32"}}),
    ],
)
def test_type_that_would_bend_values_is_refused(typed: Base, declared: str, wanted_type: dict[str, object]) -> None:
    """A cast that rounds, or none at all."""
    typed.sql("DROP TABLE IF EXISTS v", f"CREATE TABLE v (id int PRIMARY KEY, v {declared})")
    with pytest.raises(InvalidConfigError, match=rf"column v is .* which is not read as {wanted_type['name']}"):
        typed.rows(table="v", types={"v": wanted_type})


@pytest.mark.parametrize(
    ("declared", "written", "types"),
    [
        ("timestamptz", "'infinity'", {}),
        ("timestamp", "'-infinity'", {}),
        ("timestamp", "'294276-12-31'", {}),
        ("date", "'infinity'", {}),
        ("interval", "'1 mon'", {}),
        ("numeric(9,2)", "'NaN'", {}),
        ("numeric", "1.555", {"v": {"name": "decimal", "precision": 9, "scale": 2}}),
        ("integer[]", "'{{1,2},{3,4}}'", {}),
        ("time", "'24:00:00'", {}),
        ("bigint", "40000", {"v": {"name": "int16"}}),
        ("text", "'{'", {"v": {"name": "json"}}),
        ("vector", "'[1,2,3]'", {"v": {"name": "vector", "dimension": 2}}),
    ],
)
def test_value_that_does_not_fit_is_named_and_ends_the_read(
    typed: Base, declared: str, written: str, types: dict[str, object]
) -> None:
    """The rows before it may come; nothing is turned into something else, and the session can be used again."""
    typed.sql("DROP TABLE IF EXISTS v", f"CREATE TABLE v (id int PRIMARY KEY, v {declared})")
    typed.sql(f"INSERT INTO v VALUES (1, NULL), (2, {written}), (3, NULL)")

    async def use(session: Provider) -> None:
        for _ in range(2):
            with pytest.raises(InvalidDataError) as caught:
                await items(session.read(None))
            assert not caught.value.retryable
            assert caught.value.__cause__ is not None
        await session.check()

    typed.run(use, table="v", types=types)
    if not types:
        assert typed.rows(table="v", types={"v": {"name": "text"}})[1]["v"] is not None
