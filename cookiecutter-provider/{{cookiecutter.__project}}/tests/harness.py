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
        self.service = FakeService({{ "" if cookiecutter.auth == "none" else "secret=self.secret" }})
        await self.service.start()
        return Endpoint(self.service.host, self.service.port)

    async def stop(self) -> None:
        """Stop the service."""
        await self.service.stop()

    def credentials(self, endpoint: Endpoint, secret: str) -> Mapping[str, object]:
        """Return what opens a session."""
{% if cookiecutter.auth == "token" %}
        return {"token": secret}
{% elif cookiecutter.auth == "password" %}
        return {"username": "reader", "password": secret}
{% elif cookiecutter.auth == "key_pair" %}
        return {"key_id": "key-1", "secret": secret}
{% else %}
        return {}
{% endif %}

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """Return what names the {{ cookiecutter.__thing }}."""
{% if cookiecutter.kind == "embedding" and cookiecutter.__writes %}
        return {"host": endpoint.host, "port": endpoint.port, "collection": namespace, "create": True}
{% else %}
        return {"host": endpoint.host, "port": endpoint.port, "{{ cookiecutter.__thing }}": namespace}
{% endif %}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Put {{ cookiecutter.__items }} into the {{ cookiecutter.__thing }}; it is created when it is not there."""
        self.service.seed(namespace, items, schema, key={{ cookiecutter.__key }}{{ "" if cookiecutter.kind == "record" else ", strict=False" }})

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return the {{ cookiecutter.__items }} of the {{ cookiecutter.__thing }}."""
        return self.service.dump(namespace)

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete {{ cookiecutter.__items }} from the {{ cookiecutter.__thing }}."""
        self.service.remove(namespace, items)

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Drop every {{ cookiecutter.__thing }} whose name begins so."""
        self.service.sweep(prefix)
