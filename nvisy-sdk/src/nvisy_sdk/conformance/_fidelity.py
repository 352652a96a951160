"""Is a value kept? It is written by the provider, looked at behind its back, and read again.

A value may be refused only where the manifest says so, in the manifest's words; it may be changed only where the manifest
says into what: "`-0.0 becomes 0.0`" in the mechanism of a feature. Nothing else is allowed to happen to it.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._error import ProviderError
from .._kind import Ability, CapabilityState, DataKind, Feature
from .._manifest import Capability
from .._schema import Field, Int64Type, Schema
from ._case import Case
from ._harness import Item
from ._inverse import refused
from ._outcome import CheckFailed
from ._profile import DIMENSION, plain
from ._values import MISSING, SAMPLES, Sample

_INSIDE = {DataKind.DOCUMENT: "content", DataKind.EMBEDDING: "metadata", DataKind.GRAPH: "properties"}
_BODY = {DataKind.OBJECT: "data", DataKind.MESSAGE: "payload"}


async def keeps(case: Case, family: str) -> None:
    """Look at every value of a family, for the kind of data that is checked."""
    for sample in SAMPLES[case.kind][family]:
        capability = case.feature(sample.feature)
        if capability.state is CapabilityState.FULL and not sample.strange:
            await _all_kept(case, sample)
        else:
            for value in _held(case, sample):
                await _kept_or_refused(case, sample, value, capability)


async def refuses(case: Case, feature: Feature) -> None:
    """Verify that a feature of types which is not there is refused: no value of it gets through, and none is changed."""
    capability, looked = case.feature(feature), 0
    for sample in [
        one for family in SAMPLES[case.kind].values() for one in family if one.feature is feature and not one.strange
    ]:
        for value in [one for one in _held(case, sample) if one not in (None, MISSING)]:
            looked += 1
            done = await _try(case, sample, value)
            if isinstance(done, str):
                case.expect(refused(capability, done), _reworded(sample, value, done, capability))
            else:
                changed = not _equal(done, value, case) and _declared(capability, value, _bare(done, case))
                text = f"the manifest says `{feature}` is {capability.state}, but {_shown(value)} was taken; say what becomes of it"
                case.expect(changed, text)
    if not looked:
        case.expect(capability.mechanism, f"`{feature}` is {capability.state} without a word on why")


async def swaps(case: Case, feature: Feature) -> None:
    """Look at every value that the manifest says becomes another: it is neither kept nor refused, and becomes just that."""
    capability = case.feature(feature)
    pairs = [reason.split(" becomes ", 1) for reason in _reasons(capability) if " becomes " in reason]
    samples = [
        one for family in SAMPLES[case.kind].values() for one in family if one.feature is feature and not one.strange
    ]
    case.observe()
    for before, after in pairs:
        for sample in samples:
            for value in [one for one in sample.values if repr(one) == before]:
                done = await _try(case, sample, value)
                became = done if isinstance(done, str) else repr(_bare(done, case))
                case.expect(became == after, f"`{feature}` says that {before} becomes {after}, but it becomes {became}")


async def target(case: Case, schema: Schema | None = None) -> tuple[str, dict[str, Any]]:
    """Return a stream that can be written to, and the parameters it needs: the provider makes it, or the harness does."""
    name = case.stream()
    if not (case.can(Ability.WRITE) and case.can(Ability.PREPARE)):
        return await case.seed([], stream=name, schema=schema), {}
    return name, {"create": True} if "create" in case.subject.models[1].model_fields else {}


async def put(case: Case, items: Sequence[Item], schema: Schema | None = None) -> tuple[str, str]:
    """Write items, or seed them where the provider cannot write; return the stream and why they were refused, if they were.

    Raises:
        CheckFailed: The error is none of the SDK's.
    """
    if not case.can(Ability.WRITE):
        return await case.seed(items, schema=schema), ""
    stream, changes = await target(case, schema)
    session = await case.connect(stream, **changes)
    try:
        receipt = await case.write(session, items, schema=schema)
        if case.can(Ability.STAGED):
            await case.within(case.patience, session.publish(), "publish")
    except ProviderError as err:
        return stream, f"{err} {err.hint or ''}".strip()
    except CheckFailed:
        raise
    except Exception as err:
        raise CheckFailed(f"`write` raised {type(err).__name__} ({err}), which is no error of the SDK") from err
    finally:
        await case.disconnect(session)
    if receipt.rejected:
        return stream, "; ".join(f"{one.code}: {one.reason}" for one in receipt.rejected)
    if receipt.accepted != len(items):
        raise CheckFailed(f"of {len(items)} items {receipt.accepted} were accepted and none rejected")
    return stream, ""


async def found(case: Case, stream: str, count: int) -> list[Item]:
    """Return what the system holds, once it holds so many items or the manifest's bound of time has passed."""
    capability = case.feature(Feature.CONSISTENCY)
    patience = 0 if capability.state is CapabilityState.FULL else capability.limits.get("within_ms", 0) / 1000
    until = asyncio.get_running_loop().time() + patience
    items = await case.dump(stream)
    while len(items) < count and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.05)
        items = await case.dump(stream)
    return items


async def again(case: Case, stream: str) -> list[Item]:
    """Return what the provider reads of a stream.

    Raises:
        CheckFailed: The error is none of the SDK's.
    """
    async with case.session(stream) as session:
        return await case.read_items(session)


async def _all_kept(case: Case, sample: Sample) -> None:
    values = list(_held(case, sample))
    items = case.adapted([_wrapped(case, place, value) for place, value in enumerate(values)])
    stream, refusal = await put(case, items, _schema(case, sample))
    if refusal:
        case.fail(
            f"{sample.type.name} values were refused ({refusal}), but the manifest claims `{sample.feature}` in full"
        )
    if case.can(Ability.WRITE):
        _compared(case, sample, items, values, await found(case, stream, len(items)), "the system holds")
    if case.can(Ability.READ):
        _compared(case, sample, items, values, await again(case, stream), "reading gives")


def _compared(
    case: Case, sample: Sample, items: Sequence[Item], values: Sequence[object], held: Sequence[Item], where: str
) -> None:
    places: Mapping[object, Item] = {plain(case.profile.key_of(item)): item for item in held}
    for item, value in zip(items, values, strict=True):
        there = places.get(plain(case.profile.key_of(item)))
        what = f"of {sample.type.name} {_shown(value)}"
        if there is None:
            case.fail(f"{what} {where} nothing: the item is not there")
        case.expect(
            _equal(there, value, case),
            f"{what} {where} {_shown(_bare(there, case))} ({type(_bare(there, case)).__name__})",
        )


async def _kept_or_refused(case: Case, sample: Sample, value: object, capability: Capability) -> None:
    done = await _try(case, sample, value)
    if isinstance(done, str):
        allowed = sample.strange or refused(capability, done)
        case.expect(allowed, _reworded(sample, value, done, capability))
        return
    fine = _equal(done, value, case) or _declared(capability, value, _bare(done, case))
    became = f"{sample.type.name} {_shown(value)} became {_shown(_bare(done, case))}"
    why = "refuse what cannot be held" if sample.strange else "refuse it in the words of the mechanism, or declare it"
    case.expect(fine, f"{became}: {why}")


async def _try(case: Case, sample: Sample, value: object) -> Item | str:
    """Write one value and return the item that came back, or why it was refused."""
    items = case.adapted([_wrapped(case, 0, value)])
    stream, refusal = await put(case, items, _schema(case, sample))
    if refusal:
        return refusal
    held = await found(case, stream, 1) if case.can(Ability.WRITE) else items
    if len(held) != 1:
        case.fail(f"{sample.type.name} {_shown(value)} was accepted, and the system holds {len(held)} items")
    if not case.can(Ability.READ) or not _equal(held[0], value, case):
        return held[0]
    try:
        back = await again(case, stream)
    except ProviderError as err:
        return f"{err} {err.hint or ''}"
    return back[0] if back else held[0]


def _held(case: Case, sample: Sample) -> Iterator[object]:
    """Return the values that are not larger than what the manifest says an item may be."""
    limit = case.manifest.limit(Ability.WRITE, "max_item_bytes")
    for value in sample.values:
        size = len(value) if isinstance(value, str | bytes) else 0
        if limit is None or size < limit:
            yield value


def _schema(case: Case, sample: Sample) -> Schema:
    if case.kind is not DataKind.RECORD:
        return case.profile.schema
    return Schema(fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="v", type=sample.type)))


def _wrapped(case: Case, place: int, value: object) -> Item:
    """Return an item of the kind that is checked which holds the value."""
    inside = {} if value is MISSING else {"v": value}
    match case.kind:
        case DataKind.RECORD:
            return {"id": place + 1, "v": value}
        case DataKind.DOCUMENT:
            return {"id": f"t{place:04}", "content": inside}
        case DataKind.EMBEDDING:
            return {"id": f"t{place:04}", "vector": [float(place + 1)] * DIMENSION, "metadata": inside}
        case DataKind.GRAPH:
            return {"element": "node", "id": f"t{place:04}", "labels": ["Thing"], "properties": inside}
        case DataKind.OBJECT:
            return {
                "path": f"value/{place:04}.bin",
                "data": value,
                "size": len(value) if isinstance(value, bytes) else 0,
            }
        case DataKind.MESSAGE:
            return {"id": f"t{place:04}", "payload": value, "headers": {"n": str(place)}}


def _bare(item: Item, case: Case) -> object:
    """Return the value that an item holds."""
    if case.kind in _BODY:
        return item.get(_BODY[case.kind])
    if case.kind is DataKind.RECORD:
        return item.get("v")
    inside = item.get(_INSIDE[case.kind])
    return inside.get("v", MISSING) if isinstance(inside, Mapping) else inside


def _equal(item: Item, value: object, case: Case) -> bool:
    held = _bare(item, case)
    if value is MISSING or held is MISSING:
        return value is held
    return plain(held) == plain(value)


def _declared(capability: Capability, value: object, became: object) -> bool:
    return f"{value!r} becomes {became!r}" in _reasons(capability)


def _reasons(capability: Capability) -> list[str]:
    return [part.strip() for part in (capability.mechanism or "").split(";")]


def _reworded(sample: Sample, value: object, said: str, capability: Capability) -> str:
    if capability.state is CapabilityState.FULL:
        return f"{sample.type.name} {_shown(value)} was refused ({said}), but the manifest claims `{sample.feature}` in full"
    return (
        f"{sample.type.name} {_shown(value)} was refused with {said!r}, without the mechanism {capability.mechanism!r}"
    )


def _shown(value: object) -> str:
    text = "a missing value" if value is MISSING else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
