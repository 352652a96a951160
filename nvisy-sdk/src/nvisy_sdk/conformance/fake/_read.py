"""The ways in which the fake service hands out items: by key, by path, by the order they came.

Each has an order that never changes for an item that is there, and a place to go on after that may be gone.
"""

import bisect
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from ._store import Item, RefusedError, Stored, Stream
from ._values import holds


def by_key(
    stream: Stream,
    sort: Sequence[str],
    after: Sequence[object] | None,
    limit: int,
    filter: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> tuple[list[Item], bool]:
    """Return the next items in the order of some columns that meet all conditions, and whether there are more.

    Raises:
        RefusedError: A column is not there, or null where it is a key, or what is given cannot be compared with it.
    """
    for name in [*sort, *(condition["column"] for condition in filter if stream.strict)]:
        if name not in stream.columns:
            raise RefusedError("invalid_query", f"stream `{stream.name}` has no column `{name}`")
    if not sort:
        raise RefusedError("invalid_query", f"stream `{stream.name}` has no key to read it in the order of")

    def ordered(items: list[Stored]) -> list[Stored]:
        chosen = [stored for stored in items if _meets(stored.item, filter) and _labelled(stored.item, labels)]
        for name in sort:
            if any(stored.item.get(name) is None for stored in chosen):
                message = f"column `{name}` of stream `{stream.name}` is null in an item, and is no key"
                raise RefusedError("invalid_data", message)
        return sorted(chosen, key=position)

    def position(stored: Stored) -> Any:
        return tuple(stored.item[name] for name in sort)

    view = stream.view(("key", tuple(sort), repr(filter), tuple(labels)), ordered)
    try:
        first = 0 if after is None else bisect.bisect_right(view, tuple(after), key=position)
    except TypeError:
        raise RefusedError("invalid_cursor", f"the cursor does not fit the key ({', '.join(sort)})") from None
    return [stored.item for stored in view[first : first + limit]], len(view) > first + limit


def by_path(stream: Stream, prefix: str, glob: str | None, after: str | None, limit: int) -> tuple[list[Item], bool]:
    """Return the next objects in the order of their paths' bytes, without their data, and whether there are more."""
    chosen = re.compile("(?s:.*)" if glob is None else _pattern(glob))
    view = stream.view("path", lambda items: sorted(items, key=_path))
    first = 0 if after is None else bisect.bisect_right(view, _bytes(after), key=_path)
    found: list[Item] = []
    for stored in view[first:]:
        path = str(stored.item["path"])
        if not path.startswith(prefix) or not chosen.fullmatch(path):
            continue
        if len(found) == limit:
            return found, True
        found.append(_listed(stored))
    return found, False


def part(stream: Stream, path: str, offset: int, length: int) -> tuple[Item, bytes]:
    """Return an object without its data, and some of its bytes.

    Raises:
        RefusedError: There is no such object.
    """
    found = stream.get({"path": path})
    if found is None:
        raise RefusedError("not_found", f"stream `{stream.name}` has no object `{path}`")
    return _listed(found), _data(found)[offset : offset + length]


def by_number(
    stream: Stream, after: int, limit: int, partition: int | None = None, subject: str | None = None
) -> tuple[list[Stored], bool]:
    """Return the next items in the order they came, of one partition and subject or of all, and whether there are more."""

    def chosen(items: list[Stored]) -> list[Stored]:
        wanted = [stored for stored in items if partition is None or stored.partition == partition]
        return [stored for stored in wanted if subject is None or stored.item.get("subject") == subject]

    view = stream.view(("number", partition, subject), chosen)
    first = bisect.bisect_right(view, after, key=lambda stored: stored.number)
    return view[first : first + limit], len(view) > first + limit


def _listed(stored: Stored) -> Item:
    return {**stored.item, "data": None, "size": len(_data(stored)), "etag": _etag(stored)}


def _meets(item: Item, filter: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an item meets all conditions; a document's own fields may be named in them."""
    content = item.get("content")
    inner = content if isinstance(content, dict) else {}
    for condition in filter:
        column = condition["column"]
        try:
            if not holds(item if column in item else inner, column, condition["op"], condition["value"]):
                return False
        except (TypeError, ValueError, ArithmeticError) as err:
            raise RefusedError("invalid_query", f"column `{column}` cannot be compared: {err}") from None
    return True


def _labelled(item: Item, labels: Sequence[str]) -> bool:
    """Whether a node has one of the labels, or an edge is of one of these types; all are when there are none."""
    there = item.get("labels")
    own = [*(there if isinstance(there, list) else []), item.get("label")]
    return not labels or any(label in own for label in labels)


def _pattern(glob: str) -> str:
    """Return a glob as a regular expression: `*` and `?` stay within a folder, `**` does not."""
    steps = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^\]]+\])", glob)
    return "(?s:" + "".join(steps.get(each) or _literal(each) for each in parts) + ")"


def _literal(text: str) -> str:
    if text.startswith("[") and text.endswith("]") and len(text) > 2:
        return text.replace("[!", "[^", 1)
    return re.escape(text)


def _data(stored: Stored) -> bytes:
    data = stored.item.get("data")
    return data if isinstance(data, bytes) else b""


def _etag(stored: Stored) -> str:
    return str(stored.item.get("etag") or f"{zlib.crc32(_data(stored)):08x}")


def _path(stored: Stored) -> bytes:
    return _bytes(str(stored.item["path"]))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
