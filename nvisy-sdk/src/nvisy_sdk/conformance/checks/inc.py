"""INC: reading on where the last read ended, when the source has grown since."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..._batch import Batch, End
from ..._context import Context, KeysetContext, MarkerContext, OffsetContext, TokenContext
from ..._error import ProviderError
from ..._kind import ContextKind, DataKind, ErrorKind, Feature
from ..._schema import Int64Type, TimestampType
from ..._value import (
    BoolValue,
    BytesValue,
    DateValue,
    DecimalValue,
    FloatValue,
    IntValue,
    TextValue,
    TimestampValue,
    TimeValue,
    TypedValue,
    UuidValue,
    python_value,
)
from ...testing import rows_of
from .._case import PAGE, Case, Session
from .._check import check
from .._outcome import Level
from .._stream import keyed, label, made, page_sizes, resume_everywhere, through_json, yields
from .read import READ, SOME, at

GROWS = (Feature.INCREMENTAL,)


@check(
    "INC-01",
    Level.SILVER,
    "after the last context comes exactly what was added since",
    needs=READ,
    features=GROWS,
    after=("RES-01", "RES-03", "RES-05"),
)
async def additions_are_read(case: Case) -> None:
    """Streams that end with a full page and within one; in the session that read them, and in another."""
    for count in (1, PAGE, PAGE + 1):
        stream = await case.seed(case.items(count))
        added = case.items(PAGE + 1, first=count)
        async with case.session(stream) as session:
            context = await _last(case, session, count)
            await case.seed(added, stream=stream)
            where = f"reading on after {len(added)} items were added to {count}"
            case.expect_items(await case.read_items(session, context), added, where)
        async with case.session(stream) as session:
            case.expect_items(await case.read_items(session, context), added, f"{where}, in another session")


async def _last(case: Case, session: Session, count: int) -> Context:
    """Read everything and return the context after the last item."""
    found = await case.read(session)
    case.expect(len(found) == count, f"{len(found)} of {count} items were read")
    return through_json(case, found[-1][1], label(case, found[-1][0]))


@check(
    "INC-02",
    Level.SILVER,
    "a read that finds nothing new leaves the context as good as it was",
    needs=READ,
    features=GROWS,
    after=("INC-01",),
)
async def nothing_new_changes_nothing(case: Case) -> None:
    """Twice nothing, then something; a context that comes with nothing is gone on from, as the engine does."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        context = await _last(case, session, SOME)
        for _ in range(2):
            for yielded in await yields(case, session, context):
                case.expect(_empty(yielded), "a read from the last context yields items, though there is nothing new")
                if isinstance(yielded.positions, End):
                    context = through_json(case, yielded.positions.context, "a batch without items")
        added = case.items(2, first=SOME)
        await case.seed(added, stream=stream)
        case.expect_items(await case.read_items(session, context), added, "reading on after nothing was new twice")


def _empty(yielded: Any) -> bool:
    return isinstance(yielded, Batch) and not rows_of(yielded)


@check(
    "INC-03",
    Level.SILVER,
    "a context beyond everything yields nothing",
    needs=READ,
    after=("RES-01", "RES-05"),
)
async def future_is_empty(case: Case) -> None:
    """A key, a marker, a number or a place in a page that nothing has reached yet, in whichever direction it reads."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        contexts = [context for _, context in await case.read(session)]
        context = _beyond(await _last(case, session, SOME), descending=_descends(contexts))
        try:
            found = await case.read_items(session, context)
        except ProviderError as err:  # a log may know that it never gave out such a number, a page that it is shorter
            known = isinstance(context, OffsetContext | TokenContext)
            gone = err.kind in (ErrorKind.CONTEXT_EXPIRED, ErrorKind.INVALID_CONTEXT)
            case.expect(known and gone, f"resuming beyond everything raised `{err.kind}`: {err}")
            return
    case.expect(not found, f"resuming beyond everything yields {len(found)} items")


_LARGEST: dict[type, object] = {
    BoolValue: True,
    IntValue: 2**63 - 1,
    FloatValue: 1e300,
    DecimalValue: "9" * 30,
    TextValue: "\U0010fffd" * 4,
    BytesValue: "//////////8=",
    DateValue: "9999-12-31",
    TimeValue: "23:59:59.999999",
    TimestampValue: "9999-12-31T23:59:59.999999",
    UuidValue: "ffffffff-ffff-ffff-ffff-ffffffffffff",
}
_SMALLEST: dict[type, object] = {
    BoolValue: False,
    IntValue: -(2**63),
    FloatValue: -1e300,
    DecimalValue: "-" + "9" * 30,
    TextValue: "",
    BytesValue: "",
    DateValue: "0001-01-01",
    TimeValue: "00:00:00",
    TimestampValue: "0001-01-01T00:00:00",
    UuidValue: "00000000-0000-0000-0000-000000000000",
}


def _descends(contexts: Sequence[Context | None]) -> bool:
    """Whether a keyset's values become smaller as the read goes on."""
    first, last = contexts[0], contexts[-1]
    if not isinstance(first, KeysetContext) or not isinstance(last, KeysetContext):
        return False
    before, after = ([python_value(value) for value in context.values] for context in (first, last))
    changed: Any = next((pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]), None)
    return changed is not None and changed[0] > changed[1]


def _beyond(context: Context, *, descending: bool) -> Context:
    match context:
        case KeysetContext(values=values):
            farthest = _SMALLEST if descending else _LARGEST
            return context.model_copy(update={"values": tuple(_replaced(value, farthest) for value in values)})
        case MarkerContext():
            return context.model_copy(update={"key": "\U0010fffd" * 4, "etag": None, "offset": None})
        case OffsetContext(partitions=partitions):
            return context.model_copy(update={"partitions": dict.fromkeys(partitions, 2**62)})
        case TokenContext():
            return context.model_copy(update={"offset": 2**40})


def _replaced(value: TypedValue, by: Mapping[type, object]) -> TypedValue:
    zone = "Z" if isinstance(value, TimestampValue) and value.value.endswith("Z") else ""
    new = by[type(value)]
    return value.model_copy(update={"value": f"{new}{zone}" if zone else new})


@check(
    "INC-04",
    Level.SILVER,
    "an item that comes late, with the first key column's value of the last one read, is read",
    needs=READ,
    features=GROWS,
    kinds=(DataKind.RECORD,),
    contexts=(ContextKind.KEYSET,),
    after=("INC-01",),
)
async def late_tie_is_read(case: Case) -> None:
    """A key of two columns, the first of which does not grow."""
    key = {"grp": Int64Type(), "id": Int64Type()} if keyed(case) else {"id": Int64Type()}
    rows = [(1, 1), (5, 2), (5, 3), (5, 4), (6, 5)]
    items, schema = made(case, key, rows if keyed(case) else [row[1:] for row in rows])  # type: ignore[arg-type]
    stream = await case.seed(items[:3], schema=schema)
    changes: dict[str, Any] = {"key": tuple(key)} if keyed(case) else {}
    async with case.session(stream, **changes) as session:
        context = await _last(case, session, 3)
        await case.seed(items[3:], stream=stream, schema=schema)
        case.expect_items(await case.read_items(session, context), items[3:], "reading on after an item came late")


@check(
    "INC-05",
    Level.GOLD,
    "an item that was changed after it was read is read again",
    needs=READ,
    features=(Feature.UPDATES,),
    kinds=(DataKind.RECORD, DataKind.OBJECT, DataKind.EMBEDDING, DataKind.DOCUMENT, DataKind.GRAPH),
    after=("INC-01",),
)
async def updates_are_read(case: Case) -> None:
    """One of the first items, changed once all have been read."""
    items = case.items(SOME)
    stream = await case.seed(items)
    async with case.session(stream) as session:
        context = await _last(case, session, SOME)
        changed = case.adapted([case.profile.changed(items[1])])
        await case.seed(changed, stream=stream)
        case.expect_items(await case.read_items(session, context), changed, "reading on after one item was changed")


@check(
    "INC-06",
    Level.SILVER,
    "contexts move in one direction only",
    needs=READ,
    after=("READ-02", "READ-03", "READ-07", "RES-02"),
)
async def contexts_move_forward(case: Case) -> None:
    """No context twice; numbers, markers and places in a page only grow or, in a read that goes down, only shrink."""
    stream = await case.seed(case.items(SOME))
    for pages in page_sizes(case):
        async with case.session(stream, **pages) as session:
            found = await case.read(session)
        contexts = [through_json(case, context, label(case, item)) for item, context in found]
        case.expect(len(set(map(repr, contexts))) == len(contexts), f"two items have the same context{at(pages)}")
        places = [_place(context) for context in contexts]
        rising = all(one <= two for one, two in itertools.pairwise(places))
        falling = isinstance(contexts[0], KeysetContext) and places == sorted(places, reverse=True)
        case.expect(rising or falling, f"the contexts of a read move back and forth{at(pages)}: {places}")


def _place(context: Context) -> Any:
    """Return something that grows with a context, as far as that can be known from outside."""
    match context:
        case KeysetContext(values=values):
            return tuple(value.value for value in values)
        case MarkerContext(key=key, offset=offset):
            return (key.encode(), offset or 0)
        case OffsetContext(partitions=partitions):
            return sum(partitions.values())
        case TokenContext():
            return 0  # tokens have no order, and places in a page begin anew with each


@check(
    "INC-07",
    Level.GOLD,
    "equal timestamps across pages, and some later than now, lose nothing",
    needs=READ,
    features=GROWS,
    kinds=(DataKind.RECORD,),
    contexts=(ContextKind.KEYSET,),
    after=("INC-04", "RES-08"),
)
async def clocks_do_not_matter(case: Case) -> None:
    """Rows by the time they were changed, all in one microsecond; the system's clock is a day ahead."""
    moment = datetime.now(UTC).replace(microsecond=123_456) + timedelta(days=1)
    key = {"at": TimestampType(utc=True), "id": Int64Type()} if keyed(case) else {"id": Int64Type()}
    rows = [(moment, number) if keyed(case) else (number,) for number in range(SOME + 2)]
    items, schema = made(case, key, rows)  # type: ignore[arg-type]
    stream = await case.seed(items[:SOME], schema=schema)
    changes: dict[str, Any] = {"key": tuple(key)} if keyed(case) else {}
    async with case.session(stream, **changes) as session:
        found = await case.read(session)
        case.expect_items([item for item, _ in found], items[:SOME], "reading items of one moment, which is tomorrow")
        await resume_everywhere(case, session, found, " of one moment")
        await case.seed(items[SOME:], stream=stream, schema=schema)
        context = through_json(case, found[-1][1], label(case, found[-1][0]))
        case.expect_items(await case.read_items(session, context), items[SOME:], "reading on within one moment")
