"""Reading: every page edge, filters, headers, and how a read ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client
from nvisy_plugin_nats import Provider
from nvisy_sdk import InvalidConfigError, InvalidDataError, NotFoundError, OffsetContext
from nvisy_sdk.testing import items, positions_of

from .nats_base import Base

KINDS = ("limits", "workqueue", "interest")


def keep(base: Base, stream: str, name: str = "other") -> None:
    """Make a stream with interest retention keep what is published."""
    config = {"durable_name": name, "ack_policy": "explicit", "deliver_policy": "all"}
    assert "error" not in base.api(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", stream_name=stream, config=config)


@pytest.mark.parametrize("retention", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
def test_read_yields_every_message_once_at_every_page_edge(base: Base, count: int, retention: str) -> None:
    """Around pages of 3, in order, each with its own context, and nothing is taken away."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    sent = base.numbers(stream, count)
    read = base.read(stream=stream, batch_rows=3)
    assert [row["payload"] for row, _ in read] == sent
    contexts = [context.partitions for _, context in read if isinstance(context, OffsetContext)]
    assert contexts == [{stream: number} for number in range(1, count + 1)]
    assert base.state(stream)["messages"] == count


@pytest.mark.parametrize("retention", KINDS)
def test_read_resumes_exactly_after_every_message(base: Base, retention: str) -> None:
    """For every message, and with every size of page."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    sent = base.numbers(stream, 7)
    for size in (1, 2, 3, 7, 100):
        for index, (_, context) in enumerate(base.read(stream=stream, batch_rows=size)):
            assert base.payloads(context, stream=stream, batch_rows=size) == sent[index + 1 :]


@pytest.mark.parametrize("retention", KINDS)
def test_read_resumes_over_messages_that_were_deleted(base: Base, retention: str) -> None:
    """Also when the message of the context itself is gone."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    sent = base.numbers(stream, 9)
    read = base.read(stream=stream, batch_rows=2)
    for sequence in (4, 5, 8):
        assert base.api(f"STREAM.MSG.DELETE.{stream}", seq=sequence)["success"]
    left = [payload for number, payload in enumerate(sent, 1) if number not in (4, 5, 8)]
    assert base.payloads(stream=stream, batch_rows=2) == left
    assert base.payloads(read[3][1], stream=stream, batch_rows=2) == left[3:]


@pytest.mark.parametrize("retention", KINDS)
def test_read_yields_the_subjects_that_match(base: Base, retention: str) -> None:
    """Both wildcards; a context holds for its own subject alone."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    for number in range(12):
        base.put(stream, str(number).encode(), subject=("a", "b.x", "b.y", "c.x.z")[number % 4])
    wanted = {"a": 0, "b.x": 1, "*.x": 1, "c.>": 3}
    for subject, rest in wanted.items():
        found = base.read(stream=stream, subject=f"{stream}.{subject}", batch_rows=2)
        assert [row["payload"] for row, _ in found] == [str(number).encode() for number in range(rest, 12, 4)]
        after = base.payloads(found[0][1], stream=stream, subject=f"{stream}.{subject}", batch_rows=2)
        assert after == [row["payload"] for row, _ in found[1:]]
    assert len(base.read(stream=stream, subject=f"{stream}.b.*", batch_rows=4)) == 6
    assert base.read(stream=stream, subject=f"{stream}.nobody") == []


@pytest.mark.parametrize("retention", KINDS)
def test_read_ends_where_the_stream_ended_when_it_began(base: Base, retention: str) -> None:
    """What is published meanwhile is for the next read."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    sent = base.numbers(stream, 5)

    async def use(session: Provider) -> list[object]:
        reading = session.read(None)
        found = positions_of(await anext(reading))
        await asyncio.to_thread(base.put, stream, b"late", b"later")
        found += await items(reading)
        return [row["payload"] for row, _ in found]

    assert base.run(use, stream=stream, batch_rows=2) == sent
    assert base.payloads(stream=stream)[5:] == [b"late", b"later"]


@pytest.mark.parametrize("retention", KINDS)
def test_read_gives_headers_and_payload_as_they_are(base: Base, retention: str) -> None:
    """Several values, case, umlauts, colons, no headers at all, all bytes, no bytes; a header may look like a status."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    everything = bytes(range(256)) * 3 + b"\r\nMSG x 1 0\r\n"
    pairs = [("A", "1"), ("a", "2"), ("A", ""), ("B-c_d", "x: y\u00e9\U0001f600"), ("A", "3"), ("Status", "404")]
    base.put(stream, everything, headers=pairs)
    base.put(stream, b"", subject="b.c")
    base.put(stream, b"", headers=[("Status", "404"), ("Description", "No Messages"), ("Nats-Msg-Id", "own")])
    before = datetime.now(UTC)
    rows = [row for row, _ in base.read(stream=stream)]
    assert [row["payload"] for row in rows] == [everything, b"", b""]
    assert rows[0]["headers"] == {"A": ["1", "", "3"], "a": "2", "B-c_d": "x: y\u00e9\U0001f600", "Status": "404"}
    assert rows[1]["headers"] is None
    assert rows[2]["headers"] == {"Status": "404", "Description": "No Messages"}
    assert [row["id"] for row in rows] == [f"{stream}:1", f"{stream}:2", "own"]
    assert [row["subject"] for row in rows] == [f"{stream}.a", f"{stream}.b.c", f"{stream}.a"]
    assert [row["key"] for row in rows] == [None] * 3
    for row in rows:
        assert isinstance(row["timestamp"], datetime)
        assert before - timedelta(seconds=60) < row["timestamp"] <= before
    only = base.read(stream=stream, ids="header")
    assert [row["id"] for row, _ in only] == [None, None, "own"]


def test_both_ways_of_reading_give_the_same_timestamp(base: Base) -> None:
    """The server's nanoseconds are cut to microseconds, never rounded up."""
    stream = base.stream()
    base.numbers(stream, 20)
    read = [row["timestamp"] for row, _ in base.read(stream=stream)]
    for number, found in enumerate(read, 1):
        text = base.api(f"STREAM.MSG.GET.{stream}", seq=number)["message"]["time"]
        whole, _, fraction = text.rstrip("Z").partition(".")
        assert found == datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00")


@pytest.mark.parametrize("retention", KINDS)
def test_header_that_is_no_text_is_an_error_that_names_the_message(base: Base, retention: str) -> None:
    """It is not left out, and no letter of it is replaced."""
    stream = base.stream(retention=retention)
    keep(base, stream)
    base.put(stream, b"good")

    async def raw(client: Client) -> None:
        reader, writer = await asyncio.open_connection(base.server.host, base.server.port)
        await reader.readline()
        login = f'{{"user": "{base.server.user}", "pass": "{base.server.password}", "headers": true, "verbose": true}}'
        header = b"NATS/1.0\r\nA: \xff\r\n\r\n"
        writer.write(
            f"CONNECT {login}\r\nHPUB {stream}.a {len(header)} {len(header)}\r\n".encode() + header + b"\r\nPING\r\n"
        )
        while b"PONG" not in await reader.readline():
            pass
        writer.close()
        await writer.wait_closed()

    base.native(raw)
    with pytest.raises(InvalidDataError, match=f"the headers of message 2 of stream {stream} cannot be read"):
        base.read(stream=stream)
    assert len(base.read(stream=stream, subject=f"{stream}.b")) == 0


def test_large_messages_arrive_whole_however_many_are_asked_for(base: Base) -> None:
    """A page is bounded in bytes as well as in messages."""
    stream = base.stream()
    sent = [bytes([number]) * 900_000 for number in range(25)]
    base.put(stream, *sent)
    assert base.payloads(stream=stream, batch_rows=1_000) == sent


def test_many_small_messages_arrive_once(base: Base) -> None:
    """10,000 of them, in a few pages, with one context each."""
    stream = base.stream()

    async def fill(client: Client) -> None:
        for number in range(10_000):
            await client.publish(f"{stream}.a", str(number).encode())
        await client.request(f"{stream}.a", b"10000", timeout=30)

    base.native(fill)
    assert base.payloads(stream=stream, batch_rows=3_000) == [str(number).encode() for number in range(10_001)]


def test_two_reads_of_one_session_are_independent(base: Base) -> None:
    """Page by page in turn."""
    stream = base.stream()
    sent = base.numbers(stream, 6)

    async def use(session: Provider) -> None:
        first, second = session.read(None), session.read(None)
        one = [(await anext(first)).data for _ in range(2)]
        two = [(await anext(second)).data for _ in range(3)]
        assert one == two[:2]
        await first.aclose()
        await second.aclose()
        assert [row["payload"] for row, _ in await items(session.read(None))] == sent

    base.run(use, stream=stream, batch_rows=2)


def test_closed_read_leaves_no_consumer_behind(base: Base) -> None:
    """Read to its end, or given up."""
    stream = base.stream()
    base.numbers(stream, 6)

    async def use(session: Provider) -> None:
        reading = session.read(None)
        await anext(reading)
        assert (await asyncio.to_thread(base.state, stream))["consumer_count"] == 1
        await reading.aclose()
        await items(session.read(None))

    base.run(use, stream=stream, batch_rows=2)
    while base.state(stream)["consumer_count"]:  # the server is told, and nobody waits for its answer
        pass


def test_stream_that_is_not_there_is_named(base: Base) -> None:
    """When it is read, and when it is described."""
    with pytest.raises(NotFoundError, match="there is no stream nowhere"):
        base.read(stream="nowhere")
    with pytest.raises(NotFoundError, match="there is no stream nowhere"):
        base.run(lambda session: session.describe(), stream="nowhere")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "*", ">", "a/b", "a\\b", "\n", "a\u0000", "x.y PUB"])
def test_name_that_cannot_be_is_refused(base: Base, name: str) -> None:
    """It never reaches the server as part of a subject."""
    with pytest.raises(InvalidConfigError, match=r"cannot be a name|no stream is named"):
        base.read(stream=name)


def test_server_can_be_looked_into(base: Base) -> None:
    """Streams with their counts, more than one page of them, and one in detail."""
    stream = base.stream()
    base.numbers(stream, 3)
    found = {info.name: info for info in base.run(lambda session: session.streams())}
    assert found[stream].rows == 3
    assert (found[stream].bytes or 0) > 0
    described = base.run(lambda session: session.describe(), stream=stream)
    assert described == found[stream]
    assert described.schema is not None
    assert [field.name for field in described.schema.fields] == [
        "id",
        "subject",
        "key",
        "payload",
        "headers",
        "timestamp",
    ]
    base.run(lambda session: session.check())
    base.run(lambda session: session.check(), stream=stream)
