"""Animals that say wrongly, or not at all, what went wrong."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import nvisy_sdk as sdk
from nvisy_plugin_shelf import client
from nvisy_plugin_shelf._driver import DriverError

from tests.kit import reference
from tests.kit.zoo._animal import animal


@animal(
    breaks="ERR-01",
    pattern=r"raised ConnectionResetError .*no error of the SDK",
    also={"CON-15", "CON-17", "ASY-03", "ASY-12"},
)
class RawDriverError(reference.Provider):
    """It translates what the service says, but not what the socket says."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        try:
            return await self._connection.call(operation, **request)
        except DriverError as err:
            raise client._translated(err, operation, self._params) from err


@animal(breaks="ERR-02", pattern=r"without its cause")
class DropsCause(reference.Provider):
    """It hides the driver's error, because users do not need to see it."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.ProviderError as err:
            raise err from None


@animal(
    breaks="ERR-03",
    pattern=r"with `retryable` True; trying again cannot help",
    also={"CON-03", "CON-06", "CON-12", "CON-15"},
)
class EverythingRetryable(reference.Provider):
    """Whatever it was, trying again cannot hurt."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.ProviderError as err:
            err.retryable = True  # type: ignore[misc]
            raise


class _CodedError(sdk.NotFoundError):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@animal(breaks="ERR-05", pattern=r"cannot be pickled", also={"CON-06"})
class UnpicklableError(reference.Provider):
    """Its own class of errors takes other arguments than it passes on."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.NotFoundError as err:
            raise _CodedError(404, str(err)) from err


@animal(breaks="ERR-05", pattern=r"cannot be (pickled|copied in depth)")
class ErrorHoldsLock(reference.Provider):
    """Its errors carry the live object that failed."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.ProviderError as err:
            err.lock = threading.Lock()  # type: ignore[attr-defined]
            raise


@animal(breaks="ERR-06", pattern=r"CancelledError in .* came out as ProviderError", also={"CON-15", "ASY-05", "ASY-16"})
class WrapsCancel(reference.Provider):
    """It catches everything, to be safe."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.ProviderError:
            raise
        except BaseException as err:
            raise sdk.ProviderError(f"unexpected {type(err).__name__}") from err


@animal(breaks="ERR-06", pattern=r"(KeyboardInterrupt|SystemExit) in .* came out as")
class WrapsInterrupt(reference.Provider):
    """It lets a cancellation through, and swallows the end of the process."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except (KeyboardInterrupt, SystemExit) as err:
            raise sdk.UnavailableError("the process is about to end") from err


@animal(breaks="ERR-08", pattern=r"the mode `replace`, which the manifest does not claim, succeeded")
class SilentNoop(reference.Provider):
    """A mode that it cannot do is a mode in which it does something else."""

    def _mode(self) -> sdk.WriteMode:
        return sdk.WriteMode.UPSERT if self._params.mode is sdk.WriteMode.REPLACE else super()._mode()


@animal(breaks="ERR-08", pattern=r"not `unsupported`")
class RefusesVaguely(reference.Provider):
    """What it cannot do is a broken configuration."""

    def _mode(self) -> sdk.WriteMode:
        try:
            return super()._mode()
        except sdk.UnsupportedError as err:
            raise sdk.InvalidConfigError(str(err)) from err


@animal(
    breaks="ERR-09",
    pattern=r"the read ended normally with \d of 10 items",
    also={"READ-19", "CON-17", "ASY-03", "RES-18"},
)
class SwallowsReset(reference.Provider):
    """When the connection goes away, there is nothing more to read."""

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            async for batch in super().read(context):
                yield batch
        except sdk.ConnectionFailedError:
            return


@animal(breaks="ERR-07", pattern=r"says '', which tells nobody", also={"CON-06"})
class EmptyMessage(reference.Provider):
    """Its errors have a class, and nothing to say."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        try:
            return await super()._call(operation, **request)
        except sdk.ProviderError as err:
            raise type(err)("", context=err.context) from err


@animal(breaks="ERR-10", pattern=r"raised a group of errors", also={"CON-17", "ASY-03", "ASY-04"})
class LeaksGroup(reference.Provider):
    """It asks in a group of tasks, and lets the group's error out."""

    async def check(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call("streams"))
            group.create_task(self._call("streams"))
