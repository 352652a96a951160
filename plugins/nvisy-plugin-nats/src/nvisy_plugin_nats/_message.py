"""A message between its columns and the wire: headers with several values, and the columns that NATS has no place for.

Nothing here knows the connection. What would come back changed is refused before it is sent.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import nvisy_sdk as sdk

from .config import HEADERS, Params

Pair: TypeAlias = tuple[str, str]
Row: TypeAlias = tuple[str | None, str, str | None, bytes, dict[str, str | list[str]] | None, datetime]

SCHEMA: Final = sdk.Schema(
    fields=tuple(
        sdk.Field(name=name, type=type_, nullable=name in ("id", "key", "headers"))
        for name, type_ in (
            *(("id", sdk.TextType()), ("subject", sdk.TextType()), ("key", sdk.TextType())),
            *(("payload", sdk.BinaryType()), ("headers", sdk.JsonType()), ("timestamp", sdk.TimestampType(utc=True))),
        )
    )
)
_ID, _STREAM = "Nats-Msg-Id", "Nats-Expected-Stream"
_KEY, _TIME, _EMPTY = "Nvisy-Key", "Nvisy-Timestamp", ("Nvisy-Headers", "{}")  # what NATS has no place for
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HARMLESS: Final = {
    "nats-stream-source"
}  # says where a message was copied from; every other one orders the server about
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_SUBJECT: Final = 3_500  # bytes; a line of the protocol has 4,096, and the reply and two sizes are on it too


class Refused(Exception):  # noqa: N818 (it is an answer, and becomes a rejection)
    """A message the stream would not keep as it is."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as the stream keeps it."""

    sequence: int
    subject: str
    nanoseconds: int
    header: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it is sent."""

    subject: str
    headers: tuple[Pair, ...]
    payload: bytes
    id: str | None

    def size(self) -> int:
        """Return the bytes that count against the server's limit."""
        lines = sum(len(name.encode()) + len(value.encode()) + 4 for name, value in self.headers)
        return len(self.payload) + (len("NATS/1.0\r\n\r\n") + lines if self.headers else 0)

    def kept_in(self, stored: Stored) -> bool:
        """Whether a message of the stream is this one."""
        return (stored.subject, stored.payload) == (self.subject, self.payload) and _plain(
            pairs(stored.header)
        ) == _plain(self.headers)


def pairs(header: bytes) -> list[Pair]:
    """Return the headers in their order.

    Raises:
        ValueError: They are not text.
    """
    found = []
    for line in header.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name.strip().decode("ascii"), value.strip().decode()))
        elif line:
            raise ValueError("a line without a colon")
    return found


def row(stored: Stored, stream: str, params: Params) -> Row:
    """Return the columns of a stored message.

    Raises:
        InvalidDataError: Its headers are not text.
    """
    try:
        given = pairs(stored.header)
    except ValueError as err:
        wrong = f"the headers of message {stored.sequence} of stream {stream} cannot be read: {err}"
        hint = "headers are ASCII names with UTF-8 values; choose a `subject` that leaves the message out"
        where = {"stream": stream, "sequence": str(stored.sequence)}
        raise sdk.InvalidDataError(wrong, hint=hint, context=where) from err
    identity, key, time = (
        next((value for name, value in given if name == wanted), None) for wanted in (_ID, _KEY, _TIME)
    )
    when = _EPOCH + timedelta(microseconds=stored.nanoseconds // 1_000)
    taken = {_ID, _KEY, _EMPTY[0]}
    if time is not None and (original := _instant(time)) is not None:
        when = original
        taken.add(_TIME)
    headers: dict[str, str | list[str]] = {}
    for name, value in given:
        if name in taken or name.startswith("Nats-Expected-"):
            continue
        there = headers.get(name)
        headers[name] = value if there is None else [*([there] if isinstance(there, str) else there), value]
    if identity is None and params.ids == "sequence":
        identity = f"{stream}:{stored.sequence}"
    return identity, stored.subject, key, stored.payload, headers if headers or _EMPTY in given else None, when


def outgoing(item: Mapping[str, object], stream: str, params: Params) -> Outgoing:
    """Return the message of an item.

    Raises:
        Refused: It would not be kept as it is.
    """
    subject, payload, identity = item.get("subject"), item.get("payload"), item.get("id")
    subject = params.subject if subject is None else subject
    if subject is None:
        raise Refused("no_subject", "there is no `subject` in the item and none in the parameters")
    if not isinstance(payload, bytes):
        raise Refused("no_payload", "the payload is null; an empty one is kept")
    headers = [(_STREAM, stream)]
    if (key := item.get("key")) is not None:
        headers.append((_KEY, _value("key", key)))
    if isinstance(time := item.get("timestamp"), datetime):
        headers.append((_TIME, _written(time)))
    headers += _headers(item.get("headers"))
    subject = _subject(f"{params.subject_prefix}{subject}")
    if identity is None and params.without_id == "reject":
        raise Refused("no_id", "there is no `id`, without which a repeated message is stored again")
    if identity is None and params.without_id == "digest":
        text = json.dumps([subject, headers], ensure_ascii=False).encode()
        identity = hashlib.sha256(len(text).to_bytes(8) + text + payload).hexdigest()
    if identity is not None:
        headers.append((_ID, _value("id", identity)))
        if identity == "":
            raise Refused("no_id", "the `id` is empty, which the server takes for none")
    return Outgoing(subject, tuple(headers), payload, None if identity is None else str(identity))


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject meets a pattern: `*` stands for one token, `>` for one or more at the end."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(want in ("*", have) for want, have in zip(wanted, given, strict=True))


def _subject(subject: str) -> str:
    tokens = subject.split(".")
    if any(not token or token in ("*", ">") for token in tokens) or re.search(r"[\s\x00]", subject):
        raise Refused("subject", "a subject has no white space, no wildcard and no empty part")
    if len(_text("subject", subject)) > _LONGEST_SUBJECT:
        raise Refused("subject", f"the subject has more than {_LONGEST_SUBJECT} bytes")
    return subject


def _headers(given: object) -> list[Pair]:
    if given is None:
        return []
    if not isinstance(given, Mapping):
        raise Refused("headers", "the headers are not an object of names and texts")
    found = [] if given else [_EMPTY]
    for name, values in given.items():
        if not _NAME.fullmatch(name):
            raise Refused("headers", f"{name!r} cannot be a header's name: {HEADERS}")
        lower = name.lower()
        if name in (_KEY, _TIME, _EMPTY[0]) or (lower.startswith("nats-") and lower not in _HARMLESS):
            raise Refused("reserved_header", f"the header {name} is an order to the server or the provider; drop it")
        several = isinstance(values, list)
        if several and len(values) < 2:
            raise Refused(
                "headers", f"the header {name} is a list of {len(values)}; write one value as a text: {HEADERS}"
            )
        found += [(name, _value(name, value)) for value in (values if several else [values])]
    return found


def _value(name: str, value: object) -> str:
    if not isinstance(value, str) or value != value.strip() or "\r" in value or "\n" in value:
        raise Refused("headers", f"the value of {name} cannot be a header: {HEADERS}")
    _text(name, value)
    return value


def _text(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as err:
        raise Refused("invalid_text", f"{name} holds a lone surrogate, which UTF-8 cannot write") from err


def _plain(headers: "list[Pair] | tuple[Pair, ...]") -> list[Pair]:
    return sorted(pair for pair in headers if pair[0] != _STREAM)


def _written(time: datetime) -> str:
    utc = time.astimezone(UTC) if time.tzinfo else time
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and _written(found) == text else None
