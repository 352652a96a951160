"""Text from a URI to the value that a JSON Schema asks for.

It only chooses a type; whether the value is allowed is judged by the engine, with all other problems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

__all__ = ["alternatives", "coerce", "is_path", "is_secret"]

Schema = Mapping[str, object]

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def coerce(texts: Sequence[str], schema: Schema, root: Schema) -> object:
    """The value that `texts`, all given under one name, stand for.

    Args:
        texts: One text, or several for a list.
        schema: The property's schema.
        root: The schema it is a part of; its ``$defs`` are looked into.

    Raises:
        ValueError: If no alternative of the schema fits; the text completes "it is ...".
    """
    reasons: list[str] = []
    options = alternatives(schema, root)
    # Text fits everything, so it comes last.
    for option in sorted(options, key=lambda option: _type(option) == "string"):
        try:
            return _value(texts, option, root)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError(" and ".join(dict.fromkeys(reasons)) or "nothing the parameter can hold")


def alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """The schemas that `schema` lets a value choose from, without null."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = root.get("$defs")
        target = definitions.get(reference.removeprefix("#/$defs/")) if isinstance(definitions, Mapping) else None
        return alternatives(target, root) if isinstance(target, Mapping) else [{}]
    for word in ("anyOf", "oneOf", "allOf"):
        options = schema.get(word)
        if isinstance(options, list):
            return [inner for option in options for inner in alternatives(option, root) if _type(inner) != "null"]
    types = schema.get("type")
    if isinstance(types, list):
        return [{**schema, "type": name} for name in types if name != "null"]
    return [schema]


def is_path(schema: Schema, root: Schema) -> bool:
    """Whether the value is a path of this machine."""
    return any(option.get("format") in ("path", "file-path", "directory-path") for option in alternatives(schema, root))


def is_secret(schema: Schema, root: Schema) -> bool:
    """Whether the value must not be shown."""
    return schema.get("writeOnly") is True or any(o.get("writeOnly") is True for o in alternatives(schema, root))


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    return kind if isinstance(kind, str) else "string"


def _value(texts: Sequence[str], schema: Schema, root: Schema) -> object:
    kind = _type(schema)
    if kind == "array":
        return _list(texts, schema, root)
    if len(texts) != 1:
        raise ValueError("given more than once")
    text = texts[0]
    match kind:
        case "boolean":
            if text.lower() in _WORDS:
                return _WORDS[text.lower()]
            raise ValueError("neither true nor false")
        case "integer":
            return _number(text, int, "not a whole number")
        case "number":
            return _number(text, float, "not a number")
        case "object":
            return _object(text)
        case _:
            return _text(text, schema)


def _number(text: str, make: type[int] | type[float], reason: str) -> int | float:
    try:
        return make(text)
    except ValueError:
        raise ValueError(reason) from None


def _text(text: str, schema: Schema) -> str:
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(allowed, list) and text not in allowed:
        raise ValueError(f"not one of {', '.join(str(item) for item in allowed)}")
    return text


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('not a JSON object such as {"a": "int64"}')
    return value


def _list(texts: Sequence[str], schema: Schema, root: Schema) -> list[object]:
    items = schema.get("items")
    item = items if isinstance(items, Mapping) else {}
    nested = all(_type(option) in ("object", "array") for option in alternatives(item, root))
    values: list[object] = []
    for text in texts:
        if nested or text.startswith("["):
            values.extend(_json_list(text))
        else:
            values.extend(coerce([part.strip()], item, root) for part in text.split(",") if part.strip())
    return values


def _json_list(text: str) -> list[object]:
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError("not a JSON list") from None
    return value if isinstance(value, list) else [value]
