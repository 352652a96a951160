"""For the conformance kit: the memory provider's own store, filled and looked into beside the provider."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, Evidence, Item, ProviderHarness
from nvisy_sdk.memory import Table, forget, store

_STORE = "conformance"


class Harness(ProviderHarness):
    """One named store for the whole run; a stream is a table with `id` as its key."""

    evidence: ClassVar[Evidence] = Evidence.CONTAINER
    server: ClassVar[str] = "this process"
    shared: ClassVar[bool] = False

    async def start(self) -> Endpoint:
        """Nothing to start: a store is there when it is asked for."""
        return Endpoint()

    async def stop(self) -> None:
        """Drop the store."""
        forget(_STORE)

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """A table of the store."""
        return {"store": _STORE, "table": namespace}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Put the items into the table."""
        with store(_STORE).lock:
            table = store(_STORE).tables.setdefault(namespace, Table(key=("id",), schema=schema))
            for item in items:
                table.put(dict(item))

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return a copy of the table's rows."""
        return store(_STORE).rows(namespace)

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Put a table in place of the old one that holds the others."""
        gone = {item["id"] for item in items}
        with store(_STORE).lock:
            old = store(_STORE).tables[namespace]
            left = [row for row in old.rows if row["id"] not in gone]
            store(_STORE).put(namespace, left, key=old.key, schema=old.schema)

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Drop the tables of that prefix."""
        with store(_STORE).lock:
            for name in [name for name in store(_STORE).tables if name.startswith(prefix)]:
                del store(_STORE).tables[name]
