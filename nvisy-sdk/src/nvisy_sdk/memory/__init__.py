"""The reference provider: tables that live in this process. Read it before writing your own; it has the same five files.

`store(name)` is the system the provider talks to, for those who fill it and look into it from outside. Nothing survives the
process.
"""

from typing import Self

from nvisy_sdk import (
    Capability,
    Category,
    ContextKind,
    DataKind,
    Feature,
    Manifest,
    NoCredentials,
    WriteMode,
    describe_provider,
)

from .client import Store, Table, forget, store
from .config import Params
from .reader import Reader
from .writer import Writer

__all__ = [
    "Params",
    "Provider",
    "Store",
    "Table",
    "forget",
    "manifest",
    "store",
]


class Provider(Reader, Writer):
    """One session over the table that the parameters name."""

    @classmethod
    async def connect(cls, credentials: NoCredentials, params: Params) -> Self:
        """Open a session. There is nothing to reach, so it cannot fail."""
        return cls(params)

    async def disconnect(self) -> None:
        """Close the session; the store keeps its tables."""
        self.closed = True


def manifest() -> Manifest:
    """Return what `nvisy_provider.json` says."""
    return describe_provider(
        Provider,
        name="memory",
        title="In-memory tables",
        category=Category.RELATIONAL,
        kinds=(DataKind.RECORD,),
        contexts=(ContextKind.KEYSET, ContextKind.OFFSET),
        modes=(WriteMode.APPEND, WriteMode.UPSERT, WriteMode.REPLACE),
        features={
            Feature.ENDPOINT: Capability.unsupported("the tables are in this process"),
            Feature.TLS: Capability.unsupported("there is no connection to encrypt"),
            Feature.UPDATES: Capability.unsupported("a row that changes behind the position is not read again"),
            Feature.DELETES: Capability.unsupported("a row that is deleted leaves nothing to read"),
        },
    )
