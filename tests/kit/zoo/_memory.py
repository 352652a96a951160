"""The SDK's memory provider as a base of animals, and a harness for it: it stages, which the fake service does not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from nvisy_sdk import DataKind, Manifest, Schema
from nvisy_sdk.conformance import Endpoint, Item, ProviderHarness
from nvisy_sdk.memory import Provider, forget, manifest, store

__all__ = ["Harness", "Provider", "described", "harness"]

_numbers = itertools.count()


class Harness(ProviderHarness):
    """One named store for the run; a stream is a table with `id` as its key."""

    server = "none"
    kind = DataKind.RECORD

    async def start(self) -> Endpoint:
        """Name a store that nobody else uses."""
        self.name = f"kit{next(_numbers)}"
        return Endpoint()

    async def stop(self) -> None:
        """Forget the store."""
        forget(self.name)

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return what names the table."""
        return {"store": self.name, "table": namespace}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Add rows to the table; it is made when it is not there."""
        base = store(self.name)
        rows = {row["id"]: row for row in [*base.rows(namespace), *items]}
        names = [field.name for field in schema.fields]
        whole = [{name: row.get(name) for name in names} for row in rows.values()]
        base.put(namespace, whole, key=("id",), schema=schema)

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return the rows of the table."""
        return store(self.name).rows(namespace)

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete rows from the table."""
        base = store(self.name)
        gone = {item["id"] for item in items}
        table = base.tables[namespace]
        base.put(namespace, [row for row in table.rows if row["id"] not in gone], key=table.key, schema=table.schema)


def harness(base: type[ProviderHarness]) -> type[ProviderHarness]:
    """Return the memory provider's harness instead of the reference's."""
    return Harness


def described(base: Manifest) -> Manifest:
    """Return the memory provider's manifest instead of the reference's."""
    return manifest()
