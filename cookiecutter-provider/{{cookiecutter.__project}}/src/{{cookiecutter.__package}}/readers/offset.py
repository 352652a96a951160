"""Reading a {{ cookiecutter.__thing }} partition by partition, in the order in which its messages were put there."""

from collections.abc import AsyncGenerator

import nvisy_sdk as sdk

from .client import Session, stream_info

Item = dict[str, object]


class Reader(Session):
    """The session as a source."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the messages after `context`, one partition after the other, `batch_rows` at a time."""
        info, partitions = await self._partitions()
        done = {} if context is None else self._done(context, partitions)
        for partition in partitions:
            more = True
            while more:
                items, numbers, more = await self._page(partition, done.get(partition, 0))
                if items:
                    contexts = [self._context({**done, partition: number}) for number in numbers]
                    done[partition] = numbers[-1]
                    yield sdk.Batch(items, sdk.Each(contexts), schema=info.schema)

    async def _partitions(self) -> tuple[sdk.StreamInfo, list[str]]:
        found = await self._call("describe", stream=self._stream())
        return stream_info(found["stream"]), found["stream"]["partitions"]

    async def _page(self, partition: str, after: int) -> tuple[list[Item], list[int], bool]:
        """Return the next messages of a partition, the number of each, and whether there are more."""
        found = await self._call(
            "log",
            stream=self._stream(),
            partition=partition,
            after=after,
            subject=self._params.subject,
            limit=self._params.batch_rows,
        )
        return found["items"], found["numbers"], found["more"]

    def _context(self, done: dict[str, int]) -> sdk.OffsetContext:
        return sdk.OffsetContext(fingerprint=self._fingerprint(), partitions=done)

    def _done(self, context: sdk.Context, partitions: list[str]) -> dict[str, int]:
        """Return the number of the last message read of each partition."""
        if not isinstance(context, sdk.OffsetContext) or context.fingerprint != self._fingerprint():
            raise sdk.InvalidContextError(
                "the context belongs to another stream or subject",
                hint="start over, or restore the parameters it was made with",
            )
        unknown = [partition for partition in context.partitions if partition not in partitions]
        if unknown:
            raise sdk.InvalidContextError(f"the stream has no partition `{unknown[0]}`")
        return dict(context.partitions)

    def _fingerprint(self) -> str:
        return sdk.fingerprint(stream=self._stream(), filter=self._params.subject)
