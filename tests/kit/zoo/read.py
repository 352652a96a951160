"""Animals of the family READ: what goes wrong on the way out of a system."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import nvisy_sdk as sdk
from nvisy_sdk.conformance import Endpoint, ProviderHarness
from nvisy_sdk.conformance.fake._values import holds

from tests.kit import reference
from tests.kit.zoo._animal import animal

Key = tuple[str, ...]
Rows = list[dict[str, Any]]
EMBEDDING: Any = reference.provider(sdk.DataKind.EMBEDDING)
OBJECT: Any = reference.provider(sdk.DataKind.OBJECT)


@animal(breaks="READ-01", pattern=r"item id=6 is missing")
class DropsLastPage(reference.Provider):
    """Yields a page only when another one follows."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return (rows, more) if more else ([], False)


@animal(breaks="READ-02", pattern=r"item id=\d was read twice")
class RepeatsPageEdge(reference.Provider):
    """Begins every page but the first with the row that ended the one before."""

    _edge: Rows | None = None

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        edge, self._edge = (self._edge if after is not None else None), rows[-1:]
        return [*(edge or ()), *rows], more


@animal(breaks="READ-03", pattern=r"another order")
class RandomOrder(reference.Provider):
    """Asks for pages in order and shuffles each: here, turns every second one round."""

    _turn = False

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        self._turn = not self._turn
        return super()._batch(rows[::-1] if self._turn else rows, key, schema)


@animal(breaks="READ-04", pattern=r"did not end within")
class HangsOnEmpty(reference.Provider):
    """Waits for a first row."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        while True:
            rows, more = await super()._page(key, after)
            if rows or after is not None:
                return rows, more
            await asyncio.sleep(0.01)


@animal(
    breaks="READ-05",
    pattern=r"IndexError",
    also=(
        "READ-02",
        "READ-03",
        "READ-04",
        "READ-08",
        "READ-14",
        "READ-18",
        "READ-16",
        "READ-17",
        "READ-19",
        "INC-06",
    ),
)
class OffByOnePage(reference.Provider):
    """Takes a full page for a sign that there is another, and looks at that one's last row."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, _ = await super()._page(key, after)
        rows[-1]
        return rows, len(rows) == self._params.batch_rows


@animal(breaks="READ-06", pattern=r"yielded a dict")
class YieldsDict(reference.Provider):
    """Yields what the service sent."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> Any:
        return {"rows": rows, "key": key}


@animal(breaks="READ-06", pattern=r"the columns change within a stream")
class InfersColumnsAnew(reference.Provider):
    """Has no schema, and leaves out of each row what is null in it."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        slim = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return super()._batch(slim, key, None)


@animal(breaks="READ-07", pattern=r"item id=0 has no context")
class NoneCtx(reference.Provider):
    """Has one context for a whole page."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        return sdk.Batch(rows, sdk.End(self._context(rows[-1], key)), schema=schema)


@animal(breaks="READ-08", pattern=r"a batch holds 7 items; `batch_rows` is 1")
class IgnoresLimit(reference.Provider):
    """Asks for as many rows as the service likes to give."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        self._params = self._params.model_copy(update={"batch_rows": 1000})
        return await super()._page(key, after)


@animal(breaks="READ-08", pattern=r"ClosedError", also=("READ-11", "RES-04"))
class ClosesWithTheRead(reference.Provider):
    """A reader who stops early ends the whole session."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        try:
            async for batch in super().read(context):
                yield batch
        except GeneratorExit:
            await self.disconnect()
            raise


@animal(breaks="READ-09", pattern=r"there is no stream")
class BadQuoting(reference.Provider):
    """Doubles quotes by itself, and hands the result to something that quotes again."""

    def _stream(self) -> str:
        return super()._stream().replace("'", "''")


@animal(
    breaks="READ-10",
    pattern=r"`name` is 'done'",
    also=(
        "READ-08",
        "READ-11",
        "READ-12",
        "READ-14",
        "READ-18",
        "RES-01",
        "RES-11",
        "INC-01",
    ),
)
class ReadMarksItems(reference.Provider):
    """Writes into each row that it has been read."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        info = await self.describe()
        columns = [field.model_dump(mode="json") for field in info.schema.fields] if info.schema else []
        items = [{**row, "name": "done"} for row in rows if "score" in row]
        await self._call(
            "put", stream=self._stream(), mode="upsert", key=["id"], columns=columns, items=items, mark=None
        )
        return rows, more


@animal(breaks="READ-11", pattern=r"a second time: item id=0 is missing", also=("READ-03",))
class OneShot(reference.Provider):
    """A session is read once; the second time there is nothing."""

    _used = False

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        if not self._used:
            async for batch in super().read(context):
                yield batch
        self._used = True


@animal(breaks="READ-12", pattern=r"two reads in turns", also=("RES-04",))
class SharedCursor(reference.Provider):
    """Keeps its place in the session, where a second read moves it."""

    _place: Any = None

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, self._place if after is not None and self._place else after)
        self._place = tuple(rows[-1][name] for name in key) if rows and more else None
        return rows, more


@animal(breaks="READ-13", pattern=r"key column `id` is missing")
class CursorNotSelected(reference.Provider):
    """Says that the position is in the key's columns, which the reader did not ask for."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        wanted = self._params.columns
        slim = rows if wanted is None else [{name: row[name] for name in wanted} for row in rows]
        return sdk.Batch(slim, sdk.Keyset(key, self._fingerprint(key)), schema=schema)


@animal(breaks="READ-14", pattern=r"between pages with no such item", also=("READ-18",))
class StopsOnEmptyPage(reference.Provider):
    """Filters each page by itself, and takes one that is empty then for the end."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        conditions: Any = request.pop("filter", None)
        if conditions is None:
            return await super()._call(operation, **request)
        found = await super()._call(operation, filter=[], **request)
        kept = [row for row in found["items"] if all(holds(row, c["column"], c["op"], c["value"]) for c in conditions)]
        return {"items": kept, "more": found["more"] and bool(kept)}


@animal(breaks="READ-18", pattern=r"should not be there")
class FilterTooWide(reference.Provider):
    """Takes `lt` for `le`, and forgets all conditions but the first."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        given: Any = request.get("filter")
        if given:
            request["filter"] = [{**each, "op": "le" if each["op"] == "lt" else each["op"]} for each in given[:1]]
        return await super()._call(operation, **request)


def circling(harness: Any) -> type[ProviderHarness]:
    """Return a harness whose system can be sent round in circles."""

    class Circling(harness):  # type: ignore[misc]
        async def fault(self, endpoint: Endpoint, kind: str) -> bool:
            service: Any = getattr(self, "service", None)
            service.circles = kind == "repeat_token"
            return True

    made: type[ProviderHarness] = Circling
    return made


@animal(
    breaks="READ-15",
    pattern=r"reading did not end within|ends well, after",
    kind=sdk.DataKind.EMBEDDING,
    harness=circling,
)
class InfiniteToken(EMBEDDING):  # type: ignore[misc]
    """Asks for page after page, as long as there is a token."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        info, more = await self.describe(), True
        token = None if context is None else self._token(context)
        while more:
            items, tokens, more = await self._page(token)
            if items:
                token = tokens[-1]
                yield sdk.Batch(items, sdk.Each([self._context(each) for each in tokens]), schema=info.schema)


@animal(breaks="READ-16", pattern=r"item id=\d+ was read 0 times")
class OffsetPaging(reference.Provider):
    """Asks for the next page by how many rows it has had, so that every row deleted before moves the page."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        info = await self.describe()
        key, schema, size = self._key(info), self._schema(info), self._params.batch_rows
        after = None if context is None else self._after(context, key)
        had = 0
        while True:
            rows, more = list[dict[str, Any]](), True
            place: Any = after
            while more and len(rows) < had + size:
                page, more = await self._page(key, place)
                rows += page
                place = tuple(page[-1][name] for name in key) if page else place
            rows = rows[had : had + size]
            if not rows:
                return
            had += len(rows)
            yield self._batch(rows, key, schema)


@animal(breaks="READ-17", pattern=r"`name` is 'x+")
class TruncatesLargeText(reference.Provider):
    """Reads texts into a buffer of one MiB."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        cut: Any = [
            {name: value[: 2**20] if isinstance(value, str) else value for name, value in row.items()} for row in rows
        ]
        return super()._batch(cut, key, schema)


@animal(breaks="READ-18", pattern=r"the prefix 'a/': item path='a", kind=sdk.DataKind.OBJECT)
class PrefixTooWide(OBJECT):  # type: ignore[misc]
    """Takes the slash off a prefix, and so reads the neighbours too."""

    async def _call(self, operation: str, **request: object) -> Any:
        if operation == "list":
            request["prefix"] = str(request["prefix"]).rstrip("/")
        return await super()._call(operation, **request)


@animal(breaks="READ-19", pattern=r"item id=1 is missing")
class SkipsBadItem(reference.Provider):
    """Passes over a row whose name is empty."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        return super()._batch([row for row in rows if row.get("name") != ""], key, schema)
