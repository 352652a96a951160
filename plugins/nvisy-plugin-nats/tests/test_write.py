"""Writing: kept as it is or refused with its place, in order, and once however often it is sent."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from nvisy_plugin_nats import Provider
from nvisy_sdk import (
    BinaryType,
    ConflictError,
    DataKind,
    Field,
    Int64Type,
    InvalidConfigError,
    InvalidDataError,
    JsonType,
    NotFoundError,
    Prepare,
    Schema,
    TextType,
    TimestampType,
    UnavailableError,
    UnsupportedError,
)
from nvisy_sdk.testing import RowBatch

from .nats_base import Base

COLUMNS = Schema(
    fields=(
        Field(name="id", type=TextType()),
        Field(name="subject", type=TextType()),
        Field(name="key", type=TextType()),
        Field(name="payload", type=BinaryType()),
        Field(name="headers", type=JsonType()),
        Field(name="timestamp", type=TimestampType(utc=True)),
    )
)


def message(stream: str, number: int, **columns: object) -> dict[str, object]:
    """Return an item of that number."""
    return {"id": f"m{number}", "subject": f"{stream}.a", "payload": f"payload {number}".encode(), **columns}


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
def test_batch_is_stored_in_its_order(base: Base, count: int) -> None:
    """Around the number that is on its way at a time."""
    stream = base.stream()
    receipt = base.write([message(stream, number) for number in range(count)], stream=stream)
    assert (receipt.accepted, receipt.rejected) == (count, ())
    seen = base.seen(stream)
    assert [each.payload for each in seen] == [f"payload {number}".encode() for number in range(count)]
    assert [each.header("Nats-Msg-Id") for each in seen] == [f"m{number}" for number in range(count)]
    assert {each.header("Nats-Expected-Stream") for each in seen} == {stream}


def test_large_batch_is_stored(base: Base) -> None:
    """30 MB at once."""
    stream = base.stream()
    rows = [message(stream, number, payload=bytes([number]) * 1_000_000) for number in range(30)]
    assert base.write(rows, stream=stream).accepted == 30
    assert [each.payload[:1] for each in base.seen(stream)] == [bytes([number]) for number in range(30)]


def test_empty_batch_stores_nothing(base: Base) -> None:
    """And is no error."""
    stream = base.stream()
    assert base.write([], schema=COLUMNS, stream=stream).accepted == 0
    assert base.seen(stream) == []


@pytest.mark.parametrize("retention", ["limits", "workqueue"])
def test_batch_that_is_sent_again_is_stored_once(base: Base, retention: str) -> None:
    """By the same session, by others, and partly; the receipt says that all of it is there."""
    stream = base.stream(retention=retention)
    rows = [message(stream, number) for number in range(9)]
    base.write(rows[:4], stream=stream)
    receipt = base.write(rows, stream=stream, again=2)
    assert (receipt.accepted, receipt.rejected) == (9, ())
    assert [each.payload for each in base.seen(stream)] == [row["payload"] for row in rows]


def test_id_of_another_message_is_refused_instead_of_losing_it(base: Base) -> None:
    """The server would drop the second one in silence: in a batch, and in a later one."""
    stream = base.stream()
    rows = [message(stream, 1), message(stream, 2), message(stream, 1, payload=b"other")]
    receipt = base.write(rows, stream=stream)
    assert [(each.index, each.code) for each in receipt.rejected] == [(2, "duplicate_id")]
    assert "the id 'm1' belongs to another message, sequence 1" in receipt.rejected[0].reason
    for changed in ({"headers": {"a": "b"}}, {"subject": f"{stream}.b"}, {"payload": b""}, {"key": "k"}):
        receipt = base.write([message(stream, 1, **changed)], stream=stream)
        assert [each.code for each in receipt.rejected] == ["duplicate_id"], changed
    assert len(base.seen(stream)) == 2


def test_id_of_a_message_that_is_gone_is_refused_unless_it_was_consumed(base: Base) -> None:
    """A purge does not make the server forget the ids; a queue's messages are gone because they were read."""
    stream = base.stream()
    base.write([message(stream, 1)], stream=stream)
    base.api(f"STREAM.PURGE.{stream}")
    receipt = base.write([message(stream, 1), message(stream, 2)], stream=stream)
    assert [(each.index, each.code) for each in receipt.rejected] == [(0, "duplicate_id")]
    assert "has been removed since" in receipt.rejected[0].reason
    queue = base.stream(retention="workqueue")
    base.write([message(queue, 1)], stream=queue)
    context = base.read(stream=queue)[0][1]
    base.read(context, stream=queue, durable="mover")
    assert base.state(queue)["messages"] == 0
    assert base.write([message(queue, 1)], stream=queue).accepted == 1
    assert base.state(queue)["messages"] == 0


def test_window_of_the_stream_is_how_long_an_id_is_known(base: Base) -> None:
    """The limit of the promise: once it is over, the message is stored again."""
    stream = base.stream(duplicate_window=100_000_000)
    base.write([message(stream, 1)], stream=stream)
    assert base.api(f"STREAM.INFO.{stream}")["config"]["duplicate_window"] == 100_000_000
    for _ in range(200):
        if base.write([message(stream, 1)], stream=stream).accepted and len(base.seen(stream)) == 2:
            return
    raise AssertionError("the window of 0.1 s is not over")


def test_message_without_an_id_is_written_as_the_parameters_say(base: Base) -> None:
    """Plainly, so that equal messages stay apart; under a digest, so that they do not; or not at all."""
    stream = base.stream()
    rows = [message(stream, 1, id=None), message(stream, 1, id=None), message(stream, 2, id=None)]
    assert base.write(rows, stream=stream, schema=COLUMNS).accepted == 3
    assert [each.header("Nats-Msg-Id") for each in base.seen(stream)] == [None] * 3
    digest = base.stream()
    rows = [{**row, "subject": f"{digest}.a"} for row in rows]
    assert base.write(rows, stream=digest, schema=COLUMNS, without_id="digest", again=1).accepted == 3
    assert [each.payload for each in base.seen(digest)] == [b"payload 1", b"payload 2"]
    receipt = base.write(rows, stream=digest, schema=COLUMNS, without_id="reject")
    assert [(each.index, each.code) for each in receipt.rejected] == [(0, "no_id"), (1, "no_id"), (2, "no_id")]


def test_message_comes_back_as_it_was_written(base: Base) -> None:
    """Every column: several values of a header, a key, a time, all bytes, no bytes."""
    stream = base.stream()
    rows: list[dict[str, object]] = [
        {
            "id": "one",
            "subject": f"{stream}.a.b",
            "key": "k\u00e9y",
            "payload": bytes(range(256)) + b"\r\n",
            "headers": {"A": ["1", "2", ""], "a": "3", "Content-Type": "text/plain; charset=utf-8"},
            "timestamp": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        },
        {
            "id": "two \u00e9",
            "subject": f"{stream}.\u00fc",
            "key": "",
            "payload": b"",
            "headers": {},
            "timestamp": datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5))),
        },
        {"id": "three", "subject": f"{stream}.c", "key": None, "payload": b"x" * 900_000, "headers": {"Status": "100"}},
    ]
    assert base.write(rows, schema=COLUMNS, stream=stream).rejected == ()
    read = [row for row, _ in base.read(stream=stream)]
    assert read[:2] == rows[:2]
    assert {**read[2], "timestamp": None} == {**rows[2], "timestamp": None}


def test_copy_of_a_copy_is_the_same(base: Base) -> None:
    """What was read can be written: ids, times and headers stay those of the first stream."""
    first = base.stream()
    base.put(first, b"1", headers=[("A", "1"), ("A", "2"), ("Nats-Msg-Id", "own")])
    base.put(first, b"2")
    rows = [row for row, _ in base.read(stream=first)]
    for _ in range(2):
        stream = base.stream()
        columns = [{**row, "subject": f"{stream}.a"} for row in rows]
        assert base.write(columns, schema=COLUMNS, stream=stream).rejected == ()
        again = [row for row, _ in base.read(stream=stream)]
        assert again == columns
        rows = again


@pytest.mark.parametrize(
    ("columns", "code", "reason"),
    [
        ({"subject": None}, "no_subject", "there is no `subject`"),
        ({"payload": None}, "no_payload", "the payload is null"),
        ({"payload": b"x" * 1_048_576}, "too_large", "the server takes 1048576"),
        ({"headers": {"a": "x" * 1_048_576}}, "too_large", "the server takes 1048576"),
        ({"subject": ""}, "subject", "no empty part"),
        ({"subject": "a b"}, "subject", "no white space"),
        ({"subject": "{0}.*"}, "subject", "no wildcard"),
        ({"subject": "{0}.>"}, "subject", "no wildcard"),
        ({"subject": "{0}..a"}, "subject", "no empty part"),
        ({"subject": "{0}.a\r\nPUB x 1"}, "subject", "no white space"),
        ({"subject": "{0}.\ud800"}, "invalid_text", "lone surrogate"),
        ({"subject": "{0}." + "x" * 3_500}, "subject", "more than 3500 bytes"),
        ({"subject": "$JS.API.STREAM.DELETE.{0}"}, "subject", "does not take the subject"),
        ({"subject": "{0}"}, "subject", "does not take the subject"),
        ({"headers": {"a b": "x"}}, "headers", "cannot be a header's name"),
        ({"headers": {"": "x"}}, "headers", "cannot be a header's name"),
        ({"headers": {"\u00e9": "x"}}, "headers", "ASCII name"),
        ({"headers": {"a": " x"}}, "headers", "white space at their ends"),
        ({"headers": {"a": "x\u00a0"}}, "headers", "white space at their ends"),
        ({"headers": {"a": "x\r\nB: y"}}, "headers", "without line breaks"),
        ({"headers": {"a": 1}}, "headers", "the value of a cannot be a header"),
        ({"headers": {"a": None}}, "headers", "the value of a cannot be a header"),
        ({"headers": {"a": []}}, "headers", "a list of 0"),
        ({"headers": {"a": ["x"]}}, "headers", "a list of 1"),
        ({"headers": {"a": ["x", 2]}}, "headers", "the value of a cannot be a header"),
        ({"headers": ["a"]}, "headers", "not an object"),
        ({"headers": {"a": "\ud800"}}, "invalid_text", "lone surrogate"),
        ({"headers": {"Nats-Rollup": "all"}}, "reserved_header", "an order to the server"),
        ({"headers": {"nats-expected-last-sequence": "1"}}, "reserved_header", "an order to the server"),
        ({"headers": {"Nats-Msg-Id": "x"}}, "reserved_header", "an order to the server"),
        ({"headers": {"Nvisy-Key": "x"}}, "reserved_header", "or the provider"),
        ({"headers": {"Nvisy-Headers": "{}"}}, "reserved_header", "or the provider"),
        ({"id": ""}, "no_id", "the `id` is empty"),
        ({"id": "a\nb"}, "headers", "the value of id cannot be a header"),
        ({"key": " k"}, "headers", "the value of key cannot be a header"),
    ],
)
def test_message_that_would_not_be_kept_is_rejected_alone(
    base: Base, columns: dict[str, object], code: str, reason: str
) -> None:
    """With its place, a code and a reason; its neighbours are stored."""
    stream = base.stream()
    bad = message(stream, 2, **columns)
    if isinstance(bad["subject"], str):
        bad["subject"] = bad["subject"].replace("{0}", stream)
    receipt = base.write([message(stream, 1), bad, message(stream, 3)], schema=COLUMNS, stream=stream)
    assert [(each.index, each.code) for each in receipt.rejected] == [(1, code)]
    assert reason in receipt.rejected[0].reason
    assert receipt.accepted == 2
    assert [each.payload for each in base.seen(stream)] == [b"payload 1", b"payload 3"]


def test_message_of_exactly_the_largest_size_is_stored(base: Base) -> None:
    """The server's limit is on headers and payload together; one byte more is refused."""
    stream = base.stream()
    lines = f"NATS/1.0\r\nNats-Expected-Stream: {stream}\r\nNats-Msg-Id: m1\r\n\r\n"
    most = b"x" * (1_048_576 - len(lines))
    receipt = base.write([message(stream, 2, payload=most + b"x"), message(stream, 1, payload=most)], stream=stream)
    assert [(each.index, each.code) for each in receipt.rejected] == [(0, "too_large")]
    assert [len(each.payload) for each in base.seen(stream)] == [len(most)]


def test_limit_of_the_stream_rejects_what_is_too_large(base: Base) -> None:
    """The server says so for one message; the others are stored."""
    stream = base.stream(max_msg_size=200)
    receipt = base.write([message(stream, 1, payload=b"x" * 300), message(stream, 2)], stream=stream)
    assert [(each.index, each.code) for each in receipt.rejected] == [(0, "too_large")]
    assert "takes 200 bytes" in receipt.rejected[0].reason
    assert len(base.seen(stream)) == 1


def test_full_stream_is_an_error_that_may_pass(base: Base) -> None:
    """A stream that refuses rather than forgets: the batch as a whole may be sent again."""
    stream = base.stream(max_msgs=2, discard="new")
    with pytest.raises(UnavailableError, match="maximum messages exceeded"):
        base.write([message(stream, number) for number in range(4)], stream=stream)
    assert len(base.seen(stream)) == 2


def test_subject_comes_from_the_parameters_and_may_get_a_prefix(base: Base) -> None:
    """For messages without one, and for streams whose subjects belong to another stream already."""
    stream = base.stream()
    rows = [{"id": "1", "payload": b"x"}, {"id": "2", "payload": b"y"}]
    assert base.write(rows, stream=stream, subject=f"{stream}.given").accepted == 2
    assert base.write([message("orders", 3)], stream=stream, subject_prefix=f"{stream}.").accepted == 1
    assert [each.subject for each in base.seen(stream)] == [f"{stream}.given"] * 2 + [f"{stream}.orders.a"]


def test_stream_is_created_when_it_is_asked_for(base: Base) -> None:
    """With the parameters' subjects, storage and limits; without the wish it is not found."""
    name = base.stream()
    assert base.api(f"STREAM.DELETE.{name}")["success"]
    with pytest.raises(NotFoundError, match=f"there is no stream {name}"):
        base.write([message(name, 1)], stream=name)
    options: dict[str, Any] = {
        "subjects": [f"{name}.>"],
        "storage": "memory",
        "retention": "workqueue",
        "max_age": 60,
        "max_messages": 7,
        "max_bytes": 10_000,
        "duplicate_window": 5,
    }
    for _ in range(2):
        assert base.write([message(name, 1)], stream=name, create=True, **options).accepted == 1
    config = base.api(f"STREAM.INFO.{name}")["config"]
    assert {option: config[option] for option in ("subjects", "storage", "retention", "max_bytes")} == {
        option: options[option] for option in ("subjects", "storage", "retention", "max_bytes")
    }
    assert (config["max_age"], config["max_msgs"], config["duplicate_window"]) == (60 * 10**9, 7, 5 * 10**9)
    assert len(base.seen(name)) == 1
    with pytest.raises(ConflictError, match="overlap"):
        base.write([message(name, 1)], stream=f"{name}x", create=True, subjects=[f"{name}.>"])
    with pytest.raises(InvalidConfigError, match="a stream without subjects"):
        base.write([message(name, 1)], stream=f"{name}x", create=True)


def test_target_that_cannot_take_the_items_is_refused_at_once(base: Base) -> None:
    """Another kind, a column no message has or of another type, a mirror, a stream that does not answer."""
    stream = base.stream()
    rows = [message(stream, 1)]
    odd = Schema(fields=(*COLUMNS.fields, Field(name="colour", type=TextType())))
    with pytest.raises(InvalidDataError, match="a message has no column colour of type text"):
        base.write(rows, schema=odd, stream=stream)
    wrong = Schema(fields=(Field(name="payload", type=BinaryType()), Field(name="key", type=Int64Type())))
    with pytest.raises(InvalidDataError, match="a message has no column key of type int64"):
        base.write(rows, schema=wrong, stream=stream)

    async def records(session: Provider) -> None:
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=COLUMNS, fresh=True))

    with pytest.raises(UnsupportedError, match="a stream holds messages, not record items"):
        base.run(records, stream=stream)
    mirror = base.stream(subjects=[], mirror={"name": stream})
    silent = base.stream(no_ack=True)
    for target in (mirror, silent):
        with pytest.raises(UnsupportedError, match="is a mirror, is sealed, or does not say"):
            base.write(rows, stream=target)


def test_writers_at_the_same_time_lose_nothing(base: Base) -> None:
    """Four sessions and two writes in each, all at once."""
    stream = base.stream()

    async def one(number: int) -> None:
        session = await Provider.connect(base.credentials(), base.params(stream=stream))
        batches = [
            RowBatch([message(stream, number * 1_000 + part * 500 + i) for i in range(300)], kind=DataKind.MESSAGE)
            for part in range(2)
        ]
        receipts = await asyncio.gather(*(session.write(batch) for batch in batches))
        assert [receipt.accepted for receipt in receipts] == [300, 300]
        await session.disconnect()

    async def use() -> None:
        await asyncio.gather(*(one(number) for number in range(4)))

    asyncio.run(use())
    assert len({each.payload for each in base.seen(stream)}) == 4 * 600 == base.state(stream)["messages"]
