"""RES, when something has happened in between: to the context, to its item, to the size of pages, to the connection."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from ..._context import Context, KeysetContext, MarkerContext, OffsetContext, TokenContext
from ..._error import ProviderError
from ..._kind import CapabilityState, ContextKind, DataKind, ErrorKind, Feature
from ..._value import IntValue, TextValue
from .._case import Case, Positioned, Session, apart
from .._check import check
from .._harness import Item
from .._outcome import Level
from .._stream import (
    fault,
    has_param,
    identity,
    keyed,
    label,
    made,
    page_sizes,
    resume_everywhere,
    through_json,
)
from .read import READ, SOME, at
from .res import TEXT, bytes_of


@check(
    "RES-10",
    Level.SILVER,
    "a token that the system does not know raises `context_expired` or `invalid_context`, and never begins anew",
    needs=READ,
    contexts=(ContextKind.TOKEN,),
    after=("RES-01",),
)
async def unknown_token_is_refused(case: Case) -> None:
    """A token of nobody's, and one of a stream whose items are gone."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        found = await case.read(session)
        context = found[-1][1] if found else None
        if not isinstance(context, TokenContext):
            case.fail(f"the context after the last item is a {type(context).__name__}, not a TokenContext")
        for token in ("nvisy-unknown-token", "0" * 40):
            unknown = context.model_copy(update={"token": token, "offset": 0})
            await case.expect_error(
                case.read(session, unknown),
                ErrorKind.CONTEXT_EXPIRED,
                ErrorKind.INVALID_CONTEXT,
                what=f"reading from the unknown token {token!r}",
            )


@check(
    "RES-11",
    Level.SILVER,
    "a context that is not one of this stream raises `invalid_context`",
    needs=READ,
    after=("RES-01",),
)
async def foreign_context_is_refused(case: Case) -> None:
    """Of another stream, condition or order; of another kind; with other or hostile values."""
    wanted = case.items(SOME)
    stream, other = await case.seed(wanted), await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        found = await case.read(session)
        case.expect(len(found) == SOME, f"{len(found)} of {SOME} items were read")
    context = through_json(case, found[1][1], "the second item")
    for what, name, changes in _elsewhere(case, stream, other):
        async with case.session(name, **changes) as session:
            doing = case.read(session, context)
            await case.expect_error(doing, ErrorKind.INVALID_CONTEXT, what=f"resuming from a context of {what}")
    async with case.session(stream) as session:
        for what, forged in _forgeries(context):
            doing = case.read(session, forged)
            await case.expect_error(
                doing, ErrorKind.INVALID_CONTEXT, ErrorKind.CONTEXT_EXPIRED, what=f"resuming from a context {what}"
            )
    await _hostile_keys(case)
    case.expect_items(await case.dump(stream), wanted, "after hostile contexts, in the source")


def _elsewhere(case: Case, stream: str, other: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return reads that a context of the stream does not belong to."""
    yield "another stream", other, {}
    if case.kind is DataKind.RECORD and case.feature(Feature.FILTER).state is CapabilityState.FULL:
        yield "another condition", stream, {"filter": [{"column": "id", "op": "ge", "value": 0}]}
    if keyed(case):
        yield "another order", stream, {"key": ("name", "id")}


def _forgeries(context: Context) -> Iterator[tuple[str, Context]]:
    """Return contexts that could be this stream's by their fingerprint, and are not."""
    mark = context.fingerprint
    yield "with another fingerprint", context.model_copy(update={"fingerprint": "0" * 32})
    others: tuple[Context, ...] = (
        MarkerContext(fingerprint=mark, key="a"),
        KeysetContext(fingerprint=mark, values=(IntValue(value=1),)),
        TokenContext(fingerprint=mark, token="a", offset=0),  # noqa: S106 - no password
        OffsetContext(fingerprint=mark, partitions={"no such partition": 1}),
    )
    yield from ((f"of the kind {each.kind}", each) for each in others if each.kind != context.kind)
    match context:
        case KeysetContext(values=values):
            wrong = IntValue(value=7) if isinstance(values[-1], TextValue) else TextValue(value="7 OR 1=1 --")
            yield "with one value too many", context.model_copy(update={"values": (*values, values[-1])})
            yield "with a value of another type", context.model_copy(update={"values": (*values[:-1], wrong)})
        case OffsetContext():
            yield "of a partition that is not there", others[-1]
        case _:
            pass


async def _hostile_keys(case: Case) -> None:
    """A key may hold anything: it is a place in the order, and never a part of a question."""
    hostile = "m' OR '1'='1'; DROP TABLE x; --"
    if keyed(case):
        items, schema = made(case, {"id": TEXT}, [("a",), ("m",), (hostile,), ("z",)])
        stream = await case.seed(items, schema=schema)
        await _resume_around(case, stream, len(items))
    elif case.kind is DataKind.OBJECT and case.feature(Feature.NAMES).state is CapabilityState.FULL:
        paths = ("a", hostile, "z")
        items = case.adapted([{**item, "path": path} for item, path in zip(case.profile.items(3), paths, strict=True)])
        await _resume_around(case, await case.seed(items), len(items))


async def _resume_around(case: Case, stream: str, count: int) -> None:
    async with case.session(stream) as session:
        found = await case.read(session)
        case.expect(len(found) == count, f"{len(found)} items with hostile keys are read, not {count}")
        await resume_everywhere(case, session, found, " with hostile keys")


@check(
    "RES-12",
    Level.SILVER,
    "a context is good when its item is gone",
    needs=READ,
    contexts=(ContextKind.KEYSET, ContextKind.MARKER),
    kinds=(DataKind.RECORD, DataKind.OBJECT, DataKind.EMBEDDING, DataKind.DOCUMENT, DataKind.GRAPH),
    after=("RES-01",),
)
async def anchor_may_be_deleted(case: Case) -> None:
    """Delete every second item, each time resuming from the one that was deleted last."""
    items = case.items(SOME)
    stream = await case.seed(items)
    async with case.session(stream) as session:
        found = await case.read(session)
        rows = [item for item, _ in found]
        for place in range(1, len(found), 2):
            item, context = found[place]
            gone = [each for each in items if identity(case, each) == identity(case, item)]
            await case.remove(stream, gone)
            rest = await case.read_items(session, through_json(case, context, label(case, item)))
            wrong = fault(case, rest, rows[place + 1 :])
            case.expect(not wrong, f"resuming after item {place + 1} of {len(rows)}, which is deleted, {wrong}")


@check("RES-14", Level.SILVER, "a context is good with another size of page", needs=READ, after=("RES-01", "RES-03"))
async def page_size_may_change(case: Case) -> None:
    """Every size of page, resumed with every other; objects in parts of another size."""
    items = case.items(SOME)
    if case.kind is DataKind.OBJECT:
        items[2] = {**items[2], "data": case.random.randbytes(140_000), "size": 140_000}
    stream = await case.seed(items)
    parts = ({"part_bytes": 65_536}, {"part_bytes": 131_072}) if has_param(case, "part_bytes") else ()
    sizes: list[dict[str, Any]] = [*page_sizes(case), *parts]
    for first, second in itertools.product(sizes, sizes):
        async with case.session(stream, **first) as session:
            found = await case.read(session)
        async with case.session(stream, **second) as session:
            for place, (item, context) in enumerate(found):
                rest = await case.read(session, through_json(case, context, label(case, item)))
                wrong = _other_rest(case, [each for each, _ in rest], [each for each, _ in found[place + 1 :]])
                sized = f"{_said(first)}, then {_said(second)}"
                case.expect(not wrong, f"resuming after item {place + 1} of {len(found)} with {sized} {wrong}")


def _said(changes: dict[str, Any]) -> str:
    return ", ".join(f"`{name}` {value}" for name, value in changes.items()) or "the usual size"


def _other_rest(case: Case, found: Sequence[Item], wanted: Sequence[Item]) -> str:
    """Return what is wrong with the items after a place; parts of an object count by their bytes."""
    if case.kind is not DataKind.OBJECT:
        return fault(case, found, wanted)
    had, want = _joined(found), _joined(wanted)
    wrong = next((path for path in {**had, **want} if had.get(path) != want.get(path)), None)
    return "" if wrong is None else f"yields other bytes of `{wrong}`"


def _joined(items: Sequence[Item]) -> dict[str, bytes]:
    joined: dict[str, bytes] = {}
    for item in items:
        joined[str(item["path"])] = joined.get(str(item["path"]), b"") + bytes_of(item)
    return joined


@check(
    "RES-17",
    Level.SILVER,
    "a read that is killed again and again, and resumed each time, is one whole read",
    needs=READ,
    after=("RES-01", "RES-03", "RES-04"),
)
async def killed_reads_add_up(case: Case) -> None:
    """Kills after a random number of items; the session that was killed is still open when the next one resumes."""
    stream = await case.seed(case.items(2 * SOME))
    async with case.session(stream) as session:
        rows = await case.read_items(session)
    random = case.random
    for pages in page_sizes(case):
        kept: list[Item] = []
        context: Context | None = None
        killed = None
        for _ in range(2 * len(rows) + 2):
            session = await case.connect(stream, **pages)
            found = await case.read(session, context, stop=random.randint(1, 4))
            if killed is not None:  # the one before dies only now: it may not matter when
                await case.disconnect(killed)
            killed = session
            if not found:
                break
            kept += [item for item, _ in found]
            context = through_json(case, found[-1][1], label(case, found[-1][0]))
        wrong = fault(case, kept, rows)
        case.expect(not wrong, f"a read that was killed and resumed{at(pages)} {wrong}")


@check(
    "RES-13",
    Level.SILVER,
    "a context is good when its item has changed",
    needs=READ,
    kinds=(DataKind.RECORD, DataKind.OBJECT, DataKind.EMBEDDING, DataKind.DOCUMENT, DataKind.GRAPH),
    after=("RES-01",),
)
async def anchor_may_change(case: Case) -> None:
    """Change every second item, in all but its key, each time resuming from the one that was changed last."""
    items = case.items(SOME)
    stream = await case.seed(items)
    again = case.feature(Feature.UPDATES).state is CapabilityState.FULL
    async with case.session(stream) as session:
        found = await case.read(session)
        rows = [item for item, _ in found]
        for place in range(1, len(found), 2):
            item, context = found[place]
            old = next(each for each in items if identity(case, each) == identity(case, item))
            await case.seed(case.adapted([case.profile.changed(old)]), stream=stream)
            rest = await case.read_items(session, through_json(case, context, label(case, item)))
            ahead = [identity(case, each) for each in rows[place + 1 :]]
            kept = [each for each in rest if not again or identity(case, each) in ahead]
            wrong = fault(case, kept, rows[place + 1 :])
            case.expect(not wrong, f"resuming after item {place + 1} of {len(rows)}, which has changed, {wrong}")


@check(
    "RES-18",
    Level.SILVER,
    "a read that was broken by the network goes on where it was",
    needs=READ,
    features=(Feature.ENDPOINT,),
    after=("RES-01", "RES-03"),
)
async def broken_reads_go_on(case: Case) -> None:
    """The connection is reset after some of the answer, or stalls; or everything is slow."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        before = case.proxy.bytes_down
        rows = await case.read_items(session)
        total = max(case.proxy.bytes_down - before, 8)
    for stalls in (False, True):
        for part in (1, 4, 7) if stalls else range(1, 8):
            session = await case.connect(stream)
            fail = case.proxy.stall_after if stalls else case.proxy.reset_after
            await case.service.run(fail(total * part // 8))
            had = await _read_until_broken(case, session, stalls=stalls)
            await case.service.run(case.proxy.heal())
            context = through_json(case, had[-1][1], label(case, had[-1][0])) if had else None
            async with case.session(stream) as other:
                rest = await case.read_items(other, context)
            wrong = fault(case, [*(item for item, _ in had), *rest], rows)
            how = "stalled" if stalls else "was reset"
            case.expect(not wrong, f"a read whose connection {how} after {part}/8 of the answer, resumed, {wrong}")
    await case.service.run(case.proxy.throttle(max(total * 4, 4096)))
    async with case.session(stream) as session:
        wrong = fault(case, await case.read_items(session), rows)
    case.expect(not wrong, f"a read over a slow connection {wrong}")


async def _read_until_broken(case: Case, session: Session, *, stalls: bool) -> list[Positioned]:
    """Read until an error, or until nothing comes any more, and return what came."""
    had: list[Positioned] = []

    async def use() -> None:
        async for yielded in session.read(None):
            had.extend(apart(yielded))

    reading = asyncio.ensure_future(use())
    await asyncio.wait((reading,), timeout=_STALLED if stalls else case.patience)
    reading.cancel()
    await asyncio.wait((reading,), timeout=case.patience)
    if reading.done() and not reading.cancelled():
        error = reading.exception()
        if error is not None and not isinstance(error, ProviderError):
            raise error
    return had


_STALLED = 0.1
"""Seconds after which a connection over which nothing comes is taken for stalled; what comes comes in a fraction of that."""
