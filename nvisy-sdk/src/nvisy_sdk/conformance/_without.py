"""What is verified when the manifest says that reading or writing lacks a feature: it is refused, or done in the weaker way."""

from typing import Any, Final

from .._error import ProviderError
from .._kind import Ability, DataKind, Feature
from ._case import PAGE, Case
from ._check import Body
from ._fidelity import target
from ._outcome import HarnessFailed
from ._stream import HOSTILE, has_param, identity, label, must_refuse, read_once, through_json

_SOME: Final = 2 * PAGE + 1


async def no_order(case: Case) -> None:
    """Two reads have the same items, in any order."""
    wanted = case.items(_SOME)
    stream = await case.seed(wanted)
    for turn in ("first", "second"):
        case.expect_items(await read_once(case, stream), wanted, f"the {turn} read")


async def no_filter(case: Case) -> None:
    """A condition is refused, not ignored."""
    stream = await case.seed(case.items(_SOME))
    column = "n" if case.kind is DataKind.DOCUMENT else "id"
    changes: dict[str, dict[str, Any]] = {
        "filter": {"filter": [{"column": column, "op": "ge", "value": 3}]},
        "prefix": {"prefix": f"{getattr(case.params(stream), 'prefix', '')}part/00000003"},
        "labels": {"labels": ("Other",)},
    }
    case.observe()
    for name, change in changes.items():
        if has_param(case, name):
            await must_refuse(case, Feature.FILTER, read_once(case, stream, **change), f"a read with `{name}`")


async def no_projection(case: Case) -> None:
    """A choice of columns is refused, not ignored."""
    case.observe()
    stream = await case.seed(case.items(_SOME))
    if has_param(case, "columns"):
        await must_refuse(case, Feature.PROJECTION, read_once(case, stream, columns=("name",)), "a read with `columns`")


async def no_increment(case: Case) -> None:
    """After the last context nothing comes again; what was added comes, or the read says why not."""
    stream = await case.seed(case.items(_SOME))
    async with case.session(stream) as session:
        found = await case.read(session)
        case.expect(len(found) == _SOME, f"{len(found)} of {_SOME} items were read")
        item, context = found[-1]
        added = case.items(2, first=_SOME)
        await case.seed(added, stream=stream)
        doing = case.read_items(session, through_json(case, context, label(case, item)))
        try:
            more = await doing
        except ProviderError as err:
            case.expect(err.kind in ("context_expired", "unsupported"), f"reading on raised `{err.kind}`: {err}")
            return
    known = [identity(case, each) for each in added]
    for each in more:
        case.expect(identity(case, each) in known, f"{label(case, each)} came again after the last context")


async def no_changes(case: Case) -> None:
    """What was changed or deleted behind the position does not disturb reading on."""
    items = case.items(_SOME)
    stream = await case.seed(items)
    async with case.session(stream) as session:
        found = await case.read(session)
        case.expect(len(found) == _SOME, f"{len(found)} of {_SOME} items were read")
        if case.kind is not DataKind.MESSAGE:
            await case.seed([case.profile.changed(items[1])], stream=stream)
            await case.remove(stream, items[3:4])
        rest = await case.read_items(session, through_json(case, found[-1][1], label(case, found[-1][0])))
    case.expect(
        not rest, f"{len(rest)} items come after the last context, though the manifest says that changes are not seen"
    )


async def no_atomicity(case: Case) -> None:
    """A batch may be there in part, but an item is whole or not there."""
    if not case.can(Ability.WRITE):
        case.observe()
        return
    wanted = case.items(PAGE)
    stream, changes = await target(case)
    async with case.session(stream, **changes) as session:
        await case.write(session, wanted)
    case.expect_items(await case.dump(stream), wanted, "after writing")


async def no_names(case: Case) -> None:
    """A stream of an unusual name is refused in the manifest's words, or read as it should be."""
    for suffix in HOSTILE:
        stream, wanted = case.stream() + suffix, case.items(2)
        try:
            await case.seed(wanted, stream=stream)
            case.expect_items(await read_once(case, stream), wanted, f"reading the stream {stream!r}")
        except (HarnessFailed, ProviderError):  # the system has no such name, or the provider says so
            await must_refuse(case, Feature.NAMES, read_once(case, stream), f"reading the stream {stream!r}")


WITHOUT: Final[dict[Feature, Body]] = {
    Feature.ORDER: no_order,
    Feature.FILTER: no_filter,
    Feature.PROJECTION: no_projection,
    Feature.INCREMENTAL: no_increment,
    Feature.UPDATES: no_changes,
    Feature.ATOMIC: no_atomicity,
    Feature.NAMES: no_names,
}
"""Feature to what is verified without it."""
