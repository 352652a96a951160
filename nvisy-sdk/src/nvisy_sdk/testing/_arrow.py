"""Rows as Arrow and back, for tests of providers that yield or take Arrow. PyArrow is imported when it is first needed."""

import importlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

from .._batch import ArrowArrayExportable, ArrowStreamExportable
from .._error import InvalidDataError, MissingDependencyError
from .._schema import (
    ColumnType,
    DecimalType,
    Field,
    JsonType,
    ListType,
    Schema,
    StructType,
    TimestampType,
    VectorType,
)

_EXTENSION = b"ARROW:extension:name"
_EXTENSIONS = {"json": b"arrow.json", "uuid": b"arrow.uuid"}
_RENAMED = {"text": "string", "json": "string", "binary": "large_binary", "date": "date32", "bool": "bool_"}


def to_arrow(rows: Sequence[Mapping[str, object]], schema: Schema) -> Any:
    """Return a record batch of the rows, with the very types the engine's batches have.

    Raises:
        InvalidDataError: A value is outside its column's type.
        MissingDependencyError: PyArrow is not installed.
    """
    arrow = pyarrow()
    fields = [_field(arrow, each) for each in schema.fields]
    columns = []
    for each, field in zip(schema.fields, fields, strict=True):
        try:
            columns.append(arrow.array([_stored(each.type, row.get(each.name)) for row in rows], type=field.type))
        except (ArithmeticError, AttributeError, TypeError, ValueError) as err:
            raise InvalidDataError(f"column `{each.name}` holds a value that no {each.type.name} can be") from err
    return arrow.RecordBatch.from_arrays(columns, schema=arrow.schema(fields))


def from_arrow(data: ArrowArrayExportable | ArrowStreamExportable) -> list[dict[str, object]]:
    """Return the rows of anything that hands out Arrow, their values as `IncomingBatch.rows` gives them.

    Raises:
        MissingDependencyError: PyArrow is not installed.
    """
    arrow = pyarrow()
    if isinstance(data, ArrowArrayExportable):
        table = arrow.Table.from_batches([arrow.record_batch(data)])
    else:
        table = arrow.RecordBatchReader.from_stream(data).read_all()
    names = table.schema.names
    columns = [[_value(field, each) for each in _plain(table.column(at))] for at, field in enumerate(table.schema)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] if names else []


def pyarrow() -> ModuleType:
    """Return the library."""
    try:
        return importlib.import_module("pyarrow")
    except ImportError as err:
        hint = "pip install nvisy-sdk[arrow]"
        raise MissingDependencyError("PyArrow, which looks into Arrow for tests, is not installed", hint=hint) from err


def _field(arrow: ModuleType, field: Field) -> Any:
    extension = _EXTENSIONS.get(field.type.name)
    metadata = {_EXTENSION: extension} if extension else None
    return arrow.field(field.name, _type(arrow, field.type), field.nullable, metadata)


def _type(arrow: ModuleType, column: ColumnType) -> Any:
    match column:
        case DecimalType():
            return arrow.decimal128(column.precision, column.scale)
        case TimestampType():
            return arrow.timestamp("us", "UTC" if column.utc else None)
        case VectorType():
            return arrow.list_(arrow.field("item", arrow.float32(), False), column.dimension)
        case ListType():
            return arrow.list_(_field(arrow, Field(name="item", type=column.item)))
        case StructType():
            return arrow.struct([_field(arrow, each) for each in column.fields])
    match column.name:
        case "time":
            return arrow.time64("us")
        case "duration":
            return arrow.duration("us")
        case "uuid":
            return arrow.binary(16)
        case name:
            return getattr(arrow, _RENAMED.get(name, name))()


def _stored(column: ColumnType, value: Any) -> Any:
    """Return what PyArrow makes a cell of that type from."""
    if value is None:
        return None
    match column:
        case JsonType():
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        case ListType():
            return [_stored(column.item, each) for each in value]
        case StructType():
            return {each.name: _stored(each.type, value.get(each.name)) for each in column.fields}
        case _:
            return value.bytes if column.name == "uuid" else value


def _plain(column: Any) -> list[Any]:
    """Return a column's values; those of an extension type in their stored form."""
    chunks = [getattr(chunk, "storage", chunk) for chunk in column.chunks]
    return [value for chunk in chunks for value in chunk.to_pylist()]


def _value(field: Any, value: Any) -> Any:
    """Return a value of an Arrow field as the engine's rows have it."""
    kind = field.type
    name = getattr(kind, "extension_name", None) or (field.metadata or {}).get(_EXTENSION, b"").decode()
    if value is None:
        return None
    if name == "arrow.json":
        return json.loads(value) if isinstance(value, str) else value
    if name == "arrow.uuid":
        return UUID(bytes=value) if isinstance(value, bytes) else value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, list) and hasattr(kind, "value_field"):
        return [_value(kind.value_field, each) for each in value]
    if isinstance(value, dict) and hasattr(kind, "fields"):
        return {each.name: _value(each, value[each.name]) for each in kind.fields}
    return value
