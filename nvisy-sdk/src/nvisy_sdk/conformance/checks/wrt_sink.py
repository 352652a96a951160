"""WRT, for sinks that do more than write: make their target ready, keep the engine's mark, or change all at once in the end."""

from collections.abc import Coroutine
from typing import Any, Final

from ..._error import ProviderError
from ..._kind import Ability, Feature, WriteMode
from ..._write import Mark, Prepare
from .._case import Case, Session
from .._check import check
from .._fidelity import found, target
from .._outcome import Level
from .._profile import differences
from .._sweep import sweep
from .._target import keeping, moded

_KEY: Final = "run/source → target"
_VALUES: Final = ('{"kind":"keyset"}', "naïve 😀 ' \" \\ \n", "x" * 10_000)
_CUTS: Final = 8


@check(
    "WRT-24",
    Level.SILVER,
    "preparing again with the same request changes nothing",
    needs=(Ability.WRITE, Ability.PREPARE),
    after=("WRT-01",),
)
async def preparing_again_changes_nothing(case: Case) -> None:
    """Prepare twice before the first batch, and again with items there: in this session, and when a run resumes."""
    wanted = case.items(3)
    stream, needed = await target(case)
    mode = _mode(case)
    async with case.session(stream, **needed, **mode) as session:
        await _prepared(case, session, "before the first batch", times=2)
        await case.send(session, case.batch(wanted))
        for fresh in (True, False):
            await _prepared(case, session, "after a batch", fresh=fresh)
            case.expect_items(await found(case, stream, 3), wanted, "preparing again after a batch")
    async with case.session(stream, **needed, **mode) as session:
        await _prepared(case, session, "in another session", fresh=False)
    case.expect_items(await found(case, stream, 3), wanted, "preparing again in another session")


@check(
    "WRT-25",
    Level.SILVER,
    "the mark that comes back is exactly that of the last batch, also of one without items",
    needs=(Ability.WRITE, Ability.TRANSACTIONAL),
    after=("WRT-01",),
)
async def mark_is_the_last(case: Case) -> None:
    """Store marks with batches, with an empty one last, and ask for them here and in another session."""
    wanted = case.items(len(_VALUES))
    stream, needed = await target(case)
    key = f"{stream}/{_KEY}"
    async with case.session(stream, **needed, **_mode(case)) as session:
        none = await session.committed(key)
        case.expect(none is None, f"before the first batch the mark is {none!r}, not None")
        await case.prepare(session)
        for item, value in zip(wanted, _VALUES, strict=True):
            await session.write_through(case.batch([item]), Mark(key=key, value=value))
            await _expect_mark(case, session, key, value, "after its batch")
        await session.write_through(case.batch([]), Mark(key=key, value="empty"))
        await _expect_mark(case, session, key, "empty", "after a batch without items")
        await session.write_through(case.batch([]), Mark(key=f"{key}/other", value="other"))
        await _expect_mark(case, session, key, "empty", "after a mark with another key")
    async with case.session(stream, **needed, **_mode(case)) as session:
        await _expect_mark(case, session, key, "empty", "in another session")
    case.expect_items(await found(case, stream, len(wanted)), wanted, "writing batches with marks")


@check(
    "WRT-26",
    Level.SILVER,
    "after any failure a batch and its mark are both there, or neither is",
    needs=(Ability.WRITE, Ability.TRANSACTIONAL),
    after=("WRT-25",),
)
async def mark_and_batch_are_one(case: Case) -> None:
    """Cancel the write at each of its await points, and break the connection at several places of it."""
    wanted = case.items(3)
    used: list[tuple[str, Session]] = []
    stream, needed = await target(case)

    async def make() -> Coroutine[Any, Any, Any]:
        nonlocal stream, needed
        stream, needed = await target(case)
        session = await case.connect(stream, **needed, **_mode(case))
        used.append((stream, session))
        await case.prepare(session)
        doing: Coroutine[Any, Any, Any] = session.write_through(case.batch(wanted), Mark(key=stream, value="m"))
        return doing

    async for cut in sweep(make):
        await case.disconnect(used[-1][1])
        await _both_or_neither(
            case, used[-1][0], needed, len(wanted), f"cancelled at {cut}" if cut.fired else "not cancelled"
        )
    if case.service.proxy is None or case.feature(Feature.ENDPOINT).state != "full":
        return
    total = 0
    for part in range(_CUTS + 1):
        doing = await make()
        before = case.proxy.bytes_up
        if part:
            await case.service.run(case.proxy.reset_after(max(1, total * part // _CUTS), "up"))
        try:
            await case.within(case.patience, doing, "write_through")
        except ProviderError:
            case.observe()
        total = total or case.proxy.bytes_up - before
        await case.service.run(case.proxy.heal())
        await _both_or_neither(case, used[-1][0], needed, len(wanted), f"cut off after {part}/{_CUTS} of the request")


@check(
    "WRT-27",
    Level.SILVER,
    "until `publish` the old items are there, afterwards the new ones, and never some of both",
    needs=(Ability.WRITE, Ability.STAGED),
    after=("WRT-01",),
)
async def publishing_is_one_step(case: Case) -> None:
    """Stage other items than are there, look, publish; then cancel `publish` at each of its await points."""
    old, new = case.items(3), case.items(4, first=10)
    used: list[tuple[str, Session]] = []

    async def make() -> Coroutine[Any, Any, Any]:
        stream = await case.seed(old)
        session = await case.connect(stream, mode=WriteMode.REPLACE)
        used.append((stream, session))
        await case.prepare(session)
        for first in range(0, len(new), 2):
            await case.send(session, case.batch(new[first : first + 2]))
        case.expect_items(await case.dump(stream), old, "writing in mode `replace`, before `publish`")
        doing: Coroutine[Any, Any, Any] = session.publish()
        return doing

    async for cut in sweep(make):
        stream, session = used[-1]
        await case.disconnect(session)
        held = await found(case, stream, len(new) if not cut.fired else len(old))
        if not cut.fired:
            case.expect_items(held, new, "after `publish`")
            continue
        wrong = differences(case.profile, held, old) and differences(case.profile, held, new)
        text = (
            f"`publish` was cancelled at {cut}, and neither the old items are there nor the new ones: {len(held)} items"
        )
        case.expect(not wrong, text)


@check(
    "WRT-28",
    Level.SILVER,
    "calling `publish` again changes nothing",
    needs=(Ability.WRITE, Ability.STAGED),
    after=("WRT-27",),
)
async def publishing_again_changes_nothing(case: Case) -> None:
    """Publish twice in one session, and once more in a session that wrote nothing."""
    new = case.items(4, first=10)
    stream = await case.seed(case.items(3))
    async with case.session(stream, mode=WriteMode.REPLACE) as session:
        await case.prepare(session)
        await case.send(session, case.batch(new))
        for time in ("once", "twice"):
            await case.within(case.patience, session.publish(), "publish")
            case.expect_items(await found(case, stream, len(new)), new, f"publishing {time}")
    async with case.session(stream, mode=WriteMode.REPLACE) as session:
        await case.within(case.patience, session.publish(), "publish")
    case.expect_items(await found(case, stream, len(new)), new, "publishing in a session that wrote nothing")


def _mode(case: Case) -> dict[str, Any]:
    return dict(moded(keeping(case)))


async def _prepared(case: Case, session: Session, when: str, *, fresh: bool = True, times: int = 1) -> None:
    request = Prepare(kind=case.kind, schema=case.profile.schema, fresh=fresh)
    for number in range(times):
        try:
            await case.within(case.patience, session.prepare(request), "prepare")
        except ProviderError as err:
            case.expect(not number and times > 1, f"preparing again {when} raised `{err.kind}` ({err})")
            raise
        case.observe()


async def _expect_mark(case: Case, session: Session, key: str, value: str, when: str) -> None:
    mark = await case.within(case.patience, session.committed(key), "committed")
    shown = "None" if mark is None else repr(mark.value)[:60]
    case.expect(mark == Mark(key=key, value=value), f"{when} the mark is {shown}, not {value!r:.60}")


async def _both_or_neither(case: Case, stream: str, needed: dict[str, Any], count: int, when: str) -> None:
    async with case.session(stream, **needed, **_mode(case)) as session:
        mark = await case.within(case.patience, session.committed(stream), "committed")
    held = await found(case, stream, count if mark is not None else 0)
    whole = len(held) == (count if mark is not None else 0)
    state = "there" if mark is not None else "not there"
    case.expect(whole, f"{when}: the mark is {state}, and {len(held)} of {count} items are")
