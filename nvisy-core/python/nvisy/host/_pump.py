"""A source: one task iterates the provider and hands over each batch, decoded on this thread.

Every stream ends with exactly one message: done, failed or cancelled. What was good before a failure is handed over
before it, and the provider's generator is closed on this thread, whatever happens.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from nvisy_sdk import (
    Batch,
    Context,
    DataInput,
    Each,
    End,
    InvalidDataError,
    Keyset,
    Positions,
    ProtocolError,
    Resumable,
    UnsupportedError,
    context_adapter,
)

from ._fault import describe
from ._job import Job
from ._session import Session

if TYPE_CHECKING:
    from nvisy._core import Link

_LOG = logging.getLogger("nvisy")
_GATHERED: Final = 1_000  # single items in one batch at most
_PATIENCE: Final = 0.05  # seconds a single item waits for company
_TURN: Final = 0.01  # seconds a provider that never waits may keep the loop


class Pump:
    """One stream of a session.

    Args:
        link: Where batches go.
        number: The stream's number on the Rust side.
        session: Whose stream it is.
        context: JSON of where to resume, None for the beginning.
        ended: Called when the stream is over.
    """

    def __init__(
        self, link: "Link", number: int, session: Session, context: str | None, ended: Callable[[], object]
    ) -> None:
        self.session = session
        self._link = link
        self._number = number
        self._context = context
        self._ended = ended
        self._room = asyncio.Event()
        self._room.set()
        self._gathered: list[Resumable] = []
        self._timer: asyncio.TimerHandle | None = None
        self._late_error: BaseException | None = None
        self.job = Job(session, "a read", self._run(), self._over)

    def resume(self) -> None:
        """There is room again."""
        self._room.set()

    def stop(self) -> None:
        """Nobody reads any more."""
        self.job.cancel()

    async def _run(self) -> None:
        iterator: AsyncIterator[object] | None = None
        try:
            iterator = self._begin()
            await self._iterate(iterator)
            self._flush()
        except BaseException as error:  # noqa: BLE001 (SystemExit in a provider must not end the loop)
            self._fail(self._late_error or error)
        else:
            self._link.done(self._number)
        finally:
            self._forget_timer()
            if iterator is not None:
                await self._close(iterator)

    def _begin(self) -> AsyncIterator[object]:
        provider = self.session.usable()
        if not isinstance(provider, DataInput):
            raise UnsupportedError("the provider cannot read")
        context: Context | None = None
        if self._context is not None:
            context = context_adapter.validate_json(self._context)
        return aiter(provider.read(context))

    async def _iterate(self, iterator: AsyncIterator[object]) -> None:
        turn = time.monotonic()
        async for item in iterator:
            if self.job.cancelled:  # the provider swallowed the cancellation
                raise asyncio.CancelledError
            self._take(item)
            if not self._room.is_set():
                await self._room.wait()
                turn = time.monotonic()
            elif time.monotonic() - turn > _TURN:
                await asyncio.sleep(0)
                turn = time.monotonic()

    def _take(self, item: object) -> None:
        if isinstance(item, Resumable):
            if self._gathered and self._gathered[0].kind != item.kind:
                self._flush()
            self._gathered.append(item)
            if len(self._gathered) >= _GATHERED:
                self._flush()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._late)
            return
        self._flush()
        if not isinstance(item, Batch):
            raise ProtocolError(
                f"`read` yielded a {type(item).__name__}", hint="yield nvisy_sdk.Batch or nvisy_sdk.Resumable"
            )
        kind = None if item.kind is None else str(item.kind)
        self._pushed(self._link.push(self._number, item.data, kind, item.schema, _positions(item.positions)))

    def _pushed(self, full: bool) -> None:
        if full:
            self._room.clear()

    def _flush(self) -> None:
        """Hand over the gathered items; when one of them is bad, those before it, and then raise."""
        self._forget_timer()
        items, self._gathered = self._gathered, []
        if not items:
            return
        try:
            self._push_items(items)
        except InvalidDataError as error:
            good = int(error.context.get("row", "0"))
            if good:
                self._push_items(items[:good])
            raise

    def _push_items(self, items: list[Resumable]) -> None:
        kind = None if items[0].kind is None else str(items[0].kind)
        positions = _positions(Each([item.context for item in items]))
        self._pushed(self._link.push(self._number, [item.data for item in items], kind, None, positions))

    def _late(self) -> None:
        self._timer = None
        try:
            self._flush()
        except BaseException as error:  # noqa: BLE001 (the border to a provider)
            self._late_error = error
            self.job.task.cancel()

    def _fail(self, error: BaseException) -> None:
        if self.job.cancelled:
            self._gathered.clear()
            self._link.cancelled(self._number)
            return
        try:
            self._flush()
        except BaseException as bad:  # noqa: BLE001 (it came before `error` in the stream)
            error = bad
        self._link.failed(self._number, describe(error, secrets=self.session.secrets))

    async def _close(self, iterator: AsyncIterator[object]) -> None:
        close = getattr(iterator, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except BaseException as error:  # noqa: BLE001 (the stream's end is already told)
            fault = describe(error, secrets=self.session.secrets)
            _LOG.warning("provider %s failed to close a stream: %s", self.session.provider, fault.traceback)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        if self.job.cancelled:  # perhaps before it began
            self._link.cancelled(self._number)
        self._link.closed(self._number)
        self._ended()


def _positions(positions: Positions) -> str | tuple[tuple[str, ...], str]:
    match positions:
        case End(context):
            return context.model_dump_json()
        case Keyset(columns, fingerprint):
            return (tuple(columns), fingerprint)
        case Each(contexts):
            return f"[{','.join([context.model_dump_json() for context in contexts])}]"
        case _:
            raise ProtocolError(
                f"a batch has a {type(positions).__name__} as its positions", hint="give End, Keyset or Each"
            )
