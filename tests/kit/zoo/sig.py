"""Animals of the family SIG: classes that look right and are called in vain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar, Self

import nvisy_sdk as sdk
from nvisy_sdk import DataKind
from nvisy_sdk.testing import RowBatch

from tests.kit import reference
from tests.kit.zoo._animal import animal

reference.provider(DataKind.RECORD)
from nvisy_plugin_shelf import Credentials, Params  # noqa: E402 - the line above makes it importable


@animal(breaks="SIG-01", pattern=r"`write` is a plain function", also={"WRT-01"})
class SyncWrite(reference.Provider):
    """Writes without being asynchronous."""

    def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:  # type: ignore[override]
        return sdk.Receipt(accepted=len(batch))


@animal(breaks="SIG-01", pattern=r"`write` takes \(batch, options\)", also={"WRT-01"})
class WriteWithOptions(reference.Provider):
    """Wants something that nobody hands over."""

    async def write(self, batch: sdk.IncomingBatch, options: object) -> sdk.Receipt:  # type: ignore[override]
        return await super().write(batch)


class _Stream:
    """An iterator without a way to end it."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._behind)


class _Source(_Stream):
    """Something to iterate over, again and again."""

    async def aclose(self) -> None:
        await self._behind.aclose()

    def __aiter__(self) -> Any:
        return _Source(self._behind)


@animal(breaks="SIG-02", pattern=r"has no `aclose`")
class CannotBeClosed(reference.Provider):
    """Returns an iterator of its own that cannot be closed."""

    def read(self, context: sdk.Context | None) -> AsyncIterator[sdk.Batch]:  # type: ignore[override]
        return _Stream(super().read(context))


@animal(breaks="SIG-02", pattern=r"is not its own iterator")
class IterableOnly(reference.Provider):
    """Returns something that makes an iterator anew each time."""

    def read(self, context: sdk.Context | None) -> AsyncIterator[sdk.Batch]:  # type: ignore[override]
        return _Source(super().read(context))


@animal(breaks="SIG-04", pattern=r"refuses what only looks like a batch")
class ChecksBaseClass(reference.Provider):
    """Takes only the batches it knows from its own tests."""

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        if not isinstance(batch, RowBatch):
            raise TypeError(f"a RowBatch, not a {type(batch).__name__}")
        return await super().write(batch)


@animal(breaks="SIG-05", pattern=r"return the same session")
class Singleton(reference.Provider):
    """Opens one session and hands it to everybody."""

    _open: ClassVar[dict[str | None, Any]] = {}

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        if params.table not in cls._open:
            cls._open[params.table] = await super().connect(credentials, params)
        found: Self = cls._open[params.table]
        return found
