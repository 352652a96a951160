"""Every mirrored shape by its name, and the judgement of each language on a JSON text."""

from typing import Final

import nvisy_sdk
from nvisy._core import validate
from pydantic import TypeAdapter, ValidationError

NAMES: Final = (
    "Category",
    "Context",
    "CredentialShape",
    "DataKind",
    "DocumentParams",
    "ErrorKind",
    "GraphParams",
    "KeyPairCredentials",
    "Manifest",
    "Mark",
    "NoCredentials",
    "ObjectParams",
    "PasswordCredentials",
    "Prepare",
    "QueueParams",
    "Receipt",
    "RelationalParams",
    "Schema",
    "SearchParams",
    "StreamInfo",
    "TokenCredentials",
    "TypedValue",
    "VectorParams",
    "WriteMode",
)
SECRET: Final = frozenset({"KeyPairCredentials", "NoCredentials", "PasswordCredentials", "TokenCredentials"})
"""Shapes whose text Rust never writes: it answers `null` for them."""

ADAPTERS: Final[dict[str, TypeAdapter[object]]] = {name: TypeAdapter(getattr(nvisy_sdk, name)) for name in NAMES}


def python_judges(name: str, text: str) -> str | None:
    """Return the canonical text by Pydantic; None when it is refused."""
    adapter = ADAPTERS[name]
    try:
        value = adapter.validate_json(text)
    except ValidationError:
        return None
    return "null" if name in SECRET else adapter.dump_json(value).decode()


def rust_judges(name: str, text: str) -> str | None:
    """Return the canonical text by serde; None when it is refused."""
    try:
        return validate(name, text)
    except ValueError:
        return None
