"""JSON Schema 2020-12 as Pydantic writes it, walked through without a library: its inner schemas, its references, its defects."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def nodes(schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every schema inside a schema, with its place."""
    yield where, schema
    for word in ("properties", "$defs"):
        for name, inner in (schema.get(word) or {}).items():
            if isinstance(inner, dict):
                yield from nodes(inner, f"{where}.{name}")
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for number, inner in enumerate(schema.get(word) or ()):
            if isinstance(inner, dict):
                yield from nodes(inner, f"{where}.{word}[{number}]")
    for word in ("items", "additionalProperties", "propertyNames"):
        inner = schema.get(word)
        if isinstance(inner, dict):
            yield from nodes(inner, f"{where}.{word}")


def defect(node: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what is wrong with one inner schema of `schema`; empty when nothing is."""
    type_ = node.get("type", [])
    unknown = {type_} - _TYPES if isinstance(type_, str) else set(type_) - _TYPES
    if unknown:
        return f"`{', '.join(sorted(unknown))}` is no type of JSON Schema"
    reference = node.get("$ref")
    if reference is not None and not resolved(node, schema):
        return f"`$ref` points at {reference}, which is not there"
    required, properties = node.get("required", []), node.get("properties", {})
    missing = [name for name in required if properties and name not in properties]
    if missing:
        return f"`required` names {', '.join(missing)}, which is no property"
    if "pattern" in node:
        try:
            re.compile(str(node["pattern"]))
        except re.error as err:
            return f"the pattern {node['pattern']!r} is none: {err}"
    low, high = node.get("minimum"), node.get("maximum")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        return f"no number is at least {low} and at most {high}"
    return ""


def resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a `$ref` points at, or the node itself; empty when it points nowhere."""
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Any = schema
    if not str(reference).startswith("#/"):
        return {}
    for part in str(reference)[2:].split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def choices(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schemas of which a value must meet one."""
    return [one for word in ("anyOf", "oneOf") for one in node.get(word) or () if isinstance(one, dict)]
