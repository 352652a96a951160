"""SQLite as a source and a sink: tables in the order of a unique key, written exactly once."""

from nvisy_sdk import (
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
    """One open session with a database file."""


def manifest() -> Manifest:
    """Describe the provider."""
    return describe_provider(
        Provider,
        name="sqlite",
        title="SQLite",
        category=Category.RELATIONAL,
        kinds=(DataKind.RECORD,),
        contexts=(ContextKind.KEYSET,),
        modes=(WriteMode.APPEND, WriteMode.UPSERT, WriteMode.REPLACE),
        uri=UriForm(schemes=("sqlite",), parts={UriPart.PATH: "path"}),
        features={
            Feature.ENDPOINT: Capability.unsupported("a database file has no server"),
            Feature.TLS: Capability.unsupported("there is no connection to encrypt"),
            Feature.SNAPSHOT: Capability.unsupported("each page is read as the table is then"),
            Feature.UPDATES: Capability.unsupported("a row that changes behind the position is not read again"),
            Feature.DELETES: Capability.unsupported("a row that is deleted leaves nothing to read"),
            Feature.UINT64: Capability.unsupported("SQLite's integers end at 2^63-1"),
            Feature.FLOAT: Capability.partial("-0.0 becomes 0.0"),
            Feature.NAN: Capability.unsupported("SQLite would store NaN as NULL"),
            Feature.VECTOR: Capability.unsupported("SQLite has no form for"),
            Feature.LIST: Capability.unsupported("SQLite has no form for"),
            Feature.STRUCT: Capability.unsupported("SQLite has no form for"),
        },
    )
