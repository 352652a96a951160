"""Data and positions in one value: what a source yields and what a sink receives.

Nothing here looks at a row. The host turns the data into Arrow once per batch, in Rust.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel

from ._context import Context
from ._kind import DataKind
from ._schema import Schema


@runtime_checkable
class ArrowArrayExportable(Protocol):
    """Anything that hands out one Arrow array: a record batch of PyArrow, Polars, DuckDB and others."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the capsules of the schema and the array."""
        ...


@runtime_checkable
class ArrowStreamExportable(Protocol):
    """Anything that hands out a stream of Arrow arrays: a table of PyArrow, Polars, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the capsule of the stream."""
        ...


Rows: TypeAlias = (
    Sequence[Mapping[str, object]]
    | Sequence[tuple[object, ...]]
    | Sequence[BaseModel]
    | ArrowArrayExportable
    | ArrowStreamExportable
)
"""Items in any form the host takes. Tuples need a schema."""


@dataclass(frozen=True, slots=True)
class End:
    """One context for the end of the whole batch: its items are accepted together or read again together."""

    context: Context


@dataclass(frozen=True, slots=True)
class Keyset:
    """The position of each item is in its own key columns: nothing is stored per row.

    Args:
        columns: The key columns, in sort order; each must be in the batch and never null.
        fingerprint: Of the stream these keys belong to.
    """

    columns: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Each:
    """One context for each item, as many as there are items."""

    contexts: Sequence[Context]


Positions: TypeAlias = End | Keyset | Each
"""Where the stream resumes after each item of a batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items and, for each, where the stream resumes after it.

    Args:
        data: The items.
        positions: Where to resume after them.
        kind: What they are; None means the manifest's only kind.
        schema: Their columns. It is decided once per stream: that of the first batch, given or inferred, holds for all.
    """

    data: Rows
    positions: Positions
    kind: DataKind | None = field(default=None, kw_only=True)
    schema: Schema | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Resumable:
    """One item with its context, for sources that have them one by one.

    Args:
        data: The item.
        context: Where to resume after it.
        kind: What it is; None means the manifest's only kind.
    """

    data: Mapping[str, object] | BaseModel
    context: Context
    kind: DataKind | None = field(default=None, kw_only=True)


@runtime_checkable
class IncomingBatch(Protocol):
    """What a sink receives: the same items as rows and as Arrow, whichever it prefers. Its positions stay with the engine.

    Values in rows are bool, int, float, str, bytes, date, time, timedelta, Decimal, UUID, datetime (aware in UTC for an
    instant, else naive), parsed JSON for a json column, a list for a vector or list, a dict for a struct, None for null.
    """

    @property
    def kind(self) -> DataKind:
        """What the items are."""
        ...

    @property
    def num_rows(self) -> int:
        """How many items there are; the same as `len`."""
        ...

    @property
    def schema(self) -> Schema:
        """Their columns."""
        ...

    def __len__(self) -> int:
        """Return how many items there are."""
        ...

    def rows(self) -> list[dict[str, object]]:
        """Return the items as dicts."""
        ...

    def tuples(self) -> list[tuple[object, ...]]:
        """Return the items as tuples, columns in the schema's order."""
        ...

    def __arrow_c_schema__(self) -> object:
        """Return the capsule of the Arrow schema."""
        ...

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the capsules of the Arrow schema and struct array."""
        ...

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the capsule of a stream of one Arrow batch."""
        ...
