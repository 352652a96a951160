"""ERR: what goes wrong is told in the SDK's words, whole, and never hidden."""

import copy
import json
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from pydantic import ValidationError

from ..._error import ProviderError
from ..._kind import Ability, ErrorKind, Feature, WriteMode
from .._case import Case, Session
from .._check import check
from .._lifecycle import error_of, filled, operations, started, takes_secret, told, writing
from .._outcome import Level
from .._sweep import interrupted

_RETRYABLE: Final = frozenset({ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.THROTTLED, ErrorKind.UNAVAILABLE})
_BIGGER_PAGE: Final = 3


@check("ERR-01", Level.BRONZE, "whatever goes wrong, only errors of the SDK leave the provider")
async def only_sdk_errors(case: Case) -> None:
    """Ask for what is not there, and break every operation at several places of its exchange."""
    for what, err in await _plain_errors(case):
        case.expect(isinstance(err, ProviderError), f"{what} raised {told(err)}, which is no error of the SDK")
    if case.service.proxy is None:
        return
    async for what, error in _broken(case):
        case.expect(
            error is None or isinstance(error, ProviderError),
            f"{what} raised {told(error)}, which is no error of the SDK",
        )


@check(
    "ERR-02",
    Level.BRONZE,
    "an error of the SDK keeps the foreign error as its cause, with its traceback",
    features=(Feature.ENDPOINT,),
    after=("ERR-01",),
)
async def cause_kept(case: Case) -> None:
    """Refuse a connection, and break one in the middle of each operation."""
    stream, _ = await filled(case, 2)
    proxy = case.proxy
    await case.service.run(proxy.refuse())
    found = [("connect to a port that refuses", await error_of(case, case.connect(stream), "connect"))]
    await case.service.run(proxy.heal())
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        await case.service.run(proxy.reset_after(0))
        what = f"{operation.name} over a connection that was reset"
        found.append((what, await error_of(case, started(operation, session), what)))
        await case.service.run(proxy.heal())
        await error_of(case, case.disconnect(session), "disconnect")
    for what, err in found:
        if err is not None:
            case.expect(
                err.__cause__ is not None,
                f"{what} raised {told(err)} without its cause; raise it `from` the foreign error",
            )
            case.expect(
                err.__cause__ is not None and err.__cause__.__traceback__ is not None,
                f"{what} raised {told(err)} with a cause that was never raised",
            )


@check("ERR-03", Level.BRONZE, "an error says rightly whether trying again can help", after=("ERR-01",))
async def retryable(case: Case) -> None:
    """A broken connection can be tried again; a wrong secret, a missing stream or a closed session cannot."""
    for what, err in await _plain_errors(case):
        _expect_retryable(case, what, err, wanted=False)
    if case.service.proxy is None:
        return
    stream, _ = await filled(case)
    await case.service.run(case.proxy.refuse())
    refused = await error_of(case, case.connect(stream), "connect")
    _expect_retryable(case, "connect to a port that refuses", refused, wanted=True)
    await case.service.run(case.proxy.heal())
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        await case.service.run(case.proxy.reset_after(0))
        what = f"{operation.name} over a connection that was reset"
        _expect_retryable(case, what, await error_of(case, started(operation, session), what), wanted=True)
        await case.service.run(case.proxy.heal())
        await error_of(case, case.disconnect(session), "disconnect")


@check("ERR-05", Level.BRONZE, "an error survives pickle, copy and JSON with all it says", after=("ERR-01",))
async def survives(case: Case) -> None:
    """Copy every error that can be provoked, in each way, and compare."""
    errors = await _plain_errors(case)
    if case.service.proxy is not None:
        errors += [(what, err) async for what, err in _broken(case, deep=False) if err is not None]
    ways: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("pickled", lambda err: pickle.loads(pickle.dumps(err))),
        ("copied", copy.copy),
        ("copied in depth", copy.deepcopy),
    )
    for what, err in errors:
        if not isinstance(err, ProviderError):
            continue
        for way, make in ways:
            try:
                other = make(err)
            except Exception as why:  # noqa: BLE001  # whatever it is, the error does not survive
                case.fail(f"the error of {what} cannot be {way}: {told(why)}")
            differ = [name for name, value in _said(err).items() if _said(other).get(name) != value]
            case.expect(not differ, f"the error of {what} loses its {', '.join(differ)} when it is {way}")
        try:
            json.dumps(_said(err))
        except TypeError as why:
            case.fail(f"the error of {what} cannot be written as JSON: {why}")


@check("ERR-06", Level.BRONZE, "cancellation, interruption and the end of the process are never wrapped or swallowed")
async def never_wrapped(case: Case) -> None:
    """Throw each into connect and into every operation, at its first two await points."""
    stream, _ = await filled(case)
    for throw in (None, KeyboardInterrupt, SystemExit):
        name = throw.__name__ if throw else "CancelledError"
        for point in (1, 2):
            cut = await interrupted(case.opening(stream), point, throw=throw() if throw else None)
            if cut.error is None and cut.result is not None:
                case.keep(cut.result)
            if not cut.fired:
                break
            case.expect(_came_out(cut.error, name), f"{name} in connect, at {cut}, came out as {_ended(cut.error)}")
        for operation in operations(case):
            session = await case.connect(stream, **writing(case))
            cut = await interrupted(started(operation, session), 1, throw=throw() if throw else None)
            if cut.fired:
                case.expect(
                    _came_out(cut.error, name),
                    f"{name} in {operation.name}, at {cut}, came out as {_ended(cut.error)}",
                )
            await error_of(case, case.disconnect(session), "disconnect")
    if case.can(Ability.READ):
        async with case.session(stream) as session:
            reading = session.read(None)
            await case.within(case.patience, anext(reading), "reading")
            err = await error_of(case, reading.aclose(), "closing the iterator")
            case.expect(err is None, f"closing the iterator of a read raised {told(err)}")


@check("ERR-07", Level.BRONZE, "an error says in words what happened")
async def says_what(case: Case) -> None:
    """Read the text of every error that can be provoked."""
    errors = await _plain_errors(case)
    if case.service.proxy is not None:
        errors += [(what, err) async for what, err in _broken(case, deep=False) if err is not None]
    for what, err in errors:
        text = str(err).strip()
        case.expect(len(text.split()) > 1, f"the error of {what} says {text!r}, which tells nobody what happened")


@check("ERR-08", Level.BRONZE, "what the manifest does not claim is refused with `unsupported`, and has no effect")
async def unsupported(case: Case) -> None:
    """Write in every mode: those that are claimed work, the others are refused before anything changes."""
    if not case.can(Ability.WRITE) or "mode" not in case.subject.models[1].model_fields:
        case.expect(not case.manifest.modes or case.can(Ability.WRITE), "the manifest has write modes, but no `write`")
        return
    for mode in WriteMode:
        stream, items = await filled(case, 2)
        err = await _write_in(case, stream, mode)
        if mode in case.manifest.modes:
            case.expect(
                getattr(err, "kind", None) is not ErrorKind.UNSUPPORTED,
                f"the manifest claims the mode `{mode}`, but writing in it raised {told(err)}",
            )
            continue
        case.expect(err is not None, f"writing in the mode `{mode}`, which the manifest does not claim, succeeded")
        if not isinstance(err, ValidationError):
            case.expect(
                getattr(err, "kind", None) is ErrorKind.UNSUPPORTED,
                f"writing in the mode `{mode}`, which the manifest does not claim, raised {told(err)}, not `unsupported`",
            )
        case.expect_items(await case.dump(stream), items, f"after refusing the mode `{mode}` the stream")


@check(
    "ERR-10",
    Level.SILVER,
    "an error that several tasks raised together leaves the provider as one error of the SDK",
    features=(Feature.ENDPOINT,),
    after=("ERR-01",),
)
async def no_groups(case: Case) -> None:
    """Break every operation, and look whether a group of errors comes out."""
    async for what, err in _broken(case, deep=False):
        case.expect(
            not isinstance(err, BaseExceptionGroup),
            f"{what} raised a group of errors ({err}); raise one error of the SDK `from` it",
        )


@check(
    "ERR-09",
    Level.BRONZE,
    "a connection that breaks during a read is an error, never the end of the data",
    needs=(Ability.READ,),
    features=(Feature.ENDPOINT,),
)
async def broken_read(case: Case) -> None:
    """Reset the connection, and end it in good order, at many places of the read."""
    stream, items = await filled(case, 10)
    session = await case.connect(stream)
    before = case.proxy.bytes_down
    await case.read(session)
    needed = case.proxy.bytes_down - before
    await case.disconnect(session)
    for count in sorted({needed * part // 8 for part in range(8)} | {max(0, needed - 1)}):
        for half in (False, True):
            session = await case.connect(stream)
            await _break(case, count, half=half)
            found: list[object] = []
            err = await error_of(case, _collect(session, found), "reading")
            await case.service.run(case.proxy.heal())
            how = "hung up" if half else "was reset"
            case.expect(
                err is not None or len(found) >= len(items),
                f"the connection {how} after {count} of {needed} bytes, and the read ended normally "
                f"with {len(found)} of {len(items)} items",
            )
            await error_of(case, case.disconnect(session), "disconnect")


# ---------------------------------------------------------------------- errors to look at


async def _plain_errors(case: Case) -> list[tuple[str, BaseException]]:
    """Return errors that need no fault: a wrong secret, a stream that is not there, a closed session."""
    stream, _ = await filled(case, 2)
    found: list[tuple[str, BaseException | None]] = []
    if takes_secret(case):
        what = "connect with a wrong secret"
        found.append((what, await error_of(case, case.connect(stream, secret=case.wrong_secret), what)))
    missing = case.stream()
    for operation in operations(case):
        if operation.name in ("reading", "describe"):
            found.append((f"{operation.name} of a missing stream", await _in_session(case, missing, operation.start)))
        session = await case.connect(stream, **writing(case))
        await case.disconnect(session)
        what = f"{operation.name} after disconnect"
        found.append((what, await error_of(case, started(operation, session), what)))
    return [(what, err) for what, err in found if err is not None]


async def _in_session(case: Case, stream: str, start: Callable[[Session], Awaitable[object]]) -> BaseException | None:
    async def use() -> None:
        async with case.session(stream) as session:
            await start(session)

    return await error_of(case, use(), "using a session")


async def _broken(case: Case, *, deep: bool = True) -> AsyncIterator[tuple[str, BaseException | None]]:
    """Break connect and each operation at several places, and yield what each raised."""
    stream, _ = await filled(case)
    proxy = case.proxy
    before = proxy.bytes_down
    await case.disconnect(await case.connect(stream))
    for count in _places(proxy.bytes_down - before, deep=deep):
        for half in (False, True):
            await _break(case, count, half=half)
            what = f"connect, {_how(count, half=half)},"
            err = await error_of(case, case.connect(stream), what)
            await case.service.run(proxy.heal())
            await case.close()
            yield what, err
    for operation in operations(case):
        session = await case.connect(stream, **writing(case))
        before = proxy.bytes_down
        await error_of(case, started(operation, session), operation.name)
        needed = proxy.bytes_down - before
        await case.disconnect(session)
        for count in _places(needed, deep=deep):
            for half in (False, True):
                session = await case.connect(stream, **writing(case))
                await _break(case, count, half=half)
                what = f"{operation.name}, {_how(count, half=half)},"
                err = await error_of(case, started(operation, session), what)
                await case.service.run(proxy.heal())
                yield what, err
                what = f"disconnect after {what}"
                yield what, await error_of(case, case.disconnect(session), what)


def _places(needed: int, *, deep: bool) -> Sequence[int]:
    return sorted({0, needed // 2, max(0, needed - 1)}) if deep else (0,)


def _how(count: int, *, half: bool) -> str:
    return f"whose peer {'hung up' if half else 'reset the connection'} after {count} bytes"


async def _break(case: Case, count: int, *, half: bool) -> None:
    proxy = case.proxy
    await case.service.run(proxy.half_close_after(count) if half else proxy.reset_after(count))


def _expect_retryable(case: Case, what: str, err: BaseException | None, *, wanted: bool) -> None:
    if not isinstance(err, ProviderError):
        return
    can = "can" if wanted else "cannot"
    case.expect(
        err.retryable is wanted, f"{what} raised {told(err)} with `retryable` {err.retryable}; trying again {can} help"
    )
    case.expect(
        (err.kind in _RETRYABLE) is wanted, f"{what} raised `{err.kind}` ({err}); its kind says the opposite of `{can}`"
    )


def _said(err: ProviderError) -> dict[str, object]:
    return {
        "type": type(err).__qualname__,
        "text": str(err),
        "kind": err.kind,
        "retryable": err.retryable,
        "message": getattr(err, "message", None),
        "hint": getattr(err, "hint", None),
        "retry_after": getattr(err, "retry_after", None),
        "context": getattr(err, "context", None),
    }


def _came_out(err: BaseException | None, name: str) -> bool:
    """Whether what was thrown in came out: as itself, or on the way of an error that the clean-up met.

    A thread still works on the call whose await was torn away, as it never is in earnest; its clean-up may stumble over that.
    """
    if name == "CancelledError" or isinstance(err, ProviderError):
        return type(err).__name__ == name
    while err is not None:
        if type(err).__name__ == name:
            return True
        err = err.__context__
    return False


def _ended(err: BaseException | None) -> str:
    return "a normal return" if err is None else told(err)


async def _collect(session: Session, found: list[object]) -> None:
    async for batch in session.read(None):
        data = getattr(batch, "data", batch)
        found.extend(data if isinstance(data, list | tuple) else [data])


async def _write_in(case: Case, stream: str, mode: WriteMode) -> BaseException | None:
    model: Any = case.subject.models[1]
    fields = {**case.params(stream).model_dump(), "mode": mode}
    try:
        model.model_validate(fields)
    except ValidationError as err:  # the parameters know no such mode: it cannot even be asked for
        return err

    async def use() -> None:
        async with case.session(stream, mode=mode) as session:
            await case.write(session, case.items(1, first=70))

    return await error_of(case, use(), f"writing in the mode `{mode}`")
