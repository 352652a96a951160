"""Systems that behave otherwise than the SDK's fake service, for members of the herd whose oddity is their system's."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, ProviderHarness
from nvisy_sdk.conformance.fake import FakeService, RefusedError, Store, packed, unpacked
from nvisy_sdk.conformance.fake._read import by_key

LAG = 0.03
"""Seconds until a write is seen."""


class EventualService(FakeService):
    """Takes writes at once and shows them a moment later, in the order they came."""

    def __init__(self, *, secret: str | None = None) -> None:
        super().__init__(secret=secret)
        self.leader = Store()

    def seed(
        self,
        name: str,
        items: Sequence[Mapping[str, object]],
        schema: Schema,
        *,
        key: Sequence[str] = (),
        strict: bool = True,
    ) -> None:
        for _ in range(2):
            super().seed(name, items, schema, key=key, strict=strict)
            self._swap()

    def remove(self, name: str, items: Sequence[Mapping[str, object]]) -> None:
        for _ in range(2):
            super().remove(name, items)
            self._swap()

    def sweep(self, prefix: str) -> None:
        for _ in range(2):
            super().sweep(prefix)
            self._swap()

    def _reply(self, request: Mapping[str, Any], *, known: bool) -> tuple[dict[str, object], bool]:
        if request["op"] not in ("put", "create") or not known:
            return super()._reply(request, known=known)
        self._swap()
        try:
            reply, known = super()._reply(request, known=known)
        finally:
            self._swap()
        if "ok" in reply and request["op"] == "create":
            self._create(request)
        elif "ok" in reply:
            asyncio.get_running_loop().call_later(LAG, self._follow, request)
        return reply, known

    def _follow(self, request: Mapping[str, Any]) -> None:
        with suppress(RefusedError):  # the stream is gone by now
            self._put(request)

    def _swap(self) -> None:
        self.store, self.leader = self.leader, self.store


class DescendingService(FakeService):
    """Hands out the largest key first."""

    def _reply(self, request: Mapping[str, Any], *, known: bool) -> tuple[dict[str, object], bool]:
        if request["op"] != "page" or not known:
            return super()._reply(request, known=known)
        try:
            return {"ok": self._backwards(request)}, known
        except RefusedError as refusal:
            return {"error": {"code": refusal.code, "message": refusal.message}}, known

    def _backwards(self, request: Mapping[str, Any]) -> dict[str, object]:
        stream, sort = self.store.stream(request["stream"]), request["sort"]
        items, _ = by_key(stream, sort, None, 2**31, request.get("filter") or [], [])
        after: Any = unpacked(request["after"])
        try:
            end = (
                len(items)
                if after is None
                else bisect.bisect_left(items, tuple(after), key=lambda item: _key(item, sort))
            )
        except TypeError:
            raise RefusedError("invalid_cursor", "the cursor does not fit the key") from None
        first = max(0, end - request["limit"])
        found, wanted = items[first:end][::-1], request.get("columns")
        if wanted is not None:
            found = [{name: item.get(name) for name in wanted} for item in found]
        return {"items": [packed(item) for item in found], "more": first > 0}


def on(service: type[FakeService]) -> Any:
    """Return what makes the reference's harness one of that service."""

    def change(harness: type[ProviderHarness]) -> type[ProviderHarness]:
        class Changed(harness):  # type: ignore[misc, valid-type]
            async def start(self) -> Endpoint:
                self.service = service(secret=self.secret)
                await self.service.start()
                return Endpoint(self.service.host, self.service.port)

        return Changed

    return change


def _key(item: Mapping[str, object], sort: Sequence[str]) -> Any:
    return tuple(item[name] for name in sort)
