"""Stand-ins for the engine, so that a plugin's own tests need nothing but the plugin.

`RowBatch` is what `write` receives; `items` and `positions_of` read what `read` yields. They are made for tests: they look at
every row, which the engine never does in Python.
"""

from ._items import items, positions_of
from ._row_batch import RowBatch, infer_schema

__all__ = [
    "RowBatch",
    "infer_schema",
    "items",
    "positions_of",
]
