"""RES, for keys and markers that are hard to put in order."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ..._error import ProviderError
from ..._kind import CapabilityState, ContextKind, DataKind, ErrorKind, Feature
from ..._schema import (
    DateType,
    DecimalType,
    Float64Type,
    TimestampType,
    TimeType,
    UuidType,
)
from .._case import Case, Positioned
from .._check import check
from .._outcome import HarnessFailed, Level
from .._stream import (
    everything,
    keyed,
    made,
    page_sizes,
    resume_everywhere,
    unless_refused,
)
from .read import READ, SOME, at
from .res import INT, TEXT, resumes, resumes_by


@check(
    "RES-07",
    Level.SILVER,
    "a key of several columns resumes within any run of equal values",
    needs=READ,
    kinds=(DataKind.RECORD,),
    contexts=(ContextKind.KEYSET,),
    after=("RES-01",),
)
async def composite_keys_resume(case: Case) -> None:
    """Three columns: all equal but the last; each column rising while the ones after it fall."""
    if not keyed(case):
        await resumes(case, case.items(SOME))
        return
    rows = [(1, "x", number) for number in (5, 3, 4)]
    rows += [(1, "y", 2), (1, "z", 1), (2, "a", 9), (2, "x", 0), (3, "a", -5)]
    case.random.shuffle(rows)
    await resumes_by(case, {"grp": INT, "sub": TEXT, "id": INT}, rows)
    await resumes_by(case, {"sub": TEXT, "id": INT}, [("same", number) for number in (7, 10, -2, 9)])


@check(
    "RES-08",
    Level.SILVER,
    "keys of every type resume in the system's own order of them",
    needs=READ,
    kinds=(DataKind.RECORD,),
    contexts=(ContextKind.KEYSET,),
    after=("RES-01",),
)
async def keys_of_every_type_resume(case: Case) -> None:
    """Integers of 64 bits, floats, decimals, texts that collations disagree on, dates, times, timestamps, UUIDs."""
    for feature, type_, values in KEYS:
        state = case.feature(feature).state if feature else CapabilityState.FULL
        if state in (CapabilityState.UNSUPPORTED, CapabilityState.NOT_IMPLEMENTED):
            continue
        items, schema = made(case, {"id": type_}, [(value,) for value in values])
        try:
            stream = await case.seed(items, schema=schema)
        except HarnessFailed:
            if state is CapabilityState.FULL:
                raise
            continue
        where = f" by a key of type {type_.name}"
        for pages in page_sizes(case)[:2]:
            async with case.session(stream, **pages) as session:
                found = await _or_refused(case, feature, everything(case, session, items, where))
                await resume_everywhere(case, session, found, where + at(pages))
    await _null_in_key(case)


INSTANT = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
KEYS: tuple[tuple[Feature | None, Any, tuple[object, ...]], ...] = (
    (Feature.INT, INT, (2**63 - 1, -(2**63), -1, 0, 2**53 + 1, 2**53)),
    (Feature.FLOAT, Float64Type(), (0.1, -1.5, 5e-324, 1e300, -1e300, 0.30000000000000004)),
    (Feature.TEXT, TEXT, ("a", "B", "A b", "b", "\u00e9", "e\u0301", "\uffe0", "\U0001f600", "z", "%_'\"\\")),
    (
        Feature.DECIMAL,
        DecimalType(precision=38, scale=2),
        tuple(map(Decimal, ("2.00", "-10.50", "10.25", "100000.01"))),
    ),
    (Feature.DATE, DateType(), (date(2024, 2, 29), date(1969, 12, 31), date(9999, 12, 31), date(1, 1, 1))),
    (Feature.TIME, TimeType(), (time(12), time(0, 0, 0, 1), time(23, 59, 59, 999_999))),
    (
        Feature.TIMESTAMP,
        TimestampType(utc=True),
        tuple(INSTANT + timedelta(microseconds=each) for each in (1, 0, -1, 9)),
    ),
    (
        Feature.TIMESTAMP,
        TimestampType(utc=False),
        tuple(INSTANT.replace(tzinfo=None) + timedelta(microseconds=each) for each in (1, 0, -(10**6), 9)),
    ),
    (Feature.UUID, UuidType(), tuple(UUID(int=each) for each in (2**127, 1, 2**64, 2**128 - 1))),
)
"""Types that a key can have, and values of each in no order."""


async def _or_refused(case: Case, feature: Feature | None, doing: Any) -> list[Positioned]:
    """Await a read; nothing when the key's type is declared partial and the read is refused in those words."""
    return await doing if feature is None else (await unless_refused(case, feature, doing) or [])


async def _null_in_key(case: Case) -> None:
    """A null has no place in an order: it is read, or reading says so; the item is not lost in silence."""
    if not keyed(case):
        return
    items, schema = made(case, {"grp": INT, "id": INT}, [(1, 1), (2, 2), (None, 3)])
    fields = tuple(each.model_copy(update={"nullable": each.name != "id"}) for each in schema.fields)
    stream = await case.seed(items, schema=schema.model_copy(update={"fields": fields}))
    async with case.session(stream, key=("grp", "id")) as session:
        try:
            found = await case.read_items(session)
        except ProviderError as err:
            case.expect(
                err.kind is ErrorKind.INVALID_DATA, f"a null in the key raised `{err.kind}` ({err}), not `invalid_data`"
            )
            return
        case.expect_items(found, items, "reading by a key that is null in one item")


@check(
    "RES-09",
    Level.SILVER,
    "a marker resumes in the order of the keys' bytes, also when its object is gone",
    needs=READ,
    contexts=(ContextKind.MARKER,),
    kinds=(DataKind.OBJECT,),
    after=("RES-01",),
)
async def markers_resume_in_byte_order(case: Case) -> None:
    """Keys that begin with one another, delimiters, letters whose order in UTF-16 is another."""
    names = ["a.txt", "a!b", "a/b", "a/b.c", "a0", "e\u0301", "z", "\u00e9", "\uffe0", "\U0001f600"]
    if case.feature(Feature.NAMES).state is not CapabilityState.FULL:
        names = ["a.txt", "a/b", "a/b.c", "a0", "b"]
    plain_items = case.profile.items(len(names))
    items = case.adapted([{**item, "path": name} for item, name in zip(plain_items, names, strict=True)])
    stream = await case.seed(case.random.sample(items, len(items)))
    async with case.session(stream) as session:
        found = await everything(case, session, items, " objects whose keys are near each other")
        await resume_everywhere(case, session, found, " of keys that are near each other")
