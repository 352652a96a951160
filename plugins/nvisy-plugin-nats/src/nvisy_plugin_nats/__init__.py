"""NATS JetStream as a source and a sink: messages in the order of their stream, acknowledged only after they are committed."""

import nvisy_sdk as sdk
from nvisy_sdk import Ability, CapabilityState, Feature, UriPart

from .config import HEADERS, MAX_PAYLOAD, NAMES, Credentials, Params
from .reader import Reader
from .writer import Writer

__version__ = "0.1.0"
__all__ = ["Credentials", "Params", "Provider", "manifest"]

_PARTIAL, _UNSUPPORTED = CapabilityState.PARTIAL, CapabilityState.UNSUPPORTED


class Provider(Reader, Writer):
    """One open session with a JetStream server."""


def manifest() -> sdk.Manifest:
    """Describe the provider."""
    return sdk.describe_provider(
        Provider,
        name="nats",
        title="NATS JetStream",
        category=sdk.Category.QUEUE,
        kinds=(sdk.DataKind.MESSAGE,),
        contexts=(sdk.ContextKind.OFFSET,),
        modes=(sdk.WriteMode.APPEND,),
        uri=sdk.UriForm(
            schemes=("nats",),
            parts={
                UriPart.PATH: "stream",
                UriPart.HOST: "host",
                UriPart.PORT: "port",
                UriPart.USERNAME: "username",
                UriPart.PASSWORD: "password",
            },
        ),
        limits={Ability.WRITE: {"max_item_bytes": MAX_PAYLOAD}},
        mechanisms={
            Ability.TRANSACTIONAL: "a stream has no transaction that could hold a batch and a mark",
            Ability.STAGED: "the messages of a stream cannot take the place of others all at once",
        },
        features={
            feature: sdk.Capability(state=state, mechanism=why)
            for feature, state, why in (
                (Feature.NAMES, _PARTIAL, NAMES),
                (
                    Feature.FILTER,
                    _PARTIAL,
                    "messages are chosen by their subject, with its wildcards, and by nothing else",
                ),
                (Feature.PROJECTION, _UNSUPPORTED, "a message is read whole"),
                (Feature.SNAPSHOT, _PARTIAL, "what the stream removes while it is read is not seen any more"),
                (Feature.UPDATES, _UNSUPPORTED, "a stored message never changes"),
                (Feature.DELETES, _UNSUPPORTED, "a stream does not tell which messages it removed"),
                (Feature.ATOMIC, _UNSUPPORTED, "each message of a batch is stored by itself"),
                (Feature.METADATA, _PARTIAL, HEADERS),
            )
        },
    )
