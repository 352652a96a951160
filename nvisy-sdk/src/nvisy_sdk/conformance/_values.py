"""The values that a provider must keep: data only, one entry for each family of the checks TYP.

A value stands in the column `v` of a record, or under the name `v` in the JSON of a document, of metadata and of properties.
"""

import math
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from .._kind import DataKind, Feature
from .._schema import (
    BinaryType,
    BoolType,
    ColumnType,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float32Type,
    Float64Type,
    Int8Type,
    Int16Type,
    Int32Type,
    Int64Type,
    JsonType,
    ListType,
    StructType,
    TextType,
    TimestampType,
    TimeType,
    Uint8Type,
    Uint16Type,
    Uint32Type,
    Uint64Type,
    UuidType,
    VectorType,
)

MISSING: Final = object()
"""Stands for a name that is not there at all, as distinct from one that holds null."""

MEGABYTE: Final = 1_000_000
"""Bytes of the largest values: below the 1 MiB that several systems allow for an item and its envelope."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some values of one type.

    Args:
        feature: Which feature of the manifest claims that they are kept.
        type: Their column's type.
        values: The values.
        strange: No system has to hold them: they may be refused with any error of the SDK, but never be changed.
    """

    feature: Feature
    type: ColumnType
    values: tuple[object, ...]
    strange: bool = False


_WHOLE: Final = (
    0,
    1,
    -1,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53 - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    -(2**63),
)
_REAL: Final = (0.0, -0.0, 0.1, -2.5, 1 / 3, 1e16, 5e-324, sys.float_info.min, sys.float_info.max, -sys.float_info.max)
_TEXT: Final = (
    *(
        "",
        " ",
        " both ends ",
        "null",
        "naïve \u0416 中文",
        "\u00e9",
        "e\u0301",
        "😀 \U0001d4b3 \U0010ffff",
        "\u05e9\u05dc\u05d5\u05dd \u200f",
    ),
    *("a\r\nb\tc\n", "'\"\\`%_;--/*", "\u2028\ufeff", "\x01\x1f\x7f", "ß İ ﬁ", "x" * MEGABYTE),
)
_BYTES: Final = (bytes(range(256)), b"", b"\0", b"\xff\xfe\xfd", b"\xc3\x28", bytes(range(250)) * (MEGABYTE // 250))


def _deep(depth: int) -> object:
    value: object = None
    for level in range(depth):
        value = [value] if level % 2 else {"n": value}
    return value


_JSON: Final[tuple[object, ...]] = (
    *({"": 1}, {"a.b": 1, "a": {"b": 2}}, {"$set": 1, "$": 2}, {"ключ 😀": "значение"}, {"a": None, "b": [None]}),
    *([1, "a", None, True, 0.5, {"x": []}], [[], [[]], {}], {"n": 2**53 + 1}, _deep(64), [], {}),
)

_STRUCT: Final = StructType(fields=(Field(name="a", type=Int64Type()), Field(name="b", type=TextType())))

RECORD: Final[dict[str, tuple[Sample, ...]]] = {
    "TYP-01": (
        Sample(Feature.NULL, TextType(), ("", None, " ", "null")),
        Sample(Feature.NULL, Int64Type(), (0, None)),
        Sample(Feature.NULL, BoolType(), (False, None)),
        Sample(Feature.NULL, BinaryType(), (b"", None)),
        Sample(Feature.JSON, JsonType(), ({}, [], "", {"a": None})),
    ),
    "TYP-02": (Sample(Feature.BOOL, BoolType(), (True, False, None)),),
    "TYP-03": (
        Sample(Feature.INT, Int64Type(), _WHOLE),
        Sample(Feature.INT, Int8Type(), (-128, 127)),
        Sample(Feature.INT, Int16Type(), (-32_768, 32_767)),
        Sample(Feature.INT, Int32Type(), (-(2**31), 2**31 - 1)),
        Sample(Feature.INT, Uint8Type(), (0, 255)),
        Sample(Feature.INT, Uint16Type(), (0, 65_535)),
        Sample(Feature.INT, Uint32Type(), (0, 2**32 - 1)),
        Sample(Feature.INT, Uint64Type(), (0, 2**53 + 1, 2**63 - 1)),
        Sample(Feature.UINT64, Uint64Type(), (2**63, 2**64 - 1)),
        Sample(Feature.INT, Int64Type(), (2**63, -(2**63) - 1, 2**64), strange=True),
    ),
    "TYP-04": (
        Sample(Feature.FLOAT, Float64Type(), (*_REAL, 1.0)),
        Sample(Feature.FLOAT, Float32Type(), (0.5, -0.0, 2.0**-149, 3.4028234663852886e38)),
        Sample(Feature.NAN, Float64Type(), (math.nan, math.inf, -math.inf)),
    ),
    "TYP-05": (
        Sample(
            Feature.DECIMAL,
            DecimalType(precision=38, scale=0),
            (Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal(0)),
        ),
        Sample(
            Feature.DECIMAL,
            DecimalType(precision=38, scale=38),
            (Decimal("0." + "0" * 37 + "1"), Decimal("-0." + "9" * 38)),
        ),
        Sample(
            Feature.DECIMAL,
            DecimalType(precision=38, scale=10),
            (Decimal("1234567890123456789012345678.0123456789"), Decimal("1.1000000000"), Decimal("-0.0000000001")),
        ),
        Sample(
            Feature.DECIMAL, DecimalType(precision=5, scale=2), (Decimal("1.10"), Decimal("-999.99"), Decimal("0.00"))
        ),
    ),
    "TYP-06": (
        Sample(Feature.TEXT, TextType(), _TEXT),
        Sample(Feature.NUL, TextType(), ("a\0b", "\0")),
        Sample(Feature.TEXT, TextType(), ("a\ud800b",), strange=True),
    ),
    "TYP-07": (Sample(Feature.BYTES, BinaryType(), _BYTES),),
    "TYP-08": (
        Sample(
            Feature.DATE,
            DateType(),
            (
                date.min,
                date(1582, 10, 10),
                date(1600, 2, 29),
                date(1969, 12, 31),
                date(1970, 1, 1),
                date(2024, 2, 29),
                date.max,
            ),
        ),
        Sample(Feature.TIME, TimeType(), (time.min, time(1, 2, 3), time(12, 0, 0, 1), time(23, 59, 59), time.max)),
    ),
    "TYP-09": (
        Sample(
            Feature.TIMESTAMP,
            TimestampType(utc=True),
            (
                *(
                    datetime(1, 1, 1, tzinfo=UTC),
                    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
                    datetime(1970, 1, 1, tzinfo=UTC),
                ),
                *(datetime(2024, 3, 31, 1, 0, 0, 1, UTC), datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
                *(datetime(2262, 4, 12, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
            ),
        ),
        Sample(
            Feature.TIMESTAMP,
            TimestampType(utc=False),
            (
                *(datetime.min, datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2024, 2, 29, 12)),
                *(datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30, 0, 1), datetime.max),
            ),
        ),
    ),
    "TYP-10": (
        Sample(
            Feature.DURATION,
            DurationType(),
            (
                *(
                    timedelta(0),
                    timedelta(microseconds=1),
                    timedelta(microseconds=-1),
                    timedelta(days=1),
                    timedelta(hours=25),
                ),
                *(timedelta(days=-5, hours=3), timedelta(days=36_500, microseconds=7), timedelta(days=-36_500)),
            ),
        ),
    ),
    "TYP-11": (
        Sample(
            Feature.UUID,
            UuidType(),
            (UUID(int=0), UUID(int=2**128 - 1), UUID("00112233-4455-6677-8899-aabbccddeeff"), UUID(int=1 << 127)),
        ),
    ),
    "TYP-12": (Sample(Feature.JSON, JsonType(), _JSON),),
    "TYP-21": (
        Sample(Feature.LIST, ListType(item=Int64Type()), ([1, 2**53 + 1, -1], [3, 1, 2], [], None, [None], [1, None])),
        Sample(
            Feature.LIST,
            ListType(item=TextType()),
            (["b", "a", "b"], ["", "a,b", '"']),
        ),
        Sample(Feature.LIST, ListType(item=ListType(item=BoolType())), ([[True], [], [False, None]], [])),
        Sample(Feature.STRUCT, _STRUCT, ({"a": 1, "b": "x"}, {"a": None, "b": None}, {"a": 2**53 + 1, "b": ""}, None)),
        Sample(Feature.STRUCT, ListType(item=_STRUCT), ([{"a": 1, "b": "x"}, {"a": 2, "b": None}], [])),
        Sample(Feature.VECTOR, VectorType(dimension=3), ([0.5, -0.25, 1.0], [0.0, 2.0**-126, -1.5], None)),
    ),
}
"""Of each family, the values of a record's column."""

JSON: Final[dict[str, tuple[Sample, ...]]] = {
    "TYP-01": (
        Sample(Feature.NULL, JsonType(), (None, "", MISSING)),
        Sample(Feature.JSON, JsonType(), ([], {}, [None], {"a": None})),
    ),
    "TYP-02": (Sample(Feature.BOOL, JsonType(), (True, False)),),
    "TYP-03": (
        Sample(Feature.INT, JsonType(), _WHOLE),
        Sample(Feature.UINT64, JsonType(), (2**63, 2**64 - 1)),
        Sample(Feature.INT, JsonType(), (2**64, -(2**63) - 1), strange=True),
    ),
    "TYP-04": (
        Sample(Feature.FLOAT, JsonType(), (*_REAL, 1.0)),
        Sample(Feature.FLOAT, JsonType(), (math.nan, math.inf, -math.inf), strange=True),
    ),
    "TYP-06": (
        Sample(Feature.TEXT, JsonType(), _TEXT),
        Sample(Feature.NUL, JsonType(), ("a\0b",)),
        Sample(Feature.TEXT, JsonType(), ("a\ud800b",), strange=True),
    ),
    "TYP-12": (Sample(Feature.JSON, JsonType(), _JSON),),
}
"""Of each family, the values inside a document, metadata or properties. JSON has no NaN: no system has to hold it."""

BODIES: Final[dict[str, tuple[Sample, ...]]] = {"TYP-07": (Sample(Feature.BYTES, BinaryType(), _BYTES),)}
"""The values of an object's data and of a message's payload."""

SAMPLES: Final[dict[DataKind, dict[str, tuple[Sample, ...]]]] = {
    DataKind.RECORD: RECORD,
    DataKind.DOCUMENT: JSON,
    DataKind.EMBEDDING: JSON,
    DataKind.GRAPH: JSON,
    DataKind.OBJECT: BODIES,
    DataKind.MESSAGE: BODIES,
}
"""Of each kind of data, its families."""
