"""A sink: one task takes the session's writes out of its inbox, in order, and answers each by its number."""

import asyncio
from typing import TYPE_CHECKING

from nvisy_sdk import (
    ClosedError,
    DataOutput,
    IncomingBatch,
    Mark,
    ProtocolError,
    Receipt,
    TransactionalOutput,
    UnsupportedError,
)

from ._fault import describe
from ._job import Job
from ._session import Session

if TYPE_CHECKING:
    from nvisy._core import Link


class Inbox:
    """The writes of one session. The task ends when the inbox is empty and begins again at the next `drain`."""

    def __init__(self, link: "Link", session: Session) -> None:
        self.session = session
        self._link = link
        self._job: Job | None = None
        self._current: int | None = None
        self._aborted = False

    def drain(self) -> None:
        """There are writes."""
        if self._job is None or self._job.task.done():
            self._job = Job(self.session, "a write", self._run(), self._over)

    def abort(self, sequence: int) -> None:
        """Nobody waits for that write any more."""
        if self._job is None or self._current != sequence or self._aborted:
            return
        self._aborted = True
        self._job.task.cancel()
        self._job.watch()

    async def _run(self) -> None:
        while (write := self._link.next_write(self.session.number)) is not None:
            sequence, batch, mark = write
            self._current, self._aborted = sequence, False
            try:
                receipt = await self._write(batch, mark)
                self._answer(sequence, receipt)
            except BaseException as error:  # noqa: BLE001 (SystemExit in a provider must not end the loop)
                self._refuse(sequence, error)
            finally:
                self._current = None

    async def _write(self, batch: IncomingBatch, mark: str | None) -> Receipt:
        provider = self.session.usable()
        if mark is None:
            if not isinstance(provider, DataOutput):
                raise UnsupportedError("the provider cannot write")
            return await provider.write(batch)
        if not isinstance(provider, TransactionalOutput):
            raise UnsupportedError("the provider cannot store a mark")
        return await provider.write_through(batch, Mark.model_validate_json(mark))

    def _answer(self, sequence: int, receipt: Receipt) -> None:
        if not isinstance(receipt, Receipt):
            raise ProtocolError(f"a write returned a {type(receipt).__name__}", hint="return nvisy_sdk.Receipt")
        rejected = None
        if receipt.rejected:
            rejected = f"[{','.join([rejection.model_dump_json() for rejection in receipt.rejected])}]"
        try:
            self._link.written(self.session.number, sequence, receipt.accepted, rejected)
        except ValueError as error:
            raise ProtocolError(
                str(error), hint="accepted and rejected items together are the batch, each item once"
            ) from error

    def _refuse(self, sequence: int, error: BaseException) -> None:
        job = self._job
        if self._aborted and job is not None:
            job.calm()
            if not job.cancelled and isinstance(error, asyncio.CancelledError):
                job.task.uncancel()
            return
        if job is not None and job.cancelled and isinstance(error, asyncio.CancelledError):
            error = ClosedError("the session was closed during the write")
        self._link.refused(self.session.number, sequence, describe(error, secrets=self.session.secrets))

    def _over(self) -> None:
        """Refuse what a task that was cancelled left behind."""
        while self._job is not None and self._job.cancelled:
            write = self._link.next_write(self.session.number)
            if write is None:
                return
            closed = ClosedError("the session was closed before the write began")
            self._link.refused(self.session.number, write[0], describe(closed))
