"""SQLite as a source and a sink: tables in the order of a unique key, written exactly once."""

from nvisy_sdk import Category, ContextKind, DataKind, Manifest, UriForm, UriPart, WriteMode, describe_provider

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
    )
