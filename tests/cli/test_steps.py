"""The step options a URI may carry are those the engine's steps take, with the same types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nvisy
import pytest
from nvisy._copy._coerce import coerce
from nvisy._copy._steps import DECODE, ENCODE

DECODE_EXAMPLES = {
    "format": "csv",
    "compression": "gzip",
    "columns": '{"id": "int64"}',
    "header": "no",
    "delimiter": ";",
    "null": "NA,-",
    "batch_rows": "500",
}
ENCODE_EXAMPLES = {
    "format": "jsonl",
    "compression": "zstd",
    "rows": "1000",
    "bytes": "1000000",
    "name": "{ordinal}-rows",
    "level": "7",
}


def plan(tmp_path: Path, decode: Mapping[str, object], encode: Mapping[str, object]) -> dict[str, Any]:
    """The plan of a workflow with both steps."""
    folder = {"provider": "files", "params": {"root": str(tmp_path)}}
    workflow = {
        "version": 1,
        "name": "steps",
        "connections": {"source": folder, "target": folder},
        "nodes": [
            {"id": "read", "read": "source"},
            {"id": "decode", "transform": "decode", "params": decode},
            {"id": "encode", "transform": "encode", "params": encode},
            {"id": "write", "write": "target"},
        ],
    }
    return nvisy.plan(workflow, home=tmp_path / "home")


def values(texts: Mapping[str, str], table: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The examples as a URI would carry them."""
    return {name: coerce([text], table[name], {}) for name, text in texts.items()}


def test_every_option_is_accepted_by_the_engine(tmp_path: Path) -> None:
    """All names of both tables, with the types they are given."""
    assert (DECODE_EXAMPLES.keys(), ENCODE_EXAMPLES.keys()) == (DECODE.keys(), ENCODE.keys())
    found = plan(tmp_path, values(DECODE_EXAMPLES, DECODE), values(ENCODE_EXAMPLES, ENCODE))
    assert [edge["kind"] for edge in found["paths"][0]["edges"]] == ["object", "record", "object"]


@pytest.mark.parametrize("table", [DECODE, ENCODE])
@pytest.mark.parametrize("option", ["format", "compression"])
def test_engine_knows_the_same_words(tmp_path: Path, table: Mapping[str, Mapping[str, object]], option: str) -> None:
    """Every word a URI may have is one of the engine's, and the engine has no other."""
    words = table[option]["enum"]
    assert isinstance(words, list)
    for word in words:
        other = {option: word}
        plan(tmp_path, other if table is DECODE else {}, {"format": "jsonl", **(other if table is ENCODE else {})})
    with pytest.raises(nvisy.DefinitionError) as caught:
        wrong = {option: "no-such-word"}
        plan(tmp_path, wrong if table is DECODE else {}, {"format": "jsonl", **(wrong if table is ENCODE else {})})
    for word in words:
        assert f"`{word}`" in str(caught.value)
    assert str(caught.value).count("`") // 2 == len(words) + 2, "besides the words, the step and what was written"


def test_engine_takes_no_option_that_a_uri_cannot_carry(tmp_path: Path) -> None:
    """It lists its own when one is unknown."""
    with pytest.raises(nvisy.DefinitionError) as caught:
        plan(tmp_path, {"sideways": 1}, {"format": "csv", "sideways": 1})
    decode, encode = (problem.message for problem in caught.value.problems)
    for message, table in ((decode, DECODE), (encode, ENCODE)):
        listed = message.partition("expected")[2]
        assert {name for name in table if f"`{name}`" in listed} == set(table)
        assert listed.count("`") // 2 == len(table)
