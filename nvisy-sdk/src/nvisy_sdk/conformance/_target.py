"""Writing, as several checks do it: into a fresh target, in batches, in a mode, published where that is what makes it seen."""

from collections.abc import Sequence
from typing import Any, Final

from .._error import ProviderError
from .._kind import Ability, DataKind, ErrorKind, Feature, WriteMode
from .._schema import Field, Schema
from .._write import Receipt
from ..testing import RowBatch
from ._case import PAGE, Case, Session
from ._fidelity import target
from ._harness import Item
from ._outcome import CheckFailed
from ._profile import differences


async def store(
    case: Case, session: Session, items: Sequence[Item], *, schema: Schema | None = None, size: int = PAGE
) -> list[Receipt]:
    """Make the target ready and write items in batches; return the receipts."""
    await case.prepare(session, schema=schema)
    parts = [items[first : first + size] for first in range(0, len(items), size)]
    receipts = [await case.send(session, case.batch(part, schema=schema)) for part in parts]
    await publish(case, session)
    return receipts


async def publish(case: Case, session: Session) -> None:
    """Do what the engine does at the end of a run, where the provider stages what it writes."""
    if case.can(Ability.STAGED):
        await case.within(case.patience, session.publish(), "publish")


async def stored(
    case: Case, items: Sequence[Item], *, mode: WriteMode | None = None, schema: Schema | None = None, **changes: Any
) -> str:
    """Write items into a fresh target, in a session of their own, and return the stream."""
    stream, needed = await target(case, schema)
    async with case.session(stream, **needed, **moded(mode), **changes) as session:
        for receipt in await store(case, session, items, schema=schema):
            case.expect(not receipt.rejected, f"plain items are rejected: {reasons(receipt)}")
    return stream


def moded(mode: WriteMode | None) -> dict[str, Any]:
    """Return the change of parameters that chooses a mode."""
    return {} if mode is None else {"mode": mode}


def keeping(case: Case) -> WriteMode | None:
    """Return a mode in which what was written before stays."""
    return case.mode(WriteMode.UPSERT, WriteMode.APPEND)


def reasons(receipt: Receipt) -> str:
    """Return the rejections of a receipt in words."""
    return "; ".join(f"item {one.index}: {one.code}: {one.reason}" for one in receipt.rejected)


async def mode_is_refused(case: Case, mode: WriteMode) -> None:
    """Verify that a mode which the manifest does not name is refused, and writes nothing."""
    case.observe()
    stream, needed = await target(case)
    try:
        case.params(stream, **needed, mode=mode)
    except CheckFailed:  # the model of the parameters refuses it
        return

    async def use() -> None:
        async with case.session(stream, **needed, mode=mode) as session:
            await case.write(session, case.items(1))

    kinds = (ErrorKind.UNSUPPORTED, ErrorKind.INVALID_CONFIG)
    await case.expect_error(use(), *kinds, what=f"writing with `mode: {mode}`, which the manifest does not name,")
    found = await case.dump(stream)
    case.expect(not found, f"`mode: {mode}` is refused, and {len(found)} items were written all the same")


def loose(case: Case, schema: Schema | None = None) -> Schema:
    """Return a schema in which every column may be null: what a source says that does not know better."""
    schema = schema or case.profile.schema
    return Schema(fields=tuple(Field(name=field.name, type=field.type) for field in schema.fields))


def unfit(case: Case, item: Item) -> Item:
    """Return the item without what an item of its kind cannot be without."""
    return {**item, "payload" if case.kind is DataKind.MESSAGE else case.profile.key[-1]: None}


def found_of(case: Case, found: Sequence[Item], wanted: Sequence[Item]) -> list[int]:
    """Return the places of the wanted items that are there as they should be."""
    places = []
    for place, item in enumerate(wanted):
        same = [each for each in found if case.profile.key_of(each) == case.profile.key_of(item)]
        if same and not differences(case.profile, same, [item]):
            places.append(place)
    return places


def big_integers(case: Case, items: Sequence[Item]) -> list[Item]:
    """Return the items with some integers that a double cannot hold, where such are claimed."""
    changed = [dict(item) for item in items]
    if case.kind is DataKind.RECORD and case.feature(Feature.INT).state == "full":
        for item, value in zip(changed, (2**53 + 1, -(2**63), 2**63 - 1), strict=False):
            item["score"] = value
    return changed


class Foreign:
    """A batch of a class of its own, that has all a sink may ask for, and counts how often it is asked for the items.

    Args:
        batch: The items.
        own: Whether `rows` hands out its own rows, each with its columns in an order of its own.
    """

    def __init__(self, batch: RowBatch, *, own: bool = False) -> None:
        self.kind = batch.kind
        self.schema = batch.schema
        self.asked = 0
        self.own = batch.rows()
        if own:
            self.own = [dict(sorted(row.items(), reverse=bool(place % 2))) for place, row in enumerate(self.own)]

    @property
    def num_rows(self) -> int:
        """How many items there are."""
        return len(self.own)

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.own)

    def rows(self) -> list[dict[str, object]]:
        """Return the items as dicts: the batch's own."""
        self.asked += 1
        return self.own

    def tuples(self) -> list[tuple[object, ...]]:
        """Return the items as tuples, columns in the schema's order."""
        self.asked += 1
        return [tuple(row[field.name] for field in self.schema.fields) for row in self.own]

    def __arrow_c_schema__(self) -> object:
        """Return the capsule of the Arrow schema."""
        return self._copy().__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the capsules of the Arrow schema and struct array."""
        self.asked += 1
        return self._copy().__arrow_c_array__(requested_schema)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the capsule of a stream of one Arrow batch."""
        self.asked += 1
        return self._copy().__arrow_c_stream__(requested_schema)

    def _copy(self) -> RowBatch:
        return RowBatch(self.own, schema=self.schema, kind=self.kind)


async def attempt(case: Case, session: Session, batch: Any) -> Receipt | ProviderError:
    """Write a batch that may be refused; the receipt, or the error of the SDK."""
    try:
        return await case.send(session, batch)
    except ProviderError as err:
        return err


def nested(case: Case) -> list[Item]:
    """Return items whose inner parts have different keys, in different orders."""
    items = case.profile.items(4)
    inside = {
        DataKind.EMBEDDING: "metadata",
        DataKind.DOCUMENT: "content",
        DataKind.GRAPH: "properties",
        DataKind.MESSAGE: "headers",
    }.get(case.kind)
    if inside is None:
        return [{**items[0], "score": None}, {**items[1], "name": None}, items[2], items[3]] if _record(case) else items
    parts: tuple[dict[str, Any], ...] = (
        {"b": "1", "a": "2"},
        {"a": "3"},
        {"c": "4", "b": "5"},
        {"a": "6", "b": "7"},
    )
    return [{**item, inside: part} for item, part in zip(items, parts, strict=True)]


def _record(case: Case) -> bool:
    return case.kind is DataKind.RECORD


def large(case: Case, item: Item, size: int) -> Item:
    """Return the item with so many bytes in it."""
    text, data = "x" * size, b"x" * size
    grown: dict[DataKind, Item] = {
        DataKind.RECORD: {"name": text},
        DataKind.OBJECT: {"data": data, "size": size},
        DataKind.EMBEDDING: {"metadata": {"text": text}},
        DataKind.DOCUMENT: {"content": {"text": text}},
        DataKind.MESSAGE: {"payload": data},
        DataKind.GRAPH: {"properties": {"text": text}},
    }
    return {**item, **grown[case.kind]}


EMPTY: Final[dict[DataKind, tuple[Item, ...]]] = {
    DataKind.RECORD: ({"name": None, "score": None}, {"name": "", "score": 0}),
    DataKind.OBJECT: ({"data": b"", "size": 0},),
    DataKind.EMBEDDING: ({"vector": [0.0] * 4}, {"metadata": {}}, {"metadata": None}),
    DataKind.DOCUMENT: ({"content": {}}, {"content": {"nothing": None}}),
    DataKind.MESSAGE: ({"payload": b""}, {"headers": {}}, {"headers": None}),
    DataKind.GRAPH: ({"properties": {}}, {"labels": []}, {"properties": None}),
}
"""What makes an item of each kind as empty as it can be."""
