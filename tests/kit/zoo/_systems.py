"""The systems that the animals work with: one for each kind of data, started once and used by all of them."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Mapping, Sequence

from nvisy_sdk import DataKind, Schema
from nvisy_sdk.conformance import Endpoint, Item, ProviderHarness
from nvisy_sdk.conformance._service import Service

from tests.kit import reference

SECRET = "canary-5Qm2v7Xk9rT4"
"""The secret of every system here: odd enough to be nowhere by chance."""

_PREFIX = "z"


class Systems:
    """Services that are started when first asked for."""

    def __init__(self) -> None:
        self._services: dict[tuple[DataKind, object], Service] = {}
        self._runs = 0

    def name(self) -> str:
        """Return what the streams of one more run begin with."""
        self._runs += 1
        return f"{_PREFIX}{self._runs}"

    def service(
        self,
        kind: DataKind,
        *,
        change: Callable[[type[ProviderHarness]], type[ProviderHarness]] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> Service:
        """Return the started service of a kind.

        Args:
            kind: The kind of data.
            change: Makes another harness from the reference's; it gets a system of its own.
            params: Parameters that the harness gives besides its own.
        """
        key = (kind, change)
        service = self._services.get(key)
        if service is None:
            made = reference.harness(kind)
            service = Service((change(made) if change else made)(SECRET))
            service.start()
            self._services[key] = service
        if params:
            service = copy.copy(service)
            service.harness = _WithParams(service.harness, params)
        return service

    def tidy(self) -> None:
        """Empty every system, and stop those to which somebody has left a connection open: nobody else is to suffer for it."""
        gc.collect()
        for key, service in list(self._services.items()):
            service.call(service.harness.sweep(service.direct, _PREFIX))
            if service.proxy is not None and service.proxy.open:
                del self._services[key]
                service.stop()

    def stop(self) -> None:
        """Stop all systems."""
        for service in self._services.values():
            service.stop()
        self._services.clear()


class _WithParams(ProviderHarness):
    """Another harness with more parameters."""

    def __init__(self, inner: ProviderHarness, more: Mapping[str, object]) -> None:
        super().__init__(inner.secret)
        self._inner = inner
        self._more = dict(more)
        # What the kit reads from the class is the inner one's.
        self.kind = inner.kind  # type: ignore[misc]
        self.evidence = inner.evidence  # type: ignore[misc]
        self.server = inner.server  # type: ignore[misc]

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        return self._inner.credentials(endpoint, secret)

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        return {**self._inner.params(endpoint, namespace), **self._more}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        await self._inner.seed(endpoint, namespace, items, schema)

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        return await self._inner.dump(endpoint, namespace)

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        await self._inner.remove(endpoint, namespace, items)

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        await self._inner.sweep(endpoint, prefix)

    def items(self, items: Sequence[Item]) -> list[Item]:
        return self._inner.items(items)
