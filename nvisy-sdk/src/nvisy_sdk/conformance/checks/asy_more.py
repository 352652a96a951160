"""ASY, continued: a second cancellation, context variables, and threads that are bounded."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias

from ..._error import ProviderError
from ..._kind import Ability
from ...testing import RowBatch
from .._case import Case, Session
from .._check import check
from .._guards._stock import counts
from .._lifecycle import begun, error_of, expect_nothing_left, filled, operations, stock, told, work, writing
from .._outcome import Level
from .._sweep import interrupted
from .._threads import is_harness

Doing: TypeAlias = Coroutine[Any, Any, Any]
Make: TypeAlias = Callable[[], Awaitable[tuple[Session | None, Doing]]]

_POINTS: Final = 40
"""Await points of one operation, and of its clean-up, at which it is interrupted; more tell nothing new."""
_AT_ONCE: Final = 60
_BOUND: Final = 40
"""Threads a provider may start for that many calls: the SDK's own pool has 32."""

_variable: contextvars.ContextVar[str] = contextvars.ContextVar("nvisy_conformance", default="lost")


@check(
    "ASY-04",
    Level.GOLD,
    "a second cancellation, during the clean-up after the first, leaves nothing behind",
    after=("ASY-03", "CON-09", "CON-10"),
    limit=120.0,
)
async def cancelled_twice(case: Case) -> None:
    """Cancel connect and every operation at each await point, and again at each await point of what follows."""
    stream, _ = await filled(case)
    before = stock(case)

    async def opening() -> tuple[Session | None, Doing]:
        return None, case.opening(stream)

    def using(start: Callable[[Session], Awaitable[object]]) -> Make:
        async def made() -> tuple[Session | None, Doing]:
            session = await case.connect(stream, **writing(case))
            return session, begun(start, session)

        return made

    makes: list[tuple[str, Make]] = [(each.name, using(each.start)) for each in operations(case)]
    for name, make in [("connect", opening), *makes]:
        point, again = 1, 1
        while max(point, again) < _POINTS:
            session, doing = await make()
            cut = await interrupted(doing, point, again=again)
            where = f"{name}, cancelled at {cut} and again {again} later,"
            case.expect(cut.ended, f"{where} did not end")
            if name == "connect" and cut.result is not None:
                await case.disconnect(case.keep(cut.result))
            if session is not None:
                err = await error_of(case, case.disconnect(session), "disconnect")
                case.expect(err is None, f"disconnect after {where} raised {told(err)}")
            await expect_nothing_left(case, before, where)
            if not cut.fired:
                break
            point, again = (point, again + 1) if cut.again else (point + 1, 1)


@check(
    "ASY-11",
    Level.SILVER,
    "context variables of the caller are visible wherever the provider looks at a batch",
    needs=(Ability.WRITE,),
)
async def context_variables(case: Case) -> None:
    """Write a batch that notes in which context it is asked for its items."""
    stream, _ = await filled(case, 1)
    seen: list[str] = []

    class Noting(RowBatch):
        """Notes the context variable whenever somebody asks for the items."""

        def rows(self) -> list[dict[str, object]]:
            seen.append(_variable.get())
            return super().rows()

        def tuples(self) -> list[tuple[object, ...]]:
            seen.append(_variable.get())
            return super().tuples()

        def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
            seen.append(_variable.get())
            return super().__arrow_c_array__(requested_schema)

        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            seen.append(_variable.get())
            return super().__arrow_c_stream__(requested_schema)

    token = _variable.set("kept")
    try:
        async with case.session(stream, **writing(case)) as session:
            await case.prepare(session)
            batch = Noting(case.items(2, first=300), schema=case.profile.schema, kind=case.kind)
            await case.send(session, batch)
    finally:
        _variable.reset(token)
    case.expect(seen, "write accepted a batch without asking for its items")
    case.expect("lost" not in seen, "write asks for the items in a thread without the caller's context variables")


@check("ASY-13", Level.SILVER, "the threads of a provider are bounded, however much is asked of it at once")
async def bounded_threads(case: Case) -> None:
    """Ask one session for the same many times at once, and count threads meanwhile."""
    stream, _ = await filled(case, 2)
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)
        before = _threads()
        most = 0
        for operation in [each for each in operations(case) if each.name in ("check", "describe", "reading")]:
            tasks = [asyncio.ensure_future(begun(operation.start, session)) for _ in range(_AT_ONCE)]
            waiting: set[asyncio.Future[object]] = set(tasks)
            while waiting:
                most = max(most, _threads() - before)
                _, waiting = await asyncio.wait(waiting, timeout=0.002)
            for err in [task.exception() for task in tasks]:
                case.expect(
                    err is None or isinstance(err, ProviderError),
                    f"{operation.name}, {_AT_ONCE} times at once, raised {told(err)}, which is no error of the SDK",
                )
        case.expect(most <= _BOUND, f"{_AT_ONCE} calls at once started {most} threads; a bounded pool is enough")


def _threads() -> int:
    return sum(counts(thread) and not is_harness(thread) for thread in threading.enumerate())
