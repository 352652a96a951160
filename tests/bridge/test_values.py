"""Values cross exactly, both ways, or are refused by column, row and fix."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nvisy import _core
from nvisy_sdk import (
    Batch,
    BinaryType,
    BoolType,
    ColumnType,
    Context,
    DataKind,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float64Type,
    Int8Type,
    Int64Type,
    InvalidDataError,
    JsonType,
    Keyset,
    ListType,
    Resumable,
    Schema,
    StructType,
    TextType,
    TimestampType,
    TimeType,
    Uint64Type,
    UuidType,
    VectorType,
)
from nvisy_sdk.testing import RowBatch, rows_of
from pydantic import BaseModel

from tests.bridge.support import FINGERPRINT, Base, after, close, open_session

KEY = Keyset(("id",), FINGERPRINT)


class Yielding(Base):
    """Yields what the test put there."""

    batches: ClassVar[Sequence[object]] = ()

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        for batch in Yielding.batches:
            yield batch  # type: ignore[misc]


@pytest.fixture(scope="module")
def session() -> Iterator[_core.Session]:
    """One session for all of these; each reads a stream of its own."""
    opened = open_session(Yielding, kinds=tuple(DataKind))
    yield opened
    close(opened)


def cross(session: _core.Session, *batches: object) -> list[_core.IncomingBatch]:
    """What a sink receives of these batches."""
    Yielding.batches = batches
    stream, received = session.read(), []
    while (batch := stream.next()) is not None:
        received.append(batch)
    return received


def batch_of(rows: object, schema: Schema | None = None) -> Batch:
    """The rows as a batch of records."""
    return Batch(rows, KEY, kind=DataKind.RECORD, schema=schema)  # type: ignore[arg-type]


def same(left: object, right: object) -> bool:
    """Equal in value and in type, all the way down; NaN is NaN and -0.0 is not 0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or (
            left == right and math.copysign(1, left) == math.copysign(1, right)
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
        return left == right and (left.tzinfo is None) == (right.tzinfo is None)
    return left == right


text = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
instants = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29), timezones=offsets)
decimals = st.builds(
    lambda digits, scale: decimal.Decimal(digits).scaleb(-scale, decimal.Context(prec=60)),
    st.integers(-(10**30) + 1, 10**30 - 1),
    st.integers(0, 8),
)
KINDS: dict[str, tuple[ColumnType, st.SearchStrategy[Any]]] = {
    "bool": (BoolType(), st.booleans()),
    "int8": (Int8Type(), st.integers(-128, 127)),
    "int64": (Int64Type(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (Uint64Type(), st.integers(0, 2**64 - 1)),
    "float64": (Float64Type(), st.floats()),
    "decimal": (DecimalType(precision=38, scale=8), decimals),
    "text": (TextType(), text),
    "binary": (BinaryType(), st.binary(max_size=12)),
    "date": (DateType(), st.dates()),
    "time": (TimeType(), st.times()),
    "naive": (TimestampType(utc=False), st.datetimes()),
    "instant": (TimestampType(utc=True), instants),
    "duration": (
        DurationType(),
        st.timedeltas(dt.timedelta(microseconds=-(2**63)), dt.timedelta(microseconds=2**63 - 1)),
    ),
    "uuid": (UuidType(), st.uuids()),
    "json": (JsonType(), json_values),
    "list": (ListType(item=Int64Type()), st.lists(st.none() | st.integers(-9, 9), max_size=4)),
    "struct": (
        StructType(fields=(Field(name="a", type=TextType()), Field(name="b", type=Int64Type()))),
        st.fixed_dictionaries({"a": st.none() | text, "b": st.integers(-9, 9)}),
    ),
}
SCHEMA = Schema(fields=tuple(Field(name=name, type=kind) for name, (kind, _) in KINDS.items()))
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, (_, values) in KINDS.items()}), min_size=1, max_size=5
)
EVERYTHING = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@EVERYTHING
@given(rows=ROWS)
def test_every_type_crosses_exactly_under_a_schema(session: _core.Session, rows: list[dict[str, object]]) -> None:
    """Rows of every portable type come out as they went in, as dicts, as tuples and through Arrow."""
    positions = Keyset(("int64",), FINGERPRINT)
    (received,) = cross(session, Batch(rows, positions, kind=DataKind.RECORD, schema=SCHEMA))
    assert received.schema == SCHEMA
    assert received.num_rows == len(received) == len(rows)
    for row, got, values in zip(rows, received.rows(), received.tuples(), strict=True):
        for name, value in row.items():
            assert same(value, got[name]), (name, value, got[name])
        assert all(map(same, got.values(), values))
    (again,) = cross(session, Batch(received, positions, kind=DataKind.RECORD))
    assert all(map(same, received.rows(), again.rows()))


@EVERYTHING
@given(rows=ROWS)
def test_batches_for_tests_of_providers_have_the_engines_arrow(
    session: _core.Session, rows: list[dict[str, object]]
) -> None:
    """What the SDK makes of rows crosses as it is, and what the engine hands out is looked into by the SDK."""
    made = RowBatch(rows, schema=SCHEMA)
    (received,) = cross(session, Batch(made, Keyset(("int64",), FINGERPRINT), kind=DataKind.RECORD))
    assert received.schema == SCHEMA
    for wanted, got, seen in zip(rows, received.rows(), rows_of(batch_of(received)), strict=True):
        assert all(same(wanted[name], got[name]) for name in wanted)
        assert all(same(wanted[name], seen[name]) for name in wanted)


INFERRED = ["bool", "int64", "float64", "decimal", "text", "binary", "date", "time", "naive", "instant", "uuid", "list"]


@EVERYTHING
@given(data=st.data())
def test_inferred_columns_cross_exactly(session: _core.Session, data: st.DataObject) -> None:
    """Without a schema the values decide, and still nothing changes."""
    name = data.draw(st.sampled_from(INFERRED))
    values = data.draw(st.lists(st.none() | KINDS[name][1], min_size=1, max_size=5))
    (received,) = cross(session, batch_of([{"id": value} for value in values]))
    got = [row["id"] for row in received.rows()]
    assert all(map(same, values, got)), (values, got)


@EVERYTHING
@given(value=st.integers())
def test_int_crosses_exactly_or_is_refused(session: _core.Session, value: int) -> None:
    """An int of any size: 64 bits cross, beyond them the error says what to do."""
    if -(2**63) <= value < 2**64:
        (received,) = cross(session, batch_of([{"id": value}]))
        assert same(received.rows(), [{"id": value}])
        return
    with pytest.raises(InvalidDataError, match="column `id`, row 0, holds an int beyond 64 bits") as raised:
        cross(session, batch_of([{"id": value}]))
    assert "decimal(38, 0)" in (raised.value.hint or "")


D = decimal.Decimal
NAIVE, AWARE = dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FITS = Schema(fields=(Field(name="id", type=Int8Type(), nullable=False),))
MONEY = Schema(fields=(Field(name="id", type=DecimalType(precision=5, scale=2)),))
WHOLE = Schema(fields=(Field(name="id", type=Float64Type()),))

REFUSED: dict[str, tuple[list[object], Schema | None, str]] = {
    "int out of range": ([1, 128], FITS, "row 1, holds an int outside the range of int8"),
    "bool as int": ([True], FITS, "row 0, holds a bool where the column is int8"),
    "null where none may be": ([1, None], FITS, "row 1, holds None"),
    "int beyond 63 bits and a negative one": ([-1, 2**63], None, "row 1, holds an int beyond 63 bits"),
    "inexact int as float": ([2**53 + 1], WHOLE, "row 0, holds an int that no float64"),
    "decimal with too many places": ([D("1.005")], MONEY, r"row 0, holds a number that decimal\(5, 2\)"),
    "decimal with too many digits": ([D("1000")], MONEY, r"row 0, holds a number that decimal\(5, 2\)"),
    "decimal that is no number": ([D("NaN")], None, "row 0, holds a Decimal that is no finite number"),
    "lone surrogate": (["ok", "\ud800"], None, "row 1, holds text with a lone surrogate"),
    "lone surrogate in JSON": ([{"a": "\udfff"}], None, "row 0, holds text with a lone surrogate"),
    "naive among aware": ([AWARE, NAIVE], None, "row 1, holds a naive datetime"),
    "aware among naive": ([NAIVE, AWARE], None, "row 1, holds an aware datetime"),
    "time with a zone": ([dt.time(1, tzinfo=dt.UTC)], None, "row 0, holds a time with a zone"),
    "timedelta too long": ([dt.timedelta.max], None, "row 0, holds a timedelta of more"),
    "int then float": ([1, 1.5], None, "row 1, holds a float where the rows before hold an int"),
    "text then bytes": (["a", b"a"], None, "row 1, holds bytes where the rows before hold text"),
    "unknown type": ([object()], None, "row 0, holds a object where the column is of a type that can be moved"),
    "tuple": ([(1, 2)], None, "row 0, holds a tuple"),
    "set": ([{1}], None, "row 0, holds a set"),
    "NaN in JSON": ([{"a": math.nan}], None, "row 0, holds JSON with NaN"),
    "bytes in JSON": ([{"a": b"x"}], None, "row 0, holds JSON with a bytes inside"),
    "int key in JSON": ([{1: "x"}], None, "row 0, holds JSON with a int as a key"),
}


@pytest.mark.parametrize(("values", "schema", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_value_that_does_not_fit_is_refused_by_column_row_and_fix(
    session: _core.Session, values: list[object], schema: Schema | None, message: str
) -> None:
    """Nothing is coerced; the author reads which column, which row, and what to do."""
    with pytest.raises(InvalidDataError, match=f"column `id`, {message}") as raised:
        cross(session, batch_of([{"id": value} for value in values], schema))
    assert raised.value.hint
    assert raised.value.context["column"] == "id"
    assert raised.value.context["row"] == str(len(values) - 1)


def test_missing_and_surplus_columns_are_refused(session: _core.Session) -> None:
    """Missing is not null, and a column nobody knows is not dropped."""
    with pytest.raises(InvalidDataError, match="row 1 has no column `x`"):
        cross(session, batch_of([{"id": 1, "x": 1}, {"id": 2}]))
    with pytest.raises(InvalidDataError, match="row 0 has a column `y` that the stream does not have"):
        cross(session, batch_of([{"id": 1}]), batch_of([{"id": 2, "y": 1}]))


def test_schema_is_decided_once_per_stream(session: _core.Session) -> None:
    """The first batch decides; a later one that disagrees is refused."""
    with pytest.raises(InvalidDataError, match="column `id`, row 0, holds a str where the column is int64"):
        cross(session, batch_of([{"id": 1}]), batch_of([{"id": "a"}]))
    with pytest.raises(InvalidDataError, match="another schema than the stream began with"):
        cross(session, batch_of([{"id": 1}], FITS), batch_of([{"id": 1}], WHOLE))


def test_tuples_models_and_items_cross(session: _core.Session) -> None:
    """Every form of rows arrives; tuples without a schema are refused."""

    class Item(BaseModel):
        id: int
        tags: list[str]

    schema = Schema(fields=(Field(name="id", type=Int64Type()), Field(name="name", type=TextType())))
    (received,) = cross(session, batch_of([(1, "a"), (2, None)], schema))
    assert received.tuples() == [(1, "a"), (2, None)]
    (received,) = cross(session, batch_of([Item(id=1, tags=["x"])]))
    assert received.rows() == [{"id": 1, "tags": ["x"]}]
    (received,) = cross(session, Resumable(Item(id=1, tags=[]), after(1), kind=DataKind.RECORD))
    assert received.rows() == [{"id": 1, "tags": []}]
    with pytest.raises(InvalidDataError, match="tuples do not say"):
        cross(session, batch_of([(1,)]))


def test_canonical_kinds_cross(session: _core.Session) -> None:
    """Items of the other kinds get their canonical columns, also where a first batch holds nothing to infer from."""
    objects = [{"path": "a", "data": b"x", "size": 1, "modified_at": None, "metadata": {"k": 1}}]
    (received,) = cross(session, Batch(objects, Keyset(("path",), FINGERPRINT), kind=DataKind.OBJECT))
    assert received.kind is DataKind.OBJECT
    assert received.rows() == objects
    vectors: list[dict[str, object]] = [{"id": "a", "vector": [0.5, -1.0], "metadata": None}]
    (received,) = cross(session, Batch(vectors, Keyset(("id",), FINGERPRINT), kind=DataKind.EMBEDDING))
    assert received.rows() == vectors
    assert received.schema.fields[1].type == VectorType(dimension=2)
    vectors.append({"id": "b", "vector": [1.0], "metadata": None})
    with pytest.raises(InvalidDataError, match="holds a vector of 1 floats where the column's have 2"):
        cross(session, Batch(vectors, Keyset(("id",), FINGERPRINT), kind=DataKind.EMBEDDING))


def test_arrow_data_crosses_both_ways(session: _core.Session) -> None:
    """PyArrow's batches, tables, views and large types come in and go out."""
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int64()),
            "text": pa.array(["a", "ü", None], pa.large_string()),
            "view": pa.array(["x", None, "long enough to be out of line"], pa.string_view()),
            "at": pa.array([AWARE] * 3, pa.timestamp("us", "Europe/Vienna")),
        }
    )
    received = cross(session, batch_of(table), batch_of(table.to_batches()[0]))
    rows = [row | {"at": AWARE} for row in table.to_pylist()]
    assert [batch.rows() for batch in received] == [rows, rows]
    back = pa.table(received[0])
    assert back.column("text").to_pylist() == ["a", "ü", None]
    assert pa.record_batch(received[0]).num_rows == 3
    with pytest.raises(InvalidDataError, match="cast it first"):
        cross(session, batch_of(pa.table({"id": pa.array([1], pa.timestamp("ns"))})))


def test_datetime_of_any_zone_arrives_as_its_instant(session: _core.Session) -> None:
    """The instant is kept, its zone is not: it comes back in UTC."""
    local = dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=-7)))
    (received,) = cross(session, batch_of([{"id": local}]))
    value = received.rows()[0]["id"]
    assert value == local
    assert isinstance(value, dt.datetime)
    assert value.tzinfo is dt.UTC
    assert uuid.UUID(int=2**128 - 1) == cross(session, batch_of([{"id": uuid.UUID(int=2**128 - 1)}]))[0].rows()[0]["id"]
