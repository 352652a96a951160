"""Examples of the provider at work. Whether it keeps its promises is the conformance kit's business; test your own here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

{% if cookiecutter.auth != "none" %}
import pytest
{% endif %}
from {{ cookiecutter.__package }} import Credentials, Params, Provider
{% if cookiecutter.__writes %}
{% set kit = ["RowBatch"] %}
{% else %}
{% set kit = [] %}
{% endif %}
{% set kit = kit + ["infer_schema"] %}
{% if cookiecutter.__reads %}
{% set kit = kit + ["items"] %}
{% endif %}
{% set sdk = (["AuthError"] if cookiecutter.auth != "none" else []) + (["DataKind", "Prepare"] if cookiecutter.__writes else []) %}
{% if sdk %}
from nvisy_sdk import {{ sdk | join(", ") }}
{% endif %}
from nvisy_sdk.conformance import Endpoint, Item
from nvisy_sdk.testing import {{ kit | join(", ") }}

from .harness import Harness

{% if cookiecutter.kind == "record" %}
ITEMS: list[Item] = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}, {"id": 3, "name": None}]
{% elif cookiecutter.kind == "object" %}
ITEMS: list[Item] = [{"path": name, "data": name.encode(), "size": len(name)} for name in ("one", "three", "two")]
{% elif cookiecutter.kind == "embedding" %}
ITEMS: list[Item] = [{"id": name, "vector": [0.5, len(name) / 4]} for name in ("one", "three", "two")]
{% elif cookiecutter.kind == "document" %}
ITEMS: list[Item] = [{"id": name, "content": {"name": name}} for name in ("one", "three", "two")]
{% elif cookiecutter.kind == "message" %}
ITEMS: list[Item] = [{"id": name, "payload": name.encode()} for name in ("one", "three", "two")]
{% else %}
ITEMS: list[Item] = [{"element": "node", "id": name, "labels": ["Thing"]} for name in ("one", "three", "two")]
{% endif %}


@asynccontextmanager
async def service() -> AsyncIterator[tuple[Harness, Endpoint]]:
    """The system, started for one test."""
    harness = Harness("a secret")
    endpoint = await harness.start()
    try:
        yield harness, endpoint
    finally:
        await harness.stop()


@asynccontextmanager
async def session(harness: Harness, endpoint: Endpoint, *, secret: str = "a secret") -> AsyncIterator[Provider]:
    """A session with the {{ cookiecutter.__thing }} `things`."""
    credentials = Credentials.model_validate(harness.credentials(endpoint, secret))
    params = Params.model_validate(harness.params(endpoint, "things"))
    provider = await Provider.connect(credentials, params)
    try:
        yield provider
    finally:
        await provider.disconnect()
{% if cookiecutter.__reads %}


def test_read_goes_on_after_any_item() -> None:
    """Reading from the context of an item yields the items after it."""

    async def run() -> None:
        async with service() as (harness, endpoint):
            await harness.seed(endpoint, "things", ITEMS, infer_schema(ITEMS))
            async with session(harness, endpoint) as provider:
                whole = await items(provider.read(None))
                assert len(whole) == len(ITEMS)
                for place, (_, context) in enumerate(whole):
                    rest = await items(provider.read(context))
                    assert [item for item, _ in rest] == [item for item, _ in whole[place + 1 :]]

    asyncio.run(run())
{% endif %}
{% if cookiecutter.__writes %}


def test_write_puts_every_item_there() -> None:
    """The receipt accepts what is there afterwards."""

    async def run() -> None:
        async with service() as (harness, endpoint), session(harness, endpoint) as provider:
            batch = RowBatch(ITEMS, kind=DataKind.{{ cookiecutter.kind | upper }})
            await provider.prepare(Prepare(kind=batch.kind, schema=infer_schema(ITEMS), fresh=True))
            receipt = await provider.write(batch)
            assert receipt.accepted == len(await harness.dump(endpoint, "things")) == len(ITEMS)

    asyncio.run(run())
{% endif %}


{% if cookiecutter.auth == "none" %}
def test_connect_finds_the_service() -> None:
    """A session that is open answers."""

    async def run() -> None:
        async with service() as (harness, endpoint), session(harness, endpoint) as provider:
            await provider.check()

    asyncio.run(run())
{% else %}
def test_connect_refuses_a_wrong_secret() -> None:
    """At once, and not at the first read."""

    async def run() -> None:
        async with service() as (harness, endpoint):
            with pytest.raises(AuthError, match="secret"):
                async with session(harness, endpoint, secret="another secret"):
                    pass

    asyncio.run(run())
{% endif %}
