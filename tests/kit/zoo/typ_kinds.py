"""Animals of the family TYP that move no rows: objects, documents, vectors, messages and graphs that arrive as something else."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

import nvisy_sdk as sdk
from nvisy_sdk import DataKind

from tests.kit import reference
from tests.kit.zoo._animal import animal

Rows = list[dict[str, Any]]

Objects: Any = reference.provider(DataKind.OBJECT)
Documents: Any = reference.provider(DataKind.DOCUMENT)
Vectors: Any = reference.provider(DataKind.EMBEDDING)
Messages: Any = reference.provider(DataKind.MESSAGE)
Graphs: Any = reference.provider(DataKind.GRAPH)


@animal(breaks="TYP-01", pattern=r"of json None the system holds a missing value", kind=DataKind.DOCUMENT)
class DropsNulls(Documents):
    """Leaves out what is null."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "content": _without_nulls(row["content"])} for row in super()._items(batch)]


def _without_nulls(value: Any) -> Any:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


@animal(breaks="TYP-07", pattern=r"of binary b'\\x00\\x01.* the system holds", kind=DataKind.OBJECT)
class CleansObjects(Objects):
    """Ends every line as this machine does."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "data": row["data"].replace(b"\r", b"\n")} for row in super()._items(batch)]


@animal(
    breaks="TYP-14",
    pattern=r"an object is not held as it was written: item path='a b\.txt' is missing",
    kind=DataKind.OBJECT,
)
class QuotesPaths(Objects):
    """Writes paths as they stand in a URL."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "path": quote(row["path"])} for row in super()._items(batch)]


@animal(
    breaks="TYP-15",
    pattern=r"a document is not held as it was written: item id='0123' is missing",
    kind=DataKind.DOCUMENT,
)
class NumericIds(Documents):
    """Takes an id of digits for a number."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "id": row["id"].lstrip("0") or "0"} for row in super()._items(batch)]


@animal(breaks="TYP-16", pattern=r"a vector that is too short for its collection was accepted", kind=DataKind.EMBEDDING)
class PadsVectors(Vectors):
    """Makes every vector fit."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "vector": (row["vector"] + [0.0] * 4)[:4]} for row in super()._items(batch)]


@animal(
    breaks="TYP-16", pattern=r"a vector is not held as it was written: .*`vector` is \[0\.08", kind=DataKind.EMBEDDING
)
class NormalisesVectors(Vectors):
    """Gives every vector the length 1."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "vector": _normal(row["vector"])} for row in super()._items(batch)]


def _normal(vector: list[float]) -> list[float]:
    length = math.hypot(*vector) or 1.0
    return [number / length for number in vector]


@animal(breaks="TYP-16", pattern=r"a vector with NaN was accepted and changed", kind=DataKind.EMBEDDING)
class ZeroesNan(Vectors):
    """Writes zero for what is no number."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [
            {**row, "vector": [0.0 if math.isnan(number) else number for number in row["vector"]]}
            for row in super()._items(batch)
        ]


@animal(breaks="TYP-17", pattern=r"a message is not held as it was written: .*`headers` is None", kind=DataKind.MESSAGE)
class DropsHeaders(Messages):
    """Sends the payload alone."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "headers": None} for row in super()._items(batch)]


@animal(breaks="TYP-18", pattern=r"an element is not held as it was written: .*id='e2' is missing", kind=DataKind.GRAPH)
class MergesEdges(Graphs):
    """Knows one edge between two nodes."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{**row, "id": "e1" if row["id"] == "e2" else row["id"]} for row in super()._items(batch)]


@animal(breaks="TYP-18", pattern=r"`labels` is \['First', 'Second'\]", kind=DataKind.GRAPH)
class SortsLabels(Graphs):
    """Keeps labels as a set."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [
            {**row, "labels": sorted(row["labels"]) if row.get("labels") else None} for row in super()._items(batch)
        ]


@animal(breaks="TYP-18", pattern=r"nodes that are not there was accepted and is not there either", kind=DataKind.GRAPH)
class IgnoresDanglingEdges(Graphs):
    """Matches both ends of an edge, and creates nothing where one is missing."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        rows: Rows = super()._items(batch)
        nodes = {row["id"] for row in rows if row["element"] == "node"}
        self._dropped = [row for row in rows if row["element"] == "edge" and not {row["from"], row["to"]} <= nodes]
        return [row for row in rows if row not in self._dropped]

    def _receipt(self, reply: dict[str, Any]) -> sdk.Receipt:
        made: sdk.Receipt = super()._receipt(reply)
        return made.model_copy(update={"accepted": made.accepted + len(self._dropped)})


@animal(breaks="TYP-19", pattern=r"an item with headers is not held as it was written", kind=DataKind.MESSAGE)
class LowersHeaders(Messages):
    """Takes names of headers for what they are on the web."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [
            {**row, "headers": {name.lower(): one for name, one in (row["headers"] or {}).items()}}
            for row in super()._items(batch)
        ]


@animal(breaks="TYP-19", pattern=r"an item with metadata is not held as it was written", kind=DataKind.EMBEDDING)
class DropsEmptyMetadata(Vectors):
    """Leaves out what is empty."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [
            {**row, "metadata": {name: one for name, one in (row["metadata"] or {}).items() if one != ""}}
            for row in super()._items(batch)
        ]


@animal(
    breaks="BND-03", pattern=r"has the column `score`, which is none of its kind `embedding`", kind=DataKind.EMBEDDING
)
class AddsScore(Vectors):
    """Hands out everything that its service says of a vector."""

    async def _page(self, token: str | None) -> Any:
        items, tokens, more = await super()._page(token)
        return [{**item, "score": 1.0} for item in items], tokens, more
