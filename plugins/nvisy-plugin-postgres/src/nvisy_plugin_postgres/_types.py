"""How a column is read: the portable type of its values, their binary form, and the cast that leads there.

A type that the native module does not know is read as its text; a cast never rounds or cuts a value in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

import nvisy_sdk as sdk

from ._catalogue import Column, Type
from .client import literal

_PLAIN: Final[Mapping[str, sdk.ColumnType]] = {
    "bool": sdk.BoolType(),
    "int2": sdk.Int16Type(),
    "int4": sdk.Int32Type(),
    "int8": sdk.Int64Type(),
    "float4": sdk.Float32Type(),
    "float8": sdk.Float64Type(),
    "text": sdk.TextType(),
    "bytea": sdk.BinaryType(),
    "date": sdk.DateType(),
    "time": sdk.TimeType(),
    "timestamp": sdk.TimestampType(utc=False),
    "timestamptz": sdk.TimestampType(utc=True),
    "interval": sdk.DurationType(),
    "uuid": sdk.UuidType(),
    "json": sdk.JsonType(),
    "jsonb": sdk.JsonType(),
}
_WHOLE: Final = {"int16", "int32", "int64", "decimal"}
# The types that a value of each binary form may be asked for as; what does not fit is an error of the server.
_CASTS: Final[Mapping[str, set[str]]] = {
    "int2": _WHOLE | {"float64"},
    "int4": _WHOLE | {"float64"},
    "int8": _WHOLE,
    "numeric": {"decimal"},
    "float4": {"float64"},
    "text": _WHOLE | {"bool", "date", "uuid", "json"},
    "date": {"timestamp"},
    "timestamp": {"timestamp"},
    "timestamptz": {"timestamp"},
    "vector": {"vector"},
}
_NAMES: Final = {"int16": "int2", "int32": "int4", "int64": "int8", "float64": "float8", "decimal": "numeric"}
_CLASSES: Final[Mapping[str, type]] = {
    **dict.fromkeys(("int16", "int32", "int64"), int),
    **dict.fromkeys(("float32", "float64"), float),
    "bool": bool,
    "decimal": Decimal,
    "text": str,
    "binary": bytes,
    "date": date,
    "time": time,
    "timestamp": datetime,
    "uuid": UUID,
}
_MOST_DIGITS: Final = 38


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of one column come.

    Args:
        type: Their portable type.
        wire: Their binary form, as the native module calls it.
        cast: The type they are cast to, as SQL; empty where they come as they are.
    """

    type: sdk.ColumnType
    wire: str
    cast: str = ""


def reading(column: Column, wanted: sdk.ColumnType | None) -> Reading:
    """Return how the column is read, as the type that is wanted or as its own.

    Raises:
        InvalidConfigError: It cannot be read so.
    """
    own = _own(column.type)
    if wanted is None and own is not None:
        return own
    found = own if own is not None and own.type == wanted else None if wanted is None else _cast(column.type, wanted)
    if found is not None:
        return found
    what = column.type.sql + (
        ", which has no portable form" if wanted is None else f", which is not read as {wanted.name}"
    )
    raise sdk.InvalidConfigError(
        f"column {column.name} is {what}",
        hint=f'read it as text, with types: {{"{column.name}": {{"name": "text"}}}}, or read a view or `query` that casts it',
        context={"column": column.name},
    )


def _own(kind: Type) -> Reading | None:
    """Return how values of that type are read where nothing else is said; None for rows within rows."""
    if kind.item is not None:
        return _items(kind)
    if kind.kind == "c":
        return None
    if kind.wire == "numeric":
        column = _decimal(kind.modifier)
        return Reading(sdk.TextType(), "text", "text") if column is None else Reading(column, "numeric")
    if kind.wire == "vector":
        if kind.modifier > 0:
            return Reading(sdk.VectorType(dimension=kind.modifier), "vector")
        return Reading(sdk.ListType(item=sdk.Float32Type()), "float4[]", "float4[]")
    if kind.wire is None:
        return Reading(sdk.TextType(), "text", "text")
    return Reading(_PLAIN[kind.wire], kind.wire)


def _items(kind: Type) -> Reading | None:
    item = None if kind.item is None else _own(kind.item)
    if item is None:
        return None
    if kind.wire is None or item.cast:
        return Reading(sdk.ListType(item=sdk.TextType()), "text[]", "text[]")
    return Reading(sdk.ListType(item=item.type), f"{item.wire}[]")


def _decimal(modifier: int) -> sdk.DecimalType | None:
    """Return the decimal that a numeric's modifier means (numeric.c); None where it says nothing, or too much."""
    if modifier < 0:
        return None
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, ((modifier - 4 & 0x7FF) ^ 0x400) - 0x400
    precision, scale = max(precision, scale) - min(scale, 0), max(scale, 0)
    return sdk.DecimalType(precision=precision, scale=scale) if precision <= _MOST_DIGITS else None


def _cast(kind: Type, wanted: sdk.ColumnType) -> Reading | None:
    if isinstance(wanted, sdk.TextType):
        return Reading(wanted, "text", "text")
    if isinstance(wanted, sdk.ListType) and kind.item is not None:
        item = Reading(wanted.item, "text", "text") if wanted.item == sdk.TextType() else _cast(kind.item, wanted.item)
        return None if item is None else Reading(wanted, f"{item.wire}[]", f"{item.cast or item.wire}[]")
    if kind.wire is None or wanted.name not in _CASTS.get(kind.wire, ()):
        return None
    match wanted:
        case sdk.VectorType():
            return Reading(wanted, "vector")
        case sdk.TimestampType():
            wire = "timestamptz" if wanted.utc else "timestamp"
        case _:
            wire = _NAMES.get(wanted.name, wanted.name)
    return Reading(wanted, wire, "" if wire == kind.wire else wire)


def has_order(column: sdk.ColumnType) -> bool:
    """Return whether values of that type can be a key."""
    return column.name in _CLASSES


def bound(value: object, column: Column, read_as: sdk.ColumnType) -> str | None:
    """Return the SQL of a key's value, as the column's own type; None for a value that is not of the type it is read as."""
    if type(value) is not _CLASSES.get(read_as.name):
        return None
    if (
        isinstance(value, datetime)
        and isinstance(read_as, sdk.TimestampType)
        and read_as.utc != (value.tzinfo is not None)
    ):
        return None
    return _typed(value, column)


def operand(value: sdk.Scalar, column: Column, read_as: sdk.ColumnType) -> str | None:
    """Return the SQL of what a filter compares a column with; None for a value that is not of the column's type.

    An integer stays without a type, so that one beyond the column's range is compared all the same.
    """
    wanted = _CLASSES.get(read_as.name)
    if wanted is None or isinstance(value, bool) != (wanted is bool):
        return None
    if isinstance(value, bool | int) and wanted in (bool, int):
        return str(value)
    try:
        parsed = _parsed(value, wanted)
    except (ValueError, InvalidOperation):
        return None
    if isinstance(parsed, datetime) and parsed.tzinfo is not None and read_as != sdk.TimestampType(utc=True):
        return None
    return None if parsed is None else _typed(parsed, column)


def _parsed(value: sdk.Scalar, wanted: type) -> object:
    """Return the value as one of that class; None where that would be guessing."""
    if wanted is Decimal:
        number = Decimal(str(value))
        return number if number.is_finite() else None
    if wanted is float and isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    if issubclass(wanted, date | time):
        return wanted.fromisoformat(value)
    if wanted is UUID:
        return UUID(value)
    return value if wanted is str else None


def _typed(value: object, column: Column) -> str:
    match value:
        case bytes():
            text = "\\x" + value.hex()
        case date() | time():
            text = value.isoformat()
        case Decimal():
            text = format(value, "f")
        case float():
            text = repr(value)
        case _:
            text = str(value)
    return f"{literal(text)}::{column.type.plain}"
