"""Reading and resuming, as several families of checks do it: every size of page, every context, each through JSON."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from .._context import Context, KeysetContext, MarkerContext, OffsetContext, TokenContext, context_adapter
from .._error import ProviderError
from .._kind import CapabilityState, ContextKind, DataKind, Feature
from .._schema import ColumnType, Field, Schema, TextType
from ._case import Case, Positioned, Session
from ._harness import Item
from ._inverse import refused
from ._outcome import CheckFailed
from ._profile import differences, plain

T = TypeVar("T")

CONTEXTS: Final = (MarkerContext, KeysetContext, TokenContext, OffsetContext)
"""Every kind of context."""
PAGES: Final = (1, 2, 3)
"""The sizes of pages that show every way in which a small stream can end."""
HOSTILE: Final = (
    *("'quote", '"double', " a space", "%percent", "under_score", "back\\slash", "..", "e\u0301\u4e2d"),
    *("\U0001f600", "$1?x=;--"),
)
"""Ends of names that a system may stumble over, each in its own way."""


def page_sizes(case: Case, upto: int = 3) -> tuple[dict[str, Any], ...]:
    """Return the changes of parameters that make pages of 1, 2 and 3 items; none where pages have no size."""
    if not has_param(case, "batch_rows"):
        return ({},)
    return tuple({"batch_rows": size} for size in PAGES if size <= max(upto, 1))


def has_param(case: Case, name: str) -> bool:
    """Whether the provider's parameters have a field of that name."""
    return name in case.subject.models[1].model_fields


def keyed(case: Case) -> bool:
    """Whether the order of a read can be chosen: records, read in the order of the columns that `key` names."""
    chosen = has_param(case, "key") and ContextKind.KEYSET in case.manifest.contexts
    return chosen and case.kind is DataKind.RECORD


def ordered(case: Case) -> bool:
    """Whether two reads have the same order."""
    return case.feature(Feature.ORDER).state is CapabilityState.FULL


def through_json(case: Case, context: Context | None, after: str) -> Context:
    """Return a context as it comes back from where the engine keeps it.

    Raises:
        CheckFailed: There is none, or its JSON text is not read again.
    """
    if context is None:
        case.fail(f"there is no context after {after}, so nothing can resume there")
    if not isinstance(context, CONTEXTS):
        case.fail(f"the context after {after} is a {type(context).__name__}, which is no context of the SDK")
    try:
        return context_adapter.validate_json(context_adapter.dump_json(context, warnings="error"))
    except ValueError as err:
        case.fail(f"the context after {after} does not survive JSON: {err}")


def label(case: Case, item: Item) -> str:
    """Return a short name for an item, by what tells it from every other."""
    names = [name for name in case.profile.key if name in item]
    names += [name for name in ("grp", "sub", "at", "k", "offset") if item.get(name) is not None]
    return "item " + (", ".join(f"{name}={item[name]!r}" for name in names or sorted(item)) or "without columns")


def identity(case: Case, item: Item) -> object:
    """Return what tells an item from every other: its key, and where it is a part of an object, which one."""
    if any(name not in item for name in case.profile.key):
        return plain(item)
    return plain([*case.profile.key_of(item), item.get("offset") if case.kind is DataKind.OBJECT else None])


def fault(case: Case, found: Sequence[Item], wanted: Sequence[Item]) -> str:
    """Return what is wrong with items that must be exactly these, in this order where there is one; empty when nothing is."""
    had, want = [identity(case, item) for item in found], [identity(case, item) for item in wanted]
    if had == want or (not ordered(case) and sorted(map(repr, had)) == sorted(map(repr, want))):
        return ""
    again = [item for item, one in zip(found, had, strict=True) if had.count(one) > want.count(one)]
    missing = [item for item, one in zip(wanted, want, strict=True) if one not in had]
    if missing:
        reason = f"{label(case, missing[0])} is missing"
    elif again:
        reason = f"{label(case, again[0])} came again"
    else:
        reason = "they come in another order"
    return f"yields {len(found)} items, not {len(wanted)}: {reason}"


async def resume_everywhere(case: Case, session: Session, whole: Sequence[Positioned], where: str = "") -> None:
    """Resume after each item of a scan: exactly the items after it must come."""
    rows = [item for item, _ in whole]
    for place, (item, context) in enumerate(whole):
        found = await case.read_items(session, through_json(case, context, label(case, item)))
        wrong = fault(case, found, rows[place + 1 :])
        case.expect(not wrong, f"resuming after item {place + 1} of {len(rows)}{where} {wrong}")


async def everything(case: Case, session: Session, wanted: Sequence[Item], where: str = "") -> list[Positioned]:
    """Read everything there is; it must be these items."""
    found = await case.read(session)
    case.expect_items([item for item, _ in found], wanted, f"reading{where or ' everything'}")
    return found


def made(case: Case, columns: dict[str, ColumnType], rows: Sequence[Sequence[object]]) -> tuple[list[Item], Schema]:
    """Return records of these columns beside `name`, and their schema: columns that make up a key are never null."""
    fields = [Field(name=name, type=type_, nullable=False) for name, type_ in columns.items()]
    fields.append(Field(name="name", type=TextType()))
    items = [{**dict(zip(columns, row, strict=True)), "name": f"row {place}"} for place, row in enumerate(rows)]
    return items, Schema(fields=tuple(fields))


async def yields(case: Case, session: Session, context: Context | None = None) -> list[Any]:
    """Read to the end and return what the iterator yields, as it is."""

    async def drained() -> list[Any]:
        return [yielded async for yielded in session.read(context)]

    return await case.within(10, drained(), "reading")


async def unless_refused(case: Case, feature: Feature, doing: Awaitable[T]) -> T | None:
    """Await something; None when the feature holds only partly and the refusal says why in the manifest's words.

    Raises:
        CheckFailed: It was refused otherwise.
    """
    capability = case.feature(feature)
    try:
        return await doing
    except (ProviderError, CheckFailed) as err:
        if capability.state is CapabilityState.FULL or not refused(capability, err):
            raise
        case.observe()
        return None


async def must_refuse(case: Case, feature: Feature, doing: Awaitable[object], what: str) -> None:
    """Await something that the manifest says cannot be done; it must be refused in the manifest's words.

    Raises:
        CheckFailed: It was done, or refused in other words.
    """
    capability = case.feature(feature)
    case.observe()
    try:
        await doing
    except (ProviderError, CheckFailed) as err:
        said = f"{err} {getattr(err, 'hint', None) or ''}"
        if not refused(capability, said):
            raise CheckFailed(f"{what} is refused with {said!r}, which does not say {capability.mechanism!r}") from err
        return
    case.fail(f"{what} is done, though the manifest says that `{feature}` is {capability.state}")


async def read_once(case: Case, stream: str, **changes: Any) -> list[Item]:
    """Read a stream in a session of its own."""
    async with case.session(stream, **changes) as session:
        return await case.read_items(session)


async def settled(case: Case, stream: str, wanted: Sequence[Item], where: str, *, seconds: float | None = None) -> None:
    """Look at what is in a stream: these items, at once or as late as the manifest allows writes to be seen.

    Args:
        case: The case.
        stream: The stream.
        wanted: The items.
        where: What was done, for the message.
        seconds: How late at most; None means what the manifest says.
    """

    def right(found: Sequence[Item]) -> bool:
        return not differences(case.profile, found, wanted)

    case.expect_items(await caught_up(case, stream, right, seconds=seconds), wanted, where)


async def caught_up(
    case: Case, stream: str, right: Callable[[Sequence[Item]], bool], *, seconds: float | None = None
) -> list[Item]:
    """Return what is in a stream, once that is right or the time is over in which the manifest lets it become so."""
    if seconds is None:
        capability = case.feature(Feature.CONSISTENCY)
        full = capability.state is CapabilityState.FULL
        seconds = 0.0 if full else capability.limits.get("within_ms", 30_000) / 1000
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    found = await case.dump(stream)
    while loop.time() < deadline and not right(found):
        await asyncio.sleep(0.05)
        found = await case.dump(stream)
    return found
