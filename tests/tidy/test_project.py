"""The project keeps its own rules."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

from tests.tidy import files, layers, promises, style

RUST = [path for path in files.with_suffix(".rs") if "target" not in path.parts]
# The template is not Python before it is rendered; tests/scaffold looks at what it makes.
TEMPLATE = Path("cookiecutter-provider")
PYTHON = [path for path in [*files.with_suffix(".py"), *files.with_suffix(".pyi")] if TEMPLATE not in path.parents]
CODE = [path for path in [*RUST, *PYTHON] if not files.is_test(path)]
# The Rust sources in which no provider may be named, and the Python ones.
NAMELESS = (Path("nvisy-core"), Path("nvisy-sdk/src"))
GENERATED = {"nvisy_provider.json"}


def test_rust_files_open_with_their_purpose() -> None:
    """Every `.rs` file starts with `//!`."""
    assert not [problem for path in RUST for problem in style.rust_header(path, files.text(path))]


def test_library_roots_are_tables_of_contents() -> None:
    """Every `lib.rs` has no logic."""
    assert not [problem for path in RUST for problem in style.rust_table_of_contents(path, files.text(path))]


def test_python_modules_have_docstrings() -> None:
    """Every `.py` file starts with a docstring."""
    assert not [problem for path in PYTHON for problem in style.python_header(path, files.text(path))]


def test_exports_are_sorted_and_real() -> None:
    """Every `__all__` is in order and names what is there."""
    assert not [problem for path in PYTHON for problem in style.python_exports(path, files.text(path))]


def test_no_file_names_a_path_of_one_machine() -> None:
    """No text of the project has a folder of somebody's machine."""
    assert not [problem for path in files.tracked() for problem in style.machine_paths(path, files.text(path))]


def test_files_and_functions_are_small(soft: list[str]) -> None:
    """No file and no function is above its hard limit."""
    hard: list[str] = []
    for path in CODE:
        for more_hard, more_soft in (
            style.file_size(path, files.text(path)),
            style.function_sizes(path, files.text(path)),
        ):
            hard += more_hard
            soft += more_soft
    assert not hard


def test_plugins_are_small(soft: list[str]) -> None:
    """No plugin's source is above its hard limit."""
    hard: list[str] = []
    for folder, sources in _plugins().items():
        lines = sum(style.code_lines(source) for source in sources.values())
        more_hard, more_soft = style.plugin_size(folder, lines)
        hard += more_hard
        soft += more_soft
    assert not hard


def test_crates_know_only_what_they_may(repository: Path) -> None:
    """The arrows between crates are the listed ones."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    answer = subprocess.run(command, cwd=repository / "nvisy-core", capture_output=True, text=True, check=True).stdout
    found = {
        package["name"]: [dependency["name"] for dependency in package["dependencies"] if dependency["kind"] != "dev"]
        for package in json.loads(answer)["packages"]
    }
    assert not layers.crates(found)
    assert found.keys() == layers.CRATES.keys()


def test_python_packages_know_only_what_they_may() -> None:
    """The engine's face imports the SDK alone, the SDK neither engine nor plugins."""
    folders = {"nvisy": Path("nvisy-core/python/nvisy"), "nvisy_sdk": Path("nvisy-sdk/src/nvisy_sdk")}
    found = [(path, name) for name, folder in folders.items() for path in PYTHON if folder in path.parents]
    assert {name for _, name in found} == folders.keys()
    assert not [problem for path, name in found for problem in layers.package(path, files.text(path), name)]


def test_plugins_know_the_sdk_and_one_foreign_library() -> None:
    """A plugin imports the SDK, and its foreign library in client.py alone."""
    plugins = _plugins()
    assert plugins
    for folder, sources in plugins.items():
        assert not layers.plugin(sources, folder.name)


def test_no_provider_is_named_outside_its_folder() -> None:
    """Neither engine, bridge, SDK nor CLI has the name of a provider in a text."""
    names = {
        json.loads(files.text(path))["name"]
        for path in files.tracked()
        if path.name in GENERATED and "plugins" in path.parts
    }
    assert names
    nameless = [path for path in CODE if any(folder in path.parents for folder in NAMELESS)]
    assert not [problem for path in nameless for problem in layers.provider_names(path, files.text(path), names)]


def test_must_sentences_are_the_same_in_both_languages() -> None:
    """Traits and protocols promise the same under the same ids."""
    sdk = [path for path in PYTHON if Path("nvisy-sdk/src") in path.parents]
    python = "\n".join(_without_future(files.text(path)) for path in sdk if "Protocol" in files.text(path))
    assert not promises.must_sentences(files.text(Path("nvisy-core/crates/nvisy-dal/src/provider.rs")), python)


def test_decision_records_are_numbered_without_a_gap() -> None:
    """docs/adr/ is 0001, 0002, ..."""
    names = [path.name for path in files.tracked() if path.parent == Path("docs/adr")]
    assert names
    assert not promises.decisions(names)


def test_the_two_commands_are_the_same_everywhere() -> None:
    """README, .ci/run and noxfile.py agree."""
    readme, ci, noxfile = (files.text(Path(name)) for name in ("README.md", ".ci/run", "noxfile.py"))
    assert not promises.commands(readme, ci, noxfile)


def test_links_of_documents_lead_somewhere() -> None:
    """Every relative link of a Markdown file has its target."""
    documents = [path for path in files.with_suffix(".md") if TEMPLATE not in path.parents]
    assert not [problem for path in documents for problem in promises.links(path, files.text(path), files.tracked())]


def test_stops_of_one_batch_are_files() -> None:
    """The table in ARCHITECTURE.md names files that are there."""
    assert not promises.stops(files.text(Path("ARCHITECTURE.md")), files.tracked())


def _plugins() -> dict[Path, dict[Path, str]]:
    """Package folder of each plugin -> its Python files and their texts."""
    found: dict[Path, dict[Path, str]] = {}
    for path in PYTHON:
        if path.parts[0] == "plugins" and "src" in path.parts and path.suffix == ".py":
            folder = Path(*path.parts[: path.parts.index("src") + 2])
            found.setdefault(folder, {})[path] = files.text(path)
    return found


def _without_future(source: str) -> str:
    """The definitions of a module: several can then be read as one."""
    body = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return "\n".join(ast.unparse(node) for node in body)
