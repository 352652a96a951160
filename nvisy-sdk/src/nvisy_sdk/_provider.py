"""What a provider's session does. Each sentence with an id is a promise the conformance kit checks under the same id.

The protocols are structural: nothing is inherited, and an ability a provider lacks is an absent method, never one that
raises. All methods are on the ONE object that `connect` returns. Retries and time-outs are the engine's, from outside.
"""

from collections.abc import AsyncIterator
from typing import Protocol, Self, TypeVar, runtime_checkable

from ._batch import Batch, IncomingBatch, Resumable
from ._context import Context
from ._write import Mark, Prepare, Receipt, StreamInfo

C = TypeVar("C", contravariant=True)
P = TypeVar("P", contravariant=True)


@runtime_checkable
class Provider(Protocol[C, P]):
    """One open session. The annotations of `connect` say which models its credentials and parameters are."""

    @classmethod
    async def connect(cls, credentials: C, params: P) -> Self:
        """Open a session.

        - `CON-1`: valid credentials and parameters open a session that is independent of every other.
        - `CON-2`: wrong credentials or an unreachable system fail here, not at the first read or write.
        - `CON-3`: a connect that fails, or is cancelled, leaves nothing open.
        """
        ...

    async def disconnect(self) -> None:
        """Close the session.

        - `CON-4`: it releases everything the session holds, and can be called twice.
        - `CON-5`: it neither fails nor hangs because the system is gone.
        """
        ...


@runtime_checkable
class DataInput(Protocol):
    """A source."""

    def read(self, context: Context | None) -> AsyncIterator[Batch | Resumable]:
        """Read from after `context`, or from the beginning. An async generator method satisfies this.

        - `IN-1`: without a context, the stream holds every item once, and ends.
        - `IN-2`: every item has a context.
        - `IN-3`: resuming from the context of item k yields exactly the items after k.
        - `IN-4`: a context of another stream, filter or order is refused with `invalid_context`.
        - `IN-5`: a failure is an error, never a normal end.
        - `IN-6`: every batch has the columns and types of the first.
        - `IN-7`: closing the iterator stops the work behind it.
        """
        ...


@runtime_checkable
class DataOutput(Protocol):
    """A sink."""

    async def write(self, batch: IncomingBatch) -> Receipt:
        """Write one batch.

        - `OUT-1`: what the receipt accepts is durable when it is given.
        - `OUT-2`: accepted and rejected items together are the batch; a rejection names its item.
        - `OUT-3`: a batch that fails as a whole may be written again.
        - `OUT-4`: nothing is truncated, coerced or dropped in silence.
        """
        ...


@runtime_checkable
class PreparedOutput(Protocol):
    """A sink that creates or evolves its target."""

    async def prepare(self, request: Prepare) -> None:
        """Make the target ready. Called before the first batch of each source, and again when a run resumes.

        - `PRE-1`: calling it again with the same request changes nothing.
        - `PRE-2`: a target that cannot take the columns is refused here, naming the column.
        """
        ...


@runtime_checkable
class TransactionalOutput(Protocol):
    """A sink that keeps the engine's checkpoint in the transaction that writes the data."""

    async def committed(self, key: str) -> Mark | None:
        """Return the mark stored last under `key`.

        - `TX-1`: it is exactly the mark of the last batch whose transaction committed.
        """
        ...

    async def write_through(self, batch: IncomingBatch, mark: Mark) -> Receipt:
        """Write a batch and store `mark`, both or neither.

        - `TX-2`: after any failure either the batch and its mark are there, or neither is.
        - `TX-3`: an empty batch stores its mark.
        """
        ...


@runtime_checkable
class StagedOutput(Protocol):
    """A sink whose target changes at the end, all at once."""

    async def publish(self) -> None:
        """Put what was written in the place of what was there. Called once every batch is durable.

        - `STG-1`: a reader sees the old items or the new ones, never a mixture.
        - `STG-2`: calling it again changes nothing.
        """
        ...


@runtime_checkable
class Inspectable(Protocol):
    """A session that can be looked into."""

    async def check(self) -> None:
        """Check that the session works, changing nothing."""
        ...

    async def streams(self) -> list[StreamInfo]:
        """Return the streams there are: tables, collections, prefixes."""
        ...

    async def describe(self) -> StreamInfo:
        """Return the stream that the session's parameters name; a target that is not there yet is `not_found`."""
        ...
