"""READ, for sources that change meanwhile, and for items that are very large, very many, or empty."""

from typing import Any

from ..._error import ProviderError
from ..._kind import Ability, CapabilityState, ContextKind, DataKind, ErrorKind, Feature
from .._case import Case, Positioned, apart
from .._check import check
from .._outcome import Level
from .._stream import everything, has_param, identity, label, page_sizes
from .._target import EMPTY, large
from .read import READ, SOME, at
from .res import bytes_of

_MANY = 3_000
_LARGE = 2**24


@check(
    "READ-15",
    Level.SILVER,
    "a read that a server sends round in circles ends with an error",
    needs=READ,
    contexts=(ContextKind.TOKEN,),
    after=("READ-01",),
)
async def circles_are_found_out(case: Case) -> None:
    """The server gives the first page again and again; where it cannot be made to, no place may come twice by itself."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        places = [repr(context) for _, context in await case.read(session)]
        case.expect(len(set(places)) == SOME, f"{SOME} items have {len(set(places))} different contexts")
        if not await case.fault("repeat_token"):
            return
        try:
            found = await case.read_items(session)
        except ProviderError as err:
            case.expect(
                not err.retryable, f"a server that goes round in circles raised `{err.kind}`, which is tried again"
            )
        else:
            case.fail(f"a read from a server that goes round in circles ends well, after {len(found)} items")
        finally:
            await case.fault("none")


@check(
    "READ-16",
    Level.SILVER,
    "items that are added or deleted while a read goes on neither end it nor make it lose or repeat others",
    needs=READ,
    after=("READ-01",),
)
async def changes_meanwhile_do_no_harm(case: Case) -> None:
    """After the first batch, one item that was read and one that was not are deleted, and two are added."""
    for pages in page_sizes(case):
        items = case.items(2 * SOME)
        stream = await case.seed(items)
        async with case.session(stream, **pages) as session:
            reading = session.read(None)
            had = apart(await case.within(case.patience, anext(reading), "reading the first batch"))
            read_first = [identity(case, item) for item, _ in had]
            gone = [item for item in items if identity(case, item) == read_first[0]]
            gone += [item for item in items if identity(case, item) not in read_first][1:2]
            if case.kind is not DataKind.MESSAGE:
                await case.remove(stream, gone)
            await case.seed(case.items(2, first=2 * SOME), stream=stream)
            had += await case.within(case.patience, _rest(reading), "reading on")
        found = [repr(identity(case, item)) for item, _ in had]
        for item in items:
            count = found.count(repr(identity(case, item)))
            known = count == 1 or (count == 0 and item in gone and not _snapshot(case))
            what = f"{label(case, item)} was read {count} times{at(pages)}, while others were added and deleted"
            case.expect(known, what)
        new = len(found) - len([one for one in found if one in {repr(identity(case, item)) for item in items}])
        case.expect(not (new and _snapshot(case)), f"{new} items were read that were added after the read began")


def _snapshot(case: Case) -> bool:
    return case.feature(Feature.SNAPSHOT).state is CapabilityState.FULL


async def _rest(reading: Any) -> list[Positioned]:
    return [found async for yielded in reading for found in apart(yielded)]


@check(
    "READ-17",
    Level.SILVER,
    "an item of 16 MiB is read whole, and so are thousands of small ones",
    needs=READ,
    after=("READ-01",),
    limit=180.0,
)
async def large_and_many_are_read(case: Case) -> None:
    """As large as the manifest says that an item may be, where that is less."""
    size = min(case.manifest.limit(Ability.READ, "max_item_bytes") or _LARGE, _LARGE)
    first, second = case.profile.items(2)
    wanted = case.adapted([first, large(case, second, max(size - 1024, 1))])
    stream = await case.seed(wanted)
    async with case.session(stream) as session:
        found = await case.within(60, case.read_items(session), f"reading an item of {size} bytes")
    if case.kind is DataKind.OBJECT:
        data = b"".join(bytes_of(item) for item in found if item["path"] == wanted[1]["path"])
        case.expect(data == wanted[1]["data"], f"an object of {size} bytes is read as {len(data)} other bytes")
    else:
        case.expect_items(found, wanted, f"reading an item of {size} bytes")
    paged = has_param(case, "batch_rows")
    pages: dict[str, Any] = {"batch_rows": 1000} if paged else {}
    wanted = case.items(_MANY if paged else _MANY // 5)  # where pages have no size, each item may be a request
    stream = await case.seed(wanted)
    async with case.session(stream, **pages) as session:
        await everything(case, session, wanted, f" {len(wanted)} items")


@check(
    "READ-19",
    Level.BRONZE,
    "an item with nothing in it is read, or is an error; it is not passed over",
    needs=READ,
    after=("READ-01",),
)
async def empty_items_are_read(case: Case) -> None:
    """Nulls, empty texts, bytes, lists and objects, vectors of zeros; each between two others."""
    for change in EMPTY[case.kind]:
        before, empty, behind = case.profile.items(3)
        wanted = case.adapted([before, {**empty, **change}, behind])
        stream = await case.seed(wanted)
        async with case.session(stream) as session:
            try:
                found = await case.read_items(session)
            except ProviderError as err:
                said = f"reading an item with {change} raised `{err.kind}`: {err}"
                case.expect(err.kind is ErrorKind.INVALID_DATA, said)
                continue
        case.expect_items(found, wanted, f"reading an item with {change}")
