"""The typed values a context may hold, and their way from and to Python objects.

Numbers stay numbers. A value has one JSON form, checked by the same patterns on both sides; a pattern does not know how
many days a month has, so a well-formed but impossible date is found by `python_value`.
"""

import base64
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, TypeAdapter

from ._error import InvalidContextError, InvalidDataError
from ._model import Bool, Float64, Int64, TaggedShape

KeyValue: TypeAlias = bool | int | float | Decimal | str | bytes | date | time | datetime | UUID
"""What `typed_value` takes and `python_value` gives back."""

_HINT = "choose key columns of booleans, integers, finite floats, decimals, text, bytes, dates, times or UUIDs"
_DECIMAL = r"^-?[0-9]{1,76}(\.[0-9]{1,76})?$"
_MOST_DIGITS = 76


class _Typed(TaggedShape):
    always_written: ClassVar[tuple[str, ...]] = ("type",)


class BoolValue(_Typed):
    """true or false."""

    type: Literal["bool"] = "bool"
    value: Bool


class IntValue(_Typed):
    """A 64-bit signed integer."""

    type: Literal["int"] = "int"
    value: Int64


class FloatValue(_Typed):
    """A finite double."""

    type: Literal["float"] = "float"
    value: Float64


class DecimalValue(_Typed):
    """An exact decimal in plain notation, such as `-12.50`."""

    type: Literal["decimal"] = "decimal"
    value: Annotated[str, Field(pattern=_DECIMAL)]


class TextValue(_Typed):
    """Text."""

    type: Literal["text"] = "text"
    value: str


class BytesValue(_Typed):
    """Bytes, in standard base64 with padding."""

    type: Literal["bytes"] = "bytes"
    value: Annotated[str, Field(pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")]


class DateValue(_Typed):
    """A calendar day, `YYYY-MM-DD`."""

    type: Literal["date"] = "date"
    value: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class TimeValue(_Typed):
    """A time of day, `HH:MM:SS.ffffff`."""

    type: Literal["time"] = "time"
    value: Annotated[str, Field(pattern=r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$")]


class TimestampValue(_Typed):
    """A point in time, `YYYY-MM-DDTHH:MM:SS.ffffff`, followed by `Z` when it is an instant."""

    type: Literal["timestamp"] = "timestamp"
    value: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z?$")]


class UuidValue(_Typed):
    """A UUID in lower case with hyphens."""

    type: Literal["uuid"] = "uuid"
    value: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


TypedValue: TypeAlias = Annotated[
    BoolValue
    | IntValue
    | FloatValue
    | DecimalValue
    | TextValue
    | BytesValue
    | DateValue
    | TimeValue
    | TimestampValue
    | UuidValue,
    Field(discriminator="type"),
]
"""One value of a key, with its type."""

typed_value_adapter: TypeAdapter[TypedValue] = TypeAdapter(TypedValue)


def typed_value(value: object) -> TypedValue:
    """Return the typed form of a key's value.

    An integer outside 64 bits becomes a decimal; an aware datetime becomes an instant in UTC.

    Raises:
        InvalidDataError: The value is null, not finite, or of a type no key can have.
    """
    match value:
        case bool():
            return BoolValue(value=value)
        case int():
            return IntValue(value=value) if -(2**63) <= value < 2**63 else _decimal(Decimal(value))
        case float():
            if not math.isfinite(value):
                raise InvalidDataError(f"{value} cannot be a key: it has no place in an order", hint=_HINT)
            return FloatValue(value=value)
        case Decimal():
            return _decimal(value)
        case str():
            return TextValue(value=value)
        case bytes():
            return BytesValue(value=base64.b64encode(value).decode("ascii"))
        case UUID():
            return UuidValue(value=str(value))
        case date() | time():
            return _moment(value)
        case _:
            raise InvalidDataError(f"a {type(value).__name__} cannot be a key", hint=_HINT)


def _decimal(value: Decimal) -> DecimalValue:
    if not value.is_finite():
        raise InvalidDataError(f"{value} cannot be a key: it has no place in an order", hint=_HINT)
    text = format(value, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole) > _MOST_DIGITS or len(fraction) > _MOST_DIGITS:
        raise InvalidDataError(f"a decimal key has at most {_MOST_DIGITS} digits on each side of the point", hint=_HINT)
    return DecimalValue(value=text)


def _moment(value: date | time) -> DateValue | TimeValue | TimestampValue:
    match value:
        case datetime(tzinfo=None):
            return TimestampValue(value=value.isoformat(timespec="microseconds"))
        case datetime():
            utc = value.astimezone(UTC).replace(tzinfo=None)
            return TimestampValue(value=utc.isoformat(timespec="microseconds") + "Z")
        case date():
            return DateValue(value=value.isoformat())
        case time(tzinfo=None):
            return TimeValue(value=value.isoformat(timespec="microseconds"))
        case _:
            raise InvalidDataError("a time of day with a zone cannot be a key: it has no order", hint=_HINT)


def python_value(value: TypedValue) -> KeyValue:
    """Return the Python object of a typed value: the inverse of `typed_value`.

    Integers that did not fit into 64 bits come back as `Decimal`.

    Raises:
        InvalidContextError: The text is well-formed but names no such day, time or number.
    """
    try:
        return _python(value)
    except ValueError as err:
        raise InvalidContextError(f"a {value.type} of a context is not possible: {err}") from err


def _python(value: TypedValue) -> KeyValue:
    match value:
        case BoolValue() | IntValue() | FloatValue() | TextValue():
            return value.value
        case DecimalValue():
            return Decimal(value.value)
        case BytesValue():
            return base64.b64decode(value.value, validate=True)
        case DateValue():
            return date.fromisoformat(value.value)
        case TimeValue():
            return time.fromisoformat(value.value)
        case TimestampValue():
            return datetime.fromisoformat(value.value)
        case UuidValue():
            return UUID(value.value)
