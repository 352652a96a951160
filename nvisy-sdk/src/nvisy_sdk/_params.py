"""What a node asks of its provider: one shape for each category. A provider's own parameters extend its category's."""

import warnings
from typing import Annotated, TypeAlias

from pydantic import Field

from ._kind import Operator, WriteMode
from ._model import Bool, Float64, Int64, Shape, UInt32

BatchRows: TypeAlias = Annotated[UInt32, Field(ge=1, le=1_000_000)]
PartBytes: TypeAlias = Annotated[UInt32, Field(ge=65_536, le=268_435_456)]

Scalar: TypeAlias = Bool | Int64 | Float64 | str
"""One value to compare with; dates and times as text in ISO 8601."""

Operand: TypeAlias = Scalar | tuple[Scalar, ...]
"""What a column is compared with: a scalar, or a list for `in`."""


class Condition(Shape):
    """One condition on a column; all conditions of a filter must hold."""

    column: str
    """The column's name."""
    op: Operator
    """How it is compared."""
    value: Operand | None = None
    """What to compare with; nothing for `is_null` and `not_null`."""


# `schema` is the word both languages use; it hides a deprecated method of the base class that nothing here calls.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message='Field name "schema"', category=UserWarning)

    class RelationalParams(Shape):
        """What a relational node asks for."""

        table: str | None = None
        """The table (or view) to read or write."""
        schema: str | None = None  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The namespace the table is in, where the system has such."""
        key: tuple[str, ...] = ()
        """Columns that together are unique; reading follows their order, upserts match on them.

        Empty: the primary key."""
        columns: tuple[str, ...] | None = None
        """Columns to read; all of them when None."""
        filter: tuple[Condition, ...] = ()
        """Conditions that all rows read must meet."""
        batch_rows: BatchRows = 10_000
        """Rows in a batch, 1 to 1,000,000."""
        mode: WriteMode | None = None
        """How to write; None means upsert where there is a key, else append."""
        create: Bool = True
        """Create the table when it is not there."""
        evolve: Bool = False
        """Add columns the table does not have yet."""


class ObjectParams(Shape):
    """What an object node asks for."""

    prefix: str = ""
    """Only keys that begin with this; when writing, put before every key."""
    glob: str | None = None
    """Only keys that match this pattern (`*` within a folder, `**` across, `?`, `[...]`)."""
    part_bytes: PartBytes = 8 * 1024 * 1024
    """Bytes after which a large object travels in parts, 64 KiB to 256 MiB."""
    mode: WriteMode | None = None
    """How to write; None means upsert: an object takes the place of the one with its key."""


class VectorParams(Shape):
    """What a vector node asks for."""

    collection: str | None = None
    """The collection or index."""
    namespace: str | None = None
    """The namespace or partition inside the collection, where the system has such."""
    create: Bool = False
    """Create the collection when it is not there."""
    batch_rows: BatchRows = 100
    """Items in a batch, 1 to 1,000,000."""
    mode: WriteMode | None = None
    """How to write; None is the provider's documented default."""


class DocumentParams(Shape):
    """What a document node asks for."""

    database: str | None = None
    """The database, where the system has several."""
    collection: str | None = None
    """The collection."""
    filter: tuple[Condition, ...] = ()
    """Conditions that all documents read must meet."""
    batch_rows: BatchRows = 100
    """Items in a batch, 1 to 1,000,000."""
    mode: WriteMode | None = None
    """How to write; None is the provider's documented default."""


class QueueParams(Shape):
    """What a queue node asks for."""

    stream: str | None = None
    """The stream, topic or queue."""
    subject: str | None = None
    """Only messages whose subject matches; when writing, the subject of a message that has none."""
    batch_rows: BatchRows = 100
    """Items in a batch, 1 to 1,000,000."""
    mode: WriteMode | None = None
    """How to write; None is the provider's documented default."""


class SearchParams(Shape):
    """What a search node asks for."""

    index: str | None = None
    """The index."""
    key: tuple[str, ...] = ()
    """Fields that together are unique."""
    filter: tuple[Condition, ...] = ()
    """Conditions that all documents read must meet."""
    batch_rows: BatchRows = 100
    """Items in a batch, 1 to 1,000,000."""
    mode: WriteMode | None = None
    """How to write; None is the provider's documented default."""


class GraphParams(Shape):
    """What a graph node asks for."""

    database: str | None = None
    """The database, where the system has several."""
    labels: tuple[str, ...] = ()
    """Only nodes with one of these labels, and edges of these types; all when empty."""
    batch_rows: BatchRows = 100
    """Items in a batch, 1 to 1,000,000."""
    mode: WriteMode | None = None
    """How to write; None is the provider's documented default."""
