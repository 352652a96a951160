"""A real Chroma, a server or an embedded store, filled and looked into with its own client and used through the provider."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.error import URLError
from urllib.parse import urlsplit

import chromadb
import chromadb.config
from nvisy_plugin_chroma import Credentials, Params, Provider
from nvisy_sdk import (
    Context,
    DataKind,
    Field,
    JsonType,
    Prepare,
    Receipt,
    Schema,
    TextType,
    VectorType,
    context_adapter,
)
from nvisy_sdk.testing import RowBatch, items

Row = dict[str, object]
T = TypeVar("T")

# The program `chroma` does the same, after importing what it needs for looking for a newer version on the internet.
SERVE = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', 'run', *sys.argv[1:]])"
PATIENCE = 60.0  # seconds for the server to start on a busy machine; it takes four


class Address(NamedTuple):
    """Where the server listens."""

    host: str
    port: int


@contextmanager
def server_address(folder: Path) -> Iterator[Address]:
    """The server of NVISY_TEST_CHROMA_URL, or one on a free port with its data in `folder`."""
    url = os.environ.get("NVISY_TEST_CHROMA_URL")
    if url:
        parts = urlsplit(url)
        yield Address(parts.hostname or "127.0.0.1", parts.port or 8000)
        return
    address = Address("127.0.0.1", free_port())
    options = ("--host", address.host, "--port", str(address.port), "--path", str(folder / "data"))
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-c", SERVE, *options], stdout=log, stderr=log)
    try:
        wait_for(address, server)
        yield address
    finally:
        os.kill(server.pid, signal.SIGKILL)  # it has nothing to save that anybody would read again
        server.wait()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: Address, server: "subprocess.Popen[bytes]") -> None:
    """Ask until it answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, f"the server ended with {server.returncode}"
        with suppress(URLError, OSError):
            urllib.request.urlopen(f"http://{address.host}:{address.port}/api/v2/heartbeat", timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"no Chroma server at {address.host}:{address.port} after {PATIENCE:g} s")


def columns(dimension: int) -> Schema:
    """The columns of embeddings of that length."""
    return Schema(
        fields=(
            Field(name="id", type=TextType(), nullable=False),
            Field(name="vector", type=VectorType(dimension=dimension), nullable=False),
            Field(name="metadata", type=JsonType()),
        )
    )


def row(number: int, **more: object) -> Row:
    """An item; a higher number has an id that sorts later."""
    vector = [number + 0.5, -number / 8, 0.25]
    return {"id": f"k{number:06}", "vector": vector, "metadata": {"n": number}, **more}


def rows(*numbers: int) -> list[Row]:
    """Items of those numbers."""
    return [row(number) for number in numbers]


def bits(vector: object) -> bytes:
    """The 32-bit floats of a vector."""
    assert isinstance(vector, Sequence)
    return struct.pack(f"{len(vector)}f", *vector)


class Place:
    """One collection, and short ways to fill, read and write it."""

    def __init__(self, params: dict[str, object], collection: str) -> None:
        self.params = params
        self.collection = collection
        self._client: Any = None

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        if "host" in self.params:
            for found in self.client.list_collections():
                if found.name.startswith(self.collection):
                    self.client.delete_collection(found.name)
        self.close()

    @property
    def client(self) -> Any:
        """Chroma's own client, which is not the provider's."""
        if self._client is None:
            settings = chromadb.config.Settings(anonymized_telemetry=False)
            if "path" in self.params:
                path = str(Path(str(self.params["path"])).resolve())
                self._client = chromadb.PersistentClient(path=path, settings=settings)
            else:
                host, port = str(self.params["host"]), int(str(self.params["port"]))
                self._client = chromadb.HttpClient(host=host, port=port, settings=settings)
        return self._client

    def close(self) -> None:
        """Close Chroma's own client."""
        if self._client is not None:
            both = (self._client._server, self._client._admin_client._server)
            connections = [server._session for server in both if hasattr(server, "_session")]
            self._client.close()
            for each in connections:  # Chroma's client forgets about them
                each.close()
        self._client = None

    def made(self, **settings: Any) -> Any:
        """The collection through Chroma's own client, made when it is not there."""
        return self.client.get_or_create_collection(self.collection, embedding_function=None, **settings)

    def seed(self, items: Sequence[Row]) -> None:
        """Put items without the provider."""
        collection = self.made()
        for first in range(0, len(items), 5_000):
            part = items[first : first + 5_000]
            collection.upsert(
                ids=[str(item["id"]) for item in part],
                embeddings=[item["vector"] for item in part],
                metadatas=[item["metadata"] for item in part],
            )

    def dump(self, name: str | None = None) -> dict[str, tuple[bytes, object, object]]:
        """Every item without the provider: the vector's bits, the metadata, the document."""
        collection = self.client.get_collection(name or self.collection, embedding_function=None)
        found = collection.get(include=["embeddings", "metadatas", "documents"])
        each = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
        return {key: (bits(list(map(float, vector))), meta, text) for key, vector, meta, text in each}

    def ids(self) -> list[str]:
        """All ids without the provider, in Chroma's order."""
        found: list[str] = self.made().get(include=[])["ids"]
        return found

    def delete(self, *numbers: int) -> None:
        """Delete items without the provider."""
        self.made().delete(ids=[str(item["id"]) for item in rows(*numbers)])

    async def connect(self, *, token: str = "", **params: object) -> Provider:
        """Open a session."""
        given = {**self.params, "collection": self.collection, **params}
        return await Provider.connect(Credentials.model_validate({"token": token}), Params.model_validate(given))

    def run(self, use: Callable[[Provider], Awaitable[T]], **params: object) -> T:
        """Open a session, await what `use` returns, and close it."""

        async def whole() -> T:
            session = await self.connect(**params)  # type: ignore[arg-type]
            try:
                return await use(session)
            finally:
                await session.disconnect()

        return asyncio.run(whole())

    def read(self, context: Context | None = None, **params: object) -> list[tuple[Row, Context | None]]:
        """Return every item with its context, which goes through JSON as it does in the engine."""
        if context is not None:
            context = context_adapter.validate_json(context_adapter.dump_json(context))
        return self.run(lambda session: items(session.read(context)), **params)

    def rows(self, **params: object) -> list[Row]:
        """Return every item."""
        return [item for item, _ in self.read(None, **params)]

    def write(
        self,
        items: Sequence[Mapping[str, object]],
        *,
        dimension: int = 3,
        fresh: bool = True,
        publish: bool = False,
        **params: object,
    ) -> Receipt:
        """Prepare, write one batch, and publish when asked to."""
        schema = columns(dimension)

        async def use(session: Provider) -> Receipt:
            await session.prepare(Prepare(kind=DataKind.EMBEDDING, schema=schema, fresh=fresh))
            receipt = await session.write(RowBatch(items, schema=schema, kind=DataKind.EMBEDDING))
            if publish:
                await session.publish()
            return receipt

        return self.run(use, **{"create": True, **params})
