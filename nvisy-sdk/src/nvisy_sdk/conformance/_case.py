"""What a check gets: the provider, the system behind it, and the words to say what it expects.

A check never calls the harness itself and never opens a session without `session` or `connect`: so the case knows what to
close, which errors are the provider's, and how many things were looked at.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from .._batch import Batch, Each, IncomingBatch, Resumable
from .._context import Context
from .._error import InvalidDataError, ProtocolError, ProviderError
from .._kind import Ability, DataKind, ErrorKind, Feature, WriteMode
from .._manifest import Capability, Manifest
from .._schema import Schema
from .._write import Prepare, Receipt
from ..testing import RowBatch, positions_of
from ._harness import Endpoint, Item
from ._outcome import CheckFailed, HarnessFailed
from ._patience import ended
from ._profile import PROFILES, Profile, differences, plain
from ._proxy import FaultProxy
from ._service import Service
from ._subject import Subject

T = TypeVar("T")
Session: TypeAlias = Any
"""A provider's open session: whatever its `connect` returned."""
Positioned: TypeAlias = tuple[Item, Context | None]
"""An item that was read, and the context after it."""

PAGE = 3
"""`batch_rows` of the kit's reads and writes unless a check says otherwise: small, so that every edge is near."""
PATIENCE = 10.0
"""Seconds for one operation that should take a fraction of one."""


@dataclass
class Case:
    """One check's run.

    Args:
        id: The check.
        subject: The provider under test.
        manifest: Its manifest.
        service: The harness, on its own thread.
        secret: The canary: the secret the system accepts.
        seed_number: What the run's data is made from.
        prefix: What every stream's name of this check begins with.
        patience: Seconds for one operation; no wait is longer where that is less than usual.
    """

    id: str
    subject: Subject
    manifest: Manifest
    service: Service
    secret: str
    seed_number: int
    prefix: str
    patience: float = PATIENCE
    observations: int = 0
    mechanism: str = ""
    raised: Callable[[BaseException], None] = lambda error: None
    """Called with everything the provider raises; the guards listen."""
    mutated: list[str] = field(default_factory=list)
    """Items that a sink changed in the batch it was given."""
    _streams: int = 0
    _sessions: list[Session] = field(default_factory=list)

    # ------------------------------------------------------------------ what is tested

    @property
    def kind(self) -> DataKind:
        """The kind of data that is checked."""
        return self.service.kind or self.manifest.kinds[0]

    @property
    def profile(self) -> Profile:
        """The kit's items of that kind."""
        return PROFILES[self.kind]

    @property
    def random(self) -> random.Random:
        """A generator that is the same in every run with this seed."""
        return random.Random(f"{self.seed_number}/{self.id}")

    @property
    def endpoint(self) -> Endpoint:
        """The system, behind the fault proxy where it has a server."""
        return self.service.endpoint

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy before the system.

        Raises:
            HarnessFailed: There is none, although the manifest claims an endpoint.
        """
        if self.service.proxy is None:
            raise HarnessFailed("the manifest claims an endpoint, but the harness's `start` names no host and port")
        return self.service.proxy

    @property
    def wrong_secret(self) -> str:
        """A secret of the same length that the system does not accept."""
        swapped = self.secret.swapcase()[::-1]
        return swapped if swapped != self.secret else f"{self.secret[:-1]}-"

    def can(self, ability: Ability) -> bool:
        """Whether the manifest claims an ability."""
        return self.manifest.can(ability)

    def feature(self, feature: Feature) -> Capability:
        """How far the manifest claims a feature."""
        return self.manifest.feature(feature)

    def stream(self) -> str:
        """Return the name of a stream that no other check uses."""
        self._streams += 1
        return f"{self.prefix}_{self._streams}"

    def items(self, count: int, *, first: int = 0) -> list[Item]:
        """Return items of the provider's kind, as the system can hold them."""
        return self.adapted(self.profile.items(count, first=first))

    def adapted(self, items: Sequence[Item]) -> list[Item]:
        """Return a check's own items as the system can hold them."""
        return self.service.harness.items(items)

    # ------------------------------------------------------------------ saying what is expected

    def observe(self, count: int = 1) -> None:
        """Say that so many things were looked at; a check that looked at nothing has shown nothing."""
        self.observations += count

    def expect(self, condition: object, message: str) -> None:
        """Look at one thing.

        Raises:
            CheckFailed: The condition does not hold.
        """
        self.observe()
        if not condition:
            raise CheckFailed(message)

    def fail(self, message: str) -> NoReturn:
        """Say that the provider does not do what the check asserts."""
        raise CheckFailed(message)

    def expect_items(self, found: Sequence[Item], wanted: Sequence[Item], where: str) -> None:
        """Look at items: they must be these, each once, in any order."""
        self.observe(len(wanted) + 1)
        wrong = differences(self.profile, found, wanted)
        if wrong:
            raise CheckFailed(f"{where}: {'; '.join(wrong)}")

    async def expect_error(self, doing: Awaitable[object], *kinds: ErrorKind, what: str) -> ProviderError:
        """Await something that must raise an SDK error of one of these kinds, and return it.

        Raises:
            CheckFailed: It succeeded, or raised something else.
        """
        self.observe()
        try:
            await self.within(self.patience, doing, what)
        except ProviderError as err:
            if kinds and err.kind not in kinds:
                wanted = " or ".join(f"`{kind}`" for kind in kinds)
                raise CheckFailed(f"{what} raised `{err.kind}` ({err}), not {wanted}") from err
            return err
        except CheckFailed:
            raise
        except Exception as err:
            raise CheckFailed(f"{what} raised {type(err).__name__} ({err}), which is no error of the SDK") from err
        wanted = " or ".join(f"`{kind}`" for kind in kinds) or "an error of the SDK"
        raise CheckFailed(f"{what} succeeded; it must raise {wanted}")

    async def within(self, seconds: float, doing: Awaitable[T], what: str) -> T:
        """Await something that must end in time.

        Raises:
            CheckFailed: It did not.
        """
        if self.patience < PATIENCE:
            seconds = min(seconds, self.patience)
        task = asyncio.ensure_future(doing)
        if await ended(task, seconds):
            if not task.cancelled() and (error := task.exception()) is not None:
                self.raised(error)
            return task.result()
        task.cancel()
        await asyncio.wait((task,), timeout=1)
        raise CheckFailed(f"{what} did not end within {seconds:g} s")

    # ------------------------------------------------------------------ sessions

    def credentials(self, *, secret: str | None = None, endpoint: Endpoint | None = None) -> BaseModel:
        """Return the provider's credentials, by default the right ones."""
        model = self.subject.models[0]
        fields = self.service.harness.credentials(endpoint or self.endpoint, self.secret if secret is None else secret)
        return self._made(model, fields)

    def params(self, stream: str, *, endpoint: Endpoint | None = None, **changes: object) -> BaseModel:
        """Return the provider's parameters for a stream; `changes` are fields that differ from the usual."""
        model = self.subject.models[1]
        fields = dict(self.service.harness.params(endpoint or self.endpoint, stream))
        if "batch_rows" in model.model_fields:
            fields.setdefault("batch_rows", PAGE)
        if "key" in model.model_fields:
            fields.setdefault("key", self.profile.key)
        return self._made(model, {**fields, **changes})

    def _made(self, model: type[Any], fields: Mapping[str, object]) -> BaseModel:
        try:
            made: BaseModel = model.model_validate(fields)
        except ValidationError as err:
            names = ", ".join(".".join(map(str, each["loc"])) for each in err.errors(include_input=False))
            raise CheckFailed(f"`{model.__name__}` refuses what the harness gives ({names}): {err}") from None
        return made

    async def connect(
        self,
        stream: str,
        *,
        secret: str | None = None,
        endpoint: Endpoint | None = None,
        **changes: object,
    ) -> Session:
        """Open a session; the case closes it when the check is over, unless the check has done so.

        `changes` are parameters that differ from the usual. Whatever the provider raises goes through.
        """
        opening = self.opening(stream, secret=secret, endpoint=endpoint, **changes)
        return self.keep(await self.within(self.patience, opening, "connect"))

    def opening(
        self,
        stream: str,
        *,
        secret: str | None = None,
        endpoint: Endpoint | None = None,
        **changes: object,
    ) -> Coroutine[Any, Any, Session]:
        """Return the provider's own `connect`, not awaited yet; what it returns is for `keep`."""
        provider: Any = self.subject.provider
        credentials = self.credentials(secret=secret, endpoint=endpoint)
        opening: Coroutine[Any, Any, Session] = provider.connect(
            credentials, self.params(stream, endpoint=endpoint, **changes)
        )
        return opening

    def keep(self, session: Session) -> Session:
        """Close a session when the check is over, unless the check has done so."""
        self._sessions.append(session)
        return session

    def session(
        self,
        stream: str,
        *,
        secret: str | None = None,
        endpoint: Endpoint | None = None,
        **changes: object,
    ) -> AbstractAsyncContextManager[Session]:
        """Open a session for the length of an `async with`."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Session]:
            session = await self.connect(stream, secret=secret, endpoint=endpoint, **changes)
            try:
                yield session
            finally:
                await self.disconnect(session)

        return opened()

    async def disconnect(self, session: Session) -> None:
        """Close a session."""
        if session in self._sessions:
            self._sessions.remove(session)
        await self.within(self.patience, session.disconnect(), "disconnect")

    async def close(self) -> None:
        """Close what the check left open. What that raises does not matter: the check has judged."""
        for session in self._sessions:
            try:
                async with asyncio.timeout(2):
                    await session.disconnect()
            except Exception:  # noqa: BLE001 - see above
                continue
        self._sessions.clear()

    # ------------------------------------------------------------------ the data's path

    async def read(
        self, session: Session, context: Context | None = None, *, stop: int | None = None
    ) -> list[Positioned]:
        """Read to the end, or until `stop` items are there, and close the iterator."""
        stream = session.read(context)
        return await self.within(self.patience, _drain(stream, stop), "reading")

    async def read_items(self, session: Session, context: Context | None = None) -> list[Item]:
        """Read to the end and return the items alone."""
        return [item for item, _ in await self.read(session, context)]

    async def write(self, session: Session, items: Sequence[Item], *, schema: Schema | None = None) -> Receipt:
        """Prepare the target where the provider does that, and write one batch."""
        batch = self.batch(items, schema=schema)
        await self.prepare(session, schema=batch.schema)
        return await self.send(session, batch)

    async def prepare(self, session: Session, *, schema: Schema | None = None, fresh: bool = True) -> None:
        """Ask the sink to make the target ready, where it has that ability."""
        if self.can(Ability.PREPARE):
            request = Prepare(kind=self.kind, schema=schema or self.profile.schema, fresh=fresh)
            await self.within(self.patience, session.prepare(request), "prepare")

    async def send(self, session: Session, batch: IncomingBatch) -> Receipt:
        """Write one batch to a target that is ready."""
        held = (
            plain(batch.rows()) if type(batch) is RowBatch else None
        )  # a check's own batch counts how often it is asked
        receipt: Receipt = await self.within(self.patience, session.write(batch), "write")
        if held is not None and plain(batch.rows()) != held:
            self.mutated.append(f"`write` changed the items of a batch of {len(batch)}")
        if not isinstance(receipt, Receipt):
            self.fail(f"`write` returned {type(receipt).__name__}, not a Receipt")
        return receipt

    def batch(self, items: Sequence[Item], *, schema: Schema | None = None) -> RowBatch:
        """Return items as a sink receives them."""
        return RowBatch(items, schema=schema or self.profile.schema, kind=self.kind)

    def mode(self, *wanted: WriteMode) -> WriteMode | None:
        """Return the first of these modes that the provider offers, or None."""
        return next((mode for mode in wanted if mode in self.manifest.modes), None)

    # ------------------------------------------------------------------ the system, without the provider

    async def seed(self, items: Sequence[Item], *, stream: str | None = None, schema: Schema | None = None) -> str:
        """Put items into a stream without the provider, and return the stream's name."""
        name = stream or self.stream()
        await self.service.seed(name, items, schema or self.profile.schema)
        return name

    async def dump(self, stream: str) -> list[Item]:
        """Return all items of a stream, without the provider."""
        return await self.service.dump(stream)

    async def fault(self, kind: str) -> bool:
        """Make the system misbehave, where the harness can; `none` ends it."""
        return await self.service.run(self.service.harness.fault(self.service.direct, kind))

    async def remove(self, stream: str, items: Sequence[Item]) -> None:
        """Delete items from a stream, without the provider."""
        await self.service.remove(stream, items)


async def _drain(stream: Any, stop: int | None) -> list[Positioned]:
    found: list[Positioned] = []
    try:
        async for yielded in stream:
            found.extend(apart(yielded))
            if stop is not None and len(found) >= stop:
                break
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()
    return found if stop is None else found[:stop]


def apart(yielded: object) -> list[Positioned]:
    """Return the items of what a read yields, each with the context after it.

    Raises:
        CheckFailed: It is nothing that a read may yield.
    """
    if isinstance(yielded, Resumable):
        rows: Any = [yielded.data]
        yielded = Batch(rows, Each([yielded.context]), kind=yielded.kind)
    if not isinstance(yielded, Batch):
        raise CheckFailed(f"`read` yielded a {type(yielded).__name__}, which is neither a Batch nor a Resumable")
    try:
        return positions_of(yielded)
    except (ProtocolError, InvalidDataError) as err:
        raise CheckFailed(f"`read` yielded a batch that cannot be taken apart: {err}") from err
