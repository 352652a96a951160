"""Reading a stream in the order of its sequence, to the end it has when the read begins, and looking into a server.

A read takes nothing away. What was committed is acknowledged, where a durable consumer is named, when the next session
begins to read: the position it is given is the proof.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import nvisy_sdk as sdk

from ._consumer import Consumer
from ._message import SCHEMA, Stored, row
from .client import Session

_AGAIN = "read the stream from the beginning"


class Reader(Session):
    """The session as a source, and as something to look into."""

    _has_read = False

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the messages after `context`, `batch_rows` at a time, up to the last one there is now."""
        first_read, self._has_read = not self._has_read, True
        stream, info = self._stream, await self._info()
        mark = sdk.fingerprint(stream=stream, filter=[self._params.subject, info["created"]], sort=["sequence"])
        after = 0 if context is None else _position(context, stream, mark)
        self._check_gap(after, info)
        if self._params.durable:
            # A later read of one session may begin behind what was handed over but is not committed.
            await self._acknowledge(self._params.durable, after if first_read else 0)
        last: int = info["state"]["last_seq"]
        if last <= after:
            return
        pages = self._consumed if info["config"]["retention"] == "limits" else self._looked_up
        async with aclosing(pages(after + 1, last)) as found:
            async for page in found:
                rows = [row(message, stream, self._params) for message in page]
                contexts = [sdk.OffsetContext(fingerprint=mark, partitions={stream: each.sequence}) for each in page]
                yield sdk.Batch(rows, sdk.Each(contexts), schema=SCHEMA)

    async def check(self) -> None:
        """Check that the server answers, and that the stream is there when one is named."""
        await self._mend()
        await (self._wire.ask("INFO") if self._params.stream is None else self._info())

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the streams, by name."""
        await self._mend()
        found: list[sdk.StreamInfo] = []
        while True:
            answer = await self._wire.ask("STREAM.LIST", offset=len(found))
            found += [_described(info) for info in answer["streams"] or ()]
            if len(found) >= answer["total"] or not answer["streams"]:
                return sorted(found, key=lambda info: info.name)

    async def describe(self) -> sdk.StreamInfo:
        """Return the stream that the parameters name."""
        info = _described(await self._info())
        return info.model_copy(update={"rows": None, "bytes": None}) if self._params.subject else info

    def _check_gap(self, after: int, info: dict[str, Any]) -> None:
        first, last, stream = info["state"]["first_seq"], info["state"]["last_seq"], self._stream
        where = {"stream": stream, "sequence": str(after)}
        if after > last:
            lost = f"stream {stream} ends at sequence {last}, before the position {after}: it has lost messages"
            raise sdk.ContextExpiredError(lost, hint=_AGAIN, context=where)
        # Whoever removes other subjects from a shared queue leaves the same trace as whoever removes ours.
        telling = info["config"]["retention"] == "limits" or not self._params.subject
        if after and first > after + 1 and telling and self._params.on_gap == "error":
            which = f" of {self._params.subject}" if self._params.subject else ""
            lost = f"the position is sequence {after} and stream {stream} begins at {first} now: messages{which} may be lost"
            raise sdk.ContextExpiredError(
                lost, hint=f"set `on_gap: skip` where that is right, or {_AGAIN}", context=where
            )

    async def _acknowledge(self, durable: str, through: int) -> None:
        consumer, floor = await Consumer.durable(self._wire, self._stream, durable, subject=self._params.subject)
        await consumer.acknowledge(through, floor)
        await consumer.stop(delete=False)

    async def _consumed(self, first: int, last: int) -> AsyncGenerator[Sequence[Stored], None]:
        """Yield pages of a stream from which no consumer takes anything away."""
        consumer, pending = await Consumer.passing(self._wire, self._stream, first=first, subject=self._params.subject)
        number = 0
        try:
            while pending:
                page = await consumer.page(min(self._params.batch_rows, pending))
                for message in page:
                    number += 1
                    if message.number != number:
                        raise sdk.ConnectionFailedError(f"message {number} of {self._stream} got lost on its way")
                    pending = message.pending
                if not page:  # what was pending has been removed meanwhile, or is not at this server yet
                    pending = (await self._wire.ask("CONSUMER.INFO", self._stream, consumer.name))["num_pending"]
                    if pending:
                        raise sdk.UnavailableError(f"stream {self._stream} holds back {pending} messages")
                wanted = [message.stored for message in page if message.stored.sequence <= last]
                if wanted:
                    yield wanted
                if len(wanted) < len(page) or (wanted and wanted[-1].sequence == last):
                    return
        finally:
            with suppress(sdk.ProviderError):
                await consumer.stop(delete=True)

    async def _looked_up(self, first: int, last: int) -> AsyncGenerator[Sequence[Stored], None]:
        """Yield pages of a stream whose consumers take messages away: each is looked up by its sequence."""
        page: list[Stored] = []
        while first <= last:
            found = await self._stored(first, subject=self._params.subject or ">")
            if found is None or found.sequence > last:
                break
            page.append(found)
            first = found.sequence + 1
            if len(page) == self._params.batch_rows:
                yield page
                page = []
        if page:
            yield page


def _position(context: sdk.Context, stream: str, mark: str) -> int:
    if context.fingerprint != mark or not isinstance(context, sdk.OffsetContext) or set(context.partitions) != {stream}:
        wrong = (
            f"the context belongs to another stream than {stream}, another subject, or an earlier stream of that name"
        )
        raise sdk.InvalidContextError(wrong, hint=_AGAIN, context={"stream": stream})
    return context.partitions[stream]


def _described(info: dict[str, Any]) -> sdk.StreamInfo:
    state = info["state"]
    return sdk.StreamInfo(name=info["config"]["name"], schema=SCHEMA, rows=state["messages"], bytes=state["bytes"])
