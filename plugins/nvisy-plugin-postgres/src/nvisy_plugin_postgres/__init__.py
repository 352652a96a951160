"""PostgreSQL as a source and a sink: tables in the order of a unique key, by binary COPY, written exactly once."""

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
    """One open session with a database."""


def manifest() -> Manifest:
    """Describe the provider."""
    return describe_provider(
        Provider,
        name="postgres",
        title="PostgreSQL",
        category=Category.RELATIONAL,
        kinds=(DataKind.RECORD,),
        contexts=(ContextKind.KEYSET,),
        modes=(WriteMode.APPEND, WriteMode.UPSERT, WriteMode.REPLACE),
        uri=UriForm(
            schemes=("postgresql", "postgres"),
            parts={
                UriPart.PATH: "database",
                UriPart.HOST: "host",
                UriPart.PORT: "port",
                UriPart.USERNAME: "username",
                UriPart.PASSWORD: "password",
            },
        ),
        features={
            Feature.NAMES: Capability.partial("a table's or column's name has at most 63 bytes and no NUL"),
            Feature.UPDATES: Capability.unsupported("a row that changes behind the position is not read again"),
            Feature.DELETES: Capability.unsupported("a row that is deleted leaves nothing to read"),
            Feature.UINT64: Capability.unsupported("out of the range of its column's integer type"),
            Feature.NUL: Capability.unsupported("a NUL, which PostgreSQL's text cannot hold"),
            Feature.JSON: Capability.partial("jsonb keeps numbers as decimals: 1e5 becomes 100000, -0.0 becomes 0.0"),
            Feature.STRUCT: Capability.partial("jsonb keeps them, and they come back as json"),
        },
    )
