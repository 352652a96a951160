"""The options of the decode and encode steps that a URI may carry, as JSON Schema properties.

Only their types matter here; the engine judges the values. A test runs every name through the engine's planner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["DECODE", "ENCODE"]

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_FORMAT: Final = {"enum": ["csv", "jsonl", "parquet", "arrow"]}
_COMPRESSION: Final = {"enum": ["none", "gzip", "zstd"]}

DECODE: Final[Mapping[str, Mapping[str, object]]] = {
    "format": _FORMAT,
    "compression": _COMPRESSION,
    "columns": {"type": "object"},
    "header": {"type": "boolean"},
    "delimiter": _TEXT,
    "null": {"type": "array", "items": _TEXT},
    "batch_rows": _NUMBER,
}
"""Objects to records. Without a format the extension of each object says it."""

ENCODE: Final[Mapping[str, Mapping[str, object]]] = {
    "format": _FORMAT,
    "compression": _COMPRESSION,
    "rows": _NUMBER,
    "bytes": _NUMBER,
    "name": _TEXT,
    "level": _NUMBER,
}
"""Records to objects."""
