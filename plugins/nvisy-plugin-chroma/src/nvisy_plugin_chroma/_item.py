"""One item and its form in Chroma, both ways and exact.

Chroma's metadata holds text, booleans, 64-bit integers and finite floats under most names. What else a JSON object may hold travels
as JSON text under one name of its own, `_nvisy`, beside what Chroma can hold and search. So do lists, although Chroma has them: it
leaves those of a deleted collection behind, and gives them to later items of other collections. The document and the URI of an item
are the metadata `chroma:document` and `chroma:uri`: names that Chroma itself keeps from others.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_OWN: Final = {"chroma:document": "document", "chroma:uri": "uri"}
_BOX: Final = "_nvisy"
_LEAST_SQUARE, _MOST_SQUARE = 1.2e-38, 3.4e38  # beyond, the length of a vector is no normal 32-bit float


class Refused(Exception):  # noqa: N818 - it says what happened to the item
    """An item that Chroma cannot hold: a short code and a reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class Record:
    """One item as Chroma holds it."""

    id: str
    vector: list[float]
    metadata: dict[str, Any] = field(default_factory=dict)
    document: str | None = None
    uri: str | None = None
    box: dict[str, Any] = field(default_factory=dict)  # what goes into `_nvisy`

    def written(self) -> dict[str, Any] | None:
        """Return the metadata with what only we understand."""
        return ({**self.metadata, _BOX: _text(self.box)} if self.box else self.metadata) or None

    def size(self) -> int:
        """Return about how many bytes a request needs for it."""
        texts = (self.id, self.document or "", self.uri or "", _text(self.written()))
        return 6 * len(self.vector) + sum(len(text.encode()) for text in texts)

    def over(self, stored: Mapping[str, Any] | None, document: str | None, uri: str | None) -> None:
        """Make this take the place of what is stored: Chroma's upsert merges, so what is to go must be said to go.

        A document or URI cannot be taken away; it becomes empty, and is noted as absent.
        """
        absent = []
        for name, old in (("document", document), ("uri", uri)):
            if old is not None and getattr(self, name) is None:
                setattr(self, name, "")
                absent.append(name)
        if absent:
            self.box = {**self.box, "absent": absent}
        self.metadata = {**dict.fromkeys(stored or ()), **self.metadata}

    def astray(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what must be written again, since what is stored is not what was written."""
        wanted = self.written() or {}
        return {name: wanted.get(name) for name in {**stored, **wanted} if stored.get(name) != wanted.get(name)}


def record(id: object, vector: object, metadata: object, *, dimension: int, space: str) -> Record:
    """Return the item as Chroma holds it.

    Raises:
        Refused: Chroma cannot hold it.
    """
    if not isinstance(id, str) or not id:
        raise Refused("empty_id", "the id is null or empty")
    made = Record(id, _vector(vector, dimension, space))
    try:
        if isinstance(metadata, Mapping):
            _spread(made, metadata)
        elif metadata is not None:
            made.box["metadata"] = metadata
        made.size()
    except UnicodeEncodeError as err:
        raise Refused("invalid_text", "a text holds a lone surrogate, which UTF-8 cannot write") from err
    except (ValueError, TypeError, RecursionError) as err:
        raise Refused("invalid_metadata", f"the metadata is no JSON: {str(err).lower()}") from err
    return made


def metadata_of(stored: Mapping[str, Any] | None, document: str | None, uri: str | None) -> object:
    """Return the metadata of an item that was read: the inverse of `record`."""
    plain = dict(stored or {})
    box = _unpacked(plain)
    for name, text in (("document", document), ("uri", uri)):
        if text is not None and name not in box.get("absent", ()):
            plain[f"chroma:{name}"] = text
    boxed = box.get("metadata")
    if isinstance(boxed, dict):
        return {**plain, **boxed}
    return boxed if boxed is not None else plain or None


def _vector(value: object, dimension: int, space: str) -> list[float]:
    if not isinstance(value, list | tuple):
        raise Refused("null_vector", "the vector is null")
    vector = list(value)
    if len(vector) != dimension:
        raise Refused("dimension", f"the vector has {len(vector)} numbers and the collection's have {dimension}")
    try:
        struct.pack(f"<{dimension}f", *vector)  # in this form an overflow is an error
    except (OverflowError, struct.error) as err:
        raise Refused("out_of_range", "the vector holds something that is no 32-bit float") from err
    if not all(map(math.isfinite, vector)):
        raise Refused("not_finite", "Chroma keeps finite numbers only, and the vector holds NaN or infinity")
    if space == "cosine" and any(vector):
        square = math.fsum(number * number for number in vector)
        if not _LEAST_SQUARE < square < _MOST_SQUARE:
            raise Refused("out_of_range", "the length of the vector is no 32-bit float, which the space cosine needs")
    return vector


def _spread(made: Record, metadata: Mapping[str, Any]) -> None:
    boxed = {}
    for name, value in metadata.items():
        if name in _OWN and isinstance(value, str):
            setattr(made, _OWN[name], value)
        elif _is_plain_name(name) and _is_plain(value):
            made.metadata[name] = value
        else:
            boxed[name] = value
    if boxed or not metadata:
        made.box["metadata"] = boxed


def _is_plain_name(name: str) -> bool:
    return bool(name) and name[0] not in "#$" and not name.startswith("chroma:") and name != _BOX


def _is_plain(value: object) -> bool:
    """Whether Chroma gives the value back as it is: -0.0, for one, would come back as 0.0."""
    if isinstance(value, float):
        return math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, str)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _unpacked(plain: dict[str, Any]) -> dict[str, Any]:
    """Take what `_nvisy` holds out of the metadata; what somebody else put there stays as it is."""
    try:
        box = json.loads(plain[_BOX])
    except (KeyError, TypeError, ValueError):
        return {}
    if not isinstance(box, dict) or not box or not box.keys() <= {"metadata", "absent"}:
        return {}
    del plain[_BOX]
    return box
