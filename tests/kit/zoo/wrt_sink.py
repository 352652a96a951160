"""Animals of the family WRT that prepare, keep marks or stage, and do it nearly right."""

from __future__ import annotations

import asyncio
from typing import Any

import nvisy_sdk as sdk

from tests.kit import reference
from tests.kit.zoo import _memory
from tests.kit.zoo._animal import animal


@animal(breaks="WRT-24", pattern=r"preparing again before the first batch raised `conflict`")
class CreatesOnce(reference.Provider):
    """Makes its table, and is surprised when it is there."""

    async def prepare(self, request: sdk.Prepare) -> None:
        if any(info.name == self._stream() for info in await self.streams()):
            raise sdk.ConflictError(f"table {self._stream()} is there already")
        await super().prepare(request)


@animal(
    breaks="WRT-24",
    pattern=r"preparing again after a batch: item id=0 is missing",
    manifest=_memory.described,
    harness=_memory.harness,
)
class MakesAnew(_memory.Provider):
    """Begins with an empty table, whenever it is asked to prepare."""

    async def prepare(self, request: sdk.Prepare) -> None:
        self.store.tables.pop(self.table_name, None)
        await super().prepare(request)


@animal(breaks="WRT-25", pattern=r"after a batch without items the mark is")
class SkipsEmptyBatches(reference.Provider):
    """Does nothing where there is nothing to write."""

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        return await super().write_through(batch, mark) if len(batch) else sdk.Receipt(accepted=0)


@animal(breaks="WRT-25", pattern=r"after a mark with another key the mark is None|mark is 'other'")
class OneMark(reference.Provider):
    """Keeps one mark, whosoever it is."""

    async def committed(self, key: str) -> sdk.Mark | None:
        found = await super().committed("mark")
        return found and sdk.Mark(key=key, value=found.value)

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        return await super().write_through(batch, sdk.Mark(key="mark", value=mark.value))


@animal(
    breaks="WRT-25",
    pattern=r"before the first batch the mark is None|in another session the mark is None",
    also={"WRT-26"},
)
class MarkInTheSession(reference.Provider):
    """Remembers the mark, and does not write it down."""

    _mark: sdk.Mark | None = None

    async def committed(self, key: str) -> sdk.Mark | None:
        return self._mark if self._mark is not None and self._mark.key == key else None

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        if not mark.key.endswith("other"):
            self._mark = mark
        return await super().write(batch)


@animal(breaks="WRT-26", pattern=r"the mark is there, and 0 of 3 items are")
class MarkFirst(reference.Provider):
    """Stores the mark, then writes the batch."""

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        await self._call(
            "put",
            stream=self._stream(),
            mode=self._mode(),
            key=self._params.key,
            columns=[],
            items=[],
            mark=mark.model_dump(),
        )
        return await super().write(batch)


@animal(breaks="WRT-26", pattern=r"the mark is not there, and 3 of 3 items are")
class BatchFirst(reference.Provider):
    """Writes the batch, then stores the mark."""

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        receipt: sdk.Receipt = await super().write(batch)
        await self._call(
            "put",
            stream=self._stream(),
            mode=self._mode(),
            key=self._params.key,
            columns=[],
            items=[],
            mark=mark.model_dump(),
        )
        return receipt


@animal(
    breaks="WRT-27",
    pattern=r"before `publish`: item id=0 is missing",
    manifest=_memory.described,
    harness=_memory.harness,
)
class ReplacesAtOnce(_memory.Provider):
    """Empties the table first, and publishes nothing."""

    async def prepare(self, request: sdk.Prepare) -> None:
        await super().prepare(request)
        await super().publish()

    async def publish(self) -> None:
        """Do nothing: all is there."""


@animal(
    breaks="WRT-27",
    pattern=r"`publish` was cancelled at await point \d .*neither the old items are there nor the new ones",
    manifest=_memory.described,
    harness=_memory.harness,
)
class PublishesRowByRow(_memory.Provider):
    """Deletes what is there, and copies what was staged."""

    async def publish(self) -> None:
        staged = self.store.staged.pop(self.table_name, None)
        if staged is None:
            return
        table = self.store.tables[self.table_name]
        table.rows.clear()
        table.places.clear()
        for row in staged.rows:
            await asyncio.sleep(0)
            table.put(row)


@animal(breaks="WRT-28", pattern=r"publishing twice: item", manifest=_memory.described, harness=_memory.harness)
class PublishesNothing(_memory.Provider):
    """Takes what is not staged for an empty table."""

    async def publish(self) -> None:
        name = self.table_name
        there: Any = self.store.tables[name]
        empty = type(there)(key=there.key, schema=there.schema)
        self.store.tables[name] = self.store.staged.pop(name, empty)
