"""Reading a collection in the order of its ids, and looking into a database.

Chroma pages by offset in the order of insertion, and a deletion moves every item behind it to the front: an offset is no position.
So the ids are asked for first, in one request that sees one state of the collection; they are sorted, and the items are
fetched by their ids. What was deleted meanwhile is left out, and nothing can be passed over or come twice.
"""

from array import array
from collections.abc import AsyncGenerator
from typing import Any, Final

import nvisy_sdk as sdk

from ._item import metadata_of
from .client import BATCH_ROWS, Session

STAGE: Final = ".nvisy-stage"  # ends the name of a collection that is to take the place of another
GONE: Final = ".nvisy-old"  # ends the name of a collection whose place was taken
_NUMBERS: Final = 500_000  # floats in one page: some 10 MB as JSON
_COLLECTIONS: Final = 1_000


class Reader(Session):
    """The session as a source, and as something to look into."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the items whose ids sort after the one of `context`, `batch_rows` at a time."""
        name = self.name()
        mark = sdk.fingerprint(stream="/".join((*self._place.values(), name)), sort=["id"])
        after = _after(context, mark)
        collection = await self.collection()
        answer = await self.call("_get", collection_id=collection.id, include=[], **self._place)
        ids = sorted(key for key in answer["ids"] if after is None or key > after)
        size = min(self._params.batch_rows, BATCH_ROWS, max(1, _NUMBERS // (collection.dimension or 4_096)))
        for start in range(0, len(ids), size):
            rows = await self._page(collection, ids[start : start + size])
            if rows:
                yield sdk.Batch(rows, sdk.Keyset(("id",), mark), schema=_schema(len(rows[0][1])))

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the collections by name, without those that a replacement is being written to."""
        found: list[Any] = []
        while more := await self.call("list_collections", limit=_COLLECTIONS, offset=len(found), **self._place):
            found += more
        shown = (each for each in found if not each.name.endswith((STAGE, GONE)))
        return [_info(each) for each in sorted(shown, key=lambda each: str(each.name))]

    async def describe(self) -> sdk.StreamInfo:
        """Return the collection that the parameters name."""
        collection = await self.collection()
        rows = await self.call("_count", collection_id=collection.id, **self._place)
        return _info(collection).model_copy(update={"rows": rows})

    async def _page(self, collection: Any, ids: list[str]) -> list[tuple[Any, ...]]:
        """Return the items of those ids that are still there, in that order."""
        wanted = ["embeddings", "metadatas", "documents", "uris"]
        page = await self.call("_get", collection_id=collection.id, ids=ids, include=wanted, **self._place)
        columns = (page[name] or [None] * len(page["ids"]) for name in wanted)
        items = {key: values for key, *values in zip(page["ids"], *columns, strict=True)}
        return [_row(collection, key, *items[key]) for key in ids if key in items]


def _after(context: sdk.Context | None, mark: str) -> str | None:
    if context is None:
        return None
    if not isinstance(context, sdk.KeysetContext) or context.fingerprint != mark:
        hint = "start over, or restore the parameters it was made with"
        raise sdk.InvalidContextError("the context belongs to another collection, database or tenant", hint=hint)
    last, *more = context.values
    if more or not isinstance(last, sdk.TextValue):
        raise sdk.InvalidContextError("the context does not hold one id; a collection is read in the order of its ids")
    return last.value


def _row(collection: Any, key: str, vector: list[Any] | None, *texts: Any) -> tuple[Any, ...]:
    if vector is None or None in vector:
        text = f"the vector of item {key} in collection {collection.name} is not there or not finite"
        context = {"collection": str(collection.name), "id": key}
        raise sdk.InvalidDataError(text, hint="write the item again, or delete it", context=context)
    return key, array("f", vector).tolist(), metadata_of(*texts)


def _schema(dimension: int) -> sdk.Schema:
    vector = sdk.Field(name="vector", type=sdk.VectorType(dimension=dimension), nullable=False)
    metadata = sdk.Field(name="metadata", type=sdk.JsonType())
    return sdk.Schema(fields=(sdk.Field(name="id", type=sdk.TextType(), nullable=False), vector, metadata))


def _info(collection: Any) -> sdk.StreamInfo:
    """Describe a collection; how long its vectors are is not known before the first one."""
    schema = _schema(collection.dimension) if collection.dimension else None
    return sdk.StreamInfo(name=collection.name, schema=schema, key=("id",))
