"""WRT, when something is written again, at the same time, or is broken off: it is there once and for good."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ..._error import ProviderError
from ..._kind import Ability, DataKind, Feature, WriteMode
from ..._write import Receipt
from .._case import PAGE, Case
from .._check import check
from .._fidelity import target
from .._harness import Item
from .._outcome import Level
from .._profile import same, shown
from .._stream import caught_up, settled
from .._sweep import sweep
from .._target import (
    attempt,
    found_of,
    keeping,
    mode_is_refused,
    moded,
    store,
    stored,
)
from .wrt import REFUSALS, SOME, WRITE


@check("WRT-04", Level.SILVER, "a batch that is upserted again changes nothing", needs=WRITE, after=("WRT-01",))
async def upsert_is_idempotent(case: Case) -> None:
    """Again in the same session, in another one, and in other batches."""
    if case.mode(WriteMode.UPSERT) is None:
        await mode_is_refused(case, WriteMode.UPSERT)
        return
    wanted = case.items(SOME)
    stream, needed = await target(case)
    for size in (PAGE, 2):
        async with case.session(stream, **needed, mode=WriteMode.UPSERT) as session:
            for _ in range(2):
                receipts = await store(case, session, wanted, size=size)
                total = sum(receipt.accepted for receipt in receipts)
                case.expect(total == SOME, f"{total} of {SOME} items are accepted when they are written again")
            await settled(case, stream, wanted, "after the same items were upserted again")


@check(
    "WRT-05",
    Level.SILVER,
    "an upserted item takes the whole place of the one with its key",
    needs=WRITE,
    after=("WRT-04",),
)
async def upsert_replaces(case: Case) -> None:
    """Other values, nulls where there were values, and inner parts that are gone."""
    if case.mode(WriteMode.UPSERT) is None:
        await mode_is_refused(case, WriteMode.UPSERT)
        return
    old = case.items(PAGE + 1)
    stream = await stored(case, old, mode=WriteMode.UPSERT)
    new = case.adapted([case.profile.changed(old[0]), _emptied(case, old[1]), old[2]])
    async with case.session(stream, mode=WriteMode.UPSERT) as session:
        await store(case, session, new)
    await settled(case, stream, [*new, old[3]], "after some items were upserted with other values")


def _emptied(case: Case, item: Item) -> Item:
    """Return the item with less in it."""
    less: dict[DataKind, Item] = {
        DataKind.RECORD: {"name": None, "score": None},
        DataKind.OBJECT: {"data": b"x", "size": 1},
        DataKind.EMBEDDING: {"metadata": {"only": 1}},
        DataKind.DOCUMENT: {"content": {"only": 1}},
        DataKind.MESSAGE: {"payload": b"x"},
        DataKind.GRAPH: {"properties": {"only": 1}},
    }
    return {**item, **less[case.kind]}


@check(
    "WRT-06",
    Level.SILVER,
    "an item that is appended takes no other item's place in silence",
    needs=WRITE,
    after=("WRT-07",),
)
async def append_overwrites_nothing(case: Case) -> None:
    """Its key is there already: both are there then, or it is refused and named."""
    if case.mode(WriteMode.APPEND) is None:
        await mode_is_refused(case, WriteMode.APPEND)
        return
    old = case.items(PAGE)
    stream = await stored(case, old, mode=WriteMode.APPEND)
    again, fresh = case.adapted([case.profile.changed(old[1])])[0], case.items(1, first=PAGE)[0]
    async with case.session(stream, mode=WriteMode.APPEND) as session:
        await case.prepare(session, fresh=False)
        answer = await attempt(case, session, case.batch([fresh, again]))

    def kept(found: Sequence[Item]) -> bool:
        return len(found_of(case, [each for each in found if not same(each, again)], old)) == PAGE

    accepted = answer.accepted if isinstance(answer, Receipt) else 0
    found = await caught_up(case, stream, lambda found: kept(found) and len(found) == PAGE + accepted)
    case.expect(
        kept(found), f"an appended item has taken the place of {shown(case.profile, old[1])}, which had its key"
    )
    if isinstance(answer, ProviderError):
        case.expect(answer.kind in REFUSALS, f"an appended item whose key is there raised `{answer.kind}`: {answer}")
    elif answer.rejected:
        named = [one.index for one in answer.rejected]
        case.expect(named == [1], f"the items {named} of the batch are rejected; item 1 has a key that is there")
    else:
        case.expect(
            len(found) == PAGE + 2, f"all of the batch is accepted, and {len(found)} items are there, not {PAGE + 2}"
        )


@check(
    "WRT-08",
    Level.SILVER,
    "a batch that is cut off is there whole or not at all",
    needs=WRITE,
    features=(Feature.ATOMIC, Feature.ENDPOINT),
    after=("WRT-01",),
)
async def batches_are_atomic(case: Case) -> None:
    """The connection breaks at several places of the request, and before the answer."""
    wanted = case.items(SOME)
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session)
        before = case.proxy.bytes_up
        await case.send(session, case.batch(wanted))
        total = case.proxy.bytes_up - before
    for part in range(1, 9):
        stream, needed = await target(case)
        session = await case.connect(stream, **needed, **moded(keeping(case)))
        await case.prepare(session)
        await case.service.run(case.proxy.reset_after(max(1, total * part // 8), "up"))
        answer = await attempt(case, session, case.batch(wanted))
        await case.service.run(case.proxy.heal())
        found = await case.dump(stream)
        where = f"cut off after {part}/8 of a batch of {SOME}"
        case.expect(len(found) in (0, SOME), f"{len(found)} items are there, {where}")
        if isinstance(answer, Receipt):
            await settled(case, stream, wanted, f"accepted, though {where},")


@check(
    "WRT-09", Level.SILVER, "what a receipt accepts is there when it is given", needs=WRITE, after=("WRT-01", "READ-01")
)
async def accepted_is_durable(case: Case) -> None:
    """The session that wrote is still open, and has not said that it is done."""
    mode = keeping(case)
    if mode is None:
        await mode_is_refused(case, WriteMode.APPEND)
        return
    wanted = case.items(PAGE + 1)
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(mode)) as session:
        await case.prepare(session)
        for count in range(1, PAGE + 2):
            await case.send(session, case.batch(wanted[count - 1 : count]))
            await settled(case, stream, wanted[:count], f"when {count} items are accepted, one by one,")
        if case.can(Ability.READ):
            async with case.session(stream) as other:
                case.expect_items(
                    await case.read_items(other), wanted, "reading in another session what was just accepted"
                )


@check("WRT-14", Level.SILVER, "sessions that write at the same time lose nothing", needs=WRITE, after=("WRT-01",))
async def writers_side_by_side(case: Case) -> None:
    """Three sessions with four batches each."""
    mode = keeping(case)
    if mode is None:
        await mode_is_refused(case, WriteMode.APPEND)
        return
    stream = await case.seed([])
    wanted = case.items(24)

    async def write(items: Sequence[Item]) -> None:
        async with case.session(stream, **moded(mode)) as session:
            await case.prepare(session, fresh=False)
            for first in range(0, len(items), 2):
                await case.send(session, case.batch(items[first : first + 2]))

    await asyncio.gather(*(write(wanted[first : first + 8]) for first in (0, 8, 16)))
    await settled(case, stream, wanted, "after three sessions wrote at the same time")


@check(
    "WRT-15",
    Level.SILVER,
    "a batch whose answer was lost can be written again",
    needs=WRITE,
    features=(Feature.ENDPOINT,),
    after=("WRT-04",),
)
async def lost_answer_is_no_duplicate(case: Case) -> None:
    """The connection breaks in the answer; the same batch again, in another session. Appended items may be there twice."""
    mode = keeping(case)
    if mode is None:
        await mode_is_refused(case, WriteMode.APPEND)
        return
    wanted = case.items(PAGE)
    stream, needed = await target(case)
    session = await case.connect(stream, **needed, **moded(mode))
    await case.prepare(session)
    await case.service.run(case.proxy.reset_after(1, "down"))
    answer = await attempt(case, session, case.batch(wanted))
    await case.service.run(case.proxy.heal())
    lost = isinstance(answer, ProviderError)
    if isinstance(answer, ProviderError):
        case.expect(answer.retryable, f"a lost answer raised `{answer.kind}`, which nobody tries again")
    if lost:
        async with case.session(stream, **needed, **moded(mode)) as session:
            await case.prepare(session, fresh=False)
            again = await attempt(case, session, case.batch(wanted))
            case.expect(mode is WriteMode.APPEND or isinstance(again, Receipt), f"the same batch again raised {again}")
    found = await caught_up(case, stream, lambda found: len(found_of(case, _distinct(case, found), wanted)) == PAGE)
    if mode is WriteMode.UPSERT:
        await settled(case, stream, wanted, "after a batch was written again whose answer was lost")
    case.expect(
        len(found_of(case, _distinct(case, found), wanted)) == PAGE, f"{len(found)} items are there after a lost answer"
    )


def _distinct(case: Case, items: Sequence[Item]) -> list[Item]:
    return list({repr(case.profile.key_of(item)): item for item in items}.values())


@check(
    "WRT-19", Level.SILVER, "of two upserted items with one key, the later one is there", needs=WRITE, after=("WRT-05",)
)
async def last_of_a_batch_wins(case: Case) -> None:
    """In one batch; or the batch, or one of them, is refused."""
    if case.mode(WriteMode.UPSERT) is None:
        await mode_is_refused(case, WriteMode.UPSERT)
        return
    items = case.items(PAGE)
    later = case.adapted([case.profile.changed(items[0])])[0]
    stream, needed = await target(case)
    async with case.session(stream, **needed, mode=WriteMode.UPSERT) as session:
        await case.prepare(session)
        answer = await attempt(case, session, case.batch([*items, later]))
    if isinstance(answer, ProviderError):
        case.expect(answer.kind in REFUSALS, f"two items with one key raised `{answer.kind}`: {answer}")
        return
    rejected = {one.index for one in answer.rejected}
    case.expect(rejected <= {0, PAGE}, f"the items {sorted(rejected)} are rejected; items 0 and {PAGE} have one key")
    first = items[0] if PAGE in rejected else later
    await settled(case, stream, [first, *items[1:]], "after a batch with two items of one key")


@check(
    "WRT-21",
    Level.SILVER,
    "a write that is cancelled leaves whole items, and can be done again",
    needs=WRITE,
    after=("WRT-04",),
)
async def cancelled_writes_leave_no_mess(case: Case) -> None:
    """Cancelled at each of its await points; then the same batch again in another session."""
    wanted = case.items(PAGE)
    whole = case.feature(Feature.ATOMIC).state == "full"
    mode = keeping(case)
    streams: list[tuple[str, dict[str, Any]]] = []

    async def begun() -> Any:
        streams.append(await target(case))
        session = await case.connect(streams[-1][0], **streams[-1][1], **moded(mode))
        await case.prepare(session)
        return session.write(case.batch(wanted))

    async for cut in sweep(begun, most=40):
        stream, needed = streams[-1]
        found = await case.dump(stream)
        there = found_of(case, found, wanted)
        case.expect(len(there) == len(found), f"an item is there in part after a write was cancelled at {cut}")
        part = whole and len(found) not in (0, PAGE)
        case.expect(not part, f"{len(found)} of {PAGE} items are there after a write was cancelled at {cut}")
        if cut.cancelled and mode is WriteMode.UPSERT:
            async with case.session(stream, **needed, **moded(mode)) as session:
                await store(case, session, wanted)
            await settled(case, stream, wanted, f"after a write that was cancelled at {cut} was done again")
