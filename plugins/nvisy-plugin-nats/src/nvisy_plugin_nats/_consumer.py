"""A pull consumer of the server: messages page by page, and the acknowledgement of those that are committed."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import nvisy_sdk as sdk

from ._message import Stored
from .client import Wire

_IDLE: Final = 300  # seconds that the server keeps a consumer nobody asks: a sink may take long over a batch
_NANOS: Final = 1_000_000_000
_PAGE_BYTES: Final = 8 * 1024 * 1024  # of a page on its way, unless one message may be larger
_ACK_PAGE: Final = 1_000  # messages acknowledged in one go; the server lets so many wait by default
_ACK_WAIT: Final = 30  # seconds after which the server offers a message again that a killed session left unacknowledged


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as a consumer hands it over.

    Args:
        stored: The message.
        number: Its place among all that this consumer handed over, from 1.
        pending: How many are left for this consumer.
        reply: Where it is acknowledged.
    """

    stored: Stored
    number: int
    pending: int
    reply: str


class Consumer:
    """One consumer. Nothing is on its way that was not asked for."""

    def __init__(self, wire: Wire, stream: str, name: str) -> None:
        self.name = name
        self._wire = wire
        self._stream = stream
        self._reply = ""
        self._most = _ACK_PAGE  # messages that may wait for their acknowledgement
        self._page: list[Delivered] = []
        self._wanted = 0
        self._ended: asyncio.Future[tuple[str, str]] | None = None

    @classmethod
    async def passing(cls, wire: Wire, stream: str, *, first: int, subject: str | None) -> "tuple[Self, int]":
        """Return a consumer that acknowledges nothing and ends with its reader, and how much it will hand over."""
        config: dict[str, Any] = {"deliver_policy": "by_start_sequence", "opt_start_seq": first, "ack_policy": "none"}
        config |= {"inactive_threshold": _IDLE * _NANOS, "mem_storage": True, "num_replicas": 1}
        config |= {"filter_subject": subject} if subject else {}
        made = await wire.ask("CONSUMER.CREATE", stream, stream_name=stream, config=config)
        return cls(wire, stream, made["name"]), made["num_pending"]

    @classmethod
    async def durable(cls, wire: Wire, stream: str, name: str, *, subject: str | None) -> "tuple[Self, int]":
        """Return the consumer that remembers what is acknowledged, and the sequence it has come to."""
        try:
            there = await wire.ask("CONSUMER.INFO", stream, name)
        except sdk.NotFoundError:
            config: dict[str, Any] = {"durable_name": name, "deliver_policy": "all", "ack_policy": "explicit"}
            config |= {"ack_wait": _ACK_WAIT * _NANOS, "headers_only": True}
            config |= {"filter_subject": subject} if subject else {}
            there = await wire.ask("CONSUMER.DURABLE.CREATE", stream, name, stream_name=stream, config=config)
        config = there["config"]
        filters = config.get("filter_subjects") or [config.get("filter_subject") or ">"]
        if config.get("deliver_subject") or config["ack_policy"] != "explicit" or filters != [subject or ">"]:
            raise sdk.InvalidConfigError(
                f"the consumer {name} of stream {stream} does not pull, acknowledge each message and have this very subject",
                hint="choose another `durable`: one belongs to one node of one workflow",
            )
        consumer = cls(wire, stream, name)
        if 0 < config.get("max_ack_pending", 0) < _ACK_PAGE:
            consumer._most = config["max_ack_pending"]
        return consumer, there["ack_floor"]["stream_seq"]

    async def page(self, count: int) -> list[Delivered]:
        """Return the next messages, as many as there are up to `count`."""
        most = max(_PAGE_BYTES, 2 * self._wire.client.max_payload)
        ask = {"batch": count, "no_wait": True, "max_bytes": most}
        subject = self._wire.api("CONSUMER.MSG.NEXT", self._stream, self.name)
        status, text = await self._wire.call(self._ask(subject, json.dumps(ask).encode(), count), subject)
        if status not in ("", "404", "408") and not (status == "409" and "exceeds" in text.lower()):
            raise sdk.UnavailableError(f"the consumer of stream {self._stream} is gone: {text.strip() or status}")
        return self._page

    async def _ask(self, subject: str, body: bytes, count: int) -> tuple[str, str]:
        self._wire.forget(self._reply)  # the server may have a last word about a page that is complete
        self._reply = self._wire.route(self._arrived, consumer=self.name)
        self._page, self._wanted = [], count
        self._ended = asyncio.get_running_loop().create_future()
        await self._wire.client.publish(subject, body, self._reply)
        return await self._ended

    def _arrived(self, message: Any) -> None:
        if self._ended is None or self._ended.done():
            return
        headers = message.headers
        tokens = message.reply.split(".")
        if len(tokens) < 9:  # no message, but a word about the request
            self._ended.set_result((headers.get("Status", "?"), headers.get("Description", "")))
            return
        at = 5 if len(tokens) == 9 else 7  # newer servers name the domain and the account first
        sequence, number, time, pending = (int(token) for token in tokens[at : at + 4])
        stored = Stored(sequence, message.subject, time, headers.raw if headers else b"", message.data)
        self._page.append(Delivered(stored, number, pending, message.reply))
        if len(self._page) == self._wanted:
            self._ended.set_result(("", ""))

    async def acknowledge(self, through: int, floor: int) -> None:
        """Acknowledge every message up to the sequence `through`; what comes after it is left as it is."""
        while floor < through:
            page = await self.page(min(self._most, through - floor))
            if not page:
                return
            floor = page[-1].stored.sequence
            await self._wire.call(self._answer(page, through))

    async def _answer(self, page: Sequence[Delivered], through: int) -> None:
        for message in page:
            word = b"+ACK" if message.stored.sequence <= through else b"-NAK"
            await self._wire.client.publish(message.reply, word)
        await self._wire.client.flush()

    async def stop(self, *, delete: bool) -> None:
        """Take nothing more, and end the consumer with that; nobody waits for the answer."""
        self._wire.forget(self._reply, consumer=self.name)
        if delete:
            subject = self._wire.api("CONSUMER.DELETE", self._stream, self.name)
            await self._wire.call(self._wire.client.publish(subject, b"", self._reply), subject)
