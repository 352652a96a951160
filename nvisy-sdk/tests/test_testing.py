"""The stand-ins for the engine that a plugin's tests use."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pyarrow
import pytest
from nvisy_sdk import (
    Batch,
    Context,
    DataKind,
    DecimalType,
    Each,
    End,
    Field,
    IncomingBatch,
    Int64Type,
    IntValue,
    InvalidDataError,
    Keyset,
    KeysetContext,
    ProtocolError,
    Resumable,
    Schema,
    TextType,
    TokenContext,
    typed_value,
)
from nvisy_sdk.testing import RowBatch, infer_schema, items, positions_of, rows_of
from pydantic import BaseModel

MARK = "0123456789abcdef"


def token(offset: int) -> TokenContext:
    """Return a context that differs by its number."""
    return TokenContext(fingerprint=MARK, offset=offset)


def test_row_batch_is_an_incoming_batch() -> None:
    """A sink's `write` takes it in the place of the engine's."""
    batch = RowBatch([{"a": 1}, {"a": None}], kind=DataKind.RECORD)
    assert isinstance(batch, IncomingBatch)
    assert len(batch) == batch.num_rows == 2
    assert batch.rows() == [{"a": 1}, {"a": None}]
    assert batch.tuples() == [(1,), (None,)]
    batch.rows()[0]["a"] = 9
    assert batch.tuples()[0] == (1,)


def test_row_batch_follows_the_schema_when_rows_are_ragged() -> None:
    """Columns come in the schema's order, and what a row lacks is null."""
    schema = Schema(fields=(Field(name="b", type=TextType()), Field(name="a", type=Int64Type())))
    assert RowBatch([{"a": 1}], schema=schema).tuples() == [(None, 1)]


def test_row_batch_is_arrow_when_it_is_asked_for() -> None:
    """As an array, as a stream, and as a schema alone."""
    batch = RowBatch([{"a": 1, "b": {"c": None}}])
    for form in (batch, pyarrow.RecordBatchReader.from_stream(batch)):
        assert rows_of(Batch(form, Keyset(("a",), "f"))) == batch.rows()
    assert pyarrow.schema(batch).names == ["a", "b"]


def test_items_of_an_arrow_source_have_their_contexts() -> None:
    """A key is looked up in the Arrow columns."""

    async def stream() -> AsyncIterator[Batch]:
        yield Batch(RowBatch([{"id": 1}, {"id": 2}]), Keyset(("id",), MARK))

    found = asyncio.run(items(stream()))
    assert found == [
        ({"id": number}, KeysetContext(fingerprint=MARK, values=(IntValue(value=number),))) for number in (1, 2)
    ]


def test_lack_of_pyarrow_is_said() -> None:
    """With what to install; rows need none."""
    code = "import sys; sys.modules['pyarrow'] = None\nfrom nvisy_sdk.testing import RowBatch\n"
    code += "batch = RowBatch([{'a': 1}]); print(batch.rows()); batch.__arrow_c_array__()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[{'a': 1}]\n"
    assert "MissingDependencyError: PyArrow, which looks into Arrow for tests, is not installed" in done.stderr


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool"),
        (1, "int64"),
        (0.5, "float64"),
        ("a", "text"),
        (b"a", "binary"),
        (date(2024, 1, 1), "date"),
        (datetime(2024, 1, 1), "timestamp"),
        (time(1), "time"),
        (timedelta(1), "duration"),
        (UUID(int=1), "uuid"),
        ({}, "json"),
        ([], "json"),
        (None, "text"),
    ],
    ids=str,
)
def test_schema_is_inferred_from_the_first_value_that_is_not_null(value: object, name: str) -> None:
    """The portable type of each Python type, and whether nulls occur."""
    field = infer_schema([{"a": None}, {"a": value}]).fields[0]
    assert (field.type.name, field.nullable) == (name, True)


def test_schema_keeps_scale_and_zone_when_inferred() -> None:
    """The widest scale of all values counts; an aware datetime is an instant."""
    schema = infer_schema(
        [{"d": Decimal("1.5"), "t": datetime(2024, 1, 1, tzinfo=UTC)}, {"d": Decimal("1.125"), "t": None}]
    )
    assert schema.fields[0].type == DecimalType(precision=38, scale=3)
    assert schema.model_dump_json().count('"utc":true') == 1
    with pytest.raises(InvalidDataError, match="`o`"):
        infer_schema([{"o": object()}])


def test_positions_give_each_item_its_context() -> None:
    """The same answer as the engine's: key columns, one context each, or the end only."""
    rows = [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}]
    keys = [KeysetContext(fingerprint=MARK, values=(typed_value(key),)) for key in (1, 2)]
    assert positions_of(Batch(rows, Keyset(("k",), MARK))) == list(zip(rows, keys, strict=True))
    assert positions_of(Batch(rows, Each([token(1), token(2)]))) == [(rows[0], token(1)), (rows[1], token(2))]
    assert positions_of(Batch(rows, End(token(2)))) == [(rows[0], None), (rows[1], token(2))]
    assert positions_of(Batch([], End(token(2)))) == []


def test_positions_are_refused_when_they_do_not_suit_the_items() -> None:
    """Too few contexts, a null key, tuples without a schema, items that are nothing of ours."""
    with pytest.raises(ProtocolError, match="1 contexts for 2 items"):
        positions_of(Batch([{"k": 1}, {"k": 2}], Each([token(1)])))
    with pytest.raises(InvalidDataError, match="`k`"):
        positions_of(Batch([{"k": None}], Keyset(("k",), MARK)))
    with pytest.raises(ProtocolError, match="no schema"):
        positions_of(Batch([(1,)], End(token(1))))
    with pytest.raises(ProtocolError, match="an item is a int"):
        positions_of(Batch([1], End(token(1))))  # type: ignore[arg-type]


def test_items_reads_batches_models_tuples_and_single_items() -> None:
    """Every form an author may yield becomes rows."""

    class Row(BaseModel):
        k: int

    schema = Schema(fields=(Field(name="k", type=Int64Type()),))

    async def read() -> AsyncIterator[Batch | Resumable]:
        yield Resumable({"k": 1}, token(1))
        yield Resumable(Row(k=2), token(2))
        yield Batch([Row(k=3)], End(token(3)))
        yield Batch([(4,)], End(token(4)), schema=schema)

    expected: list[tuple[dict[str, object], Context]] = [({"k": number}, token(number)) for number in (1, 2, 3, 4)]
    assert asyncio.run(items(read())) == expected
