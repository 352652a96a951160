"""Animals of the family PERF: right, and far too much work."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import nvisy_sdk as sdk

from tests.kit import reference
from tests.kit.zoo._animal import animal

Rows = list[dict[str, object]]


@animal(breaks="PERF-03", pattern=r"the first of 12 items came after \d requests")
class LoadsAll(reference.Provider):
    """Reads everything before it yields anything."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        batches = [batch async for batch in super().read(context)]
        for batch in batches:
            yield batch


@animal(breaks="PERF-04", pattern=r"reading 12 items in 4 pages took \d\d requests", also={"PERF-03"})
class PerItemRequest(reference.Provider):
    """Asks once more for every row."""

    async def _page(self, key: tuple[str, ...], after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        for _ in rows:
            await self.describe()
        return rows, more


@animal(breaks="PERF-06", pattern=r"reading 2000 items took \d+\.\d times as much processor time as reading 500")
class Quadratic(reference.Provider):
    """Writes down all it has read after every row."""

    _read = ""

    async def _page(self, key: tuple[str, ...], after: Any) -> tuple[Rows, bool]:
        if after is None:
            self._read = ""
        rows, more = await super()._page(key, after)
        for row in rows:
            self._read = json.dumps([*json.loads(self._read or "[]"), [row["id"], row["score"]]])
        return rows, more


@animal(breaks="PERF-06", pattern=r"reading 2000 items moved \d+ bytes and reading 500 moved \d+")
class ScansFromTheStart(reference.Provider):
    """Asks for all there is, and leaves out what it has read."""

    _known = 0

    async def _page(self, key: tuple[str, ...], after: Any) -> tuple[Rows, bool]:
        self._known = 0 if after is None else self._known
        self._known += 1
        reply = await self._call("page", stream=self._stream(), sort=key, after=None, limit=self._known * 100)
        found: Rows = reply["items"]
        return found[(self._known - 1) * 100 :], reply["more"]
