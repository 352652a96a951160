"""Each rule refuses a snippet that breaks it, and lets the corrected one pass: a rule that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tidy import layers, promises, rust, style

FileRule = Callable[[Path, str], list[str]]

SNIPPETS: list[tuple[FileRule, str, str, str]] = [
    (style.rust_header, "a.rs", "use std::fmt;\n", "//! Why.\nuse std::fmt;\n"),
    (style.rust_header, "a.rs", "// Why.\n", "//! Why.\n"),
    (
        style.rust_table_of_contents,
        "lib.rs",
        "//! Why.\nmod a;\nfn run() {}\n",
        "//! Why.\n#![warn(x)]\nmod a;\npub use a::{\n    B,\n};\n",
    ),
    (style.rust_table_of_contents, "lib.rs", "//! Why.\nmod a { }\n", "//! Why.\npub(crate) mod a;\n"),
    (
        style.rust_table_of_contents,
        "lib.rs",
        "//! Why.\n#[pymodule]\nmod m {\n    fn x();\n}\n",
        "//! Why.\n#[pymodule(gil_used = true)]\nmod m {\n    #[pymodule_export]\n    use crate::{\n        a,\n    };\n}\n",
    ),
    (style.python_header, "a.py", "import os\n", '"""Why."""\n'),
    (
        style.python_exports,
        "a.py",
        "from x import A, B\n__all__ = ['B', 'A']\n",
        "from x import A, B\n__all__ = ['A', 'B']\n",
    ),
    (style.python_exports, "a.py", "__all__ = ['gone']\n", "def gone(): ...\n__all__ = ['gone']\n"),
    (style.python_exports, "a.py", "A = 1\n__all__ = ['A', 'A']\n", "A: int = 1\n__all__: list[str] = ['A']\n"),
    (style.machine_paths, "a.md", "see /" + "root/notes\n", "see docs/root/notes\n"),
    (style.machine_paths, "a.py", "X = '/" + "home/ada/x'\n", "X = '${HOME}/x'\n"),
    (style.machine_paths, "a.toml", 'path = "/' + 'work/main"\n', 'path = "network/main"\n'),
]


@pytest.mark.parametrize(("rule", "name", "bad", "good"), SNIPPETS)
def test_rule_on_one_file_refuses_the_bad_snippet(rule: FileRule, name: str, bad: str, good: str) -> None:
    """The bad text earns exactly one sentence that names the file, the good one none."""
    problems = rule(Path(name), bad)
    assert len(problems) == 1
    assert name in problems[0]
    assert rule(Path(name), good) == []


@pytest.mark.parametrize("suffix", [".rs", ".py"])
def test_file_size_tells_soft_from_hard(suffix: str) -> None:
    """300 lines pass, 301 are listed, 501 refused."""
    path = Path(f"a{suffix}")
    assert style.file_size(path, "x\n" * 300) == ([], [])
    assert [len(found) for found in style.file_size(path, "x\n" * 301)] == [0, 1]
    assert [len(found) for found in style.file_size(path, "x\n" * 501)] == [1, 0]


def test_function_sizes_tells_soft_from_hard_in_python() -> None:
    """40 lines pass, 41 are listed, 61 refused; the docstring is not counted."""

    def function(lines: int) -> str:
        return 'def f() -> None:\n    """One.\n\n    Two.\n    """\n' + "    x = 1\n" * (lines - 1)

    path = Path("a.py")
    assert style.function_sizes(path, function(40)) == ([], [])
    assert [len(found) for found in style.function_sizes(path, function(41))] == [0, 1]
    assert [len(found) for found in style.function_sizes(path, function(61))] == [1, 0]


def test_function_sizes_tells_soft_from_hard_in_rust() -> None:
    """The same in Rust, where braces in strings and comments do not count and tests are exempt."""

    def function(lines: int) -> str:
        return (
            "impl A {\n    fn f<'a>(&self, x: [u8; 2]) -> &'a str\n    {\n        let a = \"}\"; // }\n"
            + "        b();\n" * (lines - 4)
            + "    }\n}\n"
        )

    path = Path("a.rs")
    assert style.function_sizes(path, function(40)) == ([], [])
    assert [len(found) for found in style.function_sizes(path, function(41))] == [0, 1]
    assert [len(found) for found in style.function_sizes(path, function(61))] == [1, 0]
    assert style.function_sizes(path, f"#[cfg(test)]\nmod tests {{\n{function(61)}}}\n") == ([], [])


def test_rust_functions_are_found_where_they_are() -> None:
    """A declaration without a body is none; a raw string does not confuse."""
    source = 'trait T {\n    fn declared(&self);\n    fn given(&self) { r#"{"#; }\n}\n'
    assert rust.functions(source) == [rust.Function("given", 3, 1)]


def test_plugin_size_tells_soft_from_hard() -> None:
    """400 lines pass, 401 are listed, 601 refused."""
    assert style.plugin_size(Path("p"), 400) == ([], [])
    assert [len(found) for found in style.plugin_size(Path("p"), 401)] == [0, 1]
    assert [len(found) for found in style.plugin_size(Path("p"), 601)] == [1, 0]
    for name, limit in style.LARGER_PLUGINS.items():
        assert [len(found) for found in style.plugin_size(Path(name), limit + 1)] == [1, 0]


def test_code_lines_counts_code_alone() -> None:
    """Blank lines, comments and docstrings are not counted; a text over several lines is."""
    source = '"""Doc.\n\nMore.\n"""\n\n# why\nX = """a\nb"""\n\n\ndef f():\n    """Doc."""\n    return X  # so\n'
    assert style.code_lines(source) == 4


def test_crates_refuses_a_wrong_arrow_and_an_unknown_crate() -> None:
    """The vocabulary must know nothing of ours; a crate without a place is named."""
    assert layers.crates({"nvisy-dal": ["serde", "nvisy-engine"]}) == [
        "nvisy-dal -> nvisy-engine: not an allowed arrow"
    ]
    assert len(layers.crates({"nvisy-new": []})) == 1
    assert layers.crates({"nvisy-engine": ["nvisy-dal", "tokio"]}) == []


def test_package_refuses_a_foreign_import() -> None:
    """The SDK must not know the engine, wherever the import stands."""
    path = Path("a.py")
    assert len(layers.package(path, "def f():\n    from nvisy import run\n", "nvisy_sdk")) == 1
    assert len(layers.package(path, "import pandas\n", "nvisy")) == 1
    assert layers.package(path, "import json\nfrom . import x\nfrom nvisy_sdk import y\n", "nvisy") == []
    assert len(layers.package(path, "import cookiecutter\n", "nvisy_sdk")) == 1
    assert layers.package(Path("src/nvisy_sdk/scaffold.py"), "import cookiecutter\n", "nvisy_sdk") == []


def test_plugin_refuses_the_engine_and_a_foreign_library_outside_the_client() -> None:
    """Neither engine nor other plugins, one library, and only in client.py."""
    client, reader = Path("client.py"), Path("reader.py")
    assert len(layers.plugin({reader: "import nvisy\n"}, "p")) == 1
    assert len(layers.plugin({reader: "import nvisy_plugin_other\n"}, "p")) == 1
    assert len(layers.plugin({reader: "import sqlite3\n"}, "p")) == 1
    assert len(layers.plugin({client: "import boto3\nimport requests\n"}, "p")) == 1
    assert layers.plugin({client: "import boto3\n", reader: "import json, nvisy_sdk, p.client\n"}, "p") == []


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("a.rs", 'if name == "acme" { special() }', '// "acme" is an example\nif name == other { }'),
        ("a.rs", 'fn uri() -> &str { "acme://x" }', "mod acme_like;"),
        ("a.py", "from nvisy_plugin_acme import Provider\n", '"""Such as "acme"."""\n# like "acme"\n'),
        ("a.py", "X = {'acme': 1}\n", "X = {'acmes': 1}\n"),
    ],
)
def test_provider_names_refuses_a_name_in_code(name: str, bad: str, good: str) -> None:
    """A provider's name in a text of the code is refused; in comments it may stand."""
    assert len(layers.provider_names(Path(name), bad, ["acme"])) == 1
    assert layers.provider_names(Path(name), good, ["acme"]) == []


def test_must_sentences_refuses_a_difference() -> None:
    """A sentence that only one side has, or that stands on another method, is named."""
    ours = "trait A {\n    /// - `IN-1`: every item once.\n    fn read(&self);\n}\n"
    same = 'class A:\n    def read(self):\n        """Read.\n\n        - `IN-1`: every item once.\n        """\n'
    assert promises.must_sentences(ours, same) == []
    assert len(promises.must_sentences(ours, same.replace("IN-1", "IN-2"))) == 2
    assert len(promises.must_sentences(ours, same.replace("def read", "def scan"))) == 1


def test_decisions_refuses_gaps_and_other_names() -> None:
    """Numbers run from 1 without a gap."""
    assert promises.decisions(["0001-a.md", "0002-b.md"]) == []
    assert len(promises.decisions(["0001-a.md", "0003-b.md"])) == 1
    assert len(promises.decisions(["0001-a.md", "0001-b.md"])) == 1
    assert len(promises.decisions(["0001-a.md", "notes.md"])) == 1


def test_commands_refuses_any_difference() -> None:
    """A README, a CI script or a noxfile that differs is named."""
    readme = f"{promises.DEMO_COMMAND}\n{promises.TEST_COMMAND}\nrun `nox -s demo`\n"
    ci = f"#!/usr/bin/env bash\nset -e\n{promises.TEST_COMMAND}\n"
    noxfile = '@nox.session\ndef demo(session):\n    """Show it."""\n'
    assert promises.commands(readme, ci, noxfile) == []
    assert len(promises.commands("run `nox -s demo`\n", ci, noxfile)) == 2
    assert len(promises.commands(readme, ci + "echo more\n", noxfile)) == 1
    assert len(promises.commands(readme + "`nox -s gone`\n", ci, noxfile)) == 1
    assert len(promises.commands(readme, ci, noxfile.replace('"""Show it."""', "pass"))) == 1


def test_links_refuses_a_dead_one() -> None:
    """A relative link must have its file or folder; an outside one is left alone."""
    there = [Path("docs/a.md"), Path("README.md")]
    assert len(promises.links(Path("docs/a.md"), "see [b](b.md)", there)) == 1
    good = "[top](../README.md) [docs](../docs/) [out](https://example.org) [part](a.md#x)"
    assert promises.links(Path("docs/a.md"), good, there) == []


def test_stops_refuses_a_file_that_is_gone_or_not_one() -> None:
    """Each stop means exactly one file."""
    there = [Path("a/src/run.rs"), Path("b/src/x/read.py"), Path("c/src/run.rs")]
    assert promises.stops("| 1 | `a/src/run.rs` | x |\n| 2 | `b/.../read.py` | y |\n", there) == []
    assert len(promises.stops("| 1 | `src/run.rs` | x |\n", there)) == 1
    assert len(promises.stops("| 1 | `gone.rs` | x |\n", there)) == 1
    assert len(promises.stops("nothing", there)) == 1
