"""What the conformance kit needs: a real Chroma server, filled and looked into over its HTTP interface, without the provider.

Chroma checks no token by itself, so the provider goes through a small authenticating proxy of ours.
"""

import asyncio
import contextlib
import json
import tempfile
import urllib.error
import urllib.request
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, Evidence, ProviderHarness

from .chroma_base import server_address
from .chroma_proxy import separate

Item = dict[str, object]
PLACE = "/api/v2/tenants/default_tenant/databases/default_database/collections"


class Harness(ProviderHarness):
    """A server of its own, behind a proxy that asks for the kit's secret."""

    evidence = Evidence.CONTAINER
    server = "Chroma 1.5.9 (`chroma run`) behind an authenticating proxy"

    async def start(self) -> Endpoint:
        """Start the server and the proxy."""
        self._open = contextlib.ExitStack()
        folder = self._open.enter_context(tempfile.TemporaryDirectory())
        self._address = self._open.enter_context(server_address(Path(folder)))
        host, port = self._open.enter_context(separate(*self._address, self.secret))
        return Endpoint(host=host, port=port)

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.to_thread(self._open.close)

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """The token that the proxy asks for."""
        return {"token": secret}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """A stream is a collection."""
        return {"host": endpoint.host, "port": endpoint.port, "collection": namespace, "create": True}

    def encrypted(self, endpoint: Endpoint) -> Mapping[str, object]:
        """HTTPS."""
        return {"ssl": True}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Put items, each in the place of the one with its id."""
        collection = await self._ask("POST", "", {"name": namespace, "get_or_create": True})
        if not items:
            return
        body = {
            "ids": [item["id"] for item in items],
            "embeddings": [item["vector"] for item in items],
            "metadatas": [_stored(item.get("metadata")) for item in items],
        }
        await self._ask("POST", f"/{collection['id']}/upsert", body)

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """All items; none when there is no such collection."""
        collection = await self._found(namespace)
        if collection is None:
            return []
        wanted = {"include": ["embeddings", "metadatas", "documents", "uris"]}
        found = await self._ask("POST", f"/{collection['id']}/get", wanted)
        names = ("ids", "embeddings", "metadatas", "documents", "uris")
        return [_item(*values) for values in zip(*(found[name] for name in names), strict=True)]

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete items by their ids."""
        collection = await self._found(namespace)
        if collection is not None:
            await self._ask("POST", f"/{collection['id']}/delete", {"ids": [item["id"] for item in items]})

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Delete the collections whose names begin so."""
        for collection in await self._ask("GET", "?limit=10000", None):
            if collection["name"].startswith(prefix):
                await self._ask("DELETE", f"/{quote(collection['name'])}", None)

    async def _found(self, name: str) -> Any:
        every = await self._ask("GET", "?limit=10000", None)
        return next((collection for collection in every if collection["name"] == name), None)

    async def _ask(self, method: str, path: str, body: object) -> Any:
        return await asyncio.to_thread(self._asked, method, path, body)

    def _asked(self, method: str, path: str, body: object) -> Any:
        url = f"http://{self._address.host}:{self._address.port}{PLACE}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as err:
            raise RuntimeError(f"{method} {path}: {err.code} {err.read()[:300]!r}") from err


def _stored(metadata: object) -> object:
    """Metadata as the README says it is stored: by itself where every value is a scalar, else as JSON text."""
    if metadata is None or (
        isinstance(metadata, dict) and metadata and all(type(value) in (bool, int, str) for value in metadata.values())
    ):
        return metadata
    return {"_nvisy": json.dumps({"metadata": metadata})}


def _item(key: str, vector: list[float], stored: Any, document: str | None, uri: str | None) -> Item:
    """An item as the README says it is stored."""
    box = json.loads((stored or {}).get("_nvisy", "{}"))
    metadata: Any = {name: value for name, value in (stored or {}).items() if name != "_nvisy"}
    for name, text in (("document", document), ("uri", uri)):
        if text is not None and name not in box.get("absent", ()):
            metadata[f"chroma:{name}"] = text
    if isinstance(box.get("metadata"), dict):
        metadata |= box["metadata"]
    elif "metadata" in box:
        metadata = box["metadata"]
    elif not metadata:
        metadata = None
    return {"id": key, "vector": list(array("f", vector)), "metadata": metadata}
