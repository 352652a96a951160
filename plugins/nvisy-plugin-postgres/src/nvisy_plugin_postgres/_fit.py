"""How the values of each portable type are kept: what a new column is declared as, and what an existing one can take.

A column fits when it keeps every value as it is, or refuses it: one that would round, pad, cut or reorder values does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import nvisy_sdk as sdk

from ._catalogue import Type

_WHOLE: Final = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})
_TAKES: Final[Mapping[str, frozenset[str]]] = {
    "bool": frozenset({"bool"}),
    "int2": _WHOLE,
    "int4": _WHOLE,
    "int8": _WHOLE,
    "numeric": _WHOLE | {"decimal"},
    "float4": frozenset({"float32"}),
    "float8": frozenset({"float32", "float64"}),
    "text": frozenset({"text", "json"}),
    "varchar": frozenset({"text"}),
    "bpchar": frozenset({"text"}),
    "bytea": frozenset({"binary"}),
    "date": frozenset({"date"}),
    "time": frozenset({"time"}),
    "timestamp": frozenset({"timestamp"}),
    "timestamptz": frozenset({"timestamp"}),
    "interval": frozenset({"duration"}),
    "uuid": frozenset({"uuid"}),
    "json": frozenset({"json", "list", "struct"}),
    "jsonb": frozenset({"json", "list", "struct"}),
    "vector": frozenset({"vector", "list"}),
}
"""The portable types that a type of PostgreSQL takes in binary form; those that are not here are cast from text."""
_DECLARED: Final[Mapping[str, str]] = {
    "bool": "boolean",
    "int8": "smallint",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "integer",
    "uint32": "bigint",
    "uint64": "bigint",
    "float32": "real",
    "float64": "double precision",
    "text": "text",
    "binary": "bytea",
    "date": "date",
    "time": "time",
    "duration": "interval",
    "uuid": "uuid",
    "json": "jsonb",
    "struct": "jsonb",
}
_CUTTING: Final = ("name", "char", "money", "halfvec", "sparsevec")  # they cut or round what does not fit
_WRITTEN: Final = ("numeric", "interval", "date", "timestamp", "timestamptz")  # have values that only text can tell
_NO_ARRAY: Final = ("list", "struct", "vector")
_MICROSECONDS: Final = 6  # digits of a second that a timestamp keeps unless it is declared with fewer


@dataclass(frozen=True, slots=True)
class Fit:
    """How the values of one column of a batch enter a column of a table."""

    direct: str | None
    """The wire type of a COPY straight into the column; None where a staging table must come between."""
    staged: str
    """The type, in SQL and on the wire, of the column in a staging table; it takes every value."""
    cast: str
    """What the staged column is cast to; empty where nothing is."""
    size: int | None = None
    """How many characters a value may have, or must have when `fixed`: an assignment would cut or pad the others."""
    fixed: bool = False


def declaration(column: sdk.ColumnType, *, vectors: bool) -> str:
    """Return how a new column of that type is declared, so that it keeps every value."""
    match column:
        case sdk.DecimalType():
            return f"numeric({column.precision},{column.scale})"
        case sdk.TimestampType():
            return "timestamptz" if column.utc else "timestamp"
        case sdk.VectorType():
            return f"vector({column.dimension})" if vectors else "real[]"
        case sdk.ListType():
            return "jsonb" if column.item.name in _NO_ARRAY else f"{declaration(column.item, vectors=vectors)}[]"
        case _:
            return _DECLARED[column.name]


def fit(column: sdk.ColumnType, kind: Type) -> Fit | None:
    """Return how a column of that kind takes values of that type; None when it would bend them."""
    if kind.item is None:
        return _single(column, kind, kind.sql)
    if isinstance(column, sdk.VectorType) and kind.item.name in ("float4", "float8"):
        return Fit("float4[]" if kind.item.name == "float4" else None, "float4[]", kind.sql)
    if not isinstance(column, sdk.ListType) or column.item.name in _NO_ARRAY:
        return None
    item = _single(column.item, kind.item, kind.sql)
    if item is None or item.size is not None:
        return None
    # The binary form of an array names the type of its items, which must be that of the column.
    is_own = item.direct == kind.item.name and not kind.item.is_domain
    return Fit(f"{item.direct}[]" if is_own else None, f"{item.staged}[]", kind.sql)


def _single(column: sdk.ColumnType, kind: Type, cast: str) -> Fit | None:
    known = kind.builtin or kind.wire == "vector"
    takes = _TAKES.get(kind.name) if known else None
    if takes is None:
        size, fixed = _size(kind)
        fits = column.name == "text" and kind.kind in "berm" and kind.name not in _CUTTING
        return Fit(None, "text", cast, size, fixed=fixed) if fits else None
    if column.name == "text" and kind.name in _WRITTEN and kind.modifier < 0:
        return Fit(None, "text", cast)
    if column.name not in takes or not _exact(column, kind):
        return None
    match kind.name:
        case "varchar" | "bpchar":
            size, fixed = _size(kind)
            return Fit("text" if size is None else None, "text", cast, size, fixed=fixed)
        case "json" | "jsonb":
            return Fit(kind.name, "text" if column.name == "json" else "json", cast)
        case "vector":
            return Fit("vector" if column.name == "vector" else None, "float4[]", cast)
        case _:
            return Fit(kind.name, kind.name, cast if kind.name == "numeric" else "")


def _exact(column: sdk.ColumnType, kind: Type) -> bool:
    """Whether the modifiers of a type that takes the values leave them as they are, or refuse them."""
    modifier = kind.modifier
    match column:
        case sdk.TimestampType() if column.utc != (kind.name == "timestamptz"):
            return False
        case sdk.TimestampType() | sdk.TimeType():
            return modifier < 0 or modifier >= _MICROSECONDS
        case sdk.DurationType():
            return modifier < 0
        case sdk.VectorType():
            return modifier in (-1, column.dimension)
        case sdk.ListType() if kind.name == "vector":
            return column.item.name == "float32"
        case sdk.DecimalType() if modifier >= 0:
            return _scale(modifier) >= column.scale
        case _:
            return kind.name != "numeric" or modifier < 0 or _scale(modifier) >= 0


def _scale(modifier: int) -> int:
    """Return the digits after the point of a numeric; they may be negative (numeric.c, `numeric_typmod_scale`)."""
    return (((modifier - 4) & 0x7FF) ^ 1024) - 1024


def _size(kind: Type) -> tuple[int | None, bool]:
    if kind.name in ("bit", "varbit"):
        return (kind.modifier if kind.modifier >= 0 else None), kind.name == "bit"
    if kind.name in ("varchar", "bpchar"):
        return (kind.modifier - 4 if kind.modifier >= 0 else None), kind.name == "bpchar"
    return None, False
