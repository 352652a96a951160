"""PERF: floors that hold on every machine: counts and ratios, never seconds."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

from ..._batch import Batch
from ..._kind import Ability, DataKind, Feature
from ...testing import positions_of
from .._case import PAGE, Case
from .._check import check
from .._fidelity import target
from .._outcome import HarnessFailed, Level

_PAGED: Final = (DataKind.RECORD, DataKind.EMBEDDING, DataKind.DOCUMENT, DataKind.MESSAGE, DataKind.GRAPH)
"""Kinds whose items come in pages. An object is fetched by a request of its own."""
_MANY: Final = 4 * PAGE
_FEW: Final = 500  # items; below, the constant cost of a read hides how it grows
_TIMES: Final = 4
_GROWTH: Final = 10  # four times the items cost four times as much; a quadratic provider takes sixteen
_ROUNDS: Final = 3  # runs of each length at most, of which the cheapest counts
_BATCH: Final = 100
_PATIENCE: Final = 60.0  # seconds for one run, on a busy machine and of a provider that is too slow
_SECONDS: Final = 0.02  # what is cheaper than this for so many items is cheap enough, however it grows


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs: seconds of the processor, and bytes to and from the system where it has a server."""

    seconds: float
    bytes: int

    @classmethod
    def now(cls, case: Case) -> Self:
        """Return what has been spent so far."""
        proxy = case.service.proxy
        return cls(time.process_time(), 0 if proxy is None else proxy.bytes_up + proxy.bytes_down)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.seconds - other.seconds, self.bytes - other.bytes)


@check(
    "PERF-03",
    Level.SILVER,
    "the first item comes after one page, however long the stream is",
    needs=(Ability.READ,),
    features=(Feature.ENDPOINT,),
    kinds=_PAGED,
    after=("READ-01", "CON-01"),
)
async def first_item_is_early(case: Case) -> None:
    """Count the requests until the first item of a short stream and of a long one."""
    counts = [await _requests(case, count, stop=1) for count in (1, _MANY)]
    extra = counts[1] - counts[0]
    case.expect(
        extra <= 1,
        f"the first of {_MANY} items came after {counts[1]} requests, the only item of a stream after {counts[0]}",
    )


@check(
    "PERF-04",
    Level.SILVER,
    "requests grow with pages, not with items",
    needs=(Ability.READ,),
    features=(Feature.ENDPOINT,),
    kinds=_PAGED,
    after=("READ-01", "CON-01"),
)
async def requests_grow_with_pages(case: Case) -> None:
    """Count the requests for one item and for several pages of them."""
    one, many = await _requests(case, 1), await _requests(case, _MANY)
    pages = math.ceil(_MANY / PAGE)
    allowed = one + pages + 2
    case.expect(
        many <= allowed,
        f"reading {_MANY} items in {pages} pages took {many} requests; {one} for one item, so at most {allowed}",
    )


@check(
    "PERF-06",
    Level.SILVER,
    "four times the items cost less than ten times the processor time and bytes, reading and writing",
    kinds=_PAGED,
    after=("READ-01", "WRT-01"),
    limit=180.0,
)
async def cost_grows_linearly(case: Case) -> None:
    """Compare the cheapest of several runs of each length. The clock on the wall would measure what else the machine does."""
    case.patience = max(case.patience, _PATIENCE)
    if case.can(Ability.READ):
        streams = {count: await case.seed(case.items(count)) for count in (_FEW, _TIMES * _FEW)}
        await _grows(case, "reading", lambda count: _reading(case, streams[count], count))
    if case.can(Ability.WRITE):
        await _grows(case, "writing", lambda count: _writing(case, count))


async def _grows(case: Case, what: str, run: Callable[[int], Awaitable[Cost]]) -> None:
    few, many = [await run(_FEW)], list[Cost]()  # the first run pays for what is imported and cached once
    spent, least = math.inf, math.inf
    for _ in range(_ROUNDS):
        few.append(await run(_FEW))
        many.append(await run(_TIMES * _FEW))
        spent, least = min(cost.seconds for cost in many), min(cost.seconds for cost in few)
        if spent < _SECONDS or spent / least < _GROWTH:
            break
    moved, short = min(cost.bytes for cost in many), min(cost.bytes for cost in few)
    grown = f"{what} {_TIMES * _FEW} items moved {moved} bytes and {what} {_FEW} moved {short}; at most {_GROWTH} times as many"
    case.expect(moved <= _GROWTH * short, grown)
    grown = f"{what} {_TIMES * _FEW} items took {spent / least:.1f} times as much processor time as {what} {_FEW}; at most {_GROWTH}"
    case.expect(spent < _SECONDS or spent / least < _GROWTH, grown)


async def _reading(case: Case, stream: str, count: int) -> Cost:
    async with case.session(stream, batch_rows=_BATCH) as session:
        before = Cost.now(case)
        found = await case.read_items(session)
        spent = Cost.now(case) - before
    case.expect(len(found) == count, f"reading {count} items gave {len(found)}")
    return spent


async def _writing(case: Case, count: int) -> Cost:
    stream, changes = await target(case)
    items = case.items(count)
    batches = [case.batch(items[first : first + _BATCH]) for first in range(0, count, _BATCH)]
    async with case.session(stream, **changes) as session:
        await case.prepare(session)
        before = Cost.now(case)
        for batch in batches:
            await case.send(session, batch)
        spent = Cost.now(case) - before
    case.observe()
    return spent


async def _requests(case: Case, count: int, *, stop: int | None = None) -> int:
    """Return how many requests a read of so many items took, up to its end or up to its first items."""
    proxy = case.service.proxy
    if proxy is None:
        raise HarnessFailed("the harness names no host and port, so its requests cannot be counted")
    stream = await case.seed(case.items(count))
    async with case.session(stream) as session:
        before, reading, found = proxy.requests, session.read(None), 0
        try:
            async for batch in reading:
                found += len(positions_of(batch)) if isinstance(batch, Batch) else 1
                if stop is not None and found >= stop:
                    break
            spent = proxy.requests - before
        finally:
            await reading.aclose()
    case.expect(found >= (stop or count), f"reading {count} items gave {found}")
    return spent
