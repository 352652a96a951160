"""What an author writes for the kit: how to reach the system, fill it and look into it without the provider.

A harness runs on a thread and an event loop of its own, so that nothing it does is taken for something the provider did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeAlias

from .._kind import DataKind
from .._schema import Schema
from ._outcome import Evidence

Item: TypeAlias = dict[str, object]
"""One item: its columns by name, as in the rows of a batch."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the system is.

    Args:
        host: Its address; None for a system without a server.
        port: Its port; None for a system without a server.
        details: Whatever else the harness needs to remember, such as a folder or a server's process.
    """

    host: str | None = None
    port: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    def at(self, host: str, port: int) -> "Endpoint":
        """Return the same system behind another address, such as that of the kit's fault proxy."""
        return replace(self, host=host, port=port)


class ProviderHarness:
    """The base of an author's harness. Override the six coroutines and methods that raise; the rest has defaults.

    Args:
        secret: The canary: the secret that the system must accept, and that must turn up nowhere.
    """

    evidence: ClassVar[Evidence] = Evidence.FAKE
    """What the provider runs against."""
    server: ClassVar[str] = ""
    """Name and version of that server, for the report."""
    kind: ClassVar[DataKind | None] = None
    """Which kind of data to check; None means the manifest's first."""
    shared: ClassVar[bool] = True
    """Whether another process that connects in the same way finds the same data; not so where all is in memory."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    async def start(self) -> Endpoint:
        """Start the system, or find it, and say where it is. Called once, before all else."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop what `start` started."""

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """Return the fields of the credentials. They must hold `secret`, which is a wrong one in some checks."""
        return {}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return the fields of the parameters that read and write the stream `namespace` at that endpoint.

        Leave out what the category's parameters have a default for: the kit adds `batch_rows`, `mode` and the like.
        """
        raise NotImplementedError

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Make the stream `namespace` hold these items and no others, without the provider. No items: it is there, empty.

        Called again for a stream that is there, it adds: items with a key that is there take that item's place.
        """
        raise NotImplementedError

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return all items of the stream, without the provider; none when it is not there."""
        raise NotImplementedError

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete these items from the stream, without the provider."""
        raise NotImplementedError

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Delete every stream whose name begins with `prefix`."""

    def encrypted(self, endpoint: Endpoint) -> Mapping[str, object]:
        """Return the parameters that turn encryption on, and nothing else; the default says that it is always on.

        They must leave the verification of the server as it is by default.
        """
        return {}

    async def fault(self, endpoint: Endpoint, kind: str) -> bool:
        """Make the system misbehave from now on, and say whether it can; the kind `none` ends it.

        `repeat_token`: whoever asks for a further page by its token gets the first one again.
        """
        return False

    def items(self, items: Sequence[Item]) -> list[Item]:
        """Return the kit's items as this system can hold them; the default leaves them as they are.

        For a system whose items must have a certain form, such as a queue whose subjects begin with the stream's name.
        """
        return [dict(item) for item in items]
