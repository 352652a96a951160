"""What the families about sessions, errors, tasks and secrets have in common: small workloads, faults, and looking at what is left."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from .._context import Context
from .._kind import Ability, CapabilityState, Feature, WriteMode
from ._case import Case, Session
from ._guards._stock import Left, Stock, settled
from ._harness import Item
from ._impostor import Meeting, Met
from ._inverse import in_process
from ._outcome import CheckFailed, HarnessFailed

_ENCRYPTS: Final = re.compile(r"(^|_)(tls|ssl|https|encrypt(ed|ion)?)(_|$)")
_ABSENT: Final = (CapabilityState.UNSUPPORTED, CapabilityState.NOT_IMPLEMENTED)
FEW = 7
"""Items of a small stream: two full pages and one item."""


def stock(case: Case) -> Stock:
    """Return what is there now."""
    return Stock.take(case.service)


async def expect_nothing_left(
    case: Case, before: Stock, after: str, *, ignore: Collection[str] = ("threads", "handles")
) -> None:
    """Look at what came since: once everything had its time to go away, nothing may be left."""
    left: Left = await settled(before, case.service, ignore=ignore)
    case.expect(not left, f"{after} leaves behind {left}")


async def work(case: Case, session: Session, stream: str, *, first: int = 100) -> None:
    """Use a session for all it can: look, read to the end, write two items."""
    if case.can(Ability.INSPECT):
        await case.within(case.patience, session.check(), "check")
        await case.within(case.patience, session.describe(), "describe")
        case.observe()
    if case.can(Ability.READ):
        case.observe(len(await case.read(session)))
    if case.can(Ability.WRITE):
        receipt = await case.write(session, case.items(2, first=first))
        case.observe(receipt.accepted)


async def exercise(case: Case) -> None:
    """Do all that a session's life may bring: work, a wrong secret, a missing stream, a broken connection, a read cut short."""
    stream, _ = await filled(case)
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)
        if case.can(Ability.READ):
            reading, _ = await case.within(case.patience, opened_stream(session), "reading")
            await case.within(case.patience, reading.aclose(), "closing the iterator")
    if takes_secret(case):
        await error_of(case, case.connect(stream, secret=case.wrong_secret), "connect")
    async with case.session(case.stream()) as session:
        for operation in operations(case):
            if operation.name != "write":
                await error_of(case, started(operation, session), operation.name)
                case.observe()
    if case.service.proxy is None:
        return
    await case.service.run(case.proxy.refuse())
    await error_of(case, case.connect(stream), "connect")
    await case.service.run(case.proxy.heal())
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        await case.service.run(case.proxy.reset_after(0))
        await error_of(case, started(operation, session), operation.name)
        await error_of(case, case.disconnect(session), "disconnect")
        await case.service.run(case.proxy.heal())
        case.observe()


def writing(case: Case) -> dict[str, Any]:
    """Return the parameters of a session that writes items by their key where that is possible, else adds them."""
    mode = case.mode(WriteMode.UPSERT, WriteMode.APPEND)
    has = "mode" in case.subject.models[1].model_fields
    return {"mode": mode} if mode is not None and has else {}


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a session does, to be interrupted or to go wrong.

    Args:
        name: Its name in messages.
        start: Returns it, not awaited yet.
    """

    name: str
    start: Callable[[Session], Awaitable[object]]


def operations(case: Case) -> list[Operation]:
    """Return what the provider's sessions can do, each with items of its own."""
    found = []
    if case.can(Ability.INSPECT):
        found.append(Operation("check", lambda session: session.check()))
        found.append(Operation("describe", lambda session: session.describe()))
        found.append(Operation("streams", lambda session: session.streams()))
    if case.can(Ability.READ):
        found.append(Operation("reading", lambda session: drained(session.read(None))))
    if case.can(Ability.WRITE):
        found.append(Operation("write", lambda session: session.write(case.batch(case.items(2, first=200)))))
    if case.can(Ability.TRANSACTIONAL):
        found.append(Operation("committed", lambda session: session.committed("key")))
    return found


async def drained(stream: Any) -> list[object]:
    """Read an iterator to its end and close it; unlike `Case.read` it stays in the calling task."""
    found = []
    try:
        async for each in stream:
            found.append(each)
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()
    return found


async def opened_stream(session: Session, context: Context | None = None) -> tuple[Any, object]:
    """Begin to read, and return the iterator with the first thing it yields."""
    stream = session.read(context).__aiter__()
    return stream, await anext(stream)


async def error_of(
    case: Case, doing: Awaitable[object], what: str, *, patience: float | None = None
) -> BaseException | None:
    """Await something that may fail, and return what it raises; it must end in time."""
    task = asyncio.current_task()
    try:
        await case.within(case.patience if patience is None else patience, doing, what)
    except (CheckFailed, HarnessFailed):
        raise
    except asyncio.CancelledError as err:
        if task is not None and task.cancelling():
            raise
        return err  # nobody cancelled anything: the provider made it up
    except Exception as err:  # noqa: BLE001  # the check judges it
        return err
    return None


async def filled(case: Case, count: int = FEW) -> tuple[str, list[Item]]:
    """Seed a stream and return its name and items."""
    items = case.items(count)
    return await case.seed(items), items


async def started(operation: Operation, session: Session) -> object:
    """Do it; whatever it raises, also before its first await, is raised here."""
    return await operation.start(session)


async def begun(start: Callable[[Session], Awaitable[object]], session: Session) -> object:
    """Do something with a session, as a coroutine of its own."""
    return await start(session)


def takes_secret(case: Case) -> bool:
    """Whether the provider's credentials hold anything."""
    return bool(case.subject.models[0].model_fields)


def told(err: BaseException | None) -> str:
    """Return an error's class and text."""
    return f"{type(err).__name__} ({err})"


async def met_impostor(case: Case) -> tuple[list[Met], BaseException | None]:
    """Connect to a server that pretends to be the real one, and return how they met and what connect raised."""
    stream, _ = await filled(case, 1)
    proxy = case.proxy
    seen = len(proxy.met)
    await case.service.run(proxy.pretend())
    changes: dict[str, Any] = dict(case.service.harness.encrypted(case.endpoint))
    err = await error_of(case, case.connect(stream, **changes), "connect to a server that cannot be trusted")
    await case.service.run(proxy.heal())
    met = proxy.met[seen:]
    if not met or met[0].how is Meeting.PLAIN:
        case.fail(
            "the manifest claims TLS, but connect does not begin with it; "
            "let the harness's `encrypted` name the parameters that turn it on, or claim it in part"
        )
    return met, err


async def plain_only(case: Case) -> None:
    """Verify that a provider without TLS speaks in plain, and does not pretend to encrypt."""
    if case.feature(Feature.ENDPOINT).state in _ABSENT or case.service.proxy is None:
        await in_process(case)
        return
    words = [name for name in case.subject.models[1].model_fields if _ENCRYPTS.search(name)]
    case.expect(not words, f"the manifest says there is no TLS, but there is a parameter `{''.join(words[:1])}`")
    stream, _ = await filled(case, 1)
    proxy = case.proxy
    seen = len(proxy.met)
    await case.service.run(proxy.pretend())
    await error_of(case, case.connect(stream), "connect", patience=case.patience)
    await case.service.run(proxy.heal())
    await case.close()
    encrypted = [each for each in proxy.met[seen:] if each.how is not Meeting.PLAIN]
    case.expect(not encrypted, "the manifest says there is no TLS, but connect begins with it")
