"""The files of a local folder as objects: read in the order of their names, written whole or not at all."""

from nvisy_sdk import (
    Ability,
    Capability,
    Category,
    ContextKind,
    DataKind,
    Feature,
    Manifest,
    UriForm,
    UriPart,
    WriteMode,
    describe_provider,
)

from .config import Credentials, Params
from .reader import Reader
from .writer import Writer

__version__ = "0.1.0"
__all__ = ["Credentials", "Params", "Provider", "manifest"]


class Provider(Reader, Writer):
    """One open session with a folder."""


def manifest() -> Manifest:
    """Describe the provider."""
    return describe_provider(
        Provider,
        name="files",
        title="Local files",
        category=Category.OBJECT,
        kinds=(DataKind.OBJECT,),
        contexts=(ContextKind.MARKER,),
        modes=(WriteMode.APPEND, WriteMode.UPSERT, WriteMode.REPLACE),
        uri=UriForm(schemes=("file",), parts={UriPart.ABSOLUTE_PATH: "root"}),
        mechanisms={
            Ability.WRITE: "a file keeps its bytes and name; content_type follows from the name, modified_at is the time of "
            "writing, and an object with metadata is rejected",
            Ability.STAGED: "each file changes at once, but a folder has no transaction: while `publish` renames, a reader "
            "sees new files beside old ones",
        },
        features={
            Feature.ENDPOINT: Capability.unsupported("a folder has no server"),
            Feature.TLS: Capability.unsupported("there is no connection to encrypt"),
            Feature.SNAPSHOT: Capability.unsupported("each file is read as it is when its turn comes"),
            Feature.UPDATES: Capability.unsupported("a file that changes behind the position is not read again"),
            Feature.DELETES: Capability.unsupported("a file that is deleted leaves nothing to read"),
            Feature.ATOMIC: Capability.unsupported("a folder has no transaction"),
            Feature.METADATA: Capability.unsupported("a file has no metadata"),
        },
    )
