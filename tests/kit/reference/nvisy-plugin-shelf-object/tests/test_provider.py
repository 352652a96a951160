"""Examples of the provider at work. Whether it keeps its promises is the conformance kit's business; test your own here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from nvisy_plugin_shelf_object import Credentials, Params, Provider
from nvisy_sdk import AuthError, DataKind, Prepare
from nvisy_sdk.conformance import Endpoint, Item
from nvisy_sdk.testing import RowBatch, infer_schema, items

from .harness import Harness

ITEMS: list[Item] = [{"path": name, "data": name.encode(), "size": len(name)} for name in ("one", "three", "two")]


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
    """A session with the bucket `things`."""
    credentials = Credentials.model_validate(harness.credentials(endpoint, secret))
    params = Params.model_validate(harness.params(endpoint, "things"))
    provider = await Provider.connect(credentials, params)
    try:
        yield provider
    finally:
        await provider.disconnect()


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


def test_write_puts_every_item_there() -> None:
    """The receipt accepts what is there afterwards."""

    async def run() -> None:
        async with service() as (harness, endpoint), session(harness, endpoint) as provider:
            batch = RowBatch(ITEMS, kind=DataKind.OBJECT)
            await provider.prepare(Prepare(kind=batch.kind, schema=infer_schema(ITEMS), fresh=True))
            receipt = await provider.write(batch)
            assert receipt.accepted == len(await harness.dump(endpoint, "things")) == len(ITEMS)

    asyncio.run(run())


def test_connect_refuses_a_wrong_secret() -> None:
    """At once, and not at the first read."""

    async def run() -> None:
        async with service() as (harness, endpoint):
            with pytest.raises(AuthError, match="secret"):
                async with session(harness, endpoint, secret="another secret"):
                    pass

    asyncio.run(run())
