"""Writing batches into a collection: adding, putting in the place of what has the id, or replacing the whole collection.

A replacement is written to a collection beside the target and takes the target's name in the end.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import nvisy_sdk as sdk
from nvisy_sdk import WriteMode

from ._item import Record, Refused, record
from .client import BATCH_ROWS, GRACE, Session
from .reader import GONE, STAGE

SWAP: Final = "a replacement takes its place by two renames; between them the collection is not found"
_REQUEST_BYTES: Final = 4 * 2**20  # a server takes 40 MiB; smaller requests keep the loop free
_COLUMNS: Final = {"id": "text", "vector": "vector", "metadata": "json"}
_Numbered = tuple[int, Record]


class Writer(Session):
    """The session as a sink."""

    _goal: Any = None  # the collection that is written to; None before the first `prepare`
    _most = 0  # items in a request; 0 before the first

    async def prepare(self, request: sdk.Prepare) -> None:
        """Make the collection, or check that it can take the vectors; begin a replacement anew when it is asked for."""
        dimension = _dimension(request)
        target = await self._target()
        self._fits(target, dimension)
        if self._mode is WriteMode.REPLACE:
            stage = await self.found(self.name() + STAGE)
            if request.fresh and self._goal is None:
                stage = await self._restage(target, stage)
            target = stage or target  # a stream that goes on after it was published adds to what is there
        self._goal = target

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Write one batch, in as many requests as it needs."""
        goal = self._goal or await self.collection()
        rejected: list[sdk.Rejection] = []
        records = _records(batch, goal, rejected, keep_last=self._mode is not WriteMode.APPEND)
        self._most = self._most or min(await self.call("get_max_batch_size"), BATCH_ROWS)
        for piece in _pieces(records, self._most):
            rejected += await self._put(goal, piece)
        in_order = tuple(sorted(rejected, key=lambda one: one.index))
        return sdk.Receipt(accepted=len(batch) - len(rejected), rejected=in_order)

    async def publish(self) -> None:
        """Give the staged collection the target's name; without a staged one there is nothing to do."""
        stage = await self.found(self.name() + STAGE) if self._mode is WriteMode.REPLACE else None
        if stage is not None:
            target = await self.found(self.name())
            if target is not None:
                await self._drop(self.name() + GONE)
            await self._calls.run(self._swap(stage, target), grace=GRACE)
        if self._mode is WriteMode.REPLACE and await self.found(self.name()) is not None:
            await self._drop(self.name() + GONE)
        self._goal = None

    @property
    def _mode(self) -> WriteMode:
        return self._params.mode or WriteMode.UPSERT

    async def _swap(self, stage: Any, target: Any | None) -> None:
        if target is not None:
            await self.call("_modify", id=target.id, new_name=self.name() + GONE, **self._place)
        await self.call("_modify", id=stage.id, new_name=self.name(), **self._place)

    async def _drop(self, name: str) -> None:
        if await self.found(name) is not None:
            await self.call("delete_collection", name=name, **self._place)

    async def _target(self) -> Any:
        target = await self.found(self.name())
        if target is None and self._mode is WriteMode.REPLACE:
            old = await self.found(self.name() + GONE)
            if old is not None:  # a replacement was cut short between its two renames
                await self.call("_modify", id=old.id, new_name=self.name(), **self._place)
                return await self.collection()
        if target is None and self._params.create:
            return await self._create(self.name(), {"space": self._params.space} if self._params.space else {}, None)
        return target or await self.collection()

    async def _create(self, name: str, index: dict[str, Any], metadata: dict[str, Any] | None) -> Any:
        more: dict[str, Any] = {"configuration": {"hnsw": index} if index else None, "metadata": metadata}
        return await self.call("create_collection", name=name, get_or_create=True, **more, **self._place)

    def _fits(self, target: Any, dimension: int) -> None:
        where, space = {"collection": str(target.name), "column": "vector"}, _space(target)
        if target.dimension not in (None, dimension):
            text = (
                f"column vector has {dimension} numbers and those of collection {target.name} have {target.dimension}"
            )
            raise sdk.InvalidDataError(text, hint="write to another collection", context=where)
        if self._params.space not in (None, space):
            text = f"collection {target.name} measures distances by {space}, not by {self._params.space}"
            raise sdk.InvalidConfigError(text, hint="correct `space`, or write to another collection", context=where)

    async def _restage(self, target: Any, stage: Any | None) -> Any:
        """Make an empty collection of the target's settings."""
        settings = target.configuration_json
        if (settings.get("embedding_function") or {}).get("type") == "known" or not settings.get("hnsw"):
            text = f"collection {target.name} has an embedding function or index of its own, which a replacement would lose"
            raise sdk.UnsupportedError(text, hint="use mode upsert", context={"collection": str(target.name)})
        if stage is not None:
            await self._drop(stage.name)
        return await self._create(self.name() + STAGE, dict(settings["hnsw"]), target.metadata)

    async def _put(self, goal: Any, piece: list[_Numbered]) -> list[sdk.Rejection]:
        """Write what fits into one request; return what Chroma does not take."""
        adding = self._mode is WriteMode.APPEND
        wanted = [] if adding else ["metadatas", "documents", "uris"]
        ids = [one.id for _, one in piece]
        there = await self.call("_get", collection_id=goal.id, ids=ids, include=wanted, **self._place)
        columns = (there[name] for name in wanted)
        stored = {key: values for key, *values in zip(there["ids"], *columns, strict=True)}
        rejected = [_rejected(at, _duplicate(one.id)) for at, one in piece if adding and one.id in stored]
        piece = [(at, one) for at, one in piece if not (adding and one.id in stored)]
        for _, one in piece:
            if one.id in stored:
                one.over(*stored[one.id])
        if piece:
            rejected += await self._send("_add" if adding else "_upsert", goal, piece)
            await self._verify(goal, {one.id: one for _, one in piece})
        return rejected

    async def _send(self, verb: str, goal: Any, piece: list[_Numbered]) -> list[sdk.Rejection]:
        names = ("ids", "embeddings", "metadatas", "documents", "uris")
        values = ((one.id, one.vector, one.written(), one.document, one.uri) for _, one in piece)
        columns = dict(zip(names, map(list, zip(*values, strict=True)), strict=True))
        try:
            await self.call(verb, collection_id=goal.id, **columns, **self._place)
        except sdk.InvalidDataError as err:
            if len(piece) > 1:
                raise
            return [_rejected(piece[0][0], Refused("invalid_item", err.message))]
        return []

    async def _verify(self, goal: Any, written: dict[str, Record]) -> None:
        """Take away what Chroma gave to new items of what it left behind of others."""
        ids, wanted = list(written), ["metadatas"]
        there = await self.call("_get", collection_id=goal.id, ids=ids, include=wanted, **self._place)
        found = zip(there["ids"], there["metadatas"], strict=True)
        wrong = {key: astray for key, stored in found if (astray := written[key].astray(stored or {}))}
        if wrong:
            columns = {"ids": list(wrong), "metadatas": list(wrong.values())}
            await self.call("_update", collection_id=goal.id, **columns, **self._place)


def _dimension(request: sdk.Prepare) -> int:
    if request.kind is not sdk.DataKind.EMBEDDING:
        raise sdk.UnsupportedError(f"a collection holds embeddings, not {request.kind} items", hint="embed them first")
    for field in request.schema.fields:
        if field.type.name != _COLUMNS.get(field.name):
            text = (
                f"column {field.name} is of type {field.type.name}; a collection has id (text), vector, metadata (json)"
            )
            raise sdk.InvalidDataError(text, hint="cast it, or put it into `metadata`", context={"column": field.name})
    vector = request.schema.field("vector")
    if vector is None or not isinstance(vector.type, sdk.VectorType):
        raise sdk.InvalidDataError("column vector is missing", context={"column": "vector"})
    return vector.type.dimension


def _space(collection: Any) -> str:
    settings = collection.configuration_json
    return str((settings.get("hnsw") or settings.get("spann") or {}).get("space", "l2"))


def _records(
    batch: sdk.IncomingBatch, goal: Any, rejected: list[sdk.Rejection], *, keep_last: bool
) -> Iterable[_Numbered]:
    """Return the items as Chroma holds them, no id twice: the last one stays, or the first and the others are rejected."""
    vector = batch.schema.field("vector")
    dimension = vector.type.dimension if vector and isinstance(vector.type, sdk.VectorType) else goal.dimension or 0
    space, found = _space(goal), dict[str, _Numbered]()
    for at, row in enumerate(batch.rows()):
        try:
            one = record(row.get("id"), row.get("vector"), row.get("metadata"), dimension=dimension, space=space)
            if one.id in found and not keep_last:
                raise _duplicate(one.id)
            found[one.id] = (at, one)
        except Refused as refused:
            rejected.append(_rejected(at, refused))
    return found.values()


def _pieces(records: Iterable[_Numbered], most: int) -> Iterator[list[_Numbered]]:
    """Cut into requests, each of at most so many items and bytes; an item that is larger goes alone."""
    piece: list[_Numbered] = []
    size = 0
    for at, one in records:
        more = one.size()
        if piece and (len(piece) == most or size + more > _REQUEST_BYTES):
            yield piece
            piece, size = [], 0
        piece.append((at, one))
        size += more
    if piece:
        yield piece


def _duplicate(key: str) -> Refused:
    return Refused("duplicate_key", f"an item with the id {key} is already there")


def _rejected(at: int, refused: Refused) -> sdk.Rejection:
    return sdk.Rejection(index=at, code=refused.code, reason=refused.reason)
