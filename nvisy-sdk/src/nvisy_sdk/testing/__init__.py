"""Stand-ins for the engine, so that a plugin's own tests need nothing but the plugin.

`RowBatch` is what `write` receives; `items`, `positions_of` and `rows_of` read what `read` yields. They are made for tests: they
look at every row, which the engine never does in Python. Arrow needs PyArrow, which the extra `arrow` brings.

`held_when` and `kill_when` are for the engine itself: they hold or kill it in the middle of a run.
"""

from ._hold import held_when, kill_when
from ._items import items, positions_of, rows_of
from ._row_batch import RowBatch, infer_schema

__all__ = [
    "RowBatch",
    "held_when",
    "infer_schema",
    "items",
    "kill_when",
    "positions_of",
    "rows_of",
]
