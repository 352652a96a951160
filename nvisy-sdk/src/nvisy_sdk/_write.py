"""How a sink takes a batch, and what it answers."""

import warnings

from ._kind import DataKind
from ._model import Bool, NonEmpty, Shape, UInt64
from ._schema import Schema


class Rejection(Shape):
    """One item that was refused."""

    index: UInt64
    """Its place in the batch, from 0."""
    code: NonEmpty
    """A short stable word for the reason, such as `not_null` or `out_of_range`."""
    reason: str
    """The reason, for a person. It must not hold a secret."""


class Receipt(Shape):
    """What a sink did with a batch. `accepted` plus the rejections is the length of the batch."""

    accepted: UInt64
    """Items that are durable now."""
    rejected: tuple[Rejection, ...] = ()
    """Items the sink refused, each with its reason."""


class Mark(Shape):
    """The engine's checkpoint as a transactional sink stores it: it must not look inside."""

    key: NonEmpty
    """Which stream this is the checkpoint of; at most one mark is kept for each key."""
    value: str


# `schema` is the word both languages use; it hides a deprecated method of the base class that nothing here calls.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message='Field name "schema"', category=UserWarning)

    class Prepare(Shape):
        """What is about to be written: asked of a sink before the first batch."""

        kind: DataKind
        schema: Schema  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The columns of every batch."""
        fresh: Bool
        """True when the stream starts at its beginning: a `replace` begins anew only then."""

    class StreamInfo(Shape):
        """A stream, as far as its provider knows it."""

        name: str
        schema: Schema | None = None  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Its columns, where they are known."""
        key: tuple[str, ...] = ()
        """Columns that are unique together, best first choice; empty where there is none."""
        rows: UInt64 | None = None
        """Items in it, where counting is cheap."""
        bytes: UInt64 | None = None
        """Bytes in it, where known."""
