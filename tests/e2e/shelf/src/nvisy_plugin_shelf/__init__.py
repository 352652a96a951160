"""Tables as JSON files in a folder: a small third-party provider that reads, upserts and asks for a token."""

from nvisy_sdk import Category, ContextKind, DataKind, Manifest, WriteMode, describe_provider

from .reader import Reader
from .writer import Writer


class Provider(Reader, Writer):
    """One open shelf."""


def manifest() -> Manifest:
    """Describe the provider."""
    return describe_provider(
        Provider,
        name="shelf",
        title="Shelf",
        category=Category.RELATIONAL,
        kinds=[DataKind.RECORD],
        contexts=[ContextKind.KEYSET],
        modes=[WriteMode.UPSERT],
    )


__all__ = ["Provider", "manifest"]
