"""The system behind the provider: the harness and the fault proxy, on a thread and an event loop of their own.

A check awaits the harness from its own loop; what the harness opens, starts or logs happens elsewhere and is not counted.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from .._kind import DataKind
from .._schema import Schema
from ._descriptors import Descriptor, descriptors
from ._harness import Endpoint, Item, ProviderHarness
from ._outcome import HarnessFailed
from ._proxy import FaultProxy
from ._threads import HARNESS_THREAD, follow, unfollow

T = TypeVar("T")

_PATIENCE = 120.0  # seconds for a real server to start; everything else takes a fraction


class Service:
    """A harness that has been started, its fault proxy, and the thread both live on.

    Args:
        harness: The author's harness.
    """

    def __init__(self, harness: ProviderHarness) -> None:
        self.harness = harness
        self.proxy: FaultProxy | None = None
        self.direct = Endpoint()
        self.endpoint = Endpoint()
        self.opened: set[Descriptor] = set()
        """Files and sockets that came into being during the harness's own work: none of the provider's."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=HARNESS_THREAD, daemon=True)

    @property
    def kind(self) -> DataKind | None:
        """The kind of data the harness wants checked."""
        return self.harness.kind

    def start(self) -> None:
        """Start the system and the proxy before it.

        Raises:
            HarnessFailed: The harness could not start it.
        """
        follow()
        self._thread.start()
        self.call(self._start())

    def stop(self) -> None:
        """Stop the proxy, the system and the thread."""
        try:
            self.call(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()
            unfollow()

    def call(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the service's loop, from a thread without a loop.

        Raises:
            HarnessFailed: It raised, or took too long.
        """
        future = asyncio.run_coroutine_threadsafe(doing, self._loop)
        try:
            return future.result(_PATIENCE)
        except Exception as err:
            raise HarnessFailed(_told(doing, err)) from err

    async def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the service's loop, from a check's loop.

        Raises:
            HarnessFailed: It raised, or took too long.
        """
        before = descriptors()
        future = asyncio.run_coroutine_threadsafe(doing, self._loop)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.wrap_future(future)
        except Exception as err:
            raise HarnessFailed(_told(doing, err)) from err
        finally:
            self.opened |= descriptors() - before

    async def seed(self, stream: str, items: Sequence[Item], schema: Schema) -> None:
        """Put items into a stream."""
        await self.run(self.harness.seed(self.direct, stream, items, schema))

    async def dump(self, stream: str) -> list[Item]:
        """Return all items of a stream."""
        return await self.run(self.harness.dump(self.direct, stream))

    async def remove(self, stream: str, items: Sequence[Item]) -> None:
        """Delete items from a stream."""
        await self.run(self.harness.remove(self.direct, stream, items))

    async def _start(self) -> None:
        self.direct = self.endpoint = await self.harness.start()
        if self.direct.host is not None and self.direct.port is not None:
            self.proxy = FaultProxy(self.direct.host, self.direct.port)
            await self.proxy.start()
            self.endpoint = self.direct.at(self.proxy.host, self.proxy.port)

    async def _stop(self) -> None:
        if self.proxy is not None:
            await self.proxy.stop()
        await self.harness.stop()


def _told(doing: Coroutine[Any, Any, Any], err: Exception) -> str:
    name = getattr(doing, "__name__", str(doing)).lstrip("_")
    return f"the harness failed in `{name}`: {type(err).__name__}: {err}"
