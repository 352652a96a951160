"""Made-up providers with URI forms, so that URIs can be tested without any system."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from nvisy._copy._endpoint import Endpoint, endpoint
from nvisy.discovery import Discovery, Problem, ProviderInfo

from tests.discovery.wheels import manifest

TEXT = {"type": "string"}
TABLES = {
    "path": {**TEXT, "format": "path"},
    "table": {"anyOf": [TEXT, {"type": "null"}]},
    "key": {"type": "array", "items": TEXT},
    "columns": {"anyOf": [{"type": "array", "items": TEXT}, {"type": "null"}]},
    "filter": {"type": "array", "items": {"$ref": "#/$defs/Condition"}},
    "batch_rows": {"type": "integer"},
    "wait": {"type": "number"},
    "create": {"type": "boolean"},
    "mode": {"anyOf": [{"$ref": "#/$defs/WriteMode"}, {"type": "null"}]},
}
DEFINITIONS = {
    "Condition": {"type": "object", "properties": {"column": TEXT}},
    "WriteMode": {"enum": ["append", "upsert", "replace"], "type": "string"},
}
PASSWORD = {"type": "string", "format": "password", "writeOnly": True}


def info(name: str, *, parts: Mapping[str, str], params: Mapping[str, object], **changes: object) -> ProviderInfo:
    """A provider with the scheme of its name."""
    schema = {"type": "object", "properties": dict(params), "$defs": DEFINITIONS}
    uri = {"schemes": [name], "parts": dict(parts)}
    text = manifest(name, **{"title": name.title(), "params": schema, "uri": uri, **changes})
    return ProviderInfo(name, f"acme-{name}", "1.0", f"acme_{name}:Provider", text, json.loads(text), 1)


def tables(name: str = "tables", **changes: object) -> ProviderInfo:
    """A local file of tables."""
    return info(name, parts={"path": "path"}, params=TABLES, **changes)


def server() -> ProviderInfo:
    """A server of tables with users."""
    credentials = {"type": "object", "properties": {"user": TEXT, "password": PASSWORD}}
    parts = {"host": "host", "port": "port", "username": "user", "password": "password", "path": "path"}
    params = {**TABLES, "host": TEXT, "port": {"type": "integer"}}
    return info("server", parts=parts, params=params, credentials=credentials, credential_shape="password")


def objects() -> ProviderInfo:
    """A folder of objects."""
    params = {"root": {**TEXT, "format": "path"}, "prefix": TEXT, "glob": {"anyOf": [TEXT, {"type": "null"}]}}
    changes = {"category": "object", "kinds": ["object"], "modes": ["upsert", "replace"]}
    return info("objects", parts={"absolute_path": "root"}, params={**params, "mode": TABLES["mode"]}, **changes)


ALL = (tables(), server(), objects())


def discovery(*providers: ProviderInfo, problems: Sequence[Problem] = ()) -> Discovery:
    """What is installed."""
    return Discovery(providers or ALL, tuple(problems))


def end(text: str, *, role: str = "source", found: Discovery | None = None) -> Endpoint:
    """One end of a copy; relative paths start at /base."""
    return endpoint(text, role=role, discovery=found or discovery(), base=Path("/base"))
