"""A batch made of plain rows: what a sink receives, without the engine. Arrow is made of them when it is asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from .._error import InvalidDataError
from .._kind import DataKind
from .._schema import (
    BinaryType,
    BoolType,
    ColumnType,
    DateType,
    DecimalType,
    DurationType,
    Field,
    Float64Type,
    Int64Type,
    JsonType,
    Schema,
    TextType,
    TimestampType,
    TimeType,
    UuidType,
)
from ._arrow import to_arrow

_WIDEST_DECIMAL = 38


class RowBatch:
    """An `IncomingBatch` of the given rows.

    Args:
        rows: The items; a column that a row does not have is null there.
        schema: Their columns; inferred from the rows when None.
        kind: What they are.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, object]],
        *,
        schema: Schema | None = None,
        kind: DataKind = DataKind.RECORD,
    ) -> None:
        self.kind = kind
        self.schema = infer_schema(rows) if schema is None else schema
        names = [field.name for field in self.schema.fields]
        self._rows = [{name: row.get(name) for name in names} for row in rows]

    @property
    def num_rows(self) -> int:
        """How many items there are."""
        return len(self._rows)

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._rows)

    def rows(self) -> list[dict[str, object]]:
        """Return the items as dicts, fresh ones on every call."""
        return [dict(row) for row in self._rows]

    def tuples(self) -> list[tuple[object, ...]]:
        """Return the items as tuples, columns in the schema's order."""
        return [tuple(row.values()) for row in self._rows]

    def __arrow_c_schema__(self) -> object:
        """Return the capsule of the Arrow schema; it needs PyArrow, as the other two do."""
        return to_arrow([], self.schema).schema.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the capsules of the Arrow schema and struct array."""
        capsules: tuple[object, object] = to_arrow(self._rows, self.schema).__arrow_c_array__(requested_schema)
        return capsules

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the capsule of a stream of one Arrow batch."""
        return to_arrow(self._rows, self.schema).__arrow_c_stream__(requested_schema)


def infer_schema(rows: Sequence[Mapping[str, object]]) -> Schema:
    """Return columns that fit the rows, each typed by its first value that is not null (text when there is none).

    Raises:
        InvalidDataError: A value is of a type that no column can have.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return Schema(fields=tuple(_column(name, [row.get(name) for row in rows]) for name in names))


def _column(name: str, values: Sequence[object]) -> Field:
    first = next((value for value in values if value is not None), None)
    type_ = TextType() if first is None else _type_of(name, first, values)
    return Field(name=name, type=type_, nullable=any(value is None for value in values))


def _type_of(name: str, value: object, values: Sequence[object]) -> ColumnType:
    simple: dict[type, ColumnType] = {
        bool: BoolType(),
        int: Int64Type(),
        float: Float64Type(),
        str: TextType(),
        bytes: BinaryType(),
        date: DateType(),
        time: TimeType(),
        timedelta: DurationType(),
        UUID: UuidType(),
        dict: JsonType(),
        list: JsonType(),
    }
    match value:
        case datetime():
            return TimestampType(utc=value.tzinfo is not None)
        case Decimal():
            scales = [
                -int(exponent) for each in values if isinstance(each, Decimal) if (exponent := each.as_tuple().exponent)
            ]
            return DecimalType(precision=_WIDEST_DECIMAL, scale=max([0, *scales]))
        case _ if type(value) in simple:
            return simple[type(value)]
        case _:
            raise InvalidDataError(f"column `{name}` holds a {type(value).__name__}, which no column can have")
