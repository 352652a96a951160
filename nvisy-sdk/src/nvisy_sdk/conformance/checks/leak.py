"""LEAK: what a session took is given back, and what belongs to the whole process stays as it was.

The guards watch for the same during every other check and blame these.
"""

import asyncio
import gc
import itertools
import multiprocessing
import os
import statistics
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from ..._kind import Ability, Feature
from .._case import Case
from .._check import check
from .._guards._audit import listening
from .._guards._stock import Left, settled
from .._guards._world import changes, world
from .._lifecycle import (
    error_of,
    exercise,
    expect_nothing_left,
    filled,
    opened_stream,
    operations,
    started,
    stock,
    work,
    writing,
)
from .._outcome import Level
from .._threads import is_harness

_CYCLES: Final = 4
"""Sessions in a row: what grows with each is a leak; what a library keeps once for the whole process is not."""
_STRETCH: Final = 5
"""Sessions between two counts."""
_STRETCHES: Final = 6
_ROUNDS: Final = 3
"""Counts; the median of what came between two of them is free of what happens once."""
_ALL: Final = frozenset({"tasks", "threads", "handles", "sockets", "sessions"})


@check(
    "LEAK-01",
    Level.BRONZE,
    "no task is left by a read that was cut short or by an operation that failed",
    after=("ASY-08",),
)
async def no_tasks(case: Case) -> None:
    """Cut reads short and let operations fail; look while the session is open, and when it is closed."""
    stream, _ = await filled(case)
    before = stock(case)
    session = await case.connect(stream, **writing(case))
    await work(case, session, stream)  # what a session starts once, it may keep
    idle = stock(case)
    if case.can(Ability.READ):
        reading, _ = await case.within(case.patience, opened_stream(session), "reading")
        await case.within(case.patience, reading.aclose(), "closing the iterator")
        await expect_nothing_left(case, idle, "a read that was cut short", ignore=_ALL - {"tasks"})
    await case.disconnect(session)
    async with case.session(case.stream()) as session:
        for operation in operations(case):
            if operation.name != "write":
                await error_of(case, started(operation, session), operation.name)
    await expect_nothing_left(case, before, "operations that failed", ignore=_ALL - {"tasks"})


@check("LEAK-02", Level.BRONZE, "no thread is left by a session that was closed")
async def no_threads(case: Case) -> None:
    """Open and close several sessions in a row, and count what grows with each."""
    grown = (await _cycles(case, "threads")).threads
    case.expect(
        len(grown) < _CYCLES, f"{_CYCLES} sessions that were closed leave behind {len(grown)} threads: {_named(grown)}"
    )


@check("LEAK-03", Level.BRONZE, "no file and no socket is left open by a session that was closed", after=("CON-10",))
async def no_files(case: Case) -> None:
    """Open and close several sessions in a row, and count what grows with each."""
    left = await _cycles(case, "handles", "sockets")
    grown = (*left.handles, *left.sockets)
    case.expect(
        len(grown) < _CYCLES,
        f"{_CYCLES} sessions that were closed leave behind {len(grown)} open files and sockets: {_named(grown)}",
    )


@check(
    "LEAK-04",
    Level.BRONZE,
    "no connection is left open at the server, however a session went",
    features=(Feature.ENDPOINT,),
    after=("CON-10",),
)
async def no_sessions(case: Case) -> None:
    """Close sessions after reads that were cut short and after operations that failed, and look at the proxy."""
    stream, _ = await filled(case)
    before = stock(case)
    for name in (stream, case.stream()):
        async with case.session(name) as session:
            for operation in operations(case):
                if operation.name != "write":
                    await error_of(case, started(operation, session), operation.name)
            if case.can(Ability.READ) and name == stream:
                await case.within(case.patience, opened_stream(session), "reading")
    await expect_nothing_left(
        case, before, "sessions whose reads were cut short or failed", ignore=_ALL - {"sessions", "sockets"}
    )


@check(
    "LEAK-05", Level.SILVER, "memory does not grow with every session", after=("CON-09", "CON-10", "LEAK-03", "LEAK-04")
)
async def memory_flat(case: Case) -> None:
    """Count the objects there are after several stretches of sessions; what is cached once does not grow again."""
    stream, _ = await filled(case)

    async def stretch() -> int:
        for _ in range(_STRETCH):
            async with case.session(stream) as session:
                for operation in operations(case):
                    if operation.name != "write":
                        await error_of(case, started(operation, session), operation.name)
        await asyncio.sleep(0)
        gc.collect()
        return len(gc.get_objects())  # those that were there before the check are frozen, and not among them

    await stretch()
    grown = float(_STRETCH)
    for _ in range(_ROUNDS):  # what grows for ever grows in every round; what another thread is late with does not
        counts = [await stretch() for _ in range(_STRETCHES)]
        grown = statistics.median(after - before for before, after in itertools.pairwise(counts))
        if grown < _STRETCH:
            break
    case.expect(
        grown < _STRETCH, f"every {_STRETCH} sessions that were closed leave behind {grown:g} objects in memory"
    )


@check("LEAK-06", Level.BRONZE, "nothing is left unclosed, unawaited or unraised for the interpreter to complain about")
async def no_complaints(case: Case) -> None:
    """Go through all that may happen to a session, and collect the garbage, under the guard for warnings."""
    await exercise(case)
    gc.collect()
    await asyncio.sleep(0)


@check("LEAK-07", Level.SILVER, "no temporary file is left by a session that was closed")
async def no_temporary_files(case: Case) -> None:
    """Note each temporary file and folder that is made meanwhile, and look for it when the session is closed."""
    stream, _ = await filled(case)
    made: list[str] = []

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith("tempfile.") and not is_harness():
            made.append(str(arguments[0]))

    with listening(heard):
        async with case.session(stream, **writing(case)) as session:
            await work(case, session, stream)
    left = [path for path in made if _there(path)]
    case.expect(
        not left, f"a session that was closed leaves behind {len(left)} temporary files, such as `{_last(left)}`"
    )


@check(
    "LEAK-08",
    Level.BRONZE,
    "what belongs to the whole process is as it was: logging, signals, environment, folder and so on",
)
async def world_unchanged(case: Case) -> None:
    """Compare the process before and after all that may happen to a session."""
    before = world()
    await exercise(case)
    changed = changes(before, world())
    case.expect(not changed, f"the provider changed {', '.join(changed[:4])}")


@check("LEAK-09", Level.SILVER, "no child process is left by a session that was closed")
async def no_children(case: Case) -> None:
    """Compare the process's children before and after several sessions."""
    stream, _ = await filled(case)
    before = _children()
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)
    left = _children() - before
    for _ in range(100):
        if not left:
            break
        await asyncio.sleep(0.01)
        left = _children() - before
    case.expect(not left, f"a session that was closed leaves behind {len(left)} child processes")


async def _cycles(case: Case, *parts: str) -> Left:
    """Warm up with one session, open and close more, and return what stayed of them."""
    stream, _ = await filled(case)

    async def cycle() -> None:
        async with case.session(stream, **writing(case)) as session:
            await work(case, session, stream)

    await cycle()
    before = stock(case)
    for _ in range(_CYCLES):
        await cycle()
    return await settled(before, case.service, ignore=_ALL - set(parts))


def _named(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:3])


def _there(path: str) -> bool:
    return os.path.lexists(path)


def _last(paths: Sequence[str]) -> str:
    return Path(paths[-1]).name if paths else ""


def _children() -> set[int]:
    found = {child.pid for child in multiprocessing.active_children() if child.pid is not None}
    for tasks in Path("/proc/self/task").glob("*/children"):
        try:
            found |= {int(number) for number in tasks.read_text().split()}
        except OSError:
            continue
    return found
