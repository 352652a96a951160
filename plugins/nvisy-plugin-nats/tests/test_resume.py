"""Positions: what they belong to, messages that are gone, and acknowledgements that come after the commit."""

import json
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.client import Client
from nvisy_plugin_nats import Provider
from nvisy_sdk import (
    ConflictError,
    Context,
    ContextExpiredError,
    InvalidConfigError,
    InvalidContextError,
    KeysetContext,
    OffsetContext,
    TextValue,
)
from nvisy_sdk.testing import items

from .nats_base import Base

KINDS = ("limits", "workqueue", "interest")


def kept(base: Base, *, retention: str) -> str:
    """Create a stream with a durable consumer of ours, so that interest alone keeps its messages."""
    stream = base.stream(retention=retention)
    base.read(stream=stream, durable="mover")
    return stream


def test_position_of_another_stream_is_refused(base: Base) -> None:
    """Another stream, another subject, another kind of position, and a stream of that name that is newer."""
    stream, other = base.stream(), base.stream()
    base.numbers(stream, 3)
    base.numbers(other, 3)
    context = base.read(stream=stream)[0][1]
    assert isinstance(context, OffsetContext)
    for params in ({"stream": other}, {"stream": stream, "subject": f"{stream}.a"}):
        with pytest.raises(InvalidContextError, match="belongs to another stream"):
            base.read(context, **params)
    wrong: list[Context] = [
        context.model_copy(update={"partitions": {other: 1}}),
        context.model_copy(update={"partitions": {stream: 1, other: 1}}),
        context.model_copy(update={"partitions": {}}),
        KeysetContext(fingerprint=context.fingerprint, values=(TextValue(value="1"),)),
    ]
    for each in wrong:
        with pytest.raises(InvalidContextError):
            base.read(each, stream=stream)
    assert base.api(f"STREAM.DELETE.{stream}")["success"]
    base.stream(stream)
    base.numbers(stream, 3)
    with pytest.raises(InvalidContextError, match="an earlier stream of that name"):
        base.read(context, stream=stream)


def test_position_beyond_the_end_is_refused(base: Base) -> None:
    """A server that was restored from a copy has lost messages; to wait for their numbers would hide it."""
    stream = base.stream()
    base.numbers(stream, 2)
    context = base.read(stream=stream)[-1][1]
    assert isinstance(context, OffsetContext)
    ahead = context.model_copy(update={"partitions": {stream: 9}})
    with pytest.raises(ContextExpiredError, match="ends at sequence 2, before the position 9"):
        base.read(ahead, stream=stream)


def test_messages_removed_unread_are_reported_with_both_sequences(base: Base) -> None:
    """Purged after the position, or pushed out by a limit; the stream is read on when that is wanted."""
    stream = base.stream(max_msgs=5)
    sent = base.numbers(stream, 4)
    context = base.read(stream=stream)[1][1]
    assert base.payloads(context, stream=stream) == sent[2:]
    base.numbers(stream, 4, first=4)  # keeps 4 to 8: message 3 is gone
    with pytest.raises(ContextExpiredError, match=f"sequence 2 and stream {stream} begins at 4") as caught:
        base.read(context, stream=stream)
    assert caught.value.context["sequence"] == "2"
    assert "on_gap: skip" in str(caught.value.hint)
    assert len(base.payloads(context, stream=stream, on_gap="skip")) == 5


def test_messages_removed_after_they_were_read_are_no_loss(base: Base) -> None:
    """The position is the last one that is gone, or the stream is empty."""
    stream = base.stream()
    base.numbers(stream, 4)
    read = base.read(stream=stream)
    assert base.api(f"STREAM.PURGE.{stream}", seq=3)["purged"] == 2
    assert len(base.payloads(read[1][1], stream=stream)) == 2
    with pytest.raises(ContextExpiredError):
        base.read(read[0][1], stream=stream)
    assert base.api(f"STREAM.PURGE.{stream}")["purged"] == 2
    assert base.payloads(read[3][1], stream=stream) == []
    with pytest.raises(ContextExpiredError):
        base.read(read[2][1], stream=stream)
    late = base.numbers(stream, 1, first=9)
    assert base.payloads(read[3][1], stream=stream) == late


def test_messages_added_are_what_the_next_read_yields(base: Base) -> None:
    """Nothing twice, nothing lost, and nothing at all where there is nothing new."""
    stream = base.stream()
    base.numbers(stream, 3)
    last = base.read(stream=stream)[-1][1]
    assert base.read(last, stream=stream) == []
    added = base.numbers(stream, 2, first=3)
    assert base.payloads(last, stream=stream) == added


@pytest.mark.parametrize("retention", KINDS)
def test_messages_are_acknowledged_when_the_next_session_reads_on(base: Base, retention: str) -> None:
    """Reading takes nothing away, and neither does closing: only the position that comes back does."""
    stream = kept(base, retention=retention)
    sent = base.numbers(stream, 9)
    read = base.read(stream=stream, durable="mover", batch_rows=2)
    assert [row["payload"] for row, _ in read] == sent
    assert base.state(stream)["messages"] == 9
    assert base.payloads(stream=stream, durable="mover") == sent, "nothing was committed, so all of it comes again"
    assert base.payloads(read[3][1], stream=stream, durable="mover", batch_rows=2) == sent[4:]
    left = base.seen(stream)
    assert [message.payload for message in left] == (sent if retention == "limits" else sent[4:])
    consumer = base.api(f"CONSUMER.INFO.{stream}.mover")
    assert consumer["ack_floor"]["stream_seq"] == 4
    assert base.payloads(read[3][1], stream=stream, durable="mover") == sent[4:], "once more, and nothing changes"
    assert base.payloads(read[8][1], stream=stream, durable="mover") == []
    assert base.state(stream)["messages"] == (9 if retention == "limits" else 0)


@pytest.mark.parametrize("retention", KINDS)
def test_second_read_of_a_session_acknowledges_nothing(base: Base, retention: str) -> None:
    """After a fault the engine reads on behind what it handed over, which is not what it committed."""
    stream = kept(base, retention=retention)
    sent = base.numbers(stream, 6)
    contexts = [context for _, context in base.read(stream=stream)]

    async def use(session: Provider) -> None:
        await items(session.read(contexts[1]))
        found = await items(session.read(contexts[4]))
        assert [row["payload"] for row, _ in found] == sent[5:]

    base.run(use, stream=stream, durable="mover")
    assert base.api(f"CONSUMER.INFO.{stream}.mover")["ack_floor"]["stream_seq"] == 2
    assert base.payloads(contexts[1], stream=stream, durable="mover") == sent[2:]


@pytest.mark.parametrize("retention", KINDS)
def test_read_that_is_refused_acknowledges_nothing(base: Base, retention: str) -> None:
    """A position of another stream proves nothing about this one."""
    stream = kept(base, retention=retention)
    sent = base.numbers(stream, 3)
    context = base.read(stream=stream)[-1][1]
    assert isinstance(context, OffsetContext)
    with pytest.raises(InvalidContextError):
        base.read(context.model_copy(update={"fingerprint": "0" * 32}), stream=stream, durable="mover")
    assert [message.payload for message in base.seen(stream)] == sent


def test_without_a_durable_consumer_nothing_is_ever_taken_away(base: Base) -> None:
    """Also of a work queue, however often it is read."""
    stream = base.stream(retention="workqueue")
    sent = base.numbers(stream, 4)
    read = base.read(stream=stream)
    assert base.payloads(read[1][1], stream=stream) == sent[2:]
    assert base.state(stream)["messages"] == 4
    assert base.state(stream)["consumer_count"] == 0


@pytest.mark.parametrize("retention", KINDS)
def test_acknowledgement_is_of_the_subject_alone(base: Base, retention: str) -> None:
    """Messages of other subjects belong to others."""
    stream = base.stream(retention=retention)
    subject = f"{stream}.mine"
    base.read(stream=stream, durable="mover", subject=subject)
    base.api(
        f"CONSUMER.DURABLE.CREATE.{stream}.other",
        stream_name=stream,
        config={"durable_name": "other", "ack_policy": "explicit", "filter_subject": f"{stream}.theirs"},
    )
    for number in range(6):
        base.put(stream, str(number).encode(), subject=("theirs", "mine")[number % 2])
    read = base.read(stream=stream, durable="mover", subject=subject)
    assert [row["payload"] for row, _ in read] == [b"1", b"3", b"5"]
    assert base.payloads(read[1][1], stream=stream, durable="mover", subject=subject) == [b"5"]
    left = [message.payload for message in base.seen(stream)]
    assert left == ([b"0", b"1", b"2", b"3", b"4", b"5"] if retention == "limits" else [b"0", b"2", b"4", b"5"])


@pytest.mark.parametrize("retention", ["workqueue", "interest"])
def test_acknowledgement_that_broke_off_is_made_up_for(base: Base, retention: str) -> None:
    """A session that died with messages in hand loses none of them, and none is acknowledged that was not committed."""
    stream = kept(base, retention=retention)
    sent = base.numbers(stream, 8)
    contexts = [context for _, context in base.read(stream=stream)]

    def pull(count: int) -> Callable[[Client], Awaitable[object]]:
        async def use(client: Client) -> object:
            inbox = "_INBOX.test.pull"
            subscription = await client.subscribe(inbox)
            ask = json.dumps({"batch": count, "no_wait": True}).encode()
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.mover", ask, inbox)
            return [await subscription.next_msg(timeout=5) for _ in range(count)]

        return use

    base.native(pull(3))
    assert base.payloads(contexts[4], stream=stream, durable="mover") == sent[5:]
    assert [message.payload for message in base.seen(stream)] == sent[:3] + sent[5:], (
        "3 wait until they are offered again"
    )
    assert base.payloads(contexts[4], stream=stream, durable="mover") == sent[5:]


def test_many_messages_are_acknowledged(base: Base) -> None:
    """More than the server lets wait at a time."""
    stream = kept(base, retention="workqueue")

    async def fill(client: Client) -> None:
        for number in range(2_499):
            await client.publish(f"{stream}.a", str(number).encode())
        await client.request(f"{stream}.a", b"2499", timeout=30)

    base.native(fill)
    context = base.read(stream=stream, batch_rows=500)[2_400][1]
    assert len(base.payloads(context, stream=stream, durable="mover")) == 99
    assert base.state(stream)["messages"] == 99


def test_consumer_with_little_patience_is_acknowledged_bit_by_bit(base: Base) -> None:
    """One that was made by someone else lets few messages wait at a time."""
    stream = base.stream(retention="workqueue")
    config = {"durable_name": "mover", "ack_policy": "explicit", "max_ack_pending": 3}
    assert "error" not in base.api(f"CONSUMER.DURABLE.CREATE.{stream}.mover", stream_name=stream, config=config)
    sent = base.numbers(stream, 11)
    context = base.read(stream=stream)[8][1]
    assert base.payloads(context, stream=stream, durable="mover") == sent[9:]
    assert [message.payload for message in base.seen(stream)] == sent[9:]


def test_consumer_that_is_not_ours_is_refused(base: Base) -> None:
    """One that pushes, that acknowledges otherwise or that has another subject; and a work queue has one alone."""
    stream = base.stream()
    pushes = {"durable_name": "pushes", "ack_policy": "explicit", "deliver_subject": "somewhere"}
    silent = {"durable_name": "silent", "ack_policy": "none"}
    for config in (pushes, silent):
        name = config["durable_name"]
        made = base.api(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", stream_name=stream, config=config)
        assert "error" not in made
        with pytest.raises(InvalidConfigError, match=f"the consumer {name} of stream {stream}"):
            base.read(stream=stream, durable=name)
    base.read(stream=stream, durable="mover")
    with pytest.raises(InvalidConfigError, match="the consumer mover"):
        base.read(stream=stream, durable="mover", subject=f"{stream}.a")
    queue = base.stream(retention="workqueue")
    base.read(stream=queue, durable="mover")
    with pytest.raises(ConflictError, match="workqueue"):
        base.read(stream=queue, durable="another")
