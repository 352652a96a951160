"""Chroma as a source and a sink: embeddings in the order of their ids, each with its document and its metadata."""

import nvisy_sdk as sdk
from nvisy_sdk import CapabilityState, Feature, UriPart, WriteMode

from .client import BATCH_ROWS, NAMES
from .config import Credentials, Params
from .reader import Reader
from .writer import SWAP, Writer

__version__ = "0.1.0"
__all__ = ["Credentials", "Params", "Provider", "manifest"]

_FEATURES = {
    CapabilityState.PARTIAL: {
        Feature.NAMES: NAMES,
        Feature.SNAPSHOT: "the ids are those of the moment the read begins, each item is as it is when its page is read",
        Feature.INCREMENTAL: "a new item is read by the next run only if its id sorts after the last one that was read",
        Feature.ATOMIC: f"a batch is written in requests of at most {BATCH_ROWS} items or 4 MiB, each whole or not at all",
        Feature.VECTOR: "in the space cosine, Chroma keeps unit vectors and lengths: the last bit of a number can change",
    },
    CapabilityState.UNSUPPORTED: {
        Feature.UPDATES: "Chroma does not record when an item was changed",
        Feature.DELETES: "Chroma does not record which items were deleted",
        Feature.NAN: "Chroma keeps finite numbers only",
    },
    CapabilityState.NOT_IMPLEMENTED: {
        Feature.FILTER: "the whole collection is read",
        Feature.PROJECTION: "all columns are read",
    },
}


class Provider(Reader, Writer):
    """One open session with a Chroma server or an embedded store."""


def manifest() -> sdk.Manifest:
    """Describe the provider."""
    return sdk.describe_provider(
        Provider,
        name="chroma",
        title="Chroma",
        category=sdk.Category.VECTOR,
        kinds=(sdk.DataKind.EMBEDDING,),
        contexts=(sdk.ContextKind.KEYSET,),
        modes=(WriteMode.APPEND, WriteMode.UPSERT, WriteMode.REPLACE),
        limits={sdk.Ability.WRITE: {"max_batch_rows": BATCH_ROWS}},
        mechanisms={sdk.Ability.TRANSACTIONAL: "Chroma has no transaction over two requests", sdk.Ability.STAGED: SWAP},
        features={
            feature: sdk.Capability(state=state, mechanism=why)
            for state, features in _FEATURES.items()
            for feature, why in features.items()
        },
        uri=sdk.UriForm(
            schemes=("chroma",), parts={UriPart.HOST: "host", UriPart.PORT: "port", UriPart.PATH: "collection"}
        ),
    )
