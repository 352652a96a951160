"""JSON values for hypothesis: values that a schema accepts, and values one change away from them.

Only what the committed schemas use is known here; another keyword is an error, so that none is ignored in silence.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st

JsonSchema = dict[str, Any]

_REMARKS: Final = {"$defs", "$schema", "default", "description", "format", "title", "writeOnly"}
_TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=8)
_FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
_DEEPEST: Final = 3

ANY: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _FLOATS | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)

# Values at the edges of types and bounds; each is wrong in most places and right in some.
EDGES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2, 38, 39, 255, 256, 65_535, 65_536, 268_435_457, 1_000_000, 1_000_001,
    2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 10**400,
    0.0, -0.0, 1.0, 0.5, 1e16, 1e300, 5e-324, "", "0", "1", "1.0", "true", "null", "append", "record", "\x00", "a\n", "é", "😀",
    [], [[]], [None], ["x"], {}, {"": None}, {"x": 1},
)  # fmt: skip


def values(schema: JsonSchema) -> st.SearchStrategy[Any]:
    """Return a strategy of values that the schema accepts."""
    return _Values(schema.get("$defs", {})).of(schema, 0)


@st.composite
def changed(draw: st.DrawFn, schema: JsonSchema) -> Any:
    """Draw a value that the schema accepts, with one to three changes anywhere in it."""
    value = [copy.deepcopy(draw(values(schema)))]
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(value))))
        others = [*_neighbours(holder[key]), draw(ANY)]
        if isinstance(holder, dict) and draw(st.integers(0, 3)) == 0:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(others)))
    return value[0]


def one_change_away(value: Any) -> Iterator[Any]:
    """Return every value that differs from this one in one place: an edge there, a field missing or one too many.

    The same list is changed and restored between the steps; use each value before the next.
    """
    root = [copy.deepcopy(value)]
    for holder, key in list(_places(root)):
        found = holder[key]
        for other in _neighbours(found):
            holder[key] = other
            yield root[0]
        holder[key] = found
        if isinstance(holder, dict):
            del holder[key]
            yield root[0]
            holder[key] = found


def _neighbours(found: Any) -> Iterator[Any]:
    yield from EDGES
    if isinstance(found, dict):
        yield {**found, "unknown": None}
        yield list(found.values())
    if isinstance(found, list):
        yield [*found, None]
        yield dict(enumerate(found))
    if isinstance(found, str):
        yield found + "\n"
        yield found.upper()
        yield {found: None}


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    items = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
    for key, value in items:
        yield holder, key
        yield from _places(value)


class _Values:
    def __init__(self, definitions: dict[str, JsonSchema]) -> None:
        self.definitions = definitions

    def of(self, schema: JsonSchema, depth: int) -> st.SearchStrategy[Any]:
        """Return values of one subschema; `depth` counts the references on the way to it."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            return st.deferred(lambda: self.of(self.definitions[name], depth + 1))
        if "const" in schema:
            return st.just(schema["const"])
        for union in ("oneOf", "anyOf"):
            if union in schema:
                branches = [branch for branch in schema[union] if depth < _DEEPEST or not _nested(branch)]
                return st.one_of([self.of(branch, depth) for branch in branches])
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return st.one_of([self._typed(kind, schema, depth) for kind in types])

    def _typed(self, kind: str, schema: JsonSchema, depth: int) -> st.SearchStrategy[Any]:
        match kind:
            case "null":
                return st.none()
            case "boolean":
                return st.booleans()
            case "integer":
                least, most = schema["minimum"], schema["maximum"]
                return st.integers(least, most) | st.sampled_from([least, most])
            case "number":
                return _FLOATS | st.integers(-(2**70), 2**70)
            case "string" if "pattern" in schema:
                return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
            case "string":
                return st.text(st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=12)
            case "array":
                return st.lists(self.of(schema["items"], depth), min_size=schema.get("minItems", 0), max_size=3)
            case "object":
                return self._object(schema, depth)
            case _:
                raise NotImplementedError(kind)

    def _object(self, schema: JsonSchema, depth: int) -> st.SearchStrategy[Any]:
        unknown = set(schema) - _REMARKS - {"type", "properties", "required", "additionalProperties", "propertyNames"}
        if unknown:
            raise NotImplementedError(f"the keywords {unknown} of a schema")
        fields = {name: self.of(field, depth) for name, field in schema.get("properties", {}).items()}
        required = schema.get("required", [])
        others = schema.get("additionalProperties", True)
        if others is not False and not fields:
            names = self.of(schema["propertyNames"], depth) if "propertyNames" in schema else _TEXT
            return st.dictionaries(names, ANY if others is True else self.of(others, depth), max_size=3)
        return st.fixed_dictionaries(
            {name: fields[name] for name in required},
            optional={name: field for name, field in fields.items() if name not in required},
        )


def _nested(branch: JsonSchema) -> bool:
    return '"$ref"' in repr(branch).replace("'", '"')
