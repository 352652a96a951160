"""Which values a column of the fake service takes, and which items meet a condition."""

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

Type = Mapping[str, Any]

_PLAIN: Final[dict[str, type]] = {
    "bool": bool,
    "float32": float,
    "float64": float,
    "text": str,
    "binary": bytes,
    "time": time,
    "duration": timedelta,
    "uuid": UUID,
    "decimal": Decimal,
    "struct": dict,
    "list": list,
    "vector": list,
}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def misfit(type_: Type, value: object) -> tuple[str, str] | None:
    """Return code and reason why a column of that type does not take a value, or None when it does."""
    name = type_["name"]
    if value is None:
        return None
    if name == "json":
        return _broken_text(value)
    if "int" in name:
        return _integer(name, value)
    if name == "date":
        fits = isinstance(value, date) and not isinstance(value, datetime)
    elif name == "timestamp":
        fits = isinstance(value, datetime) and (value.tzinfo is not None) == type_["utc"]
    else:
        fits = isinstance(value, _PLAIN[name])
    if not fits:
        return "type", f"a {type(value).__name__} is no {name}"
    return _within(type_, value) or _broken_text(value)


def _integer(name: str, value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "type", f"a {type(value).__name__} is no {name}"
    signed, bits = not name.startswith("u"), int(name.partition("int")[2])
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return None if least <= value <= most else ("out_of_range", f"the number is no {name}")


def _within(type_: Type, value: Any) -> tuple[str, str] | None:
    match type_["name"]:
        case "vector" if len(value) != type_["dimension"]:
            return "dimension", f"the vector has {len(value)} dimensions, not {type_['dimension']}"
        case "vector" if not all(isinstance(each, int | float) for each in value):
            return "type", "the vector holds something that is no number"
        case "list":
            return next((wrong for each in value if (wrong := misfit(type_["item"], each))), None)
        case "struct":
            found = (misfit(field["type"], value.get(field["name"])) for field in type_["fields"])
            return next((wrong for wrong in found if wrong), None)
        case "decimal" if not value.is_finite():
            return "out_of_range", "the decimal is not finite"
        case "decimal":
            _, digits, exponent = value.as_tuple()
            scale = max(0, -int(exponent))
            whole = max(0, len(digits) + int(exponent))
            if scale > type_["scale"] or whole > type_["precision"] - type_["scale"]:
                return "out_of_range", f"the decimal has more than ({type_['precision']}, {type_['scale']}) digits"
    return None


def _broken_text(value: object) -> tuple[str, str] | None:
    match value:
        case str() if not _is_text(value):
            return "invalid_text", "the text holds a lone surrogate"
        case list():
            return next((wrong for each in value if (wrong := _broken_text(each))), None)
        case dict():
            return _broken_text([*value, *value.values()])
        case _:
            return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds(item: Mapping[str, object], column: str, op: str, wanted: object) -> bool:
    """Whether an item meets a condition; null meets none but `is_null`.

    Raises:
        TypeError: The value cannot be compared with what is wanted.
        ValueError: What is wanted is no value of that column's type.
    """
    value = item.get(column)
    if op == "is_null":
        return value is None
    if value is None:
        return False
    if op == "not_null":
        return True
    if op == "in":
        return any(value == _like(value, each) for each in wanted) if isinstance(wanted, list) else False
    return _ORDER[op](value, _like(value, wanted))


def _like(value: object, wanted: object) -> object:
    """Return what a condition says in the type of the value: dates, times, decimals and UUIDs are written as text."""
    match value, wanted:
        case datetime(), str():
            return datetime.fromisoformat(wanted)
        case date(), str():
            return date.fromisoformat(wanted)
        case time(), str():
            return time.fromisoformat(wanted)
        case UUID(), str():
            return UUID(wanted)
        case Decimal(), str() | float():
            return Decimal(str(wanted))
        case (bool(), bool()) | (str(), str()):
            return wanted
        case (bool(), _) | (str(), _) | (_, bool() | str()):
            raise TypeError(f"a {type(value).__name__} cannot be compared with a {type(wanted).__name__}")
        case _:
            return wanted
