"""Values on the wire of the fake service: JSON in which every type is told apart and every value is exact.

Null, booleans, integers, text and lists are themselves; anything else is an object with one entry, its type's name.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

_MICROSECOND: Final = timedelta(microseconds=1)


def packed(value: object) -> object:
    """Return a value as JSON can hold it.

    Raises:
        TypeError: The value is of a type the service does not know.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"float": value.hex()}
        case bytes() | bytearray() | memoryview():
            return {"bytes": base64.b64encode(value).decode("ascii")}
        case Decimal():
            return {"decimal": str(value)}
        case UUID():
            return {"uuid": str(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat()}
        case timedelta():
            return {"duration": value // _MICROSECOND}
        case Mapping():
            return {"map": {str(name): packed(each) for name, each in value.items()}}
        case list() | tuple():
            return [packed(each) for each in value]
        case _:
            raise TypeError(f"a {type(value).__name__} is no value of the service")


def unpacked(value: object) -> object:
    """Return the value that `packed` was given; tuples come back as lists."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((name, held),) = value.items()
    if name == "map":
        return {key: unpacked(each) for key, each in held.items()}
    return _UNPACK[name](held)


_UNPACK: Final[dict[str, Callable[..., object]]] = {
    "float": float.fromhex,
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "uuid": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "duration": lambda held: timedelta(microseconds=held),
}
