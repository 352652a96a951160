"""CON: a session's life, from `connect` to `disconnect`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from ..._error import ProviderError
from ..._kind import Ability, ErrorKind, Feature
from .._case import Case, Session
from .._check import check
from .._impostor import Meeting
from .._lifecycle import (
    error_of,
    expect_nothing_left,
    filled,
    met_impostor,
    opened_stream,
    operations,
    plain_only,
    started,
    stock,
    takes_secret,
    told,
    work,
    writing,
)
from .._outcome import CheckFailed, Level

_BUDGET: Final = 5.0
"""Seconds for a connect to a healthy system that is near."""
_BLACK_HOLE: Final = 10.0
"""Seconds after which connecting to a peer that never answers must have ended, where the provider has no setting for it."""
_SHORT_MS: Final = 300
"""What such a setting is set to, in milliseconds."""


@check("CON-01", Level.BRONZE, "valid credentials open a session that works, within five seconds")
async def connects(case: Case) -> None:
    """Measure the fastest of three: a machine under load is no fault of the provider."""
    stream, _ = await filled(case)
    fastest = _BUDGET
    for _ in range(3):
        began = time.monotonic()
        session = await case.connect(stream, **writing(case))
        fastest = min(fastest, time.monotonic() - began)
        await case.disconnect(session)
        if fastest < _BUDGET:
            break
    case.expect(fastest < _BUDGET, f"connect took {fastest:.1f} s at best; it must take less than {_BUDGET:g} s")
    async with case.session(stream, **writing(case)) as session:
        await work(case, session, stream)


@check(
    "CON-02",
    Level.BRONZE,
    "an unreachable system and a wrong secret fail in `connect`, not at the first use",
    features=(Feature.ENDPOINT,),
)
async def connect_verifies(case: Case) -> None:
    """Refuse the connection, then give a wrong secret where there is one."""
    stream, _ = await filled(case, 1)
    await case.service.run(case.proxy.refuse())
    case.expect(
        await error_of(case, _opened(case, stream), "connect"),
        "connect succeeded although the system refuses connections; it must fail there, not at the first use",
    )
    await case.service.run(case.proxy.heal())
    if takes_secret(case):
        case.expect(
            await error_of(case, _opened(case, stream, secret=case.wrong_secret), "connect"),
            "connect succeeded with a wrong secret; it must fail there, not at the first use",
        )


@check(
    "CON-03",
    Level.BRONZE,
    "a wrong secret is refused in `connect` with `auth`, which is not worth trying again",
    secret=True,
    after=("CON-02",),
)
async def wrong_secret(case: Case) -> None:
    """Connect with a secret of the same length that the system does not know."""
    stream, _ = await filled(case, 1)
    err = await case.expect_error(
        _opened(case, stream, secret=case.wrong_secret), ErrorKind.AUTH, what="connect with a wrong secret"
    )
    case.expect(not err.retryable, "the error of a wrong secret says that trying again can help")


@check(
    "CON-04",
    Level.BRONZE,
    "a refused connection fails with `connection`, which is worth trying again",
    features=(Feature.ENDPOINT,),
    after=("CON-02",),
)
async def refused(case: Case) -> None:
    """Refuse the connection; once the system is back, connecting works."""
    stream, _ = await filled(case, 1)
    await case.service.run(case.proxy.refuse())
    err = await case.expect_error(
        _opened(case, stream), ErrorKind.CONNECTION, what="connect to a port that refuses connections"
    )
    case.expect(err.retryable, "the error of a refused connection says that trying again cannot help")
    await case.service.run(case.proxy.heal())
    await case.disconnect(await case.connect(stream))
    case.observe()


@check(
    "CON-05",
    Level.SILVER,
    "a server that nobody vouches for is refused with an error that trying again cannot help, and is told nothing",
    features=(Feature.ENDPOINT, Feature.TLS),
    inverse=plain_only,
)
async def untrusted_server(case: Case) -> None:
    """Put a server with a certificate of its own making in the place of the real one."""
    met, err = await met_impostor(case)
    case.expect(
        isinstance(err, ProviderError),
        f"connect to a server that cannot be trusted raised {told(err)}, which is no error of the SDK"
        if err
        else "connect to a server that cannot be trusted succeeded",
    )
    case.expect(
        not getattr(err, "retryable", False),
        f"connect to a server that cannot be trusted raised {told(err)}, which says that trying again can help",
    )
    plain = [each for each in met[1:] if each.how is Meeting.PLAIN and each.said]
    case.expect(not plain, "refused by the certificate, connect tried again without encryption")
    told_ = any(case.secret.encode() in each.said for each in met)
    case.expect(not told_, "connect sent the secret in plain to a server that cannot be trusted")


@check(
    "CON-06",
    Level.BRONZE,
    "reading a stream that is not there fails with `not_found`, naming the stream",
    needs=(Ability.READ,),
)
async def missing_stream(case: Case) -> None:
    """Read a stream that nobody has made."""
    await filled(case, 1)
    stream = case.stream()

    async def use() -> None:
        async with case.session(stream) as session:
            await case.read(session)

    err = await case.expect_error(use(), ErrorKind.NOT_FOUND, what="reading a stream that is not there")
    case.expect(
        stream in f"{err} {err.context}",
        f"the error of reading `{stream}`, which is not there, does not name it: {err}",
    )


@check(
    "CON-08",
    Level.BRONZE,
    "connecting to a peer that never answers fails with `timeout` or `connection` in time",
    features=(Feature.ENDPOINT,),
)
async def black_hole(case: Case) -> None:
    """Let the proxy accept the connection and say nothing."""
    stream, _ = await filled(case, 1)
    changes, budget = _short_timeouts(case, stream)
    before = stock(case)
    await case.service.run(case.proxy.stall_after(0))
    what = "connect to a peer that never answers"
    opening = case.opening(stream, **changes)
    err = await error_of(case, opening, what, patience=budget)
    case.expect(
        getattr(err, "kind", None) in (ErrorKind.TIMEOUT, ErrorKind.CONNECTION),
        f"{what} raised {told(err)}, not `timeout` or `connection`" if err else f"{what} succeeded",
    )
    await case.service.run(case.proxy.heal())
    await expect_nothing_left(case, before, "a connect without an answer")


@check(
    "CON-09",
    Level.BRONZE,
    "a connect that fails, at whatever point, leaves nothing open",
    features=(Feature.ENDPOINT,),
)
async def failed_connect(case: Case) -> None:
    """Fail before, during and after the exchange that opens a session."""
    stream, _ = await filled(case, 1)
    async with _measured(case) as down:
        await case.disconnect(await case.connect(stream))
    needed = down[0]
    proxy = case.proxy
    faults: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("that was refused", lambda: case.service.run(proxy.refuse())),
    ]
    for count in sorted({0, 1, needed // 2, max(0, needed - 1)}):
        faults.append((f"that was reset after {count} bytes", _after(case, count, half=False)))
        faults.append((f"whose peer hung up after {count} bytes", _after(case, count, half=True)))
    for how, begin in faults:
        before = stock(case)
        await begin()
        await error_of(case, _opened(case, stream), "connect")
        await expect_nothing_left(case, before, f"a connect {how}")
        await case.service.run(proxy.heal())
    if takes_secret(case):
        before = stock(case)
        await error_of(case, _opened(case, stream, secret=case.wrong_secret), "connect")
        await expect_nothing_left(case, before, "a connect with a wrong secret")


@check(
    "CON-10",
    Level.BRONZE,
    "`disconnect` releases every connection of the session",
    features=(Feature.ENDPOINT,),
)
async def disconnect_releases(case: Case) -> None:
    """Count connections at the proxy, after idle sessions and after used ones."""
    stream, _ = await filled(case)
    before = stock(case)
    idle = await case.connect(stream)
    used = await case.connect(stream, **writing(case))
    await work(case, used, stream)
    await case.disconnect(idle)
    await case.disconnect(used)
    await expect_nothing_left(case, before, "disconnect")


@check("CON-11", Level.BRONZE, "`disconnect` can be called twice, and by several at once")
async def disconnect_twice(case: Case) -> None:
    """Call it one after another, then three at once; both on sessions that were used."""
    stream, _ = await filled(case, 2)
    session = await case.connect(stream, **writing(case))
    await work(case, session, stream)
    await case.disconnect(session)
    err = await error_of(case, session.disconnect(), "the second disconnect")
    case.expect(err is None, f"the second disconnect raised {told(err)}")
    session = await case.connect(stream)
    together = asyncio.gather(*(session.disconnect() for _ in range(3)))
    err = await error_of(case, together, "three disconnects at once")
    case.expect(err is None, f"three disconnects at once raised {told(err)}")
    err = await error_of(case, session.disconnect(), "the disconnect after three at once")
    case.expect(err is None, f"the disconnect after three at once raised {told(err)}")


@check("CON-12", Level.BRONZE, "what is used after `disconnect` raises `closed`, and connects to nothing")
async def use_after_disconnect(case: Case) -> None:
    """Try every operation on a closed session."""
    stream, items = await filled(case, 2)
    proxy = case.service.proxy
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        await case.disconnect(session)
        accepted = proxy.accepted if proxy else 0
        await case.expect_error(
            started(operation, session), ErrorKind.CLOSED, what=f"{operation.name} after disconnect"
        )
        if proxy:
            case.expect(proxy.accepted == accepted, f"{operation.name} after disconnect opened a new connection")
    case.expect_items(await case.dump(stream), items, "after using closed sessions the stream has other items")


@check("CON-13", Level.BRONZE, "the same credentials and parameters open a session again and again")
async def same_credentials(case: Case) -> None:
    """Connect three times with the very same objects, and compare them afterwards with fresh ones."""
    stream, _ = await filled(case, 1)
    credentials, params = case.credentials(), case.params(stream)
    provider: Any = case.subject.provider

    async def again() -> None:
        await case.disconnect(case.keep(await provider.connect(credentials, params)))

    for time_ in ("first", "second", "third"):
        err = await error_of(case, again(), f"the {time_} connect with the same credentials")
        case.expect(err is None, f"the {time_} connect with the same credentials raised {told(err)}")
    case.expect(credentials == case.credentials(), "connect changed the credentials it was given")
    case.expect(params == case.params(stream), "connect changed the parameters it was given")


@check("CON-14", Level.SILVER, "two sessions are independent: of each other's credentials, streams and end")
async def independent(case: Case) -> None:
    """Open two on different streams, let a third fail, close one, and use the other."""
    one, here = await filled(case, 4)
    other_items = case.items(3, first=50)
    other = await case.seed(other_items)
    first, second = await case.connect(one), await case.connect(other)
    case.expect(first is not second, "two connects returned the same session")
    if takes_secret(case):
        err = await error_of(case, _opened(case, one, secret=case.wrong_secret), "connect")
        case.expect(err, "connect with a wrong secret succeeded while a session with the right one was open")
    if case.can(Ability.READ):
        case.expect_items(await case.read_items(first), here, "the first of two sessions reads")
        case.expect_items(await case.read_items(second), other_items, "the second of two sessions reads")
    await case.disconnect(first)
    for operation in operations(case):
        if operation.name != "write":
            err = await error_of(case, started(operation, second), operation.name)
            case.expect(err is None, f"{operation.name} failed after another session was closed: {told(err)}")
    if case.can(Ability.WRITE):
        session = await case.connect(other, **writing(case))
        await case.disconnect(second)
        receipt = await case.write(session, case.items(1, first=90))
        case.expect(receipt.accepted == 1, "a write was refused after another session was closed")
        await case.disconnect(session)


@check(
    "CON-15",
    Level.SILVER,
    "`disconnect` during a read ends the read with `closed`",
    needs=(Ability.READ,),
    after=("CON-12",),
)
async def disconnect_during_read(case: Case) -> None:
    """Disconnect between two batches, and, before a server that does not answer, while one is awaited."""
    stream, _ = await filled(case)
    session = await case.connect(stream)
    reading, _ = await case.within(case.patience, opened_stream(session), "reading")
    await case.disconnect(session)
    await case.expect_error(_rest(reading), ErrorKind.CLOSED, what="reading on after disconnect")
    if case.service.proxy is None:
        return
    session = await case.connect(stream)
    reading, _ = await case.within(case.patience, opened_stream(session), "reading")
    await case.service.run(case.proxy.stall_after(0))
    rest = asyncio.ensure_future(_rest(reading))
    await asyncio.wait((rest,), timeout=0.05)
    await case.within(case.patience, session.disconnect(), "disconnect while a read waits for an answer")
    await case.expect_error(rest, ErrorKind.CLOSED, what="a read that waits for an answer during disconnect")


@check(
    "CON-16",
    Level.SILVER,
    "`disconnect` neither fails nor hangs when the connection is dead",
    features=(Feature.ENDPOINT,),
)
async def disconnect_dead(case: Case) -> None:
    """Reset the connection, end it in good order, or let it fall silent, then disconnect."""
    stream, _ = await filled(case, 2)
    proxy = case.proxy
    faults: tuple[tuple[str, Callable[[], Coroutine[Any, Any, None]]], ...] = (
        ("was reset", proxy.drop),
        ("was ended by the server", lambda: proxy.half_close_after(0)),
        ("fell silent", lambda: proxy.stall_after(0)),
    )
    for how, fault in faults:
        before = stock(case)
        session = await case.connect(stream, **writing(case))
        await work(case, session, stream)
        await case.service.run(fault())
        err = await error_of(case, case.disconnect(session), f"disconnect after the connection {how}")
        case.expect(err is None, f"disconnect raised {told(err)} after the connection {how}")
        await expect_nothing_left(case, before, f"disconnect after the connection {how}")
        await case.service.run(proxy.heal())


@check(
    "CON-17",
    Level.SILVER,
    "when the server was away, an open session recovers or says that trying again helps, and a new one works",
    features=(Feature.ENDPOINT,),
)
async def server_restarts(case: Case) -> None:
    """Break every connection and refuse new ones for a while."""
    stream, items = await filled(case)
    proxy = case.proxy
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        await case.service.run(proxy.refuse())
        await case.service.run(proxy.drop())
        away = await error_of(case, started(operation, session), operation.name)
        await case.service.run(proxy.heal())
        for err in (away, await error_of(case, started(operation, session), operation.name)):
            case.expect(
                err is None or getattr(err, "retryable", False),
                f"{operation.name} after the server was away raised {told(err)}, which says that trying again cannot help",
            )
        await case.disconnect(session)
    if case.can(Ability.READ):
        async with case.session(stream) as session:
            keys = {case.profile.key_of(item) for item in await case.read_items(session)}
        wanted = {case.profile.key_of(item) for item in items}
        case.expect(wanted <= keys, "a new session after the server was away does not read all items")


@check("CON-18", Level.BRONZE, "looking into a session changes nothing", needs=(Ability.INSPECT,))
async def looking_changes_nothing(case: Case) -> None:
    """Check, list and describe, for a stream that is there and for one that is not."""
    stream, items = await filled(case)
    missing = case.stream()
    for name in (stream, missing):
        async with case.session(name) as session:
            for call in ("check", "streams", "describe"):
                await error_of(case, getattr(session, call)(), call)
    case.expect_items(await case.dump(stream), items, "after check, streams and describe the stream has other items")
    case.expect(await case.dump(missing) == [], "looking into a stream that is not there put items into it")
    async with case.session(stream) as session:
        names = [info.name for info in await case.within(case.patience, session.streams(), "streams")]
    case.expect(missing not in names, "looking into a stream that is not there made it")


# ---------------------------------------------------------------------- what the checks share


async def _opened(case: Case, stream: str, **changes: Any) -> Session:
    """Connect; a session that should not have come to be is closed at once."""
    session = await case.connect(stream, **changes)
    await case.disconnect(session)
    return session


async def _rest(reading: AsyncIterator[object]) -> list[object]:
    return [each async for each in reading]


def _after(case: Case, count: int, *, half: bool) -> Callable[[], Awaitable[None]]:
    proxy = case.proxy
    return lambda: case.service.run(proxy.half_close_after(count) if half else proxy.reset_after(count))


@asynccontextmanager
async def _measured(case: Case) -> AsyncIterator[list[int]]:
    """Measure how many bytes come down meanwhile."""
    found: list[int] = []
    before = case.proxy.bytes_down
    yield found
    found.append(case.proxy.bytes_down - before)


def _short_timeouts(case: Case, stream: str) -> tuple[dict[str, Any], float]:
    """Return the provider's own time-outs, lowered, and the seconds within which it must give up."""
    changes: dict[str, Any] = {}
    longest = 0.0
    for name in case.subject.models[1].model_fields:
        lowered, seconds = (_SHORT_MS, _SHORT_MS / 1000) if name.endswith("_ms") else (1, 1.0)
        if "timeout" in name:
            tried = {**changes, name: lowered}
            try:
                case.params(stream, **tried)
            except CheckFailed:  # it takes no value so small
                continue
            changes = tried
            longest = max(longest, seconds)
    return changes, longest * 1.2 + 1.0 if changes else _BLACK_HOLE * 1.2
