"""Columns and their types, in a form both languages write down without Arrow. The set of types is closed."""

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field as Constraint
from pydantic import model_validator

from ._model import Bool, Shape, TaggedShape, UInt8, UInt32


class _Type(TaggedShape):
    always_written: ClassVar[tuple[str, ...]] = ("name",)


class BoolType(_Type):
    """true or false."""

    name: Literal["bool"] = "bool"


class Int8Type(_Type):
    """Signed 8-bit integer."""

    name: Literal["int8"] = "int8"


class Int16Type(_Type):
    """Signed 16-bit integer."""

    name: Literal["int16"] = "int16"


class Int32Type(_Type):
    """Signed 32-bit integer."""

    name: Literal["int32"] = "int32"


class Int64Type(_Type):
    """Signed 64-bit integer."""

    name: Literal["int64"] = "int64"


class Uint8Type(_Type):
    """Unsigned 8-bit integer."""

    name: Literal["uint8"] = "uint8"


class Uint16Type(_Type):
    """Unsigned 16-bit integer."""

    name: Literal["uint16"] = "uint16"


class Uint32Type(_Type):
    """Unsigned 32-bit integer."""

    name: Literal["uint32"] = "uint32"


class Uint64Type(_Type):
    """Unsigned 64-bit integer."""

    name: Literal["uint64"] = "uint64"


class Float32Type(_Type):
    """IEEE single."""

    name: Literal["float32"] = "float32"


class Float64Type(_Type):
    """IEEE double."""

    name: Literal["float64"] = "float64"


class DecimalType(_Type):
    """Exact decimal."""

    name: Literal["decimal"] = "decimal"
    precision: Annotated[UInt8, Constraint(ge=1, le=38)]
    """Digits in all."""
    scale: Annotated[UInt8, Constraint(ge=0, le=38)]
    """Digits after the point, of those."""

    @model_validator(mode="after")
    def _scale_within_precision(self) -> Self:
        if self.scale > self.precision:
            raise ValueError("a decimal has no more digits after the point than in all")
        return self


class TextType(_Type):
    """UTF-8 text."""

    name: Literal["text"] = "text"


class BinaryType(_Type):
    """Bytes."""

    name: Literal["binary"] = "binary"


class DateType(_Type):
    """A calendar day."""

    name: Literal["date"] = "date"


class TimeType(_Type):
    """A time of day without zone, in microseconds."""

    name: Literal["time"] = "time"


class TimestampType(_Type):
    """A point in time in microseconds: an instant when `utc`, else a wall-clock reading without zone."""

    name: Literal["timestamp"] = "timestamp"
    utc: Bool


class DurationType(_Type):
    """A length of time in microseconds."""

    name: Literal["duration"] = "duration"


class UuidType(_Type):
    """A UUID."""

    name: Literal["uuid"] = "uuid"


class JsonType(_Type):
    """Any JSON value."""

    name: Literal["json"] = "json"


class VectorType(_Type):
    """A vector of 32-bit floats, of one length in every row."""

    name: Literal["vector"] = "vector"
    dimension: Annotated[UInt32, Constraint(ge=1)]


class ListType(_Type):
    """A list of values of one type, any of which may be null."""

    name: Literal["list"] = "list"
    item: "ColumnType"


class StructType(_Type):
    """A nested record."""

    name: Literal["struct"] = "struct"
    fields: tuple["Field", ...]


ColumnType: TypeAlias = Annotated[
    BoolType
    | Int8Type
    | Int16Type
    | Int32Type
    | Int64Type
    | Uint8Type
    | Uint16Type
    | Uint32Type
    | Uint64Type
    | Float32Type
    | Float64Type
    | DecimalType
    | TextType
    | BinaryType
    | DateType
    | TimeType
    | TimestampType
    | DurationType
    | UuidType
    | JsonType
    | VectorType
    | ListType
    | StructType,
    Constraint(discriminator="name"),
]
"""The portable types."""


class Field(Shape):
    """One column."""

    name: str
    """Its name, exactly as the source spells it."""
    type: ColumnType
    nullable: Bool = True
    """Whether a value may be null."""


class Schema(Shape):
    """The columns of a stream, decided once."""

    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return the column of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


ListType.model_rebuild()
StructType.model_rebuild()
