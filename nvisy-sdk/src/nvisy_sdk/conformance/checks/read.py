"""READ: a read yields what is there, all of it, once, in the SDK's own types."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ..._batch import Batch, Each, End, Keyset, Resumable
from ..._kind import Ability, CapabilityState, ContextKind, DataKind, Feature
from ..._schema import Schema
from .._case import PAGE, Case, Session, apart
from .._check import check
from .._harness import Item
from .._outcome import HarnessFailed, Level
from .._stream import (
    CONTEXTS,
    HOSTILE,
    everything,
    has_param,
    identity,
    label,
    must_refuse,
    page_sizes,
    read_once,
    resume_everywhere,
    unless_refused,
    yields,
)

SOME = 2 * PAGE + 1
"""Items that fill two pages and begin a third."""
READ = (Ability.READ,)
NARROWED = (DataKind.RECORD, DataKind.DOCUMENT, DataKind.OBJECT, DataKind.GRAPH)
"""Kinds whose category has parameters that narrow a read."""


@check(
    "READ-01",
    Level.BRONZE,
    "the items that are read are the items that are there",
    needs=READ,
    after=("READ-02", "READ-06"),
)
async def reads_what_is_there(case: Case) -> None:
    """Seven items put there without the provider."""
    wanted = case.items(SOME)
    stream = await case.seed(wanted)
    async with case.session(stream) as session:
        await everything(case, session, wanted)


@check("READ-02", Level.BRONZE, "no item is read twice, whatever the size of the pages", needs=READ, after=("READ-06",))
async def reads_each_once(case: Case) -> None:
    """Pages of 1, 2 and 3."""
    stream = await case.seed(case.items(SOME))
    for pages in page_sizes(case):
        async with case.session(stream, **pages) as session:
            seen: set[object] = set()
            for item in await case.read_items(session):
                case.expect(repr(identity(case, item)) not in seen, f"{label(case, item)} was read twice{at(pages)}")
                seen.add(repr(identity(case, item)))


@check(
    "READ-03",
    Level.BRONZE,
    "two reads of the same data have the same order",
    needs=READ,
    features=(Feature.ORDER,),
    after=("READ-01",),
)
async def reads_in_one_order(case: Case) -> None:
    """One session twice, and another one with pages of another size."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        first = [identity(case, item) for item in await case.read_items(session)]
        again = [identity(case, item) for item in await case.read_items(session)]
    case.expect(len(first) == SOME, f"{len(first)} of {SOME} items were read")
    case.expect(first == again, "the second read of a session has another order than the first")
    for pages in page_sizes(case):
        async with case.session(stream, **pages) as session:
            other = [identity(case, item) for item in await case.read_items(session)]
        case.expect(first == other, f"another session reads in another order{at(pages)}")


@check("READ-04", Level.BRONZE, "a stream without items ends at once, without an item", needs=READ)
async def empty_stream_ends(case: Case) -> None:
    """There is a table, a folder, a queue; there is nothing in it."""
    stream = await case.seed([])
    async with case.session(stream) as session:
        found = await case.within(5, _items(session), "reading a stream without items")
        case.expect(not found, f"a stream without items yields {len(found)} items")


async def _items(session: Session) -> list[Any]:
    return [item async for yielded in session.read(None) for item in apart(yielded)]


@check(
    "READ-05",
    Level.BRONZE,
    "every number of items around the edges of a page is read whole",
    needs=READ,
    after=("READ-01", "READ-02"),
)
async def reads_at_page_edges(case: Case) -> None:
    """1, page - 1, page, page + 1, twice a page, and one more."""
    for count in (1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1):
        wanted = case.items(count)
        stream = await case.seed(wanted)
        async with case.session(stream) as session:
            await everything(case, session, wanted, f" {count} items in pages of {PAGE}")


@check(
    "READ-06", Level.BRONZE, "what is read is of the SDK's types, and of the kinds that the manifest names", needs=READ
)
async def yields_declared_types(case: Case) -> None:
    """Batches, their positions, their contexts, and one set of columns."""
    stream = await case.seed(case.items(SOME))
    columns: list[tuple[str, ...]] = []
    async with case.session(stream) as session:
        for yielded in await yields(case, session):
            name = type(yielded).__name__
            case.expect(isinstance(yielded, Batch | Resumable), f"`read` yielded a {name}, not a Batch or Resumable")
            kind = yielded.kind
            case.expect(
                kind is None or kind in case.manifest.kinds, f"an item's kind is {kind!r}, which is not declared"
            )
            columns += _columns(case, yielded)
        for item, context in await case.read(session):
            if context is not None:
                _declared_context(case, context, label(case, item))
    case.expect(len(set(columns)) <= 1, f"the columns change within a stream: {' then '.join(map(str, set(columns)))}")


def _columns(case: Case, yielded: Batch | Resumable) -> list[tuple[str, ...]]:
    """Look at one batch and return its columns, by its schema or by each of its items."""
    if isinstance(yielded, Resumable):
        rows: Any = [yielded.data]
    else:
        schema, rows = yielded.schema, yielded.data
        case.expect(isinstance(yielded.positions, End | Keyset | Each), "positions are neither End, Keyset nor Each")
        case.expect(schema is None or isinstance(schema, Schema), f"a schema is a {type(schema).__name__}")
        if schema is not None:
            return [tuple(field.name for field in schema.fields)]
    if not isinstance(rows, Sequence):
        return []
    for row in rows:
        rightly = isinstance(row, Mapping | BaseModel)
        case.expect(
            rightly, f"an item is a {type(row).__name__}; it must be a dict, a model, or a tuple under a schema"
        )
    return [tuple(sorted(row if isinstance(row, Mapping) else type(row).model_fields)) for row in rows]


def _declared_context(case: Case, context: object, after: str) -> None:
    case.expect(isinstance(context, CONTEXTS), f"the context after {after} is a {type(context).__name__}")
    kind = ContextKind(context.kind)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    wanted = ", ".join(case.manifest.contexts)
    case.expect(kind in case.manifest.contexts, f"the context after {after} is a {kind}; the manifest names {wanted}")


@check("READ-07", Level.BRONZE, "every item has a context", needs=READ, after=("READ-06",))
async def every_item_has_a_context(case: Case) -> None:
    """A context for the end of a batch of several items leaves all but the last without."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        for item, context in await case.read(session):
            case.expect(context is not None, f"{label(case, item)} has no context; give each item its own")


@check(
    "READ-08",
    Level.BRONZE,
    "no batch holds more than `batch_rows`, and a reader who stops early stops the read",
    needs=READ,
    after=("READ-01",),
)
async def batches_are_as_large_as_asked(case: Case) -> None:
    """Batches of 1, all but one, all, and one more than all; and a read that is closed after its first batch."""
    wanted = case.items(SOME)
    stream = await case.seed(wanted)
    if has_param(case, "batch_rows"):
        for size in (1, SOME - 1, SOME, SOME + 1):
            async with case.session(stream, batch_rows=size) as session:
                sizes = [len(apart(yielded)) for yielded in await yields(case, session)]
            case.expect(max(sizes, default=0) <= size, f"a batch holds {max(sizes)} items; `batch_rows` is {size}")
            case.expect(sum(sizes) == SOME, f"{sum(sizes)} items come with `batch_rows` {size}, not {SOME}")
    async with case.session(stream) as session:
        some = await case.read(session, stop=1)
        case.expect(len(some) == 1, "a read that is closed early yields nothing")
        await everything(case, session, wanted, " after a read that was closed early")


@check(
    "READ-09",
    Level.BRONZE,
    "streams and items of any name are read",
    needs=READ,
    features=(Feature.NAMES,),
    after=("READ-01",),
)
async def names_are_data(case: Case) -> None:
    """Quotes, spaces, wildcards, backslashes, dots, letters of other scripts and emoji."""
    for suffix in HOSTILE:
        stream, wanted = case.stream() + suffix, case.items(2)
        try:
            await case.seed(wanted, stream=stream)
        except HarnessFailed:  # the system has no such name
            if case.feature(Feature.NAMES).state is CapabilityState.FULL:
                raise
            await must_refuse(case, Feature.NAMES, read_once(case, stream), f"reading the stream {stream!r}")
            continue
        found = await unless_refused(case, Feature.NAMES, read_once(case, stream))
        if found is not None:
            case.expect_items(found, wanted, f"reading the stream {stream!r}")
    key = case.profile.key[-1]
    if case.kind is DataKind.RECORD:
        return  # a record's name is the table's; its values are looked at elsewhere
    plain_items = case.profile.items(len(HOSTILE))
    wanted = case.adapted(
        [{**item, key: f"{item[key]}{suffix}"} for item, suffix in zip(plain_items, HOSTILE, strict=True)]
    )
    stream = await case.seed(wanted)
    found = await unless_refused(case, Feature.NAMES, read_once(case, stream))
    if found is not None:
        case.expect_items(found, wanted, "reading items with unusual names")


@check("READ-10", Level.BRONZE, "reading changes nothing in the source", needs=READ, after=("READ-06",))
async def reading_changes_nothing(case: Case) -> None:
    """What is there after a read is what was there before."""
    stream = await case.seed(case.items(SOME))
    before = await case.dump(stream)
    async with case.session(stream) as session:
        await case.read(session)
        await case.read(session, stop=2)
    case.expect_items(await case.dump(stream), before, "after reading, in the source")


@check("READ-11", Level.BRONZE, "one session can be read from again", needs=READ, after=("READ-01",))
async def one_session_reads_twice(case: Case) -> None:
    """The whole twice, and once more after a read that was broken off."""
    wanted = case.items(SOME)
    stream = await case.seed(wanted)
    async with case.session(stream) as session:
        await case.read(session)
        await everything(case, session, wanted, " a second time")
        await case.read(session, stop=PAGE)
        await everything(case, session, wanted, " after a read that was broken off")


@check(
    "READ-12",
    Level.SILVER,
    "reads of one session at the same time are independent and complete",
    needs=READ,
    after=("READ-11",),
)
async def reads_side_by_side(case: Case) -> None:
    """Two in turns, batch by batch, then three at once."""
    wanted = case.items(SOME)
    stream = await case.seed(wanted)
    async with case.session(stream) as session:
        streams = [session.read(None), session.read(None)]
        counts = [0, 0]
        open_ones = {0, 1}
        while open_ones:
            for number in sorted(open_ones):
                yielded = await case.within(10, anext(streams[number], None), "reading in turns")
                counts[number] += 0 if yielded is None else len(apart(yielded))
                open_ones -= {number} if yielded is None else set()
        case.expect(
            counts == [SOME, SOME], f"two reads in turns yield {counts[0]} and {counts[1]} items, not {SOME} each"
        )
        for found in await asyncio.gather(*(case.read_items(session) for _ in range(3))):
            case.expect_items(found, wanted, "one of three reads at once")


@check(
    "READ-13",
    Level.SILVER,
    "a read of some columns, its key not among them, can be resumed",
    needs=READ,
    features=(Feature.PROJECTION,),
    kinds=(DataKind.RECORD,),
    after=("RES-01",),
)
async def projection_resumes(case: Case) -> None:
    """One column that is not the key."""
    case.expect(has_param(case, "columns"), "`projection` is claimed, but the parameters have no `columns`")
    wanted = case.items(SOME)
    stream = await case.seed(wanted)
    async with case.session(stream, columns=("name",)) as session:
        found = await case.read(session)
        names = [item.get("name") for item, _ in found]
        case.expect(
            sorted(map(str, names)) == sorted(str(item["name"]) for item in wanted), f"`columns: [name]` reads {names}"
        )
        extra = {name for item, _ in found for name in item} - {"name", *case.params(stream).key}  # type: ignore[attr-defined]
        case.expect(not extra, f"`columns: [name]` reads `{', '.join(sorted(extra))}` too")
        await resume_everywhere(case, session, found, " of a read of one column")


@check(
    "READ-14",
    Level.SILVER,
    "a page without items in the middle of a stream does not end it",
    needs=READ,
    features=(Feature.FILTER,),
    kinds=NARROWED,
    after=("READ-18",),
)
async def empty_page_is_not_the_end(case: Case) -> None:
    """Pages none of whose items meet the condition, before and between those that do."""
    items = _assorted(case)
    stream = await case.seed(items)
    for changes, matches, said in _sparse(case, stream):
        wanted = [item for item in items if matches(item)]
        for pages in page_sizes(case):
            found = await unless_refused(case, Feature.FILTER, read_once(case, stream, **changes, **pages))
            if found is not None:
                case.expect_items(found, wanted, f"reading {said}, between pages with no such item{at(pages)}")


@check(
    "READ-18",
    Level.BRONZE,
    "a narrowed read yields exactly the items that meet the condition",
    needs=READ,
    features=(Feature.FILTER,),
    kinds=NARROWED,
    after=("READ-01",),
)
async def narrowing_is_exact(case: Case) -> None:
    """Every comparison; prefixes that are the beginning of more names than they mean."""
    items = _assorted(case)
    stream = await case.seed(items)
    for changes, matches, said in _narrowings(case, stream):
        wanted = [item for item in items if matches(item)]
        if not 0 < len(wanted) < len(items):
            raise ValueError(f"{said} does not tell the kit's items apart")
        found = await unless_refused(case, Feature.FILTER, read_once(case, stream, **changes))
        if found is not None:
            case.expect_items(found, wanted, f"reading {said}")


Narrowing = tuple[dict[str, Any], Callable[[Item], bool], str]
"""Changes of the parameters, whether an item meets the condition, and the condition in words."""


def _narrowings(case: Case, stream: str) -> list[Narrowing]:
    if case.kind is DataKind.OBJECT:
        return [_prefix(case, stream, "a/"), _prefix(case, stream, "a"), _prefix(case, stream, "a/b%")]
    if case.kind is DataKind.GRAPH:
        return [_labelled("Thing"), _labelled("Other")]
    if case.kind is DataKind.DOCUMENT:
        return [_compared("n", op, value) for op, value in COMPARISONS if value is not None]
    both = _compared("score", "gt", -3), _compared("id", "lt", 5)
    conditions = [{"column": "score", "op": "gt", "value": -3}, {"column": "id", "op": "lt", "value": 5}]
    return [
        *(_compared("score", op, value) for op, value in COMPARISONS),
        _compared("name", "eq", "name 2"),
        _compared("name", "in", ("name 2", "name 20", "name 6")),
        ({"filter": conditions}, lambda item: both[0][1](item) and both[1][1](item), "score > -3 and id < 5"),
    ]


COMPARISONS: tuple[tuple[str, Any], ...] = (
    ("eq", 4),
    ("ne", 4),
    ("lt", 4),
    ("le", 4),
    ("gt", 4),
    ("ge", 4),
    ("in", (4, 11, 5)),
    ("is_null", None),
    ("not_null", None),
)
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value is not None and value != wanted,
    "lt": lambda value, wanted: value is not None and value < wanted,
    "le": lambda value, wanted: value is not None and value <= wanted,
    "gt": lambda value, wanted: value is not None and value > wanted,
    "ge": lambda value, wanted: value is not None and value >= wanted,
    "in": lambda value, wanted: value in wanted,
    "is_null": lambda value, _: value is None,
    "not_null": lambda value, _: value is not None,
}


def _compared(column: str, op: str, value: Any) -> Narrowing:
    def cell(item: Item) -> object:
        content = item.get("content")
        return content.get(column) if isinstance(content, Mapping) else item.get(column)

    condition = {"column": column, "op": op, "value": value}
    said = f"where `{column}` {op}" + ("" if value is None else f" {value!r}")
    return {"filter": [condition]}, lambda item: _HOLDS[op](cell(item), value), said


def _prefix(case: Case, stream: str, prefix: str) -> Narrowing:
    base = str(getattr(case.params(stream), "prefix", ""))

    def matches(item: Item) -> bool:
        return str(item["path"]).removeprefix(base).startswith(prefix)

    return {"prefix": base + prefix}, matches, f"the prefix {prefix!r}"


def _labelled(name: str) -> Narrowing:
    return {"labels": (name,)}, lambda item: name in _list(item.get("labels")), f"the label {name}"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _sparse(case: Case, stream: str) -> list[Narrowing]:
    """Return conditions that few items meet: the last one, or the first and the last."""
    if case.kind is DataKind.OBJECT:
        return [_prefix(case, stream, "c/")]
    if case.kind is DataKind.GRAPH:
        return [_labelled("Other")]
    column = "id" if case.kind is DataKind.RECORD else "n"
    return [_compared(column, "ge", SOME - 1), _compared(column, "in", (0, SOME - 1))]


def _assorted(case: Case) -> list[Item]:
    """Return items that conditions tell apart."""
    items = case.profile.items(SOME)
    if case.kind is DataKind.OBJECT:
        names = ("a/x", "a/y", "a/b%1", "a/bc", "ab/z", "b/a/x", "c/x")
        items = [{**item, "path": name} for item, name in zip(items, names, strict=True)]
    if case.kind is DataKind.GRAPH:
        items = [
            {**item, "labels": ["Other" if number in (0, SOME - 1) else "Thing"]} for number, item in enumerate(items)
        ]
    return case.adapted(items)


def at(pages: Mapping[str, object]) -> str:
    """Return the size of pages as the end of a sentence."""
    return f" in pages of {pages['batch_rows']}" if "batch_rows" in pages else ""
