"""How the conformance kit reaches the system, fills it and looks into it without the provider.

Today the system is the SDK's fake service. Change this file together with `client.py`: start the real server, or find it.
"""

from collections.abc import Mapping, Sequence

from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, Item, ProviderHarness
from nvisy_sdk.conformance.fake import FakeService


class Harness(ProviderHarness):
    """The fake service, in this process."""

    server = "fake service"

    async def start(self) -> Endpoint:
        """Start the service."""
        self.service = FakeService(secret=self.secret)
        await self.service.start()
        return Endpoint(self.service.host, self.service.port)

    async def stop(self) -> None:
        """Stop the service."""
        await self.service.stop()

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """Return what opens a session."""
        return {"token": secret}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return what names the table."""
        return {"host": endpoint.host, "port": endpoint.port, "table": namespace}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Put rows into the table; it is created when it is not there."""
        self.service.seed(namespace, items, schema, key=("id",))

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return the rows of the table."""
        return self.service.dump(namespace)

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete rows from the table."""
        self.service.remove(namespace, items)

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Drop every table whose name begins so."""
        self.service.sweep(prefix)
