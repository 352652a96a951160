"""The JSON Schemas of both languages accept the same values, and the committed ones are those Rust exports."""

import json

import pytest
from jsonschema_rs import canonicalize
from jsonschema_rs.canonical import Containment

from tests.contract.export import FOLDER, exported, text
from tests.contract.inline import JsonSchema, inlined
from tests.contract.shapes import ADAPTERS, NAMES

COLUMN_TYPES = 23


def committed(name: str) -> JsonSchema:
    """Return the committed schema of a shape."""
    schema: JsonSchema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def mirrored(name: str) -> JsonSchema:
    """Return Pydantic's schema of a shape, without references."""
    schema = ADAPTERS[name].json_schema()
    field = schema.get("$defs", {}).get("Field")
    return inlined(schema, named={"ColumnType": field["properties"]["type"]} if field else None)


def test_schemas_cover_every_shape_of_both_languages() -> None:
    """No shape is exported, committed or mirrored alone."""
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert files == set(NAMES) == set(exported())


@pytest.mark.parametrize("name", NAMES)
def test_committed_schema_is_the_exported_one_byte_for_byte(name: str) -> None:
    """A change of a Rust shape shows in the diff of a committed file."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(exported()[name])


@pytest.mark.parametrize("name", NAMES)
def test_schemas_of_both_languages_cover_each_other(name: str) -> None:
    """What the one schema accepts the other accepts too, proven in both directions."""
    rust, python = canonicalize(inlined(committed(name))), canonicalize(mirrored(name))
    assert rust.covers(python) is Containment.YES
    assert python.covers(rust) is Containment.YES


def test_comparison_fails_when_one_side_is_wider() -> None:
    """The proof above is not vacuous: a bound loosened by one is found, on either side."""
    narrow = inlined(committed("RelationalParams"))
    wide = json.loads(json.dumps(narrow))
    wide["properties"]["batch_rows"]["maximum"] += 1
    assert canonicalize(wide).covers(canonicalize(narrow)) is Containment.YES
    assert canonicalize(narrow).covers(canonicalize(wide)) is not Containment.YES


def test_comparison_reaches_every_column_type() -> None:
    """The recursive union is compared branch by branch, and recursion is cut at the same places on both sides."""
    rust, python = (
        {branch["properties"]["name"]["const"]: branch for branch in _type_of_a_field(schema)["oneOf"]}
        for schema in (inlined(committed("Schema")), mirrored("Schema"))
    )
    assert set(rust) == set(python)
    assert len(rust) == COLUMN_TYPES
    for side in (rust, python):
        assert side["list"]["properties"]["item"] == {"const": "recursion into ColumnType"}
        assert side["struct"]["properties"]["fields"]["items"] == {"const": "recursion into Field"}


def _type_of_a_field(schema: JsonSchema) -> JsonSchema:
    union: JsonSchema = schema["properties"]["fields"]["items"]["properties"]["type"]
    return union
