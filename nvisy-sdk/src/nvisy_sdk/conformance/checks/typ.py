"""TYP: what goes in comes out. The values are data, in `_values.py`; how one is judged is in `_fidelity.py`."""

from array import array
from typing import Final

from ..._kind import Ability, CapabilityState, DataKind, Feature
from ..._schema import Field, Int64Type, JsonType, ListType, Schema, TextType
from .._case import Case
from .._check import check
from .._fidelity import again, found, keeps, put, swaps
from .._harness import Item
from .._inverse import refused
from .._outcome import Level
from .._profile import DIMENSION

_JSON: Final = (DataKind.RECORD, DataKind.DOCUMENT, DataKind.EMBEDDING, DataKind.GRAPH)
_WORDS: Final = (
    "select",
    "Order",
    "GROUP BY",
    "table",
    "user",
    "from",
    "null",
    "1st",
    "naïve 😀",
    'quote"d',
    "it's",
    "per%cent",
)
_MANY: Final = 500
_META: Final = {"Case": "a", "case": "b", "x-ünïcode": "naïve 😀", "empty": "", "n": "1", "dotted.name": "c"}


@check(
    "TYP-01",
    Level.BRONZE,
    "null, a missing value and an empty one are told apart",
    features=(Feature.NULL,),
    kinds=_JSON,
    after=("WRT-01",),
)
async def nulls_are_kept(case: Case) -> None:
    """Write nulls beside what is often taken for null."""
    await keeps(case, "TYP-01")


@check("TYP-02", Level.BRONZE, "booleans stay booleans", features=(Feature.BOOL,), kinds=_JSON, after=("WRT-01",))
async def booleans_are_kept(case: Case) -> None:
    """Write both."""
    await keeps(case, "TYP-02")


@check(
    "TYP-03",
    Level.BRONZE,
    "integers are exact to 64 bits; larger ones are exact or refused, and never floats",
    features=(Feature.INT,),
    kinds=_JSON,
    after=("WRT-01",),
)
async def integers_are_kept(case: Case) -> None:
    """Write those at which systems, drivers and JSON libraries lose digits."""
    await keeps(case, "TYP-03")


@check(
    "TYP-04",
    Level.SILVER,
    "floats are exact to the bit; NaN and the infinities are kept or refused as declared, and never null",
    features=(Feature.FLOAT,),
    kinds=_JSON,
    after=("WRT-01",),
)
async def floats_are_kept(case: Case) -> None:
    """Write the extremes, both zeros, and what JSON cannot say."""
    await keeps(case, "TYP-04")


@check(
    "TYP-05",
    Level.SILVER,
    "decimals keep every digit and their scale",
    features=(Feature.DECIMAL,),
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def decimals_are_kept(case: Case) -> None:
    """Write 38 digits, and zeros at the end."""
    await keeps(case, "TYP-05")


@check(
    "TYP-06",
    Level.BRONZE,
    "text is kept, code point by code point",
    features=(Feature.TEXT,),
    kinds=_JSON,
    after=("WRT-01",),
)
async def text_is_kept(case: Case) -> None:
    """Write what is trimmed, normalised, folded, escaped or cut elsewhere."""
    await keeps(case, "TYP-06")


@check(
    "TYP-07",
    Level.BRONZE,
    "bytes are kept",
    features=(Feature.BYTES,),
    kinds=(DataKind.RECORD, DataKind.OBJECT, DataKind.MESSAGE),
    after=("WRT-01",),
)
async def bytes_are_kept(case: Case) -> None:
    """Write every byte, none, and many."""
    await keeps(case, "TYP-07")


@check(
    "TYP-08",
    Level.SILVER,
    "dates and times of day are kept, from year 1 to 9999 and to the microsecond",
    features=(Feature.DATE,),
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def dates_are_kept(case: Case) -> None:
    """Write the ends of the calendar and of the day."""
    await keeps(case, "TYP-08")


@check(
    "TYP-09",
    Level.SILVER,
    "timestamps are kept to the microsecond, as instants and as readings without a zone",
    features=(Feature.TIMESTAMP,),
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def timestamps_are_kept(case: Case) -> None:
    """Write instants, and readings that some zone does not have or has twice."""
    await keeps(case, "TYP-09")


@check(
    "TYP-10",
    Level.SILVER,
    "durations are kept",
    features=(Feature.DURATION,),
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def durations_are_kept(case: Case) -> None:
    """Write short, long and negative ones."""
    await keeps(case, "TYP-10")


@check("TYP-11", Level.BRONZE, "UUIDs are kept", features=(Feature.UUID,), kinds=(DataKind.RECORD,), after=("WRT-01",))
async def uuids_are_kept(case: Case) -> None:
    """Write some."""
    await keeps(case, "TYP-11")


@check(
    "TYP-12",
    Level.SILVER,
    "JSON is kept at any depth, with any name",
    features=(Feature.JSON,),
    kinds=_JSON,
    after=("WRT-01",),
)
async def json_is_kept(case: Case) -> None:
    """Write deep, empty, mixed and oddly named values."""
    await keeps(case, "TYP-12")


@check(
    "TYP-13",
    Level.BRONZE,
    "columns may be reserved words, differ in nothing but case, and be 500; or are refused by name",
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def column_names_are_kept(case: Case) -> None:
    """Write to a table of odd columns, to one of two that look alike, and to one of very many."""
    await _columns(case, _WORDS, may_refuse=False)
    await _columns(case, ("Name", "NAME"), may_refuse=True)
    many = case.manifest.limit(Ability.WRITE, "max_columns") or _MANY
    await _columns(case, [f"c{number:03}" for number in range(min(many, _MANY))], may_refuse=True)


@check(
    "TYP-14",
    Level.BRONZE,
    "objects are kept, with empty bodies and odd paths",
    kinds=(DataKind.OBJECT,),
    after=("WRT-01",),
)
async def objects_are_kept(case: Case) -> None:
    """Write an empty object, a large one, and paths that are escaped or cut elsewhere."""
    paths = (
        "empty",
        "a b.txt",
        "100%.txt",
        "ünï/😀.bin",
        "plus+and&more=?.txt",
        "a/b/c/d/e",
        "UPPER.txt",
        "upper.txt",
        "trailing.",
    )
    items: list[Item] = []
    for place, path in enumerate(paths):
        data = bytes([place]) * (place * 1000)
        items.append({"path": path, "data": data, "size": len(data)})
    await _items_kept(case, items, "an object", Feature.NAMES)


@check(
    "TYP-15",
    Level.BRONZE,
    "documents are kept under any id, however nested",
    kinds=(DataKind.DOCUMENT,),
    after=("WRT-01",),
)
async def documents_are_kept(case: Case) -> None:
    """Write ids that look like something else, and a document in a document."""
    names = ("1", "0123", "null", "a b", "a/b", "naïve 😀", "x" * 200, "A", "a", "507f1f77bcf86cd799439011")
    items: list[Item] = [
        {"id": name, "content": {"id": "inner", "n": place, "in": {"a": [{"b": None}]}}}
        for place, name in enumerate(names)
    ]
    await _items_kept(case, items, "a document", Feature.NAMES)


@check(
    "TYP-16",
    Level.BRONZE,
    "vectors are exact to the bit of 32; one of another length or with NaN is refused",
    features=(Feature.VECTOR,),
    kinds=(DataKind.EMBEDDING,),
    after=("WRT-01",),
)
async def vectors_are_kept(case: Case) -> None:
    """Write extremes of 32 bits, then what no collection can hold."""
    fine = (
        [0.1, -0.5, 1.0, 0.25],
        [3.4028234663852886e38, 1.0, -1.0, 0.5],
        [2.0**-126, 0.5, 1.0, 2.0],
        [1.0, 0.0, 0.0, 0.0],
    )
    await _vectors(case, [_single(vector) for vector in fine], "a vector")
    await _vectors(case, [[0.0] * DIMENSION], "the zero vector")
    for odd, what in (([1.0] * (DIMENSION - 1), "too short"), ([1.0] * (DIMENSION + 1), "too long")):
        stream, refusal = await put(case, case.adapted([_embedding(0, [1.0] * DIMENSION), _embedding(1, odd)]))
        if case.can(Ability.WRITE):
            held = [] if refusal else await found(case, stream, 2)
            text = f"a vector that is {what} for its collection was accepted: {[len(_vector(item)) for item in held]}"
            case.expect(refusal, text)
    stream, refusal = await put(case, case.adapted([_embedding(0, [float("nan"), 1.0, 1.0, 1.0])]))
    kept = not refusal and [str(number) for item in await found(case, stream, 1) for number in _vector(item)][:1] == [
        "nan"
    ]
    case.expect(refusal or kept, "a vector with NaN was accepted and changed")


@check(
    "TYP-17",
    Level.SILVER,
    "messages are kept: their bytes, their headers and their order",
    kinds=(DataKind.MESSAGE,),
    after=("WRT-01",),
)
async def messages_are_kept(case: Case) -> None:
    """Write binary and empty payloads, with headers and without."""
    bodies = (b"\0\xff\xfe", b"", b"\r\n\r\n", b"NATS/1.0\r\n", "naïve".encode(), b"{}")
    items: list[Item] = [
        {"id": f"t{place:04}", "payload": body, **({"headers": {"n": str(place)}} if place % 2 else {})}
        for place, body in enumerate(bodies)
    ]
    await _items_kept(case, items, "a message", Feature.BYTES)


@check(
    "TYP-18",
    Level.SILVER,
    "edges are kept: before their nodes, to themselves, several between two nodes",
    kinds=(DataKind.GRAPH,),
    after=("WRT-01",),
)
async def edges_are_kept(case: Case) -> None:
    """Write edges before nodes in one batch, then one to a node that is not there."""
    edges = (("e1", "a", "b"), ("e2", "a", "b"), ("e3", "b", "b"), ("e4", "b", "a"))
    items: list[Item] = [_edge(name, start, end) for name, start, end in edges]
    items += [
        {"element": "node", "id": name, "labels": ["Second", "First"], "properties": {"n": 1}} for name in ("a", "b")
    ]
    await _items_kept(case, items, "an element", Feature.NAMES, schema=_GRAPH)
    if case.can(Ability.WRITE):
        stream, refusal = await put(case, case.adapted([_edge("e9", "nowhere", "nobody")]), _GRAPH)
        held = [] if refusal else await found(case, stream, 1)
        case.expect(refusal or held, "an edge between nodes that are not there was accepted and is not there either")


@check(
    "TYP-19",
    Level.BRONZE,
    "metadata and headers are kept exactly",
    features=(Feature.METADATA,),
    kinds=(DataKind.OBJECT, DataKind.EMBEDDING, DataKind.DOCUMENT, DataKind.MESSAGE, DataKind.GRAPH),
    after=("WRT-01",),
)
async def metadata_is_kept(case: Case) -> None:
    """Write names that differ in case alone, and values of every length."""
    column = {DataKind.MESSAGE: "headers", DataKind.GRAPH: "properties"}.get(case.kind, "metadata")
    known = case.profile.schema.field(column)
    schema = case.profile.schema if known else _with(case.profile.schema, column)
    items = [{**item, column: dict(_META)} for item in case.profile.items(2)]
    await _items_kept(case, items, f"an item with {column}", Feature.METADATA, schema=schema)


@check("TYP-20", Level.SILVER, "what the manifest says a value becomes is exactly what it becomes", after=("WRT-01",))
async def conversions_are_as_declared(case: Case) -> None:
    """Look at every `X becomes Y` in the mechanisms of the features of types."""
    for feature in Feature:
        if feature.value.startswith("types."):
            await swaps(case, feature)


@check(
    "TYP-21",
    Level.SILVER,
    "lists, structs and vectors in a column are kept, in their order and with their nulls",
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def nested_columns_are_kept(case: Case) -> None:
    """Write flat, nested and empty ones; each of the three may be refused as declared."""
    await keeps(case, "TYP-21")


async def _columns(case: Case, names: "tuple[str, ...] | list[str]", *, may_refuse: bool) -> None:
    key = Field(name="id", type=Int64Type(), nullable=False)
    schema = Schema(fields=(key, *(Field(name=name, type=TextType()) for name in names)))
    items: list[Item] = [{"id": 1, **{name: f"value of {name}" for name in names}}]
    what = ", ".join(names[:3])
    stream, refusal = await put(case, items, schema)
    if refusal:
        capability = case.feature(Feature.NAMES)
        allowed = may_refuse or (capability.state is not CapabilityState.FULL and refused(capability, refusal))
        case.expect(
            allowed, f"the columns {what} were refused ({refusal}); every name is allowed unless `names` says otherwise"
        )
        return
    if case.can(Ability.WRITE):
        case.expect_items(await found(case, stream, 1), items, f"the columns {what}: the system holds another item")
    if case.can(Ability.READ):
        case.expect_items(await again(case, stream), items, f"the columns {what}: reading gives another item")


async def _items_kept(
    case: Case, items: "list[Item]", what: str, feature: Feature, *, schema: Schema | None = None
) -> None:
    """Write them all at once where the feature is claimed in full; else one by one, each of which may be refused."""
    capability, adapted = case.feature(feature), case.adapted(items)
    groups = [adapted] if capability.state is CapabilityState.FULL else [[item] for item in adapted]
    for group in groups:
        stream, refusal = await put(case, group, schema)
        if refusal:
            fine = capability.state is not CapabilityState.FULL and refused(capability, refusal)
            case.expect(
                fine,
                f"{what} was refused ({refusal}), and `{feature}` is {capability.state}: {capability.mechanism or 'in full'}",
            )
            continue
        if case.can(Ability.WRITE):
            case.expect_items(await found(case, stream, len(group)), group, f"{what} is not held as it was written")
        if case.can(Ability.READ):
            case.expect_items(await again(case, stream), group, f"{what} is not read as it was written")


async def _vectors(case: Case, vectors: "list[list[float]]", what: str) -> None:
    items = [_embedding(place, vector) for place, vector in enumerate(vectors)]
    await _items_kept(case, items, what, Feature.VECTOR)


def _single(vector: "list[float]") -> "list[float]":
    """Return the nearest numbers of 32 bits, which is what a vector holds."""
    return list(array("f", vector))


def _embedding(place: int, vector: "list[float]") -> Item:
    return {"id": f"t{place:04}", "vector": vector, "metadata": {"n": place}}


def _vector(item: Item) -> "list[float]":
    vector = item.get("vector")
    return list(vector) if isinstance(vector, list | tuple) else []


def _edge(id: str, start: str, end: str) -> Item:
    return {"element": "edge", "id": id, "label": "KNOWS", "from": start, "to": end, "properties": {"weight": 0.5}}


def _with(schema: Schema, column: str) -> Schema:
    return Schema(fields=(*schema.fields, Field(name=column, type=JsonType())))


_GRAPH: Final = Schema(
    fields=(
        Field(name="element", type=TextType(), nullable=False),
        Field(name="id", type=TextType(), nullable=False),
        Field(name="labels", type=ListType(item=TextType())),
        Field(name="from", type=TextType()),
        Field(name="to", type=TextType()),
        Field(name="label", type=TextType()),
        Field(name="properties", type=JsonType()),
    )
)
