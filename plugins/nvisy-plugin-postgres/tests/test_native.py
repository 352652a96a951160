"""The native codec against a real server: what it reads is what the library reads, and what it writes the server takes."""

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from nvisy_plugin_postgres._native import CopyError, Decoder, Encoder

from .postgres_base import Base

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TEXT, INT4 = '{"name":"text"}', '{"name":"int32"}'
# Name of the column, its type in SQL, its wire type, its portable type.
COLUMNS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("b", "bool", "bool", {"name": "bool"}),
    ("i2", "int2", "int2", {"name": "int16"}),
    ("i4", "int4", "int4", {"name": "int32"}),
    ("i8", "int8", "int8", {"name": "int64"}),
    ("f4", "float4", "float4", {"name": "float32"}),
    ("f8", "float8", "float8", {"name": "float64"}),
    ("n", "numeric(38,10)", "numeric", {"name": "decimal", "precision": 38, "scale": 10}),
    ("n0", "numeric(38,0)", "numeric", {"name": "decimal", "precision": 38, "scale": 0}),
    ("t", "text", "text", {"name": "text"}),
    ("vc", "varchar(20)", "varchar", {"name": "text"}),
    ("c", "char(4)", "bpchar", {"name": "text"}),
    ("nm", "name", "name", {"name": "text"}),
    ("by", "bytea", "bytea", {"name": "binary"}),
    ("d", "date", "date", {"name": "date"}),
    ("tm", "time", "time", {"name": "time"}),
    ("ts", "timestamp", "timestamp", {"name": "timestamp", "utc": False}),
    ("tz", "timestamptz", "timestamptz", {"name": "timestamp", "utc": True}),
    ("iv", "interval", "interval", {"name": "duration"}),
    ("u", "uuid", "uuid", {"name": "uuid"}),
    ("j", "json", "json", {"name": "json"}),
    ("jb", "jsonb", "jsonb", {"name": "json"}),
    ("a i", "int4[]", "int4[]", {"name": "list", "item": {"name": "int32"}}),
    ("a t", "text[]", "text[]", {"name": "list", "item": {"name": "text"}}),
    ("a vc", "varchar[]", "varchar[]", {"name": "list", "item": {"name": "text"}}),
    ("a n", "numeric[]", "numeric[]", {"name": "list", "item": {"name": "decimal", "precision": 20, "scale": 3}}),
    ("a tz", "timestamptz[]", "timestamptz[]", {"name": "list", "item": {"name": "timestamp", "utc": True}}),
    ("a u", "uuid[]", "uuid[]", {"name": "list", "item": {"name": "uuid"}}),
    ("a by", "bytea[]", "bytea[]", {"name": "list", "item": {"name": "binary"}}),
    ("a f4", "float4[]", "float4[]", {"name": "vector", "dimension": 2}),
]
UTC_1 = datetime(2024, 2, 29, 12, 30, 45, 123456, tzinfo=UTC)
# The library takes the very first and last day and instant of Python for infinity: they are not among these.
ROWS: list[list[Any]] = [
    [
        True, -32768, 2**31 - 1, -(2**63), 1.5, 0.1, Decimal("1234567890123456789012345678.0123456789"), Decimal(10**38 - 1),
        "naïve \U0001d518 \n", "x" * 20, "ab", "id", b"\x00\xff", date(2024, 2, 29), time(23, 59, 59, 999999),
        datetime(1, 1, 2), UTC_1, timedelta(hours=5, microseconds=5), UUID(int=7), '{"a": 1.50}', '{"a": [1, null]}',
        [1, None, -3], ["", None, "é"], ["v"], [Decimal("1.500"), None], [UTC_1, None], [UUID(int=9)], [b"", b"\x00"], [1.0, -2.5],
    ],
    [
        False, 32767, -(2**31), 2**63 - 1, -0.0, -1e308, Decimal("-0.0000000001"), Decimal(-10000), "", "", "    ", "", b"",
        date(1, 1, 2), time(0), datetime(9999, 12, 31, 23, 59, 59, 999998), datetime(1970, 1, 1, tzinfo=UTC), timedelta(0),
        UUID(int=2**128 - 1), "null", "0", [], [], [], [], [], [], [], [0.0, 0.0],
    ],
    [None] * len(COLUMNS),
]  # fmt: skip


@pytest.fixture
def everything(base: Base) -> Base:
    """A table with a column of every type, and three rows."""
    columns = ", ".join(f'"{name}" {sql}' for name, sql, _, _ in COLUMNS)
    places = ", ".join(f"${place}" for place in range(1, len(COLUMNS) + 1))
    base.sql(f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({places})", rows=ROWS)
    return base


def decoder(columns: Iterable[tuple[str, str, str, dict[str, Any]]] = COLUMNS) -> Decoder:
    """Return a decoder of such columns, all of which may be null."""
    return Decoder([(name, wire, json.dumps(portable), True) for name, _, wire, portable in columns])


def stream(base: Base, query: str) -> bytes:
    """Return what the server sends."""
    pieces: list[bytes] = []

    async def collect(data: bytes) -> None:
        pieces.append(bytes(data))

    async def use(connection: Any) -> None:
        await connection.copy_from_query(query, output=collect, format="binary")

    base.native(use)
    return b"".join(pieces)


def encoded(encoder: Encoder, batch: object) -> tuple[bytes, list[tuple[int, str, str]]]:
    """Return a whole stream, made in pieces of a few rows, and what is not in it."""
    made = encoder.begin(batch)  # type: ignore[arg-type]  # some tests give what is no batch
    data = b"".join(iter(lambda: made.piece(200), b""))
    assert made.piece(1) == b""
    return data, made.rejected


def taken(decoder: Decoder, data: bytes) -> pa.RecordBatch:
    """Return all rows of a whole stream."""
    rows = decoder.feed(data)
    batch = decoder.take(rows)
    decoder.finish()
    assert batch is not None and len(batch) == rows
    found = pa.record_batch(batch)
    found.validate(full=True)
    return found


def one(base: Base, sql: str, wire: str, portable: dict[str, Any]) -> Any:
    """Return the value of an expression as it is decoded."""
    return taken(decoder([("x", "", wire, portable)]), stream(base, f"SELECT {sql} AS x"))["x"].to_pylist()[0]


def load(base: Base, table: str, data: bytes, columns: Sequence[str] | None = None) -> int:
    """Give a stream to the server; return how many rows it took."""

    async def use(connection: Any) -> str:
        source = io.BytesIO(data)
        return str(await connection.copy_to_table(table, source=source, columns=columns, format="binary"))

    return int(base.native(use).removeprefix("COPY "))


def test_values_are_those_that_the_library_reads(everything: Base) -> None:
    """Every type, its extremes and null."""
    found = taken(decoder(), stream(everything, "SELECT * FROM t")).to_pylist()
    wanted = everything.sql("SELECT * FROM t")
    for row, values in zip(found, wanted, strict=True):
        for (name, *_), value in zip(COLUMNS, values, strict=True):
            assert row[name] == value, name


def test_arrow_types_are_those_of_the_portable_types(everything: Base) -> None:
    """Text is utf8, binary large_binary, times are in microseconds; JSON and UUID bear their extensions."""
    schema = taken(decoder(), stream(everything, "SELECT * FROM t")).schema
    assert schema.field("t").type == pa.string()
    assert schema.field("by").type == pa.large_binary()
    assert schema.field("n").type == pa.decimal128(38, 10)
    assert schema.field("tz").type == pa.timestamp("us", "UTC")
    assert schema.field("iv").type == pa.duration("us")
    assert schema.field("u").type == pa.uuid()
    assert schema.field("jb").type == pa.json_(pa.string())
    assert schema.field("a f4").type == pa.list_(pa.field("item", pa.float32(), nullable=False), 2)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_are_the_same_however_the_stream_is_cut(everything: Base, size: int) -> None:
    """Pieces of any size go in, batches of any size come out."""
    data = stream(everything, "SELECT t.* FROM t, generate_series(1, 20)")
    whole, cut, batches = taken(decoder(), data), decoder(), []
    for start in range(0, len(data), size):
        cut.feed(data[start : start + size])
        batches += [batch for batch in [cut.take(7)] if batch is not None]
    cut.finish()
    batches += iter(lambda: cut.take(7), None)
    assert cut.buffered == 0
    assert pa.Table.from_batches([pa.record_batch(batch) for batch in batches]).to_batches() != []
    assert pa.Table.from_batches([pa.record_batch(batch) for batch in batches]).equals(pa.Table.from_batches([whole]))


def test_server_takes_back_what_it_gave(everything: Base) -> None:
    """Encoding is the mirror of decoding: the second table has the same text in every column."""
    batch = taken(decoder(), stream(everything, "SELECT * FROM t"))
    everything.sql("CREATE TABLE copy (LIKE t)")
    data, rejected = encoded(Encoder([(name, wire) for name, _, wire, _ in COLUMNS]), batch)
    assert rejected == []
    assert load(everything, "copy", data) == len(ROWS)
    assert everything.sql("SELECT r::text FROM copy AS r") == everything.sql("SELECT r::text FROM t AS r")


def test_vectors_of_the_extension_go_both_ways(base: Base) -> None:
    """As vectors of one length, and as lists of any."""
    base.sql(
        "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public",
        "CREATE TABLE t (a public.vector(3), b public.vector)",
        "INSERT INTO t VALUES ('[1,-2.5,1e-30]', '[1]'), (NULL, NULL), ('[0,0,0]', '[1,2,3,4]')",
    )
    portable: list[dict[str, Any]] = [{"name": "vector", "dimension": 3}, {"name": "list", "item": {"name": "float32"}}]
    columns = [(name, "", "vector", column) for name, column in zip("ab", portable, strict=True)]
    batch = taken(decoder(columns), stream(base, "SELECT * FROM t"))
    assert batch["a"].to_pylist() == [[1.0, -2.5, pytest.approx(1e-30)], None, [0.0, 0.0, 0.0]]
    assert batch["b"].to_pylist() == [[1.0], None, [1.0, 2.0, 3.0, 4.0]]
    data, rejected = encoded(Encoder([("a", "vector"), ("b", "vector")]), batch)
    assert rejected == []
    base.sql("CREATE TABLE copy (LIKE t)")
    assert load(base, "copy", data) == 3
    assert base.sql("SELECT copy::text FROM copy") == base.sql("SELECT t::text FROM t")
    with pytest.raises(CopyError, match="another dimension"):
        taken(decoder([("a", "", "vector", {"name": "vector", "dimension": 2})]), stream(base, "SELECT a FROM t"))


@pytest.mark.parametrize(
    "number",
    [
        "0", "0.000", "-0.05", "7e12", "1e-20", "123456789012345678901234567890.123456789", "1e200", "-1e-100", "9999.9999",
        "10000", "0.00010000", "NaN", "Infinity", "-Infinity",
    ],
)  # fmt: skip
def test_number_as_text_is_what_the_server_prints(base: Base, number: str) -> None:
    """Digit by digit."""
    assert (
        one(base, f"'{number}'::numeric", "numeric", {"name": "text"})
        == base.sql(f"SELECT '{number}'::numeric::text")[0][0]
    )


@pytest.mark.parametrize(
    ("sql", "wire", "portable", "reason"),
    [
        ("'infinity'::date", "date", {"name": "date"}, "read it as text"),
        ("'-infinity'::timestamp", "timestamp", {"name": "timestamp", "utc": False}, "read it as text"),
        ("'infinity'::timestamptz", "timestamptz", {"name": "timestamp", "utc": True}, "read it as text"),
        ("'294276-12-31'::timestamptz", "timestamptz", {"name": "timestamp", "utc": True}, "read it as text"),
        ("'infinity'::interval", "interval", {"name": "duration"}, "read it as text"),
        ("'1 mon'::interval", "interval", {"name": "duration"}, "has months.*read it as text"),
        ("'24:00'::time", "time", {"name": "time"}, "24:00:00.*read it as text"),
        ("'NaN'::numeric", "numeric", {"name": "decimal", "precision": 9, "scale": 2}, "NaN.*read it as text"),
        ("4711.125", "numeric", {"name": "decimal", "precision": 9, "scale": 2}, "more digits"),
        ("47110000::numeric", "numeric", {"name": "decimal", "precision": 9, "scale": 2}, "more digits"),
        ("ARRAY[[4711]]", "int4[]", {"name": "list", "item": {"name": "int32"}}, "dimension.*read it as text"),
        (
            "ARRAY[1, 'NaN', 4711]::numeric[]",
            "numeric[]",
            {"name": "list", "item": {"name": "decimal", "precision": 9, "scale": 2}},
            "NaN",
        ),
        ("4711", "int4", {"name": "int8"}, "out of the range"),
    ],
)
def test_value_without_a_form_in_arrow_is_refused(
    base: Base, sql: str, wire: str, portable: dict[str, Any], reason: str
) -> None:
    """The error names column and row and what to do, never the value."""
    data = stream(base, f"SELECT CASE WHEN n = 2 THEN {sql} END AS x FROM generate_series(0, 2) AS n")
    refused = decoder([("x", "", wire, portable)])
    assert refused.feed(data) == 3
    with pytest.raises(CopyError, match=f"column `x`, row 2: the value .*{reason}") as caught:
        refused.take(10)
    assert "4711" not in str(caught.value)
    with pytest.raises(CopyError, match="row 2"):
        refused.feed(b"")


def test_days_of_an_interval_have_24_hours(base: Base) -> None:
    """What the server keeps apart is added up."""
    found = one(base, "'-3 days 5 microseconds'::interval", "interval", {"name": "duration"})
    assert found == timedelta(days=-3, microseconds=5)


def test_rows_are_counted_since_the_start_of_the_stream(base: Base) -> None:
    """Also after batches were taken."""
    refused = decoder([("x", "", "date", {"name": "date"})])
    refused.feed(stream(base, "SELECT CASE WHEN n = 1234 THEN 'infinity'::date END FROM generate_series(0, 2000) n"))
    for _ in range(12):
        assert refused.take(100) is not None
    with pytest.raises(CopyError, match="row 1234"):
        refused.take(100)


def test_null_is_refused_where_there_is_said_to_be_none(base: Base) -> None:
    """A column that is not null in Arrow has no null."""
    strict = Decoder([("x", "int4", INT4, False)])
    strict.feed(stream(base, "SELECT CASE WHEN n <> 3 THEN n END FROM generate_series(0, 5) n"))
    with pytest.raises(CopyError, match="row 3: the value is null"):
        strict.take(10)


def test_batch_of_large_rows_ends_early() -> None:
    """A batch takes no further row when it has 32 MiB; the rows behind it come with the next one."""
    size = 20 << 20
    row = b"\0\1" + size.to_bytes(4, "big") + b"x" * size
    large = Decoder([("x", "text", TEXT, True)])
    assert large.feed(HEADER[:15] + b"\0\0\0\3" + b"ext" + row * 5 + b"\xff\xff") == 5  # a header may be longer
    assert [len(batch) for batch in iter(lambda: large.take(10), None)] == [2, 2, 1]
    large.finish()


@pytest.mark.parametrize("lost", [1, 2, 3, 40])
def test_stream_without_its_end_is_refused(everything: Base, lost: int) -> None:
    """A connection that was lost is not the end of the table."""
    cut = decoder()
    cut.feed(stream(everything, "SELECT * FROM t")[:-lost])
    with pytest.raises(CopyError, match="cut"):
        cut.finish()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PGCOPX", "does not begin"),
        (HEADER[:11] + b"\0\1\0\0" + bytes(4), "flags"),
        (HEADER + b"\0\2", "2 columns, not 1"),
        (HEADER + b"\0\1\xff\xff\xff\xfe", "negative"),
        (HEADER + b"\xff\xff\0", "after the end"),
    ],
)
def test_malformed_stream_is_refused(data: bytes, reason: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(CopyError, match=reason):
        Decoder([("x", "text", TEXT, True)]).feed(data)


@pytest.mark.parametrize(
    ("wire", "portable", "reason"),
    [
        ("inet", TEXT, "`inet` has no known binary form"),
        ("text", INT4, "PostgreSQL's text cannot be read as int32"),
        ("json", '{"name":"struct","fields":[]}', "`struct` has no binary form"),
    ],
)
def test_types_that_do_not_go_together_are_refused(wire: str, portable: str, reason: str) -> None:
    """Before there is a stream."""
    with pytest.raises(CopyError, match=f"column `x`: .*{reason}"):
        Decoder([("x", wire, portable, True)])


@pytest.mark.parametrize(
    ("sql", "wire", "array"),
    [
        ("text", "text", pa.array(["skipped", "a", None, "é"], pa.large_string())),
        ("text", "text", pa.array(["skipped", "a", None, "longer than a view keeps inline"], pa.string_view())),
        ("bytea", "bytea", pa.array([b"skipped", b"a", None, b"\x00"], pa.binary())),
        ("bytea", "bytea", pa.array([b"skipped", b"a", None, b"longer than a view keeps inline"], pa.binary_view())),
        ("bytea", "bytea", pa.array([b"sk", b"ab", None, b"\x00\x01"], pa.binary(2))),
        ("int8", "int8", pa.array([0, 255, None, 1], pa.uint8())),
        ("int2", "int2", pa.array([0, 32767, None, -1], pa.int64())),
        ("int8", "int8", pa.array([0, 2**63 - 1, None, 1], pa.uint64())),
        ("numeric", "numeric", pa.array([0, 2**64 - 1, None, 1], pa.uint64())),
        ("numeric", "numeric", pa.array([0, -(2**63), None, 10_000], pa.int64())),
        ("numeric", "numeric", pa.array([Decimal("0.00"), Decimal("-12.30"), None, Decimal("0.01")], pa.decimal128(9, 2))),
        ("float8", "float8", pa.array([0.0, 1.5, None, float("inf")], pa.float32())),
        ("int8[]", "int8[]", pa.array([[0], [1, None], None, []], pa.large_list(pa.int32()))),
        ("float4[]", "float4[]", pa.array([[0.0, 0.0], [1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2))),
        ("interval", "interval", pa.array([timedelta(0), timedelta(days=40, hours=5), None, timedelta(-1)], pa.duration("us"))),
    ],
)  # fmt: skip
def test_any_layout_of_arrow_is_taken(base: Base, sql: str, wire: str, array: Any) -> None:
    """Of slices too, only the rows that they show."""
    base.sql(f"CREATE TABLE t (x {sql})")
    batch = pa.record_batch([array], names=["x"]).slice(1)
    data, rejected = encoded(Encoder([("x", wire)]), batch)
    assert rejected == []
    assert load(base, "t", data) == 3
    assert [value for (value,) in base.sql("SELECT x FROM t")] == batch["x"].to_pylist()


NESTED: list[tuple[str, Any, Any, Any]] = [
    ("s", pa.string_view(), 'quote " and \n', 'quote " and \n'),
    ("j", pa.json_(pa.string()), '{"k": [1.50]}', {"k": [1.5]}),
    ("n", pa.decimal128(9, 2), Decimal("-1.50"), "-1.50"),
    ("b", pa.binary(), b"\xff\x00", "/wA="),
    ("u", pa.uuid(), UUID(int=1).bytes, str(UUID(int=1))),
    ("d", pa.date32(), date(2024, 2, 29), "2024-02-29"),
    ("t", pa.time64("us"), time(1, 2, 3), "01:02:03.000000"),
    ("ts", pa.timestamp("us", "UTC"), UTC_1, "2024-02-29T12:30:45.123456Z"),
    ("iv", pa.duration("us"), timedelta(seconds=90), "PT90S"),
    ("l", pa.list_(pa.float64()), [0.1, None], [0.1, None]),
    ("i", pa.uint64(), 2**64 - 1, 2**64 - 1),
    ("f", pa.float32(), 0.5, 0.5),
    ("o", pa.bool_(), True, True),
    ("z", pa.int8(), None, None),
]


def test_nested_values_become_json(base: Base) -> None:
    """Every type inside of them has a spelling; text that is JSON is embedded."""
    columns = [_array([value, value], kind) for _, kind, value, _ in NESTED]
    fields = [pa.field(name, kind) for name, kind, _, _ in NESTED]
    nested = pa.StructArray.from_arrays(columns, fields=fields, mask=pa.array([False, True]))
    batch = pa.record_batch([nested, nested], names=["x", "y"])
    base.sql("CREATE TABLE t (x jsonb, y json)")
    data, rejected = encoded(Encoder([("x", "jsonb"), ("y", "json")]), batch)
    assert rejected == []
    load(base, "t", data)
    (x, y), nothing = base.sql("SELECT x, y FROM t")
    assert json.loads(x) == json.loads(y) == {name: printed for name, _, _, printed in NESTED}
    assert nothing == (None, None)


def test_json_within_a_nested_value_must_be_json() -> None:
    """What the document would be otherwise is not for us to say."""
    parts = _array(["1e400", '{"a": ', "nul"], pa.json_(pa.string()))
    batch = pa.record_batch({"x": pa.StructArray.from_arrays([parts], fields=[pa.field("j", parts.type)])})
    data, rejected = encoded(Encoder([("x", "json")]), batch)
    assert b'{"j":1e400}' in data
    assert [(row, code) for row, code, _ in rejected] == [(1, "invalid_text"), (2, "invalid_text")]


def test_arrow_that_breaks_the_interface_is_refused() -> None:
    """An array that was taken before, what is no capsule, what is no batch."""
    batch = pa.record_batch({"x": ["a"]})
    once = _Exported(batch.__arrow_c_array__())
    assert encoded(Encoder([("x", "text")]), once)[1] == []
    whole = pa.array([{"x": "a"}, None], pa.struct([("x", pa.string())]))
    for broken in (once, _Exported((1, 2)), _Exported(pa.array([1]).__arrow_c_array__()), whole):
        with pytest.raises(CopyError):
            encoded(Encoder([("x", "text")]), broken)


class _Exported:
    """Hands out what it was given."""

    def __init__(self, capsules: tuple[object, object]) -> None:
        self._capsules = capsules

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        return self._capsules


def _array(values: list[Any], kind: Any) -> Any:
    """Return an array of a type that may be an extension's."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


def test_rows_that_do_not_fit_are_left_out_and_named(base: Base) -> None:
    """The others are written under the numbers they have in the batch."""
    batch = pa.record_batch({
        "n": pa.array([1, 2**40, 3, 4], pa.int64()),
        "t": ["a", "b", "c\0", "d"],
    })  # fmt: skip
    data, rejected = encoded(Encoder([("t", "text"), ("n", "int4")], ordinal=True), batch)
    assert [(row, code) for row, code, _ in rejected] == [(1, "out_of_range"), (2, "invalid_text")]
    assert "column `n`" in rejected[0][2] and "NUL" in rejected[1][2]
    base.sql("CREATE TABLE t (ordinal int4, t text, n int4)")
    assert load(base, "t", data) == 2
    assert base.sql("SELECT * FROM t") == [(0, "a", 1), (3, "d", 4)]


@pytest.mark.parametrize(
    ("wire", "array"),
    [
        ("date", pa.array([2**31 - 1], pa.date32())),
        ("date", pa.array([-(2**31)], pa.date32())),
        ("timestamp", pa.array([-(2**63)], pa.timestamp("us"))),
        ("time", pa.array([86_400_000_000], pa.int64()).cast(pa.time64("us"), safe=False)),
        ("float4", pa.array([0.1], pa.float64())),
        ("jsonb", pa.array([[float("nan")]], pa.list_(pa.float64()))),
        ("vector", pa.array([[1.0, None]], pa.list_(pa.float32()))),
        ("int2[]", pa.array([[1, 70_000]], pa.list_(pa.int32()))),
    ],
)
def test_value_that_the_server_cannot_hold_is_rejected(wire: str, array: Any) -> None:
    """Its row is not in the stream."""
    data, rejected = encoded(Encoder([("x", wire)]), pa.record_batch([array], names=["x"]))
    assert data == HEADER + b"\xff\xff"
    assert [code for _, code, _ in rejected] == ["out_of_range"]


def test_column_that_cannot_be_written_is_an_error() -> None:
    """It is not the fault of a row."""
    batch = pa.record_batch({"x": ["a"]})
    with pytest.raises(CopyError, match="column `x`: utf8 cannot be written as PostgreSQL's int4"):
        encoded(Encoder([("x", "int4")]), batch)
    with pytest.raises(CopyError, match="column `y`: the batch does not have it"):
        encoded(Encoder([("y", "text")]), batch)
    with pytest.raises(CopyError, match="utf8 cannot be written as PostgreSQL's jsonb"):
        encoded(Encoder([("x", "jsonb")]), batch)
