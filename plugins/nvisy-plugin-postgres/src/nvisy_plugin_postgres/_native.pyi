"""The Rust half of the plugin: PostgreSQL's binary COPY format to Arrow and back. The interpreter is free meanwhile.

Types on the wire are `bool int2 int4 int8 float4 float8 numeric text varchar bpchar name bytea date time timestamp
timestamptz interval uuid json jsonb vector`, and `T[]` for a one-dimensional array of one of these. A type whose binary form
is its text, such as an enum, is `text`. An array begins at index 1 as a list does: where the server lets it begin elsewhere is not kept.
The days of an interval have 24 hours.
"""

from collections.abc import Sequence
from typing import final

from nvisy_sdk import ArrowArrayExportable

class CopyError(ValueError):
    """Bytes or values that cannot be moved; the text names column and row (from 0), never the value."""

@final
class Batch:
    """An Arrow record batch."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

@final
class Decoder:
    """Turns the bytes of one `COPY ... TO STDOUT (FORMAT binary)` into Arrow, batch by batch.

    After an error every further call raises the same one.

    Args:
        columns: Of each its name, its type on the wire, the JSON of its `ColumnType`, and whether it may be null.

    Raises:
        CopyError: The two types of a column do not go together.
    """

    def __new__(cls, columns: Sequence[tuple[str, str, str, bool]]) -> Decoder: ...
    def feed(self, data: bytes) -> int:
        """Take in the next piece of the stream, cut anywhere.

        Returns:
            The rows that are complete and not taken.

        Raises:
            CopyError: The stream is malformed.
        """

    def take(self, most: int) -> Batch | None:
        """Return the next rows, or None when none is complete.

        There are at most `most`, and fewer where these would be more than 32 MiB.

        Raises:
            CopyError: A value that the column's type cannot hold; the text says so when reading it as text would help.
        """

    def finish(self) -> None:
        """Say that the stream is over.

        Raises:
            CopyError: It was cut: its trailer was not seen.
        """

    @property
    def buffered(self) -> int:
        """Bytes that were fed and not taken, rows that are not complete included."""

@final
class Encoder:
    """Turns Arrow batches into the bytes of `COPY ... FROM STDIN (FORMAT binary)`, one stream for each.

    Args:
        columns: Of each its name and its type on the wire. Columns of a batch are found by name; others are left out.
        ordinal: Whether each row begins with one more column, an `int4` with its number in the batch, from 0.

    Raises:
        CopyError: A type has no known binary form.
    """

    def __new__(cls, columns: Sequence[tuple[str, str]], *, ordinal: bool = False) -> Encoder: ...
    def begin(self, batch: ArrowArrayExportable) -> Stream:
        """Begin the stream of a batch, which is kept until the stream is let go.

        Raises:
            CopyError: A column is not in the batch, or its type does not go with the one on the wire.
        """

@final
class Stream:
    """The bytes of one batch, made piece by piece. One thread at a time."""

    def piece(self, least: int) -> bytes:
        """Return the next bytes: `least` or a row more, fewer only at the end; none behind it."""

    @property
    def rejected(self) -> list[tuple[int, str, str]]:
        """The rows left out so far: of each its number, a code (`out_of_range` or `invalid_text`) and a reason."""
