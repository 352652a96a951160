"""SIG: the shape of the class and of what its methods return."""

from typing import Any

from ..._check import load_checks
from ..._kind import Ability
from .._case import Case, Session
from .._check import check
from .._fidelity import target
from .._outcome import Level
from .._static import Package
from .._stream import settled


@check(
    "SIG-01",
    Level.LOADABLE,
    "every method has the name, the parameters and the asyncness that the protocols say",
    static=True,
    after=("PKG-02",),
)
async def methods_have_their_shape(package: Package) -> None:
    """Look at signatures; nothing is called."""
    provider = package.provider
    defects = load_checks(provider)
    package.observe(len([name for name in vars(provider) if not name.startswith("_")]) + 1)
    package.expect(not defects, "; ".join(defects))


@check(
    "SIG-02",
    Level.LOADABLE,
    "`read` returns an asynchronous iterator, without being awaited, that is its own iterator and can be closed",
    needs=(Ability.READ,),
    after=("SIG-01", "CON-01"),
)
async def read_returns_an_iterator(case: Case) -> None:
    """Call it, look at what it returned, and close that without reading."""
    stream = await case.seed(case.items(1))
    async with case.session(stream) as session:
        reading = session.read(None)
        kind = type(reading).__name__
        case.expect(hasattr(reading, "__anext__"), f"`read` returned a {kind}, which is no asynchronous iterator")
        case.expect(not hasattr(reading, "__await__"), f"`read` returned a {kind}, which has to be awaited")
        case.expect(reading.__aiter__() is reading, f"the {kind} that `read` returned is not its own iterator")
        case.expect(
            hasattr(reading, "aclose"),
            f"the {kind} that `read` returned has no `aclose`, so its work cannot be stopped",
        )
        await case.within(case.patience, reading.aclose(), "closing an iterator that was never read")


@check(
    "SIG-04",
    Level.BRONZE,
    "a session works behind a transparent proxy, and takes whatever looks like a batch",
    after=("SIG-01", "READ-01", "WRT-01"),
)
async def no_base_class_is_needed(case: Case) -> None:
    """Hand over a batch, and use a session, that are no instances of the classes they look like."""
    wanted = case.items(2)
    stream, changes = await target(case)
    session: Session = _Veil(await case.connect(stream, **changes))
    if case.can(Ability.WRITE):
        batch: Any = _Veil(case.batch(wanted))
        await case.prepare(session, schema=batch.schema)
        try:
            receipt = await case.send(session, batch)
        except TypeError as err:
            case.fail(f"`write` refuses what only looks like a batch: {err}; use its methods, not its class")
        case.expect(
            receipt.accepted == len(wanted), f"of what only looks like a batch {receipt.accepted} items were accepted"
        )
        await settled(case, stream, wanted, "writing what only looks like a batch")
    else:
        await case.seed(wanted, stream=stream)
    if case.can(Ability.READ):
        case.expect_items(await case.read_items(session), wanted, "reading through a proxy of the session")
    await case.disconnect(session)


@check("SIG-05", Level.BRONZE, "every `connect` returns a session of its own", after=("SIG-01", "CON-01"))
async def sessions_are_independent(case: Case) -> None:
    """Open two, close one, and use the other."""
    wanted = case.items(2)
    stream = await case.seed(wanted)
    first, second = await case.connect(stream), await case.connect(stream)
    case.expect(first is not second, "two calls of `connect` return the same session")
    await case.disconnect(first)
    if case.can(Ability.READ):
        case.expect_items(await case.read_items(second), wanted, "reading after another session was closed")
    await case.disconnect(second)


class _Veil:
    """Everything another object has, in an object of no class that the provider knows."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def __len__(self) -> int:
        return len(self._behind)
