"""Writing messages: in their order, each acknowledged by the stream, and known again by its id while the window lasts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import nvisy_sdk as sdk

from ._message import SCHEMA, Outgoing, Refused, Stored, matches, outgoing
from .client import Session, refused

_IN_FLIGHT: Final = 256  # messages
_IN_FLIGHT_BYTES: Final = 4 * 1024 * 1024
_TOO_LARGE: Final = {10054}
_NANOS: Final = 1_000_000_000


class Writer(Session):
    """The session as a sink."""

    _target: dict[str, Any] | None = None

    async def prepare(self, request: sdk.Prepare) -> None:
        """Create the stream when the parameters say so; refuse columns a message cannot have."""
        if request.kind is not sdk.DataKind.MESSAGE:
            raise sdk.UnsupportedError(f"a stream holds messages, not {request.kind} items")
        for field in request.schema.fields:
            wanted = SCHEMA.field(field.name)
            if wanted is None or field.type != wanted.type:
                known = ", ".join(f"{each.name} ({each.type.name})" for each in SCHEMA.fields)
                hint = f"drop or cast it with a transform; the columns are {known}"
                wrong = f"a message has no column {field.name} of type {field.type.name}"
                raise sdk.InvalidDataError(wrong, hint=hint, context={"column": field.name})
        await self._ready()

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Publish the items in their order. What is accepted is in the stream."""
        await self._mend()
        target = self._target or await self._ready()
        rejected: dict[int, Refused] = {}
        messages: dict[int, Outgoing] = {}
        for index, item in enumerate(batch.rows()):
            try:
                messages[index] = self._outgoing(item, target)
            except Refused as err:
                rejected[index] = err
        for window in _windows(messages):
            answers = await self._wire.send([messages[index] for index in window])
            for index, answer in zip(window, answers, strict=True):
                try:
                    await self._settle(messages[index], answer, target)
                except Refused as err:
                    rejected[index] = err
        rejections = [
            sdk.Rejection(index=index, code=err.code, reason=err.reason) for index, err in sorted(rejected.items())
        ]
        return sdk.Receipt(accepted=len(batch) - len(rejections), rejected=tuple(rejections))

    async def _ready(self) -> dict[str, Any]:
        """Return the configuration of the stream, which is created when that is asked for."""
        if self._params.mode not in (None, sdk.WriteMode.APPEND):
            raise sdk.UnsupportedError(f"a stream cannot {self._params.mode} messages", hint="leave `mode` out")
        try:
            info = await self._info()
        except sdk.NotFoundError:
            if not self._params.create:
                raise
            info = await self._wire.ask("STREAM.CREATE", self._stream, **self._new_stream())
        target: dict[str, Any] = info["config"]
        if target.get("no_ack") or target.get("mirror") or target.get("sealed"):
            why = f"stream {self._stream} is a mirror, is sealed, or does not say what it has stored"
            raise sdk.UnsupportedError(why, hint="write to another stream", context={"stream": self._stream})
        self._target = target
        return target

    def _new_stream(self) -> dict[str, Any]:
        params = self._params
        subjects = params.subjects or ((f"{params.subject_prefix}{params.subject}",) if params.subject else ())
        if not subjects:
            raise sdk.InvalidConfigError("a stream without subjects takes no message", hint="set `subjects`")
        config: dict[str, Any] = {"name": self._stream, "subjects": list(subjects), "num_replicas": params.replicas}
        config |= {"storage": params.storage, "retention": params.retention}
        config |= {"max_msgs": params.max_messages or -1, "max_bytes": params.max_bytes or -1}
        config |= {"max_age": int((params.max_age or 0) * _NANOS)}
        return config | {"duplicate_window": int((params.duplicate_window or 0) * _NANOS)}

    def _outgoing(self, item: Mapping[str, object], target: Mapping[str, Any]) -> Outgoing:
        message = outgoing(item, self._stream, self._params)
        # Another subject may belong to another stream, or be an order to the server itself.
        if not any(matches(pattern, message.subject) for pattern in target.get("subjects") or ()):
            raise Refused("subject", f"the stream {self._stream} does not take the subject {message.subject}")
        if message.size() > self._wire.client.max_payload:
            raise Refused(
                "too_large", f"{message.size()} bytes with headers; the server takes {self._wire.client.max_payload}"
            )
        return message

    async def _settle(self, message: Outgoing, answer: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Return when the message is in the stream.

        Raises:
            Refused: The stream did not take it, and would not if it were sent again.
        """
        error = answer.get("error")
        if error is not None:
            if error.get("err_code") in _TOO_LARGE:
                raise Refused("too_large", f"the stream takes {target.get('max_msg_size')} bytes in a message")
            raise refused(error, self._stream)
        if answer.get("duplicate"):
            await self._same(message, answer["seq"], limits=target["retention"] == "limits")

    async def _same(self, message: Outgoing, sequence: int, *, limits: bool) -> None:
        """Return when what the stream has under the id is this message: it was sent before."""
        there: Stored | None = await self._stored(sequence, subject=">")
        if there is not None and there.sequence == sequence and message.kept_in(there):
            return
        if there is not None and there.sequence == sequence:
            raise Refused("duplicate_id", f"the id {message.id!r} belongs to another message, sequence {sequence}")
        if limits:
            raise Refused(
                "duplicate_id", f"the id {message.id!r} was given to sequence {sequence}, which has been removed since"
            )


def _windows(messages: Mapping[int, Outgoing]) -> Iterator[Sequence[int]]:
    """Yield the messages that may be on their way at the same time."""
    window: list[int] = []
    size = 0
    for index, message in messages.items():
        if window and (len(window) == _IN_FLIGHT or size + message.size() > _IN_FLIGHT_BYTES):
            yield window
            window, size = [], 0
        window.append(index)
        size += message.size()
    if window:
        yield window
