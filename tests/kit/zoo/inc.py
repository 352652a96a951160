"""Animals of the family INC: sources that grow, and providers that do not notice or notice too much."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import nvisy_sdk as sdk
from nvisy_sdk import Feature, Manifest

from tests.kit import reference
from tests.kit.zoo._animal import animal

Key = tuple[str, ...]
Rows = list[dict[str, Any]]


def seeing_updates(manifest: Manifest) -> Manifest:
    """Claim that what is changed is read again."""
    features = {feature: each for feature, each in manifest.features.items() if feature is not Feature.UPDATES}
    return manifest.model_copy(update={"features": features})


@animal(breaks="INC-01", pattern=r"items were added to \d: item id=\d+ is missing")
class CachesFirstScan(reference.Provider):
    """Reads the table once for each session and answers from that."""

    _cache: Rows | None = None

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = self._cache or [], self._cache is None
        place: Any = None
        while more:
            page, more = await super()._page(key, place)
            rows += page
            place = tuple(page[-1][name] for name in key) if page else None
        self._cache = rows
        try:
            rows = [row for row in rows if after is None or tuple(row[name] for name in key) > after]
        except TypeError as err:
            raise sdk.InvalidContextError("the context does not fit the key") from err
        size = self._params.batch_rows
        return rows[:size], len(rows) > size


@animal(breaks="INC-02", pattern=r"the last context yields items|item id=\d should not be there")
class EmptyResetsCtx(reference.Provider):
    """Says with a batch of nothing that it stands at the beginning."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        empty = True
        async for batch in super().read(context):
            empty = False
            yield batch
        if empty and isinstance(context, sdk.KeysetContext) and context.values[0].type == "int":
            values = tuple(sdk.IntValue(value=-(2**63)) for _ in context.values)
            yield sdk.Batch([], sdk.End(context.model_copy(update={"values": values})))


@animal(breaks="INC-03", pattern=r"beyond everything yields 7 items")
class FutureIgnored(reference.Provider):
    """Takes a cursor that is too large for a mistake, and begins anew."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        too_large = after is not None and after[-1] == 2**63 - 1 and "inc03" in self._stream()
        return await super()._page(key, None if too_large else after)


@animal(breaks="INC-04", pattern=r"an item came late: item id=4, grp=5 is missing|item id=4 is missing")
class LateTieLost(reference.Provider):
    """Goes on, once it has read everything, with what is strictly later by the first column."""

    _end: Any = None

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        if len(key) > 1 and after is not None and after == self._end:
            rows = [row for row in rows if row[key[0]] > after[0]]
        if rows and not more:
            self._end = tuple(rows[-1][name] for name in key)
        return rows, more


@animal(
    breaks="INC-05", pattern=r"one item was changed: item id=1 is missing", manifest=seeing_updates, also=("META-02",)
)
class MissesUpdates(reference.Provider):
    """Claims to see updates, and reads by a key that does not change with them."""


@animal(breaks="INC-06", pattern=r"move back and forth")
class BackwardsCtx(reference.Provider):
    """Gives the contexts of a page in the wrong order."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        contexts = [self._context(row, key) for row in rows[::-1]]
        return sdk.Batch(super()._batch(rows, key, schema).data, sdk.Each(contexts), schema=schema)


@animal(breaks="INC-07", pattern=r"of one moment, which is tomorrow: item id=0 is missing")
class SkewLoss(reference.Provider):
    """Reads what was changed until now, by its own clock."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "page" and "at" in request["sort"]:
            now = {"column": "at", "op": "le", "value": datetime.now(UTC).isoformat()}
            request["filter"] = [*request["filter"], now]
        return await super()._call(operation, **request)
