"""Animals of the family WRT: what goes wrong on the way into a system, and in what is said about it."""

from __future__ import annotations

from typing import Any, ClassVar

import nvisy_sdk as sdk

from tests.kit import reference
from tests.kit.zoo._animal import animal

Items = list[dict[str, Any]]
ALL: dict[str, Any] = {"sort": ["id"], "after": None, "limit": 10_000, "filter": [], "columns": None}
MESSAGE: Any = reference.provider(sdk.DataKind.MESSAGE)


def changed(items: Items, name: str, change: Any) -> Items:
    """Return items with something else in one column, where there is text in it."""
    return [{**item, name: change(item[name])} if isinstance(item.get(name), str) else item for item in items]


@animal(breaks="WRT-01", pattern=r"`score` is 9007199254740992, not 9007199254740993")
class RoundsBigInt(reference.Provider):
    """Sends every number as a double."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        def sent(value: object) -> object:
            return max(-(2**63), min(int(float(value)), 2**63 - 1)) if type(value) is int else value

        return [{name: sent(value) for name, value in item.items()} for item in super()._items(batch)]


@animal(breaks="WRT-02", pattern=r"InvalidDataError: there is nothing to write")
class EmptyRaises(reference.Provider):
    """Has no request for nothing."""

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        if not len(batch):
            raise sdk.InvalidDataError("there is nothing to write")
        return await super().write(batch)


@animal(breaks="WRT-03", pattern=r"after a batch of 300 items: item id=100 is missing")
class DropsBeyondMax(reference.Provider):
    """Sends no more than a hundred items with a request."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        return super()._items(batch)[:100]


@animal(breaks="WRT-04", pattern=r"0 of 7 items are accepted when they are written again")
class AppendOnly(reference.Provider):
    """Takes an upsert for an append."""

    def _mode(self) -> sdk.WriteMode:
        return sdk.WriteMode.APPEND


@animal(breaks="WRT-05", pattern=r"`name` is 'name 1', not None")
class MergesInstead(reference.Provider):
    """Leaves what is there where the new item has a null."""

    async def _put(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        found = await self._call("page", stream=self._stream(), **ALL)
        self._old = {row["id"]: row for row in found["items"]}
        return await super()._put(batch, mark)

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        items = super()._items(batch)
        old = [self._old.get(item["id"], {}) for item in items]
        return [
            {name: was.get(name) if value is None else value for name, value in item.items()}
            for item, was in zip(items, old, strict=True)
        ]


@animal(breaks="WRT-06", pattern=r"an appended item has taken the place of item id=1")
class SilentOverwrite(reference.Provider):
    """Takes an append for an upsert."""

    def _mode(self) -> sdk.WriteMode:
        return sdk.WriteMode.UPSERT


@animal(breaks="WRT-07", pattern=r"all five items are accepted, one of them unfit, and 4 are there", also=("WRT-17",))
class SwallowsReject(reference.Provider):
    """Does not look at which items the service refused."""

    def _receipt(self, reply: dict[str, Any]) -> sdk.Receipt:
        return sdk.Receipt(accepted=reply["accepted"] + len(reply["rejected"]))


@animal(breaks="WRT-07", pattern=r"the items \[0, 1, 2, 3, 4\] of the batch are rejected", also=("WRT-06", "WRT-17"))
class BlamesAll(reference.Provider):
    """Rejects a whole batch for one item in it, of which the rest is written."""

    def _receipt(self, reply: dict[str, Any]) -> sdk.Receipt:
        receipt = super()._receipt(reply)
        if not receipt.rejected:
            return receipt
        count = receipt.accepted + len(receipt.rejected)
        rejected = tuple(sdk.Rejection(index=place, code="batch", reason="the batch failed") for place in range(count))
        return sdk.Receipt(accepted=0, rejected=rejected)


class OneByOne(reference.Provider):
    """Sends each item with a request of its own."""

    _before: Any = None

    async def _put(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        rejected, accepted = list[sdk.Rejection](), 0
        for place, item in enumerate(batch.rows()):
            self._one = item
            receipt = await super()._put(batch, mark)
            accepted += receipt.accepted
            rejected += [each.model_copy(update={"index": place}) for each in receipt.rejected]
        return sdk.Receipt(accepted=accepted, rejected=tuple(rejected))

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        return [self._one]


@animal(breaks="WRT-08", pattern=r"[1-6] items are there, cut off after", also=("WRT-21",))
class HalfBatch(OneByOne):
    """Has no request for several items."""


@animal(
    breaks="WRT-09",
    pattern=r"when 1 items are accepted, one by one,: item id=0 is missing",
    also=("WRT-04", "WRT-06", "WRT-07", "WRT-08", "WRT-15", "WRT-17"),
)
class AckBeforeFlush(reference.Provider):
    """Accepts at once, and writes when the session ends."""

    _waiting: tuple[sdk.IncomingBatch, ...] = ()

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        self._waiting = (*self._waiting, batch)
        return sdk.Receipt(accepted=len(batch))

    async def disconnect(self) -> None:
        waiting, self._waiting = self._waiting, ()
        for batch in waiting:
            await super().write(batch)
        await super().disconnect()


@animal(breaks="WRT-10", pattern=r"after rows with their columns in different orders|is rejected|column")
class ColumnsFromFirstItem(reference.Provider):
    """Takes the columns from the first row, and the values of each row in that row's own order."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        rows = super()._items(batch)
        return [dict(zip(rows[0], row.values(), strict=True)) for row in rows]


@animal(breaks="WRT-10", pattern=r"after rows with their columns in different orders|type")
class ColumnsFromFirstBatch(reference.Provider):
    """Prepares its statement once, with the columns of the first batch."""

    _names: list[str] | None = None

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        names = [field.name for field in batch.schema.fields]
        self._names = self._names or names
        return [dict(zip(self._names, (row[name] for name in names), strict=True)) for row in super()._items(batch)]


@animal(breaks="WRT-11", pattern=r"the sink has changed `score` of item id=0")
class MutatesInput(reference.Provider):
    """Takes nulls out of the rows, in place."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        rows = batch.rows()
        for row in rows:
            for name in [name for name, value in row.items() if value is None]:
                del row[name]
        return rows


@animal(breaks="WRT-12", pattern=r"after an item of 1048576 bytes was accepted: item id=1 is changed")
class TruncatesItem(reference.Provider):
    """Keeps the first 65535 characters of a text."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        return changed(super()._items(batch), "name", lambda text: text[:65_535])


@animal(breaks="WRT-13", pattern=r"`score` is (12|None), not 'tw?")
class CoercesSilently(reference.Provider):
    """Makes numbers of texts where the table has numbers, and nulls where that does not work."""

    _given: sdk.Schema | None = None

    async def prepare(self, request: sdk.Prepare) -> None:
        try:
            await super().prepare(request)
        except sdk.InvalidDataError:
            self._given = (await self.describe()).schema

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "put" and self._given is not None:
            request["columns"] = [field.model_dump(mode="json") for field in self._given.fields]
            request["items"] = changed(request["items"], "score", lambda text: int(text) if text.isdigit() else None)
        return await super()._call(operation, **request)


@animal(breaks="WRT-14", pattern=r"after three sessions wrote at the same time: item id=\d+ is missing")
class LostUpdate(reference.Provider):
    """Gathers what all sessions write; who comes while another one sends trusts that this one will send it too."""

    _sending: ClassVar[set[str]] = set()

    async def _put(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        if self._stream() in self._sending:
            return sdk.Receipt(accepted=len(batch))
        self._sending.add(self._stream())
        try:
            return await super()._put(batch, mark)
        finally:
            self._sending.discard(self._stream())


@animal(
    breaks="WRT-15",
    pattern=r"after a batch was written again whose answer was lost: item id=0 is there 2 times",
    also=("WRT-05", "WRT-19"),
)
class DuplicatesOnRetry(reference.Provider):
    """Looks up once, when a stream begins, which items are there; appends when it goes on."""

    _known: frozenset[object] = frozenset()

    async def prepare(self, request: sdk.Prepare) -> None:
        await super().prepare(request)
        found = await self._call("page", stream=self._stream(), **ALL)
        self._known = frozenset(row["id"] for row in found["items"]) if request.fresh else frozenset()

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "create":
            request["key"] = []
        if operation == "put":
            there = [item for item in request["items"] if item["id"] in self._known]
            request |= {"mode": "append", "key": [], "items": [item for item in request["items"] if item not in there]}
            reply = await super()._call(operation, **request)
            self._known |= {item["id"] for item in request["items"]}
            return {**reply, "accepted": reply["accepted"] + len(there)}
        return await super()._call(operation, **request)


@animal(breaks="WRT-16", pattern=r'`name` is "\'\'quote"')
class SqlInjection(reference.Provider):
    """Puts values into a statement, with quotes doubled, and sends them beside it too."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        return changed(super()._items(batch), "name", lambda text: text.replace("'", "''"))


@animal(breaks="WRT-17", pattern=r"accounts for 6 items of a batch of 5")
class LyingCount(reference.Provider):
    """Counts what it sent."""

    def _receipt(self, reply: dict[str, Any]) -> sdk.Receipt:
        receipt = super()._receipt(reply)
        return receipt.model_copy(update={"accepted": receipt.accepted + len(receipt.rejected)})


@animal(breaks="WRT-18", pattern=r"after items with nothing in them: item id=1 is missing", also=("WRT-05",))
class DropsNone(reference.Provider):
    """Passes over rows in which nothing stands beside the key."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        items = request.get("items", [])
        if operation != "put" or all(self._full(item) for item in items):
            return await super()._call(operation, **request)
        request["items"] = [item for item in items if self._full(item)]
        return {**await super()._call(operation, **request), "accepted": len(items)}

    def _full(self, item: dict[str, object]) -> bool:
        return len(item) < 3 or any(value is not None for name, value in item.items() if name != "id")


@animal(breaks="WRT-19", pattern=r"after a batch with two items of one key: item id=0 is changed")
class DupOrder(reference.Provider):
    """Takes out duplicates before it writes, and keeps the first."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation != "put":
            return await super()._call(operation, **request)
        items: Items = request["items"]
        first: dict[object, dict[str, object]] = {}
        for item in items:
            first.setdefault(item["id"], item)
        reply = await super()._call(operation, **{**request, "items": list(first.values())})
        return {**reply, "accepted": reply["accepted"] + len(items) - len(first)}


@animal(breaks="WRT-20", pattern=r"was written to, though `create` is false")
class ImplicitCreate(reference.Provider):
    """Makes what is not there, asked or not."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "create":
            request["create"] = True
        return await super()._call(operation, **request)


@animal(breaks="WRT-21", pattern=r"an item is there in part after a write was cancelled")
class CancelCorrupts(reference.Provider):
    """Takes the places of a batch first, and fills them afterwards."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "put" and request["mode"] == sdk.WriteMode.UPSERT:
            await super()._call(operation, **{**request, "items": changed(request["items"], "name", lambda text: "")})
        return await super()._call(operation, **request)


@animal(breaks="WRT-22", pattern=r"in another order than they were written in", kind=sdk.DataKind.MESSAGE)
class Reorders(MESSAGE):  # type: ignore[misc]
    """Sends a batch from its end."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        return list(super()._items(batch)[::-1])


@animal(breaks="WRT-23", pattern=r"asks 2 times for the items of a batch")
class IteratesTwice(reference.Provider):
    """Looks for nulls first, and writes then."""

    def _items(self, batch: sdk.IncomingBatch) -> Items:
        names = {name for row in batch.rows() for name, value in row.items() if value is not None}
        return [{name: value for name, value in row.items() if name in names} for row in batch.rows()]
