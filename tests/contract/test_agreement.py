"""Both languages agree on every text: hypothesis looks for one that the one accepts and the other refuses or rewrites.

Two things are left out, because JSON itself does not settle them: `-0` where a whole number is wanted (serde reads a
double, Pydantic the integer 0; neither language writes it) and nesting deeper than 100 levels (each parser has a limit of its own).
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.export import FOLDER
from tests.contract.generate import EDGES, changed, one_change_away, values
from tests.contract.shapes import NAMES, python_judges, rust_judges
from tests.contract.vectors import vectors

SCHEMAS = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}

thorough = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", NAMES)
@thorough
@given(data=st.data())
def test_languages_write_the_same_bytes_when_the_schema_accepts(name: str, data: st.DataObject) -> None:
    """What the committed schema accepts, both languages accept and write alike, and the canonical text is a fixed point.

    A decimal with more digits after the point than in all is the one thing the schema cannot say; both refuse it.
    """
    value = data.draw(values(SCHEMAS[name]))
    text = json.dumps(value, ensure_ascii=False)
    rust = rust_judges(name, text)
    assert python_judges(name, text) == rust
    if rust is None:
        assert _has_impossible_decimal(value)
    elif rust != "null":
        assert rust_judges(name, rust) == rust


@pytest.mark.parametrize("name", NAMES)
@thorough
@given(data=st.data())
def test_languages_judge_alike_when_a_value_was_changed(name: str, data: st.DataObject) -> None:
    """After changes anywhere in a value, both languages refuse it or both write the same text."""
    text = json.dumps(data.draw(changed(SCHEMAS[name])), ensure_ascii=data.draw(st.booleans()))
    assert python_judges(name, text) == rust_judges(name, text)


@pytest.mark.parametrize("name", NAMES)
def test_languages_judge_alike_when_any_one_place_of_a_vector_was_changed(name: str) -> None:
    """Every place of every valid vector takes every edge value, is left out, and gets a neighbour it does not know."""
    differ, judged = [], 0
    for vector in (vector for vector in vectors("valid") if vector.shape == name):
        for value in one_change_away(json.loads(vector.text)):
            text = json.dumps(value, ensure_ascii=False)
            judged += 1
            if python_judges(name, text) != rust_judges(name, text):
                differ.append(text)
    assert not differ
    assert judged > len(EDGES)


@given(text=st.text(st.characters(codec="utf-8"), max_size=30), name=st.sampled_from(NAMES))
def test_languages_judge_alike_when_the_text_is_no_json(text: str, name: str) -> None:
    """Arbitrary text is refused by both, or is JSON to both."""
    assert python_judges(name, text) == rust_judges(name, text)


def _has_impossible_decimal(value: Any) -> bool:
    match value:
        case {"name": "decimal", "precision": int() as precision, "scale": int() as scale}:
            return scale > precision
        case dict():
            return any(_has_impossible_decimal(inner) for inner in value.values())
        case list():
            return any(_has_impossible_decimal(inner) for inner in value)
        case _:
            return False
