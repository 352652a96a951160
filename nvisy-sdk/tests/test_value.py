"""Typed values of keys: the way from Python and back loses nothing."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nvisy_sdk import (
    DateValue,
    DecimalValue,
    InvalidContextError,
    InvalidDataError,
    KeyValue,
    TimestampValue,
    python_value,
    typed_value,
    typed_value_adapter,
)

KEYS: st.SearchStrategy[KeyValue] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=6),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
)


@given(key=KEYS)
def test_typed_value_comes_back_as_it_was_when_written_as_json(key: KeyValue) -> None:
    """Type, value and, for decimals, the digits after the point survive the text."""
    text = typed_value_adapter.dump_json(typed_value(key))
    back = python_value(typed_value_adapter.validate_json(text))
    assert type(back) is type(key)
    assert back == key
    assert str(back) == str(key) or isinstance(key, Decimal)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (True, '{"type":"bool","value":true}'),
        (1, '{"type":"int","value":1}'),
        (2**63, '{"type":"decimal","value":"9223372036854775808"}'),
        (-0.0, '{"type":"float","value":-0.0}'),
        (Decimal("1E+3"), '{"type":"decimal","value":"1000"}'),
        (Decimal("-1.50"), '{"type":"decimal","value":"-1.50"}'),
        (b"\x00\xff", '{"type":"bytes","value":"AP8="}'),
        (date(1, 1, 1), '{"type":"date","value":"0001-01-01"}'),
        (time(1, 2, 3), '{"type":"time","value":"01:02:03.000000"}'),
        (datetime(2024, 1, 1), '{"type":"timestamp","value":"2024-01-01T00:00:00.000000"}'),
        (
            datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            '{"type":"timestamp","value":"2023-12-31T22:00:00.000000Z"}',
        ),
        (UUID(int=15), '{"type":"uuid","value":"00000000-0000-0000-0000-00000000000f"}'),
    ],
    ids=str,
)
def test_typed_value_has_the_one_canonical_form(key: KeyValue, text: str) -> None:
    """The text is the one that Rust writes for the same key."""
    assert typed_value_adapter.dump_json(typed_value(key)).decode() == text


@pytest.mark.parametrize(
    "key",
    [None, float("nan"), float("inf"), Decimal("NaN"), Decimal(10) ** 90, [], {}, object(), time(1, tzinfo=UTC)],
    ids=str,
)
def test_typed_value_is_refused_when_it_has_no_place_in_an_order(key: object) -> None:
    """Null, not finite, unordered and far too long values are no keys; the hint says what is."""
    with pytest.raises(InvalidDataError, match="key") as caught:
        typed_value(key)
    assert caught.value.hint


@pytest.mark.parametrize(
    "value",
    [DateValue(value="2024-02-30"), TimestampValue(value="2024-01-01T25:00:00.000000Z")],
    ids=str,
)
def test_python_value_is_refused_when_the_day_is_impossible(value: DateValue | TimestampValue) -> None:
    """A pattern cannot count days; the way to Python does."""
    with pytest.raises(InvalidContextError, match=value.type):
        python_value(value)


def test_python_value_is_a_decimal_when_an_integer_is_past_64_bits() -> None:
    """Such an integer travels as a decimal, and its value is kept."""
    assert python_value(typed_value(2**64)) == Decimal(2**64)
    assert python_value(DecimalValue(value="1.10")) == Decimal("1.10")
