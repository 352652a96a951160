"""A JSON Schema without references, so that two of them can be compared.

`jsonschema_rs` proves containment of plain schemas; where a union is behind a reference it answers "unknown". A reference back
to a definition that is being written out becomes one opaque constant, the same on both sides. That is a proof by
induction: both sides accept the same at this level if they do one level deeper, and there they refer to the same thing.
"""

from typing import Any

JsonSchema = dict[str, Any]

_REMARKS = ("$defs", "$schema", "default", "description", "discriminator", "examples", "title", "writeOnly")


def inlined(schema: JsonSchema, *, named: dict[str, JsonSchema] | None = None) -> JsonSchema:
    """Return the schema with references written out and remarks removed.

    Args:
        schema: A schema whose references are all of the form `#/$defs/Name`.
        named: Subschemas that count as references to a definition of that name wherever they stand: Pydantic writes
            a union out at each place, Rust gives it a name.
    """
    written: JsonSchema = _Inliner(schema.get("$defs", {}), named or {}).write(schema, ())
    return written


class _Inliner:
    def __init__(self, definitions: dict[str, JsonSchema], named: dict[str, JsonSchema]) -> None:
        self.definitions = definitions
        self.named = named

    def write(self, node: Any, open_: tuple[str, ...]) -> Any:
        """Return the node written out, inside the definitions that are `open_`."""
        if isinstance(node, list):
            return [self.write(item, open_) for item in node]
        if not isinstance(node, dict):
            return node
        for name, union in self.named.items():
            if node.get("oneOf") == union["oneOf"]:
                return self._enter(name, {"oneOf": union["oneOf"]}, open_)
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            return self._enter(name, self.definitions[name], open_)
        return {key: self._keyword(key, value, open_) for key, value in node.items() if key not in _REMARKS}

    def _keyword(self, key: str, value: Any, open_: tuple[str, ...]) -> Any:
        if key == "properties":  # here the keys are names of fields, and a field may be called `title`
            return {name: self.write(field, open_) for name, field in value.items()}
        return self.write(value, open_)

    def _enter(self, name: str, body: JsonSchema, open_: tuple[str, ...]) -> Any:
        if name in open_:
            return {"const": f"recursion into {name}"}
        if name in self.named:
            return {key: self._keyword(key, value, (*open_, name)) for key, value in body.items()}
        return self.write(body, (*open_, name))
