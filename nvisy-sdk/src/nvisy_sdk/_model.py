"""The base of every shape that crosses to Rust.

A shape is frozen, refuses fields it does not know, and is as strict about scalars as serde is: `"1"`, `1.0` and `true` are
not the integer 1. Containers stay lenient in Python (a list is taken for a tuple), because JSON has only one kind of them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, Strict, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

V = TypeVar("V")

Bool: TypeAlias = Annotated[bool, Strict()]
Int64: TypeAlias = Annotated[int, Strict(), Field(ge=-(2**63), le=2**63 - 1)]
UInt8: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=2**8 - 1)]
UInt32: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=2**32 - 1)]
UInt64: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=2**64 - 1)]
Float64: TypeAlias = Annotated[float, Strict(), Field(allow_inf_nan=False)]
NonEmpty: TypeAlias = Annotated[str, Field(min_length=1)]


class Shape(BaseModel):
    """A frozen model whose JSON text is byte for byte what Rust writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaggedShape(Shape):
    """A shape that says in its JSON text what it is, so that a persisted value is never guessed at.

    The fields named in `always_written` have defaults for those who construct the model in Python; JSON text must hold
    them all the same.
    """

    always_written: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _says_what_it_is(cls, value: Any, info: ValidationInfo) -> Any:
        if info.mode == "json" and isinstance(value, dict):
            for name in cls.always_written:
                if name not in value:
                    raise ValueError(f"the field `{name}` is missing")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Mark the fields that JSON text must hold as required."""
        schema = handler(core_schema)
        body = handler.resolve_ref_schema(schema)
        known = body.get("required", [])
        body["required"] = [*(name for name in cls.always_written if name not in known), *known]
        return schema


def sorted_keys(items: Mapping[str, V]) -> dict[str, V]:
    """Return the mapping in the order Rust writes it: by code point, which is also the order of UTF-8 bytes."""
    return {name: items[name] for name in sorted(items)}
