"""Two ends to the workflow of a copy."""

from __future__ import annotations

from typing import Any

import pytest
from nvisy import DefinitionError
from nvisy._copy._definition import Copy, Start, StreamInfo, compose

from tests.cli.ends import discovery, end, info, server, tables

KEYED = StreamInfo(name="t", key=("id",), columns=("id", "name"))
UNKEYED = StreamInfo(name="t", columns=("id", "name"))


def composed(source: str, target: str, stream: StreamInfo = KEYED, *, start: Start = "resume_or_full") -> Copy:
    """The copy of that pair."""
    return compose(end(source), end(target, role="target"), stream, start=start)


def nodes(copy: Copy) -> dict[str, dict[str, Any]]:
    """The nodes by id."""
    listed = copy.definition["nodes"]
    assert isinstance(listed, list)
    return {node["id"]: node for node in listed}


def test_keyed_stream_is_upserted_under_its_own_name() -> None:
    """Table and key are the source's; rows with a key are upserted."""
    found = nodes(composed("tables:///a?table=t", "tables:///b"))
    assert found["read"]["params"] == {"path": "/base/a", "table": "t", "key": ["id"]}
    assert found["write"]["params"] == {"path": "/base/b", "table": "t", "key": ["id"], "mode": "upsert"}
    assert list(found) == ["read", "write"]


def test_target_uri_wins_over_the_source() -> None:
    """What the target URI says stays."""
    params = nodes(composed("tables:///a?table=t", "tables:///b?table=u&key=name&mode=append"))["write"]["params"]
    assert params == {"path": "/base/b", "table": "u", "key": ["name"], "mode": "append"}


def test_stream_without_key_is_replaced() -> None:
    """A full copy of rows without a key takes the place of the last one."""
    assert nodes(composed("tables:///a?table=t", "tables:///b", UNKEYED))["write"]["params"]["mode"] == "replace"


def test_stream_without_key_is_continued_only_where_it_is_appended() -> None:
    """A replacement is always whole; a target that only grows is asked for."""
    with pytest.raises(DefinitionError, match="cannot be done incrementally") as caught:
        composed("tables:///a?table=t", "tables:///b", UNKEYED, start="continue")
    assert "mode=append" in (caught.value.problems[0].hint or "")
    found = composed("tables:///a?table=t", "tables:///b?mode=append", UNKEYED, start="continue")
    assert nodes(found)["write"]["params"]["mode"] == "append"


def test_full_copies_that_can_only_append_are_warned_of() -> None:
    """A target that can neither upsert without a key nor replace gets every row again."""
    log = tables("log", modes=["append"])
    target = end("log:///b", role="target", found=discovery(log))
    found = compose(end("tables:///a?table=t"), target, UNKEYED, start="resume_or_full")
    assert [(note.code, note.severity) for note in found.notes] == [("appends", "warning")]


def test_key_whose_column_is_not_copied_is_no_key() -> None:
    """A selection of columns without the key's cannot be upserted."""
    params = nodes(composed("tables:///a?table=t&columns=name", "tables:///b"))["write"]["params"]
    assert "key" not in params
    assert params["mode"] == "replace"


def test_objects_to_records_are_decoded() -> None:
    """By the extension, unless the source URI says otherwise."""
    found = nodes(composed("objects:///data/flights.csv?delimiter=;", "tables:///b", StreamInfo()))
    assert found["decode"] == {"id": "decode", "transform": "decode", "params": {"delimiter": ";"}}
    assert found["write"]["params"]["table"] == "flights"


def test_records_to_objects_are_encoded() -> None:
    """As the target URI says."""
    found = nodes(composed("tables:///a?table=t", "objects:///out?format=jsonl&compression=zstd"))
    assert list(found) == ["read", "encode", "write"]
    assert found["encode"]["params"] == {"format": "jsonl", "compression": "zstd"}
    assert found["write"]["params"] == {"root": "/out"}


def test_records_to_objects_without_format_are_refused() -> None:
    """Nothing is guessed; the hint says what to add."""
    with pytest.raises(DefinitionError, match="nothing says how") as caught:
        composed("tables:///a?table=t", "objects:///out")
    assert "format=csv" in (caught.value.problems[0].hint or "")


def test_objects_to_objects_are_copied_as_they_are() -> None:
    """Without any format there is no step."""
    assert list(nodes(composed("objects:///in", "objects:///out", StreamInfo()))) == ["read", "write"]


def test_objects_are_transcoded_when_both_ends_say_how() -> None:
    """Decode and encode again."""
    found = nodes(composed("objects:///in?format=csv", "objects:///out?format=parquet", StreamInfo()))
    assert list(found) == ["read", "decode", "encode", "write"]


def test_objects_decoded_into_objects_need_the_format_again() -> None:
    """One end alone cannot say it."""
    with pytest.raises(DefinitionError, match="how to encode"):
        composed("objects:///in?format=csv", "objects:///out", StreamInfo())


def test_name_is_that_of_the_pair_and_of_nothing_else() -> None:
    """The same two URIs are the same copy, whatever the source turns out to be; another pair is another."""
    name = composed("tables:///a?table=t", "tables:///b").definition["name"]
    assert composed("tables:///./a?table=t", "tables:///b", UNKEYED, start="full").definition["name"] != ""
    assert composed("tables:///a?table=t", "tables:///b", UNKEYED, start="full").definition["name"] == name
    assert composed("tables:///a?table=u", "tables:///b").definition["name"] != name
    assert composed("tables:///b?table=t", "tables:///a").definition["name"] != name


def test_literal_password_is_warned_of_and_has_no_part_in_the_name() -> None:
    """Two copies that differ in a written-out password only are one; the warning says what to write."""
    found = discovery(server())

    def copy(password: str) -> Copy:
        source = end(f"server://me:{password}@host/db?table=t", found=found)
        return compose(source, end("tables:///b", role="target"), KEYED, start="resume_or_full")

    assert copy("one").definition["name"] == copy("two").definition["name"]
    (note,) = copy("one").notes
    assert (note.code, note.node, note.severity) == ("literal_secret", "source", "warning")
    assert "${env:NAME}" in (note.hint or "")


def test_stream_name_crosses_categories() -> None:
    """A table becomes the collection of a target that has collections."""
    documents = info(
        "papers",
        parts={"path": "path"},
        params={"path": {"type": "string"}, "collection": {"type": "string"}},
        category="document",
        kinds=["document"],
        modes=["upsert"],
    )
    target = end("papers:///x", role="target", found=discovery(documents))
    copy = compose(end("tables:///a?table=t"), target, KEYED, start="resume_or_full")
    assert nodes(copy)["write"]["params"] == {"path": "x", "collection": "t"}
