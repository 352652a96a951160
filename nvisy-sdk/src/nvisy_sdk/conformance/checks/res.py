"""RES: from the context of an item, a read yields exactly the items after it, whatever happened in between."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from ..._context import Context, TokenContext, context_adapter
from ..._kind import DataKind
from ..._schema import (
    ColumnType,
    Int64Type,
    TextType,
)
from .._case import PAGE, Case, Positioned
from .._check import check
from .._harness import Item
from .._outcome import Level
from .._resume_child import read_elsewhere
from .._stream import (
    everything,
    fault,
    keyed,
    label,
    made,
    page_sizes,
    resume_everywhere,
    through_json,
)
from .read import READ, SOME, at

INT, TEXT = Int64Type(), TextType()
NUMBERS = (-1, 2, 10, 33)
"""Keys whose order as text is another than their order as numbers."""


@check(
    "RES-01",
    Level.BRONZE,
    "for every item, reading from its context yields exactly the items after it",
    needs=READ,
    after=("READ-01", "READ-03", "READ-05", "READ-07", "READ-11", "RES-02", "RES-05", "INC-06"),
    limit=180.0,
)
async def resumes_after_every_item(case: Case) -> None:
    """Every order in which up to three items came, some of four; where the key can be chosen, every set of ties too."""
    for items in _orders(case):
        await resumes(case, items)
    if case.kind is DataKind.OBJECT:
        await _resumes_in_parts(case)
    if not keyed(case):
        return
    for groups in _ties():
        numbers = case.random.sample(NUMBERS, len(groups))
        await resumes_by(case, {"grp": INT, "id": INT}, list(zip(groups, numbers, strict=True)))
    for names in itertools.permutations(("B", "a", "b ")):
        await resumes_by(case, {"id": TEXT}, [(name,) for name in names])


def _orders(case: Case) -> Iterator[list[Item]]:
    """Return small sets of items, each in the order in which they are put there."""
    record = case.kind is DataKind.RECORD
    numbers = NUMBERS if record else (1, 2, 10, 33)
    for count in (1, 2, 3):
        for order in itertools.permutations(numbers[:count]):
            yield [case.items(1, first=number)[0] for number in order]
    for order in list(itertools.permutations(numbers))[::5]:
        yield [case.items(1, first=number)[0] for number in order]


def _ties() -> Iterator[tuple[int, ...]]:
    """Return the values of a column that is not unique: every choice of one to four of three values."""
    for count in (1, 2, 3, 4):
        yield from itertools.combinations_with_replacement((-3, 5, 12), count)


async def resumes(case: Case, items: Sequence[Item], **changes: Any) -> None:
    """Put items there, read them in pages of every size, and resume after each."""
    stream = await case.seed(items)
    for pages in page_sizes(case, len(items) + 1):
        async with case.session(stream, **changes, **pages) as session:
            found = await everything(case, session, items, f" {len(items)} items{at(pages)}")
            await resume_everywhere(case, session, found, at(pages))


async def resumes_by(case: Case, columns: dict[str, ColumnType], rows: Sequence[Sequence[object]]) -> None:
    """Read records in the order of these columns, and resume after each."""
    items, schema = made(case, columns, rows)
    stream = await case.seed(items, schema=schema)
    key = ", ".join(columns)
    for pages in page_sizes(case, len(items) + 1):
        async with case.session(stream, key=tuple(columns), **pages) as session:
            where = f" by ({key}){at(pages)}"
            found = await everything(case, session, items, f" {len(items)} items{where}")
            await resume_everywhere(case, session, found, where)


async def _resumes_in_parts(case: Case) -> None:
    """Read an object that is larger than `part_bytes`, and resume within it and around it."""
    size = 150_000
    items = case.items(3)
    items[1] = {**items[1], "data": case.random.randbytes(size), "size": size}
    stream = await case.seed(items)
    async with case.session(stream, part_bytes=65_536) as session:
        found = await case.read(session)
        data = b"".join(bytes_of(item) for item, _ in found if item.get("path") == items[1]["path"])
        case.expect(
            data == items[1]["data"], f"the parts of an object of {size} bytes are {len(data)} other bytes together"
        )
        await resume_everywhere(case, session, found, " of objects in parts")


def bytes_of(item: Item) -> bytes:
    """Return the data of an object, or of a part of one."""
    data = item.get("data")
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else b""


@check(
    "RES-02",
    Level.BRONZE,
    "a context's JSON text is the SDK's, and the same however often it is written and read",
    needs=READ,
    after=("READ-07",),
)
async def context_text_is_stable(case: Case) -> None:
    """Written, read, written again."""
    stream = await case.seed(case.items(PAGE + 1))
    async with case.session(stream) as session:
        for item, context in await case.read(session):
            back = through_json(case, context, label(case, item))
            first, second = context_adapter.dump_json(context), context_adapter.dump_json(back)  # type: ignore[arg-type]
            case.expect(
                first == second, f"the context after {label(case, item)} is {second!r} after a trip, not {first!r}"
            )
            case.expect(
                back == context, f"the context after {label(case, item)} is another one after a trip through JSON"
            )


@check(
    "RES-03",
    Level.BRONZE,
    "a context is good in another session, and in another process",
    needs=READ,
    after=("RES-01",),
)
async def context_is_portable(case: Case) -> None:
    """A session of its own for each item; then a fresh process, where one can reach the same data."""
    stream = await case.seed(case.items(PAGE + 1))
    async with case.session(stream) as session:
        found = await case.read(session)
    rows = [item for item, _ in found]
    contexts = [through_json(case, context, label(case, item)) for item, context in found]
    for place, context in enumerate(contexts):
        async with case.session(stream) as session:
            wrong = fault(case, await case.read_items(session, context), rows[place + 1 :])
        case.expect(not wrong, f"resuming in another session after item {place + 1} of {len(rows)} {wrong}")
    if not case.service.harness.shared:
        return
    for place, elsewhere in enumerate(await read_elsewhere(case, stream, contexts)):
        wrong = fault(case, elsewhere, rows[place + 1 :])
        case.expect(not wrong, f"resuming in another process after item {place + 1} of {len(rows)} {wrong}")


@check(
    "RES-04",
    Level.BRONZE,
    "steps of one item, each from the context of the one before, are one whole read",
    needs=READ,
    after=("RES-01",),
)
async def single_steps_are_a_whole_read(case: Case) -> None:
    """One item, close, resume; until nothing comes."""
    stream = await case.seed(case.items(SOME))
    for pages in page_sizes(case):
        async with case.session(stream, **pages) as session:
            rows = await case.read_items(session)
            steps: list[Positioned] = []
            context: Context | None = None
            while len(steps) <= len(rows):
                step = await case.read(session, context, stop=1)
                if not step:
                    break
                steps += step
                context = through_json(case, step[0][1], label(case, step[0][0]))
            wrong = fault(case, [item for item, _ in steps], rows)
            case.expect(not wrong, f"a read in steps of one item{at(pages)} {wrong}")


@check(
    "RES-05",
    Level.BRONZE,
    "resuming from the last context yields nothing, without an error",
    needs=READ,
    after=("RES-01",),
)
async def last_context_is_the_end(case: Case) -> None:
    """Streams that end with a full page, and within one."""
    for count in (1, PAGE, PAGE + 1, 2 * PAGE):
        stream = await case.seed(case.items(count))
        for pages in page_sizes(case):
            async with case.session(stream, **pages) as session:
                found = await case.read(session)
                case.expect(len(found) == count, f"{len(found)} of {count} items were read{at(pages)}")
                item, context = found[-1]
                rest = await case.read_items(session, through_json(case, context, label(case, item)))
            case.expect(not rest, f"resuming after the last of {count} items{at(pages)} yields {len(rest)} more")


@check("RES-06", Level.BRONZE, "reading from no context is reading from the beginning", needs=READ, after=("READ-01",))
async def no_context_is_the_beginning(case: Case) -> None:
    """Items with the smallest keys, too; and the token context that stands for the beginning."""
    first = -2 if case.kind is DataKind.RECORD else 0
    wanted = case.items(PAGE + 1, first=first)
    stream = await case.seed(wanted)
    async with case.session(stream) as session:
        found = await everything(case, session, wanted, " from no context")
        context = found[0][1]
        if isinstance(context, TokenContext):
            start = TokenContext(fingerprint=context.fingerprint, token=None, offset=0)
            case.expect_items(
                await case.read_items(session, start), wanted, "reading after none of the first page's items"
            )


@check(
    "RES-15",
    Level.SILVER,
    "a context is at most 4 KiB of JSON text, and holds no secret",
    needs=READ,
    after=("READ-07", "RES-02"),
)
async def contexts_are_small_and_harmless(case: Case) -> None:
    """Every context of a read."""
    stream = await case.seed(case.items(SOME))
    async with case.session(stream) as session:
        for item, context in await case.read(session):
            text = context_adapter.dump_json(through_json(case, context, label(case, item)))
            size = len(text)
            case.expect(size <= 4096, f"the context after {label(case, item)} has {size} bytes; 4096 is the most")
            held = case.secret.encode() in text
            case.expect(not held, f"the context after {label(case, item)} holds the secret of the credentials")
