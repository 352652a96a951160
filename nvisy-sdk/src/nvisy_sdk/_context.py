"""Where a stream resumes: always *after* the item the context belongs to.

A context says where, never how much (that is a parameter), and it never holds a secret.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter
from pydantic_core import to_jsonable_python

from ._model import NonEmpty, TaggedShape, UInt64, sorted_keys
from ._value import TypedValue

Fingerprint: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
"""A short digest of what is read and in which order; resuming under another one is refused."""


def _whole(value: object) -> object:
    if type(value) is not int:  # 1.0 and True equal 1, and a literal alone would let them pass
        raise ValueError("the version is a whole number")
    return value


Version: TypeAlias = Annotated[Literal[1], BeforeValidator(_whole)]
"""The format version of contexts; 1 is the only one so far."""

_DIGITS = 32  # 128 bits: two streams of one workspace never share a fingerprint by chance


class _Resume(TaggedShape):
    always_written: ClassVar[tuple[str, ...]] = ("kind", "version")


class MarkerContext(_Resume):
    """After the object `key`, or after its first `offset` bytes."""

    kind: Literal["marker"] = "marker"
    version: Version = 1
    fingerprint: Fingerprint
    key: NonEmpty
    """The object's key."""
    etag: str | None = None
    """Version or entity tag of that object when it was read."""
    offset: UInt64 | None = None
    """Bytes of the object already read; None when it was read whole."""


class KeysetContext(_Resume):
    """After the row whose key columns hold `values`. The last column breaks ties."""

    kind: Literal["keyset"] = "keyset"
    version: Version = 1
    fingerprint: Fingerprint
    values: Annotated[tuple[TypedValue, ...], Field(min_length=1)]
    """The key columns' values, in sort order."""


class TokenContext(_Resume):
    """After the first `offset` items of the page that `token` fetches (the first page has no token)."""

    kind: Literal["token"] = "token"
    version: Version = 1
    fingerprint: Fingerprint
    token: str | None = None
    """The cursor of the page; None for the first."""
    offset: UInt64
    """Items of that page already read."""


class OffsetContext(_Resume):
    """After the given sequence number of each partition."""

    kind: Literal["offset"] = "offset"
    version: Version = 1
    fingerprint: Fingerprint
    partitions: Annotated[dict[str, UInt64], AfterValidator(sorted_keys)]
    """Partition to last sequence number read."""


Context: TypeAlias = Annotated[
    MarkerContext | KeysetContext | TokenContext | OffsetContext, Field(discriminator="kind")
]
"""Where to resume, after one item."""

context_adapter: TypeAdapter[Context] = TypeAdapter(Context)


def fingerprint(*, stream: str, filter: object = None, sort: Sequence[str] = ()) -> str:
    """Return the digest of what is read and in which order.

    Args:
        stream: Which stream of the system: its table, collection, prefix.
        filter: Anything that narrows it, as plain values or Pydantic models.
        sort: The columns it is read in order of.

    Returns:
        The first 32 hexadecimal digits of the SHA-256 of the canonical JSON of all three.
    """
    described = to_jsonable_python({"stream": stream, "filter": filter, "sort": list(sort)})
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
