"""How the portable types are declared and stored in SQLite, and back, value by value.

SQLite stores integers, reals, texts and blobs; a column's declaration bends values towards one of them (its affinity,
https://sqlite.org/datatype3.html). So a type is stored in a form that the affinity of its column leaves alone.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, TypeAlias
from uuid import UUID

import nvisy_sdk as sdk

Convert: TypeAlias = Callable[[Any], Any]
"""What SQLite hands out and what a batch holds are known at run time only."""

MISFIT = (ValueError, KeyError, ArithmeticError, TypeError)
"""What a conversion raises for a value outside its type."""

_NAMED: dict[str, sdk.ColumnType] = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), sdk.BoolType()),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), sdk.TimestampType(utc=False)),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), sdk.TimestampType(utc=True)),
    "DATE": sdk.DateType(),
    "TIME": sdk.TimeType(),
    "DURATION": sdk.DurationType(),
    "UUID": sdk.UuidType(),
    "JSON": sdk.JsonType(),
}
_BY_AFFINITY: dict[str, sdk.ColumnType] = {
    "INTEGER": sdk.Int64Type(),
    "TEXT": sdk.TextType(),
    "REAL": sdk.Float64Type(),
    "BLOB": sdk.BinaryType(),
}
_OTHERWISE_DECLARED = {"bool": "BOOLEAN", "float32": "REAL", "float64": "REAL", "binary": "BLOB"}
_AFFINITIES = ("INT", "INTEGER"), ("CHAR|CLOB|TEXT", "TEXT"), ("BLOB|^$", "BLOB"), ("REAL|FLOA|DOUB", "REAL")
_STORAGE = {"bool": "INTEGER", "duration": "INTEGER", "float32": "REAL", "float64": "REAL", "binary": "BLOB"}
_DOUBLE_DIGITS = 15  # decimal digits every double keeps: the most a NUMERIC column can hold exactly
_EXACT_INTEGERS = 2**53  # up to here every integer is a double
_EXACT = Context(prec=76, traps=[Inexact, InvalidOperation])
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(?:\.(\d{3}|\d{6}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d{6})?", re.ASCII)


class Refused(Exception):  # noqa: N818 - not an error of the provider: it becomes a rejection
    """One item cannot be stored; the batch's other items can."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def affinity(declared: str) -> str:
    """Return the affinity SQLite gives to a column declared so."""
    return next((name for words, name in _AFFINITIES if re.search(words, declared.upper())), "NUMERIC")


def declared_type(declared: str) -> sdk.ColumnType | None:
    """Return the portable type a declaration means; None where it says nothing usable."""
    name, _, rest = " ".join(declared.upper().split()).partition("(")
    name, sizes = name.strip(), [int(size) for size in re.findall(r"\d+", rest)]
    if name in ("DECIMAL", "NUMERIC", "DECIMAL TEXT") and sizes:
        precision, scale = sizes[0], sizes[1] if sizes[1:] else 0
        return sdk.DecimalType(precision=precision, scale=scale) if max(1, scale) <= precision <= 38 else None
    return _NAMED.get(name) or (_BY_AFFINITY.get(affinity(name)) if name else None)


def declaration(column: sdk.ColumnType) -> str:
    """Return how a new column of that type is declared, so that reading it gives the type back."""
    if isinstance(column, sdk.DecimalType):
        name = "DECIMAL" if column.precision <= _DOUBLE_DIGITS else "DECIMAL TEXT"
        return f"{name}({column.precision},{column.scale})"
    if isinstance(column, sdk.TimestampType):
        return "TIMESTAMPTZ" if column.utc else "DATETIME"
    return "INTEGER" if "int" in column.name else _OTHERWISE_DECLARED.get(column.name, column.name.upper())


def storable(column: sdk.ColumnType, declared: str) -> bool:
    """Return whether a column declared so keeps values of that type as they are."""
    if column.name in ("vector", "list", "struct"):
        return False
    found, kind = declared_type(declared), affinity(declared)
    storage = "INTEGER" if "int" in column.name else _STORAGE.get(column.name, "TEXT")
    plain = found is None if kind == "NUMERIC" else found == _BY_AFFINITY[kind]
    return not declared or found == column or (plain and storage == ("INTEGER" if kind == "NUMERIC" else kind))


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one column are read and bound.

    Args:
        stored: Classes of the values SQLite may hand out.
        key: Class of a value as a key or in a filter; None for a type that has no order.
        decode: From a stored value; None where that is the value. Raises one of `MISFIT`.
        encode: To a stored value; None where the value is bound as it is. Raises `Refused` or one of `MISFIT`.
    """

    stored: frozenset[type]
    key: type | None = None
    decode: Convert | None = None
    encode: Convert | None = None

    def store(self, value: Any) -> Any:
        """Return the stored form of a value that must come back exactly, such as a key's."""
        stored = value if self.encode is None else self.encode(value)
        if self.decode is not None and self.decode(stored) != value:
            raise ValueError("it would be stored as another value")
        return stored


_TEXT, _WHOLE = frozenset({str}), frozenset({int})
_CODECS = {
    "bool": Codec(_WHOLE, bool, {0: False, 1: True}.__getitem__),
    "int64": Codec(_WHOLE, int),
    "text": Codec(_TEXT, str),
    "binary": Codec(frozenset({bytes}), bytes),
    "date": Codec(_TEXT, date, lambda text: date.fromisoformat(_match(r"\d{4}-\d\d-\d\d", text)), date.isoformat),
    "time": Codec(
        _TEXT,
        time,
        lambda text: time.fromisoformat(_match(_TIME, text)),
        lambda value: value.isoformat(timespec="microseconds"),
    ),
    "duration": Codec(
        _WHOLE, None, lambda micros: timedelta(microseconds=micros), lambda v: v // timedelta(microseconds=1)
    ),
    "uuid": Codec(_TEXT, UUID, lambda text: UUID(_match(r"[0-9A-Fa-f-]{36}", text)), str),
}


def codec(column: sdk.ColumnType, declared: str, sample: str | None = None) -> Codec | None:
    """Return how values of that type are kept in a column declared so; None for a type that is only written.

    Args:
        column: The type.
        declared: The column's declaration.
        sample: A stored timestamp, whose form (separator, digits, zone) the others of a key column share.
    """
    if isinstance(column, sdk.DecimalType):
        encode = _number if affinity(declared) == "NUMERIC" else "{:f}".format
        return Codec(frozenset({int, float, str}), Decimal, _decimal(column), encode)
    if isinstance(column, sdk.TimestampType):
        return Codec(_TEXT, datetime, _moment(column), _written(column, sample))
    if isinstance(column, sdk.JsonType):
        return Codec(frozenset({str, int, float}), None, _parse, _json if affinity(declared) == "NUMERIC" else _dump)
    if isinstance(column, sdk.Float64Type):
        return Codec(frozenset({float, int}), float, _double)
    return _CODECS.get(column.name)


def form(column: sdk.ColumnType, kept: Codec) -> str:
    """Return an example of how a key of that type is stored; empty where its values have one form only."""
    example: object = None
    if isinstance(column, sdk.TimestampType):
        example = datetime(2000, 1, 1, tzinfo=UTC if column.utc else None)
    elif isinstance(column, sdk.DecimalType):
        example = Decimal("0.0")
    return "" if example is None or kept.encode is None else str(kept.encode(example))


def _match(pattern: str | re.Pattern[str], text: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError("not in ISO form")
    return text


def _double(value: float) -> float:
    if isinstance(value, int) and abs(value) > _EXACT_INTEGERS:
        raise ValueError("an integer that no double holds exactly")
    return float(value)


def _decimal(column: sdk.DecimalType) -> Convert:
    unit, limit = Decimal(1).scaleb(-column.scale), Decimal(1).scaleb(column.precision - column.scale)

    def decode(value: float | str) -> Decimal:
        text = _match(_NUMBER, value) if isinstance(value, str) else repr(value)
        exact = _EXACT.quantize(Decimal(text), unit)
        if exact.copy_abs() >= limit:  # `abs` would round to the 28 digits of the thread's context
            raise ValueError("more digits than its declaration")
        return exact

    return decode


def _number(value: Decimal) -> float:
    if value == value.to_integral_value() and -(2**63) <= value < 2**63:
        return int(value)
    if len(value.normalize(_EXACT).as_tuple().digits) > _DOUBLE_DIGITS:
        raise Refused("out_of_range", f"its column keeps {_DOUBLE_DIGITS} digits; declare it DECIMAL TEXT(p,s)")
    return float(value)


def _moment(column: sdk.TimestampType) -> Convert:
    def decode(text: str) -> datetime:
        found = _MOMENT.fullmatch(text)
        if found is None or (found[3] is not None) != column.utc:
            raise ValueError("not in ISO form, or with a zone where there is none")
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if column.utc else moment

    return decode


def _written(column: sdk.TimestampType, sample: str | None) -> Convert:
    """Return what writes a timestamp in the form of the sample, or with all its microseconds."""
    found = _MOMENT.fullmatch(sample or "")
    separator, digits, zone = found.groups() if found else ("T", "micros", "Z" if column.utc else None)
    spec = "auto" if digits is None else "milliseconds" if len(digits) == len("123") else "microseconds"

    def encode(value: datetime) -> str:
        naive = value.astimezone(UTC).replace(tzinfo=None) if column.utc else value
        return naive.isoformat(separator, spec) + (zone or "")

    return encode


def _parse(value: float | str) -> object:
    return json.loads(value, parse_constant=_no_constant) if isinstance(value, str) else value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json(value: object) -> object:
    """Return JSON for a column that turns texts which look like a number into one: only some come back as they were."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _dump(value)
    if isinstance(value, float) and not value.is_integer():
        return float(_dump(value))
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    raise Refused("out_of_range", "a column declared JSON cannot hold this number exactly; declare it TEXT")
