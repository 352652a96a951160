"""The fake service is a service: it keeps values exactly, refuses what it must, and counts what it is asked."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from nvisy_sdk import Schema
from nvisy_sdk.conformance import Item
from nvisy_sdk.conformance.fake import FakeService, packed, unpacked
from nvisy_sdk.testing import infer_schema

ROWS: list[Item] = [{"id": number, "name": f"row {number}"} for number in (3, 1, 2)]


class Client:
    """A connection that sends what it is told, and no `hello` of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, op: str, **request: object) -> dict[str, Any]:
        """Send a request and return the whole reply."""
        self._writer.write(json.dumps({"id": 1, "op": op, **request}).encode() + b"\n")
        reply: dict[str, Any] = json.loads(await self._reader.readline())
        return reply


@asynccontextmanager
async def connected(service: FakeService, *, secret: str | None = "right") -> AsyncIterator[Client]:
    """A connection to the service, which has said hello unless there is no secret."""
    reader, writer = await asyncio.open_connection(service.host, service.port)
    client = Client(reader, writer)
    try:
        if secret is not None:
            assert await client.ask("hello", secret=secret) == {"id": 1, "ok": {}}
        yield client
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def running() -> AsyncIterator[FakeService]:
    """A service with a stream of three rows."""
    service = FakeService(secret="right")
    await service.start()
    service.seed("rows", ROWS, infer_schema(ROWS), key=("id",))
    try:
        yield service
    finally:
        await service.stop()


def columns(rows: list[Item]) -> list[dict[str, object]]:
    """The columns of rows as a request names them."""
    schema: Schema = infer_schema(rows)
    return [field.model_dump(mode="json") for field in schema.fields]


def page(**changes: object) -> Mapping[str, object]:
    """A request for the first page."""
    return {"stream": "rows", "sort": ["id"], "after": None, "limit": 2, **changes}


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**64 - 1,
        -0.0,
        0.1,
        math.inf,
        5e-324,
        "",
        "\x00\ud800😀",
        b"",
        bytes(range(256)),
        Decimal("-12.500"),
        UUID(int=7),
        date(1, 1, 1),
        time(23, 59, 59, 999_999),
        datetime(2024, 2, 29, 1, 2, 3, 4),
        datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC),
        timedelta(days=-1, microseconds=1),
        [],
        {},
        {"map": {"float": [1, 1.0, None]}},
    ],
    ids=repr,
)
def test_wire_keeps_a_value_and_its_type(value: object) -> None:
    """Through JSON text and back, to the last bit."""
    there = unpacked(json.loads(json.dumps(packed(value))))
    assert repr(there) == repr(value)


def test_wire_refuses_what_it_cannot_keep() -> None:
    """Instead of turning it into something else."""
    with pytest.raises(TypeError, match="a set is no value of the service"):
        packed({1})


def test_service_answers_nobody_before_hello() -> None:
    """A session without the secret, or with another one, learns nothing."""

    async def run() -> None:
        async with running() as service:
            async with connected(service, secret=None) as client:
                assert (await client.ask("streams"))["error"]["code"] == "auth"
                assert (await client.ask("hello", secret="wrong"))["error"]["code"] == "auth"
                assert (await client.ask("page", **page()))["error"]["code"] == "auth"
            async with connected(service) as client:
                assert "ok" in await client.ask("streams")

    asyncio.run(run())


def test_service_refuses_as_it_is_told() -> None:
    """So often, with the code, and with the seconds to wait."""

    async def run() -> None:
        async with running() as service, connected(service) as client:
            service.refuse("throttled", "too fast", times=2, retry_after=1.5)
            for _ in range(2):
                error = (await client.ask("streams"))["error"]
                assert error == {"code": "throttled", "message": "too fast", "retry_after": 1.5}
            assert "ok" in await client.ask("streams")

    asyncio.run(run())


def test_service_counts_sessions_and_requests() -> None:
    """A session counts until its connection is gone."""

    async def run() -> None:
        async with running() as service:
            async with connected(service) as client, connected(service):
                await client.ask("streams")
                assert (service.sessions, service.accepted, service.requests) == (2, 2, 3)
            async with asyncio.timeout(5):
                while service.sessions:  # noqa: ASYNC110  # it is the other side that closes, and tells nobody
                    await asyncio.sleep(0)
            assert service.accepted == 2

    asyncio.run(run())


def test_service_keeps_its_streams_over_a_restart() -> None:
    """On the same port; sessions from before are gone."""

    async def run() -> None:
        async with running() as service:
            port = service.port
            async with connected(service) as client:
                await service.stop()
                assert service.sessions == 0
                with pytest.raises((json.JSONDecodeError, ConnectionError)):
                    await client.ask("streams")
            await service.start()
            assert service.port == port
            async with connected(service) as client:
                assert (await client.ask("describe", stream="rows"))["ok"]["stream"]["count"] == 3

    asyncio.run(run())


def test_page_goes_on_after_a_key_that_is_gone() -> None:
    """In the order of the key, by conditions, and with an end."""

    async def run() -> None:
        async with running() as service, connected(service) as client:
            first = (await client.ask("page", **page()))["ok"]
            assert ([row["map"]["id"] for row in first["items"]], first["more"]) == ([1, 2], True)
            service.remove("rows", [{"id": 2}])
            rest = (await client.ask("page", **page(after=[2])))["ok"]
            assert ([row["map"]["id"] for row in rest["items"]], rest["more"]) == ([3], False)
            condition = {"column": "id", "op": "lt", "value": 3}
            chosen = (await client.ask("page", **page(filter=[condition])))["ok"]
            assert [row["map"]["id"] for row in chosen["items"]] == [1]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stream": "other"}, "not_found"),
        ({"sort": ["nothing"]}, "invalid_query"),
        ({"after": ["text"]}, "invalid_cursor"),
        ({"filter": [{"column": "nothing", "op": "eq", "value": 1}]}, "invalid_query"),
        ({"filter": [{"column": "name", "op": "lt", "value": 1}]}, "invalid_query"),
    ],
)
def test_page_refuses_a_wrong_question(changes: dict[str, object], code: str) -> None:
    """With a code of its own for what is wrong."""

    async def run() -> None:
        async with running() as service, connected(service) as client:
            assert (await client.ask("page", **page(**changes)))["error"]["code"] == code

    asyncio.run(run())


def test_put_rejects_items_one_by_one() -> None:
    """Each by its place and for its reason; the others are there."""
    items = [
        {"id": 1, "name": "again"},
        {"id": None, "name": "x"},
        {"id": 2**63, "name": "x"},
        {"id": 4, "name": "\ud800"},
    ]
    items += [{"id": 5, "name": 5}, {"id": 6, "name": "six"}]

    async def run() -> None:
        async with running() as service, connected(service) as client:
            request = {"stream": "rows", "mode": "append", "key": ["id"], "columns": columns(ROWS)}
            reply = (await client.ask("put", items=[packed(item) for item in items], **request))["ok"]
            assert [(place, word) for place, word, _ in reply["rejected"]] == [
                (0, "duplicate_key"),
                (1, "not_null"),
                (2, "out_of_range"),
                (3, "invalid_text"),
                (4, "type"),
            ]
            assert reply["accepted"] == 1
            assert [item["id"] for item in service.dump("rows")] == [3, 1, 2, 6]

    asyncio.run(run())


def test_object_is_there_when_its_last_part_is() -> None:
    """Parts are gathered by their offset, and may come again."""

    async def run() -> None:
        async with running() as service, connected(service) as client:
            parts = [(0, b"abc"), (3, b"de"), (3, b"def")]
            items: list[Item] = [{"path": "a", "data": data, "size": 6, "offset": place} for place, data in parts]
            create = {"stream": "files", "columns": columns(items), "key": ["path"], "strict": False}
            await client.ask("create", create=True, evolve=True, **create)
            request = {"stream": "files", "mode": "upsert", "key": ["path"], "columns": columns(items)}
            for place, item in enumerate(items):
                assert service.dump("files") == []
                assert (await client.ask("put", items=[packed(item)], **request))["ok"]["accepted"] == 1, place
            assert service.dump("files")[0]["data"] == b"abcdef"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "d/b.txt", "d/e/c.txt"]),
        ("d/*", ["d/b.txt"]),
        ("d/**", ["d/b.txt", "d/e/c.txt"]),
        ("[!b].txt", ["a.txt"]),
        ("?.t?t", ["a.txt"]),
        ("a+txt", []),
    ],
)
def test_glob_stays_within_a_folder(glob: str, found: list[str]) -> None:
    """But for two stars."""
    items: list[Item] = [{"path": path, "data": b"", "size": 0} for path in ("d/e/c.txt", "a.txt", "d/b.txt")]

    async def run() -> None:
        async with running() as service, connected(service) as client:
            service.seed("files", items, infer_schema(items), key=("path",), strict=False)
            reply = await client.ask("list", stream="files", prefix="", glob=glob, after=None, limit=9)
            assert [item["map"]["path"] for item in reply["ok"]["items"]] == found

    asyncio.run(run())


def test_token_of_another_stream_is_gone() -> None:
    """A token is good for its own stream alone, and cannot be made up."""

    async def run() -> None:
        async with running() as service, connected(service) as client:
            service.seed("more", ROWS, infer_schema(ROWS), key=("id",))
            (token, *_) = (await client.ask("scroll", stream="rows", token=None, limit=3))["ok"]["tokens"]
            assert len((await client.ask("scroll", stream="rows", token=token, limit=3))["ok"]["items"]) == 2
            for stream, wrong in (("more", token), ("rows", "1.abc"), ("rows", "x")):
                assert (await client.ask("scroll", stream=stream, token=wrong, limit=3))["error"]["code"] == "gone"

    asyncio.run(run())
