"""What the static checks stand on: the package on disk, the process that imports it, and its schemas."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from nvisy_sdk import DataKind
from nvisy_sdk.conformance import CheckFailed, Subject
from nvisy_sdk.conformance._child import ask
from nvisy_sdk.conformance._json_schema import choices, defect, nodes, resolved
from nvisy_sdk.conformance._static import Package

from tests.kit import reference
from tests.kit.zoo._package import parcel


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which modules can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def packed(folder: Path, file: str, text: str) -> Package:
    """Return a copy of the reference under a name of its own, with one file more."""
    made = parcel(folder)
    package = made.package.rename(folder / "nvisy_plugin_packed")
    (package / file).write_text(textwrap.dedent(text), encoding="utf-8")
    return Package(made.subject(reference=f"{package.name}:Provider"))


def test_class_without_a_distribution_is_said_to_have_none() -> None:
    """A check that needs the distribution says so, instead of passing over it."""
    manifest = reference.subject(DataKind.RECORD).manifest
    assert manifest is not None
    package = Package(Subject.of(reference.provider(DataKind.RECORD), manifest))
    with pytest.raises(CheckFailed, match="handed over as a class"):
        _ = package.distribution


def test_package_that_is_not_there_is_said_to_be_missing() -> None:
    """The message names the package."""
    package = Package(Subject("nowhere", "nvisy_plugin_nowhere:Provider"))
    with pytest.raises(CheckFailed, match="the package `nvisy_plugin_nowhere` cannot be found"):
        _ = package.folder
    with pytest.raises(CheckFailed, match="cannot be loaded: ModuleNotFoundError"):
        _ = package.provider


def test_source_that_cannot_be_parsed_is_named(importable: Path) -> None:
    """A file that is never imported may be broken for years."""
    package = packed(importable, "late.py", "def broken(:\n")
    with pytest.raises(CheckFailed, match=r"late\.py cannot be parsed"):
        _ = package.sources


def test_foreign_modules_are_those_of_nobody_we_know(importable: Path) -> None:
    """Python's own modules, the SDK's and the package's are not foreign; what a function imports is."""
    text = """\
        import os.path
        import pydantic
        from . import client

        def late():
            from yaml import load
            import numpy.linalg
    """
    package = packed(importable, "extra.py", text)
    assert set(package.foreign()) == {"yaml", "numpy"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\nos._exit(3)\n", "ended with code 3"),
        ("raise RuntimeError('no')\n", "RuntimeError: no"),
        ("import signal, os\nos.kill(os.getpid(), signal.SIGKILL)\n", "ended with code -9"),
    ],
    ids=["exits", "raises", "dies"],
)
def test_process_that_dies_has_answered_too(importable: Path, text: str, said: str) -> None:
    """Whatever an import does to its process, the kit goes on."""
    (importable / "unlucky.py").write_text(text, encoding="utf-8")
    assert said in ask("watch", "unlucky")["died"]


def test_import_that_does_nothing_is_seen_to_do_nothing(importable: Path) -> None:
    """The standard library may be imported, files may be read and compiled."""
    (importable / "harmless.py").write_text(
        "import json, ssl, sqlite3, email\nopen(__file__).close()\n", encoding="utf-8"
    )
    answer = ask("watch", "harmless", bytecode=False)
    assert (answer["deeds"], answer["printed"]) == ([], "")


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("import os\nos.environ['A_B'] = '1'\n", "sets an environment variable"),
        ("import pathlib\npathlib.Path('kit.tmp').write_text('')\n", "writes the file"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])\n", "starts a process"),
        ("import socket\nsocket.getaddrinfo('127.0.0.1', 1)\n", "looks up a host name"),
        ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "changes the signal handlers"),
        ("import os\nos.chdir('/')\n", "changes the working directory"),
    ],
    ids=["environment", "file", "process", "name", "signal", "folder"],
)
def test_import_that_does_something_is_seen(
    importable: Path, monkeypatch: pytest.MonkeyPatch, text: str, deed: str
) -> None:
    """Each deed has a word of its own."""
    monkeypatch.chdir(importable)
    (importable / "busy.py").write_text(text, encoding="utf-8")
    assert deed in "; ".join(ask("watch", "busy", bytecode=False)["deeds"])


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"type": "text"}, "`text` is no type"),
        ({"type": ["string", "nothing"]}, "`nothing` is no type"),
        ({"$ref": "#/$defs/B"}, "points at #/$defs/B, which is not there"),
        ({"$ref": "https://example.org/a"}, "which is not there"),
        ({"required": ["b"], "properties": {"a": {}}}, "names b, which is no property"),
        ({"pattern": "["}, "the pattern '[' is none"),
        ({"minimum": 2, "maximum": 1}, "at least 2 and at most 1"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_defect_of_a_schema_is_found(node: dict[str, Any], said: str) -> None:
    """Each is one that a validator would stumble over, or silently ignore."""
    assert said in defect(node, {"$defs": {"A": {"type": "string"}}})


def test_sound_schema_has_no_defect() -> None:
    """References, ranges and patterns that are right are left alone, wherever they stand."""
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"$ref": "#/$defs/A"},
            "b": {"anyOf": [{"type": "null"}, {"items": {"minimum": 1, "maximum": 1}}]},
        },
        "$defs": {"A": {"type": ["string", "null"], "pattern": "^a"}},
    }
    found = dict(nodes(schema, "it"))
    assert not [defect(node, schema) for node in found.values() if defect(node, schema)]
    assert set(found) == {"it", "it.a", "it.b", "it.A", "it.b.anyOf[0]", "it.b.anyOf[1]", "it.b.anyOf[1].items"}
    assert resolved({"$ref": "#/$defs/A"}, schema)["pattern"] == "^a"
    assert [one.get("type") for one in choices(schema["properties"]["b"])] == ["null", None]
