"""WRT: what a receipt accepts is in the system, exactly, once and for good; what is not is named."""

import copy
from typing import Any

from ..._error import ProviderError
from ..._kind import Ability, DataKind, ErrorKind, Feature
from ..._schema import Field, Schema, TextType
from ..._write import Receipt
from .._case import PAGE, Case
from .._check import check
from .._fidelity import target
from .._harness import Item
from .._inverse import refused
from .._outcome import Level
from .._profile import plain, shown
from .._stream import HOSTILE, caught_up, settled
from .._target import (
    EMPTY,
    Foreign,
    attempt,
    big_integers,
    found_of,
    keeping,
    large,
    loose,
    moded,
    nested,
    publish,
    reasons,
    store,
    stored,
    unfit,
)

WRITE = (Ability.WRITE,)
SOME = 2 * PAGE + 1
REFUSALS = (ErrorKind.INVALID_DATA, ErrorKind.INVALID_CONFIG, ErrorKind.CONFLICT, ErrorKind.UNSUPPORTED)
"""What a whole batch may be refused with, because of what is in it."""
_LARGE = 2**20


@check("WRT-01", Level.BRONZE, "what was written is what is there, in values and in types", needs=WRITE)
async def writes_what_it_is_given(case: Case) -> None:
    """Three batches in every mode; integers that a double cannot hold."""
    for mode in case.manifest.modes:
        wanted = case.adapted(big_integers(case, case.profile.items(SOME)))
        stream = await stored(case, wanted, mode=mode)
        await settled(case, stream, wanted, f"after writing with `mode: {mode}`")


@check("WRT-02", Level.BRONZE, "a batch without items changes nothing", needs=WRITE, after=("WRT-01",))
async def empty_batch_is_nothing(case: Case) -> None:
    """Before the first items and after them."""
    wanted = case.items(PAGE)
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session)
        for place in ("before", "after"):
            receipt = await case.send(session, case.batch([]))
            nothing = receipt.accepted == 0 and not receipt.rejected
            case.expect(nothing, f"a batch without items, {place} the others, is accepted as {receipt.accepted} items")
            if place == "before":
                await case.send(session, case.batch(wanted))
        await publish(case, session)
    await settled(case, stream, wanted, "after batches without items")


@check("WRT-03", Level.BRONZE, "batches of every size up to the limit arrive whole", needs=WRITE, after=("WRT-01",))
async def every_size_arrives(case: Case) -> None:
    """1, the limit, one more and three times the limit; without a limit, a batch of 300."""
    limit = case.manifest.limit(Ability.WRITE, "max_batch_rows")
    most = min(limit or 300, 2000)
    for size in (1, most):
        wanted = case.items(size)
        stream, needed = await target(case)
        async with case.session(stream, **needed, **moded(keeping(case))) as session:
            await store(case, session, wanted, size=size)
        await settled(case, stream, wanted, f"after a batch of {size} items")
    if limit is None or limit > most:
        return
    for size in (limit + 1, 3 * limit):
        wanted = case.items(size)
        stream, needed = await target(case)
        async with case.session(stream, **needed, **moded(keeping(case))) as session:
            await case.prepare(session)
            answer = await attempt(case, session, case.batch(wanted))
            await publish(case, session)
        whole = isinstance(answer, Receipt) and not answer.rejected
        said = "accepted" if whole else "refused"
        await settled(
            case, stream, wanted if whole else [], f"after a batch of {size} items, past the limit, was {said}"
        )


@check(
    "WRT-07",
    Level.SILVER,
    "an item that is refused is named, and the others are written",
    needs=WRITE,
    after=("WRT-01",),
)
async def refused_items_are_named(case: Case) -> None:
    """The third of five items lacks what it cannot be without."""
    good = case.items(5)
    items = [*good[:2], unfit(case, good[2]), *good[3:]]
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session, schema=loose(case))
        answer = await attempt(case, session, case.batch(items, schema=loose(case)))
        await publish(case, session)
    accepted = answer.accepted if isinstance(answer, Receipt) else 0
    found = await caught_up(case, stream, lambda found: len(found) == accepted)
    there = found_of(case, found, good)
    if isinstance(answer, ProviderError):
        case.expect(answer.kind in REFUSALS, f"a batch with one unfit item raised `{answer.kind}`: {answer}")
        whole = case.feature(Feature.ATOMIC).state == "full"
        case.expect(not (whole and found), f"a batch was refused as a whole, and {len(found)} of its items are there")
        return
    named = sorted(one.index for one in answer.rejected)
    case.expect(
        named in ([2], []), f"the items {named} of the batch are rejected; only item 2 is unfit: {reasons(answer)}"
    )
    if named:
        lost = f"item 2 is rejected, and of the others only {there} are there"
        case.expect(there == [0, 1, 3, 4] and len(found) == 4, lost)
    else:
        case.expect(len(found) == 5, f"all five items are accepted, one of them unfit, and {len(found)} are there")


@check(
    "WRT-10",
    Level.BRONZE,
    "every value arrives in its own column, whatever the order of columns",
    needs=WRITE,
    after=("WRT-01",),
)
async def columns_are_kept_apart(case: Case) -> None:
    """Items that lack different parts, rows whose columns are in an order of their own, and batches of other columns."""
    first = case.adapted(nested(case))
    schema = case.profile.schema
    turned = Schema(fields=schema.fields[::-1])
    second = case.items(3, first=4)
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session)
        await case.send(session, Foreign(case.batch(first), own=True))
        await case.prepare(session, schema=turned)
        await case.send(session, case.batch(second, schema=turned))
        await publish(case, session)
    await settled(case, stream, [*first, *second], "after rows with their columns in different orders")


@check("WRT-11", Level.BRONZE, "what is given to a sink is not changed by it", needs=WRITE)
async def inputs_are_left_alone(case: Case) -> None:
    """The rows, what is inside them, and the columns."""
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session)
        batch = Foreign(case.batch(case.adapted(nested(case))))
        before, schema = copy.deepcopy(batch.own), batch.schema.model_dump_json()
        await case.send(session, batch)
    case.expect(len(batch.own) == len(before), f"the sink has left {len(batch.own)} of {len(before)} rows in the batch")
    for now, then in zip(batch.own, before, strict=True):
        names = [
            name
            for name in {**then, **now}
            if plain(now.get(name)) != plain(then.get(name)) or (name in now) != (name in then)
        ]
        case.expect(not names, f"the sink has changed `{', '.join(names)}` of {shown(case.profile, then)} in the batch")
    case.expect(batch.schema.model_dump_json() == schema, "the sink has changed the columns of the batch")


@check("WRT-12", Level.SILVER, "an item is written whole, or refused as too large", needs=WRITE, after=("WRT-01",))
async def large_items_are_whole(case: Case) -> None:
    """One of 1 MiB; where the manifest names a limit, one at it and one past it."""
    limit = case.manifest.limit(Ability.WRITE, "max_item_bytes")
    sizes = [_LARGE] if limit is None else [limit - 1024, limit + 1] if limit > 2048 else [limit + 1]
    for size in sizes:
        wanted = [case.items(1)[0], case.adapted([large(case, case.profile.items(1, first=1)[0], size)])[0]]
        stream, needed = await target(case)
        async with case.session(stream, **needed, **moded(keeping(case))) as session:
            await case.prepare(session)
            answer = await attempt(case, session, case.batch(wanted))
            await publish(case, session)
        found = await case.dump(stream)
        if isinstance(answer, Receipt) and not answer.rejected:
            await settled(case, stream, wanted, f"after an item of {size} bytes was accepted")
            continue
        fits = limit is None or size <= limit
        case.expect(
            not fits, f"an item of {size} bytes is refused, though the manifest does not say that it is too large"
        )
        if isinstance(answer, Receipt):
            named = [one.index for one in answer.rejected]
            case.expect(named == [1], f"the items {named} are rejected; item 1 is too large")
            case.expect(
                found_of(case, found, wanted) == [0], "an item that is too large was refused, and the other one is lost"
            )
        else:
            case.expect(answer.kind in REFUSALS, f"an item that is too large raised `{answer.kind}`: {answer}")
            case.expect(1 not in found_of(case, found, wanted), "an item that is too large was refused, and is there")


@check(
    "WRT-13",
    Level.SILVER,
    "a column of another type than the target's is refused, or kept as it is",
    needs=WRITE,
    kinds=(DataKind.RECORD,),
    after=("WRT-01",),
)
async def other_types_are_not_coerced(case: Case) -> None:
    """Text for a column of integers: some that look like numbers, some that do not."""
    old = case.items(1)
    stream = await case.seed(old)
    schema = case.profile.schema
    text = Schema(fields=tuple(Field(name=f.name, type=TextType()) if f.name == "score" else f for f in schema.fields))
    new = [{**item, "score": value} for item, value in zip(case.items(2, first=1), ("12", "twelve"), strict=True)]
    session = await case.connect(stream, **moded(keeping(case)))
    try:
        await case.prepare(session, schema=text, fresh=False)
        receipt = await case.send(session, case.batch(new, schema=text))
    except ProviderError as err:
        case.expect(err.kind in REFUSALS, f"a column of another type raised `{err.kind}`: {err}")
        case.expect_items(await case.dump(stream), old, "after a column of another type was refused")
        return
    rejected = {one.index for one in receipt.rejected}
    kept = [item for place, item in enumerate(new) if place not in rejected]
    await settled(case, stream, [*old, *kept], "after text was written into a column of integers")


@check("WRT-16", Level.BRONZE, "values are data, whatever they look like", needs=WRITE, after=("WRT-01",))
async def values_are_data(case: Case) -> None:
    """Quotes, comments, placeholders, escapes and ends of statements, in values and in keys."""
    values = [*HOSTILE, *SPELLS]
    items = [_spelt(case, item, value) for item, value in zip(case.profile.items(len(values)), values, strict=True)]
    wanted = case.adapted(items)
    stream = await stored(case, wanted, mode=keeping(case))
    await settled(case, stream, wanted, "after values that look like something else")


SPELLS = (
    "'; DROP TABLE x; --",
    '" OR ""="',
    "${x} {x} {0} {{x}} %s %(x)s :x ?",
    "\\'; --",
    "/* x */",
    "NULL",
    "true",
    "-1",
    "1e9",
    "<b>&amp;</b>",
    "line\nbreak\ttab",
)
"""Values that some language or other takes for more than values."""


def _spelt(case: Case, item: Item, value: str) -> Item:
    inside: dict[DataKind, Item] = {
        DataKind.RECORD: {"name": value},
        DataKind.OBJECT: {"data": value.encode(), "size": len(value.encode())},
        DataKind.EMBEDDING: {"metadata": {"text": value}},
        DataKind.DOCUMENT: {"content": {"text": value, "list": [value]}},
        DataKind.MESSAGE: {"payload": value.encode(), "headers": {"n": "1"}},
        DataKind.GRAPH: {"properties": {"text": value}},
    }
    return {**item, **inside[case.kind]}


@check("WRT-17", Level.BRONZE, "a receipt counts what was written, and what was not", needs=WRITE, after=("WRT-01",))
async def receipts_count(case: Case) -> None:
    """Batches of several sizes, and one with an item that cannot be written."""
    stream, needed = await target(case)
    written = 0
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session, schema=loose(case))
        for size in (1, PAGE, 5):
            items = case.items(size, first=written)
            if size == 5:
                items[2] = unfit(case, items[2])
            answer = await attempt(case, session, case.batch(items, schema=loose(case)))
            if isinstance(answer, ProviderError):
                case.expect(size == 5 and answer.kind in REFUSALS, f"a batch raised `{answer.kind}`: {answer}")
                break
            total = answer.accepted + len(answer.rejected)
            case.expect(total == size, f"a receipt accounts for {total} items of a batch of {size}")
            places = [one.index for one in answer.rejected]
            once = len(set(places)) == len(places) and all(place < size for place in places)
            case.expect(once, f"a receipt rejects the items {places} of a batch of {size}")
            written += answer.accepted
        await publish(case, session)
    found = await caught_up(case, stream, lambda found: len(found) == written)
    case.expect(len(found) == written, f"receipts accept {written} items, and {len(found)} are there")


@check(
    "WRT-18", Level.BRONZE, "an item with nothing in it is written, or refused by name", needs=WRITE, after=("WRT-01",)
)
async def empty_items_are_items(case: Case) -> None:
    """Nulls, empty texts, bytes, lists and objects, vectors of zeros; one such item among others."""
    plain_items = case.profile.items(2 + len(EMPTY[case.kind]))
    inner = [{**item, **change} for item, change in zip(plain_items[1:-1], EMPTY[case.kind], strict=True)]
    items = case.adapted([plain_items[0], *inner, plain_items[-1]])
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session, schema=loose(case))
        receipt = await case.send(session, case.batch(items, schema=loose(case)))
        await publish(case, session)
    rejected = {one.index: one.reason for one in receipt.rejected}
    case.expect(not {0, len(items) - 1} & set(rejected), f"plain items are rejected: {reasons(receipt)}")
    for place, reason in rejected.items():
        declared = any(refused(capability, reason) for capability in case.manifest.features.values())
        said = f"{shown(case.profile, items[place])}, which has nothing in it, is rejected ({reason}); the manifest does not say so"
        case.expect(declared, said)
    kept = [item for place, item in enumerate(items) if place not in rejected]
    await settled(case, stream, kept, "after items with nothing in them")


@check(
    "WRT-20",
    Level.BRONZE,
    "a target that is not there is made when that was asked for, else it is `not_found`",
    needs=WRITE,
)
async def missing_target_is_made_or_missed(case: Case) -> None:
    """With `create` and without, where there is such a parameter."""
    wanted = case.items(2)
    if "create" not in case.subject.models[1].model_fields:
        stream = case.stream()
        if await _created(case, stream, {}):
            await settled(case, stream, wanted, "after writing to a target that was not there")
        return
    stream = case.stream()
    made = await _created(case, stream, {"create": True})
    if case.can(Ability.PREPARE):
        case.expect(made, "a target that is not there is `not_found`, though `create` is true")
    if made:
        await settled(case, stream, wanted, "after writing to a target that was not there, with `create`")
    stream = case.stream()
    made = await _created(case, stream, {"create": False})
    case.expect(not made, "a target that is not there was written to, though `create` is false")
    found = await case.dump(stream)
    case.expect(not found, f"{len(found)} items are in a target that `create: false` must not make")


async def _created(case: Case, stream: str, changes: dict[str, Any]) -> bool:
    """Write to a target that is not there; whether it was made. It is an error of the kind `not_found` when it was not."""
    case.observe()
    try:
        async with case.session(stream, **changes, **moded(keeping(case))) as session:
            await store(case, session, case.items(2))
    except ProviderError as err:
        said = f"writing to a target that is not there raised `{err.kind}` ({err}), not `not_found`"
        case.expect(err.kind is ErrorKind.NOT_FOUND, said)
        return False
    return True


@check(
    "WRT-22",
    Level.SILVER,
    "items are kept in the order in which they were written",
    needs=WRITE,
    features=(Feature.ORDER,),
    kinds=(DataKind.MESSAGE,),
    after=("WRT-01",),
)
async def order_is_kept(case: Case) -> None:
    """Within a batch and from batch to batch."""
    wanted = case.items(SOME)
    stream = await stored(case, wanted, mode=keeping(case))
    await settled(case, stream, wanted, "after writing in order")
    found = [case.profile.key_of(item) for item in await case.dump(stream)]
    case.expect(
        found == [case.profile.key_of(item) for item in wanted],
        "items are there in another order than they were written in",
    )


@check(
    "WRT-23",
    Level.BRONZE,
    "a batch of any class is taken, and asked for its items once",
    needs=WRITE,
    after=("WRT-01",),
)
async def any_batch_will_do(case: Case) -> None:
    """A class of its own, with all that `IncomingBatch` has and nothing else."""
    wanted = case.items(PAGE)
    stream, needed = await target(case)
    async with case.session(stream, **needed, **moded(keeping(case))) as session:
        await case.prepare(session)
        batch = Foreign(case.batch(wanted))
        await case.send(session, batch)
        await publish(case, session)
    await settled(case, stream, wanted, "after a batch of another class")
    case.expect(
        batch.asked <= 1, f"the sink asks {batch.asked} times for the items of a batch; each time they are made anew"
    )
