"""ASY: a provider shares its event loop with everybody else, can be stopped at any point, and keeps up with nobody but its reader."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeAlias

from ..._error import ProviderError
from ..._kind import Ability, DataKind, Feature
from .._case import PAGE, Case, Session
from .._check import check
from .._guards._stall import measured_stall
from .._harness import Item
from .._lifecycle import (
    begun,
    drained,
    error_of,
    expect_nothing_left,
    filled,
    opened_stream,
    operations,
    started,
    stock,
    told,
    work,
    writing,
)
from .._outcome import Level
from .._sweep import MOST, Cut, sweep

_STALL: Final = 0.05
"""Seconds for which a loop may stand still: what a person, or a heartbeat, does not notice yet."""
_ANSWER: Final = 0.25
"""Seconds by which the server's answers are held back, to see whether the loop waits with them."""
_TIMEOUT: Final = 0.1
_GRACE: Final = 0.25
"""Seconds after its time-out by which an operation must have ended."""
_CLOSE: Final = 1.0
"""Seconds for closing an iterator."""
_LONG: Final = 20
"""Pages of the stream that is read slowly."""
_HEAVY: Final = 20_000
"""Bytes of each of its items: much more in all than the buffers of a connection hold."""


@check(
    "ASY-01", Level.BRONZE, "nothing blocks the event loop: no file, name, process, database or server is waited for"
)
async def nothing_blocks(case: Case) -> None:
    """Work under the guard for blocking calls, then before a server that answers late, with an eye on the loop."""
    stream, _ = await filled(case)
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)
    if case.service.proxy is None:
        return
    longest = _ANSWER
    for _ in range(3):
        await case.service.run(case.proxy.delay(_ANSWER if longest == _ANSWER else _ANSWER / 2))
        async with measured_stall() as stall:
            session = await case.connect(stream)
            await error_of(case, started(operations(case)[0], session), "working")
            await case.disconnect(session)
        longest = min(longest, stall.seconds)
        await case.service.run(case.proxy.heal())
        if longest < _ANSWER / 4:
            break
    case.expect(
        longest < _ANSWER / 4,
        f"the event loop stood still for {longest * 1000:.0f} ms while the server took {_ANSWER * 1000:.0f} ms to answer",
    )


@check("ASY-02", Level.SILVER, "the event loop never stands still for 50 ms", after=("ASY-01",))
async def no_stall(case: Case) -> None:
    """Measure the whole of a session, with larger batches; of three times the best counts."""
    stream, _ = await filled(case, 60)
    best = float("inf")
    for _ in range(3):
        async with measured_stall() as stall:
            session = await case.connect(stream, **{**writing(case), **_batch_rows(case, 30)})
            await work(case, session, stream)
            await case.disconnect(session)
        best = min(best, stall.certain)
        if best < _STALL:
            break
    case.expect(
        best < _STALL, f"the event loop stood still for {best * 1000:.0f} ms; it may for {_STALL * 1000:.0f} ms"
    )


@check(
    "ASY-03",
    Level.SILVER,
    "a cancellation at any await point arrives, leaves nothing behind, and the next use works",
    after=("ERR-06", "CON-09", "CON-10"),
    limit=120.0,
)
async def cancelled_anywhere(case: Case) -> None:
    """Sweep connect, every operation and disconnect."""
    stream, items = await filled(case)
    await _sweep_connect(case, stream)
    for operation in operations(case):
        await _sweep_operation(case, stream, operation.name, operation.start)
    await _sweep_disconnect(case, stream)
    if case.can(Ability.READ):
        async with case.session(stream) as session:
            keys = {case.profile.key_of(item) for item in await case.read_items(session)}
        missing = [item for item in items if case.profile.key_of(item) not in keys]
        case.expect(not missing, f"after the sweeps {len(missing)} of {len(items)} items are not read any more")


@check(
    "ASY-05",
    Level.SILVER,
    "a time-out from outside ends an operation within 250 ms, however the server stalls",
    features=(Feature.ENDPOINT,),
    after=("ASY-03",),
)
async def timeout_ends(case: Case) -> None:
    """Let the server fall silent and wait for each operation only a short time; of three times the best counts."""
    stream, _ = await filled(case)

    for name, begin in _waits(case, stream):
        best = float("inf")
        for _ in range(3):
            session = await case.connect(stream, **writing(case))
            doing = await begin(session)
            await case.service.run(case.proxy.stall_after(0))
            began = time.monotonic()
            err = await error_of(case, _timed(doing()), f"{name} with a time-out of {_TIMEOUT:g} s")
            best = min(best, time.monotonic() - began - _TIMEOUT)
            await case.service.run(case.proxy.heal())
            await error_of(case, case.disconnect(session), "disconnect")
            if err is not None and not isinstance(err, TimeoutError):
                case.fail(f"{name} raised {told(err)} when it was timed out from outside")
            if best < _GRACE:
                break
        case.expect(best < _GRACE, f"{name} ended {best * 1000:.0f} ms after it was timed out, before a silent server")


@check(
    "ASY-06",
    Level.SILVER,
    "a read fetches at most a few pages before they are asked for",
    needs=(Ability.READ,),
    features=(Feature.ENDPOINT,),
)
async def bounded_ahead(case: Case) -> None:
    """Take one batch of a long stream, wait until nothing moves any more, and compare with the whole."""
    stream = await case.seed([_heavy(case, item) for item in case.items(_LONG * PAGE)])
    proxy = case.proxy
    async with case.session(stream) as session:
        before = proxy.bytes_down
        await case.read(session)
        whole = proxy.bytes_down - before
    case.expect(whole > _LONG * PAGE * _HEAVY // 2, f"reading {_LONG * PAGE} large items moved only {whole} bytes")
    async with case.session(stream) as session:
        before = proxy.bytes_down
        reading, _ = await case.within(case.patience, opened_stream(session), "reading")
        fetched = await _at_rest(case) - before
        await case.within(case.patience, reading.aclose(), "closing the iterator")
    case.expect(
        fetched < whole / 2,
        f"after the first of {_LONG} batches {fetched} of {whole} bytes had been fetched; a few pages ahead are enough",
    )


@check("ASY-08", Level.BRONZE, "no task is left after `disconnect`")
async def no_task_left(case: Case) -> None:
    """Use a session for all it can, close it, and look at the loop's tasks."""
    stream, _ = await filled(case)
    before = stock(case)
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)
    await expect_nothing_left(
        case, before, "a session that was used and closed", ignore=("threads", "handles", "sockets", "sessions")
    )


@check(
    "ASY-09", Level.SILVER, "a provider works in two event loops, one after the other and at once", after=("CON-01",)
)
async def two_loops(case: Case) -> None:
    """Work here, then in a thread with two loops in a row, then in two threads at once."""
    stream, _ = await filled(case)

    async def session() -> None:
        async with case.session(stream, **writing(case)) as opened:
            await work(case, opened, stream)

    def twice() -> None:
        for _ in range(2):
            asyncio.run(session())

    await session()
    one = asyncio.to_thread(twice)
    err = await error_of(case, one, "working in another event loop", patience=2 * case.patience)
    case.expect(err is None, f"working in a second event loop raised {told(err)}")
    both = asyncio.gather(asyncio.to_thread(twice), asyncio.to_thread(twice), session())
    err = await error_of(case, both, "working in three event loops at once", patience=2 * case.patience)
    case.expect(err is None, f"working in three event loops at once raised {told(err)}")
    await session()


@check("ASY-12", Level.SILVER, "an error in the background is never lost", after=("ASY-08",))
async def no_lost_error(case: Case) -> None:
    """Break operations under the guard for errors that nobody retrieved."""
    stream, _ = await filled(case)
    for operation in operations(case):
        async with case.session(stream, **writing(case)) as session:
            await error_of(case, started(operation, session), operation.name)
            case.observe()
        if case.service.proxy is not None:
            session = await case.connect(stream, **writing(case))
            await case.service.run(case.proxy.reset_after(0))
            await error_of(case, started(operation, session), operation.name)
            await error_of(case, case.disconnect(session), "disconnect")
            await case.service.run(case.proxy.heal())
    gc.collect()
    await asyncio.sleep(0)


@check(
    "ASY-14",
    Level.SILVER,
    "a read that is forgotten in the middle gives back what it held",
    needs=(Ability.READ,),
    after=("ASY-16",),
)
async def forgotten_read(case: Case) -> None:
    """Take one batch, drop the iterator without closing it, and use the session again."""
    stream, items = await filled(case)
    before = stock(case)
    session = await case.connect(stream)
    case.observe(len(await case.read(session)))  # a pool may open now what it keeps
    idle = stock(case)
    for _ in range(3):
        await case.within(case.patience, opened_stream(session), "reading")
        gc.collect()
    await expect_nothing_left(case, idle, "a read that was forgotten", ignore=("threads", "handles"))
    case.expect_items(await case.read_items(session), items, "after reads that were forgotten, the session reads")
    await case.disconnect(session)
    await expect_nothing_left(case, before, "disconnect after reads that were forgotten")


@check(
    "ASY-16",
    Level.BRONZE,
    "closing a read early takes less than a second and gives back what it held",
    needs=(Ability.READ,),
)
async def early_close(case: Case) -> None:
    """Close after the first batch: at once, in a session that is used again, and while the server is silent."""
    stream, items = await filled(case, 4 * PAGE)
    session = await case.connect(stream)
    case.observe(len(await case.read(session)))  # a pool may open now what it keeps
    idle = stock(case)
    await _closed_early(case, session, "closing a read after its first batch")
    await expect_nothing_left(case, idle, "a read that was closed early")
    case.expect_items(await case.read_items(session), items, "after a read that was closed early, the session reads")
    if case.service.proxy is not None:
        reading, _ = await case.within(case.patience, opened_stream(session), "reading")
        await case.service.run(case.proxy.stall_after(0))
        what = "closing a read while the server is silent"
        await case.within(_CLOSE, reading.aclose(), what)
        case.observe()
        await case.service.run(case.proxy.heal())
    await case.disconnect(session)


# ---------------------------------------------------------------------- sweeping


async def _sweep_connect(case: Case, stream: str) -> None:
    before = stock(case)

    async def make() -> Coroutine[Any, Any, Any]:
        return case.opening(stream, **writing(case))

    async for cut in sweep(make):
        if cut.ended and cut.error is None:
            await case.disconnect(case.keep(cut.result))
        _expect_cancelled(case, cut, "connect")
        await expect_nothing_left(case, before, f"connect, cancelled at {cut},")


async def _sweep_operation(case: Case, stream: str, name: str, start: Callable[[Session], Awaitable[object]]) -> None:
    before = stock(case)
    sessions: list[Session] = []

    async def make() -> Coroutine[Any, Any, Any]:
        sessions.append(await case.connect(stream, **writing(case)))
        return begun(start, sessions[-1])

    async for cut in sweep(make):
        session = sessions.pop()
        _expect_cancelled(case, cut, name)
        err = await error_of(case, begun(start, session), f"{name} after it was cancelled at {cut}")
        case.expect(
            err is None or isinstance(err, ProviderError),
            f"{name}, after it was cancelled at {cut}, raised {told(err)}, which is no error of the SDK",
        )
        err = await error_of(case, case.disconnect(session), "disconnect")
        case.expect(err is None, f"disconnect, after {name} was cancelled at {cut}, raised {told(err)}")
        await expect_nothing_left(case, before, f"{name}, cancelled at {cut},")


async def _sweep_disconnect(case: Case, stream: str) -> None:
    before = stock(case)
    sessions: list[Session] = []

    async def make() -> Coroutine[Any, Any, Any]:
        session = await case.connect(stream, **writing(case))
        await work(case, session, stream)
        sessions.append(session)
        return begun(lambda opened: opened.disconnect(), session)

    async for cut in sweep(make):
        session = sessions.pop()
        _expect_cancelled(case, cut, "disconnect")
        err = await error_of(case, case.disconnect(session), "the disconnect after one that was cancelled")
        case.expect(err is None, f"disconnect, after one that was cancelled at {cut}, raised {told(err)}")
        await expect_nothing_left(case, before, f"disconnect, cancelled at {cut} and called again,")


def _expect_cancelled(case: Case, cut: Cut, name: str) -> None:
    case.expect(cut.ended, f"{name}, cancelled at {cut}, did not end")
    case.expect(cut.fired or cut.point < MOST, f"{name} has more than {MOST} await points")
    if cut.fired:
        came = "returned normally" if cut.error is None else f"raised {told(cut.error)}"
        case.expect(cut.cancelled, f"{name}, cancelled at {cut}, {came}; the cancellation has to arrive")
    else:
        case.expect(cut.error is None, f"{name}, which was not cancelled, raised {told(cut.error)}")


# ---------------------------------------------------------------------- measuring

Doing: TypeAlias = Callable[[], Awaitable[object]]


def _waits(case: Case, stream: str) -> list[tuple[str, Callable[[Session], Awaitable[Doing]]]]:
    """Return what can wait for a silent server: connect, each operation, and a read that has begun."""

    async def connecting(session: Session) -> Doing:
        return lambda: case.opening(stream)

    async def reading_on(session: Session) -> Doing:
        reading, _ = await case.within(case.patience, opened_stream(session), "reading")
        return lambda: drained(reading)

    def from_start(start: Callable[[Session], Awaitable[object]]) -> Callable[[Session], Awaitable[Doing]]:
        async def prepared(session: Session) -> Doing:
            return lambda: start(session)

        return prepared

    found = [("connect", connecting), *((each.name, from_start(each.start)) for each in operations(case))]
    return [*found, ("reading on", reading_on)] if case.can(Ability.READ) else found


async def _timed(doing: Awaitable[object]) -> None:
    async with asyncio.timeout(_TIMEOUT):
        await doing


async def _closed_early(case: Case, session: Session, what: str) -> None:
    reading, _ = await case.within(case.patience, opened_stream(session), "reading")
    await case.within(_CLOSE, reading.aclose(), what)
    case.observe()


async def _at_rest(case: Case) -> int:
    """Wait until no byte has come down for a while, and return the count."""
    quiet, last = 0, -1
    for _ in range(100):
        await asyncio.sleep(0.01)
        now = case.proxy.bytes_down
        quiet = quiet + 1 if now == last else 0
        last = now
        if quiet == 5:
            break
    return last


def _batch_rows(case: Case, rows: int) -> Mapping[str, Any]:
    return {"batch_rows": rows} if "batch_rows" in case.subject.models[1].model_fields else {}


def _heavy(case: Case, item: Item) -> Item:
    """Return an item with the same key that is large."""
    text = "x" * _HEAVY
    match case.kind:
        case DataKind.RECORD:
            return {**item, "name": text}
        case DataKind.OBJECT:
            return {**item, "data": text.encode(), "size": _HEAVY}
        case DataKind.EMBEDDING:
            return {**item, "metadata": {"text": text}}
        case DataKind.DOCUMENT:
            return {**item, "content": {"text": text}}
        case DataKind.MESSAGE:
            return {**item, "payload": text.encode()}
        case DataKind.GRAPH:
            return {**item, "properties": {"text": text}}
