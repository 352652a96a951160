"""URIs to parameters and credentials, and what a wrong one is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from nvisy import DefinitionError, Problem

from tests.cli.ends import discovery, end, tables


def refused(text: str, **more: object) -> tuple[str, str]:
    """The message and hint with which a URI is refused."""
    with pytest.raises(DefinitionError) as caught:
        end(text, **more)  # type: ignore[arg-type]
    (problem,) = caught.value.problems
    assert problem.node == f"{more.get('role', 'source')} URI"
    return problem.message, problem.hint or ""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tables:///data.db", "/base/data.db"),
        ("tables:////abs/data.db", "/abs/data.db"),
        ("tables:///a%20b%3F.db", "/base/a b?.db"),
        ("TABLES:///%C3%A4.db", "/base/ä.db"),
        ("tables:///a+b.db", "/base/a+b.db"),
    ],
)
def test_path_follows_the_slash_after_the_authority(text: str, path: str) -> None:
    """Three slashes are relative, four absolute, as users of databases write them; percent signs are decoded."""
    assert end(text).params == {"path": path}


def test_absolute_path_keeps_its_slash() -> None:
    """The part `absolute_path` of a manifest is the path with the slash."""
    assert end("objects:///data/in").params == {"root": "/data/in"}


def test_query_parameters_get_the_types_of_the_schema() -> None:
    """Lists by comma, numbers, booleans, alternatives without null, nested values as JSON."""
    text = (
        "tables:///x?table=t&key=a,b&columns=a,b%2Cc&batch_rows=50&wait=0.5&create=off&mode=append"
        '&filter={"column":"a"}&filter=[{"column":"b"}]'
    )
    assert end(text).params == {
        "path": "/base/x",
        "table": "t",
        "key": ["a", "b"],
        "columns": ["a", "b", "c"],
        "batch_rows": 50,
        "wait": 0.5,
        "create": False,
        "mode": "append",
        "filter": [{"column": "a"}, {"column": "b"}],
    }


def test_single_file_is_one_object_of_its_folder(tmp_path: Path) -> None:
    """A provider of folders is given the folder and a pattern that fits that file alone."""
    (tmp_path / "a[1].csv").write_text("")
    assert end(f"objects://{tmp_path}/a[1].csv").params == {"root": str(tmp_path), "glob": "a[[]1].csv"}
    assert end(f"objects://{tmp_path}/b.csv").params == {"root": f"{tmp_path}/b.csv"}
    assert end(f"objects://{tmp_path}/a[1].csv", role="target").params == {"root": f"{tmp_path}/a[1].csv"}


def test_server_parts_become_parameters_and_credentials() -> None:
    """Each part goes where the manifest says, host and port to the parameters, user and password to the credentials."""
    found = end("server://me%40home:p%40ss@[::1]:99/db?table=t")
    assert found.params == {"host": "::1", "port": 99, "path": "/base/db", "table": "t"}
    assert found.credentials == {"user": "me@home", "password": "p@ss"}
    assert set(found.secrets) == {"p@ss", "p%40ss"}


def test_reference_in_place_of_a_password_is_no_secret() -> None:
    """`${env:NAME}` goes through as it is."""
    found = end("server://me:${env:PASSWORD}@host/db")
    assert found.credentials == {"user": "me", "password": "${env:PASSWORD}"}
    assert found.secrets == ()


def test_options_of_a_step_are_kept_apart() -> None:
    """On objects, format and its like belong to the decode or encode step."""
    source = end("objects:///in?glob=*.csv&format=csv&header=no&null=NA,-&delimiter=;")
    assert source.params == {"root": "/in", "glob": "*.csv"}
    assert source.step == {"format": "csv", "header": False, "null": ["NA", "-"], "delimiter": ";"}
    target = end("objects:///out?format=jsonl&compression=zstd&rows=1000", role="target")
    assert target.step == {"format": "jsonl", "compression": "zstd", "rows": 1000}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("data.db", "not a URI", "scheme://host/path"),
        ("nowhere:///x", "no installed provider has the scheme `nowhere`", "installed are objects, server, tables"),
        ("table:///x", "no installed provider has the scheme `table`", "did you mean `tables`?"),
        ("tables:///x?tabel=t", "Tables has no parameter `tabel`", "did you mean `table`? it has"),
        ("tables:///x?batch_rows=many", "parameter `batch_rows` is `many`, which is not a whole number", "correct"),
        ("tables:///x?create=perhaps", "which is neither true nor false", "correct"),
        ("tables:///x?mode=sideways", "which is not one of append, upsert, replace", "correct"),
        ("tables:///x?filter=a", "which is not a JSON list", "correct"),
        ("tables:///x?table=a&table=b", "given more than once", "correct"),
        ("tables:///x?table", "the parameter `table` has no value", "write table=value"),
        ("tables:///x?path=y", "`path` is given twice", "part of the URI already"),
        ("tables://host/x", "Tables has no host in its URI", "three slashes: tables:///"),
        ("tables:///x#y", "it has a `#`", "%23"),
        ("tables:///%FF", "its path is not UTF-8", "UTF-8"),
        ("server://h:99999/x", "the port is `99999`", "below 65536"),
        ("server://h:x/x", "the port is `x`", "below 65536"),
        ("objects:///in?format=xml", "which is not one of csv, jsonl, parquet, arrow", "correct"),
        ("objects:///in?rows=5", "no parameter `rows`", "batch_rows"),
    ],
)
def test_wrong_uri_is_answered_with_the_part_and_the_fix(text: str, message: str, hint: str) -> None:
    """The message names the part, the hint what to write."""
    said, advised = refused(text)
    assert message in said
    assert hint in advised


def test_target_uri_is_named_in_its_errors() -> None:
    """Of two URIs it is clear which one is meant."""
    refused("tables:///x?tabel=t", role="target")


def test_scheme_of_a_broken_plugin_says_what_is_wrong_with_it() -> None:
    """Instead of saying that there is no such provider."""
    broken = Problem("import_failed", "acme-lake", "1.0", "lake", "it cannot be imported: no driver", "reinstall it")
    said, advised = refused("lake:///x", found=discovery(problems=[broken]))
    assert said == "the provider `lake` of acme-lake cannot be used: it cannot be imported: no driver"
    assert advised == "reinstall it"


def test_scheme_of_two_providers_is_refused() -> None:
    """Neither is guessed."""
    uri = {"schemes": ["tables"], "parts": {"path": "path"}}
    said, _ = refused("tables:///x", found=discovery(tables(), tables("other", uri=uri)))
    assert said == "the scheme `tables` belongs to tables (acme-tables) and other (acme-other)"


def test_secret_is_not_repeated_in_an_error() -> None:
    """A password that does not fit is shown as stars."""
    said, _ = refused("server://me@host/x?password=one&password=two")
    assert "one" not in said.replace("once", "") and "two" not in said
