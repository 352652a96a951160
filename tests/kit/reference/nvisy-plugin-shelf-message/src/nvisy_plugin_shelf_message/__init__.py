"""Shelf message as a source and a sink of Nvisy."""

import nvisy_sdk as sdk

from .config import Credentials, Params
from .reader import Reader
from .writer import Writer

__version__ = "0.1.0"
__all__ = ["Credentials", "Params", "Provider", "manifest"]


class Provider(Reader, Writer):
    """One open session with a stream."""


def manifest() -> sdk.Manifest:
    """Describe the provider: what it can do, and what it cannot promise, with the reason."""
    return sdk.describe_provider(
        Provider,
        name="shelf_message",
        title="Shelf message",
        category=sdk.Category.QUEUE,
        kinds=(sdk.DataKind.MESSAGE,),
        contexts=(sdk.ContextKind.OFFSET,),
        modes=(sdk.WriteMode.APPEND,),
        features={
            sdk.Feature.TLS: sdk.Capability.unsupported("the fake service has no TLS"),
            sdk.Feature.PROJECTION: sdk.Capability.unsupported("items are read whole"),
            sdk.Feature.SNAPSHOT: sdk.Capability.unsupported("each page shows what is there when it is asked for"),
            sdk.Feature.UPDATES: sdk.Capability.unsupported("what changes before the position is not read again"),
            sdk.Feature.DELETES: sdk.Capability.unsupported("what is deleted leaves nothing to read"),
        },
    )
