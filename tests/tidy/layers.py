"""Rules on who may know whom: crates, Python packages, and that no provider's name stands outside its own folder."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.tidy import rust

# The only arrows between our crates. A crate that is not listed must be given its place here first.
CRATES: Mapping[str, frozenset[str]] = {
    "nvisy-dal": frozenset(),
    "nvisy-formats": frozenset({"nvisy-dal"}),
    "nvisy-engine": frozenset({"nvisy-dal", "nvisy-formats"}),
    "nvisy-bridge": frozenset({"nvisy-dal"}),
    "nvisy-py": frozenset({"nvisy-dal", "nvisy-formats", "nvisy-engine", "nvisy-bridge"}),
}
# What each of our Python packages may import besides the standard library and itself.
PACKAGES: Mapping[str, frozenset[str]] = {
    "nvisy": frozenset({"nvisy_sdk", "pydantic"}),  # pydantic for the errors of the SDK's models
    "nvisy_sdk": frozenset({"pydantic", "pydantic_core", "pluggy", "typing_extensions", "annotated_types"}),
}
# The files of an extra: what else each of them may import, because only who asked for the extra imports the file.
EXTRAS: Mapping[str, frozenset[str]] = {
    "nvisy_sdk/conformance/_pytest.py": frozenset({"pytest"}),
    "nvisy_sdk/scaffold.py": frozenset({"cookiecutter"}),
}
# What a plugin may import in any of its files; its one foreign library is imported by client.py alone.
PLUGIN = frozenset({"nvisy_sdk", "pydantic"})
# Modules of the standard library that are a foreign system all the same.
FOREIGN_STANDARD = frozenset({"sqlite3"})


def crates(found: Mapping[str, Iterable[str]]) -> list[str]:
    """Crates depend on each other only as listed; `found` is each crate's dependencies."""
    problems = []
    for crate, dependencies in sorted(found.items()):
        if crate not in CRATES:
            problems.append(f"{crate}: not in the list of crates; say in tests/tidy/layers.py what it may know")
            continue
        ours = {name for name in dependencies if name.startswith("nvisy-")}
        problems += [f"{crate} -> {name}: not an allowed arrow" for name in sorted(ours - CRATES[crate])]
    return problems


def package(path: Path, source: str, name: str) -> list[str]:
    """A module of the package `name` imports only what the package may know."""
    extra = next((names for file, names in EXTRAS.items() if path.as_posix().endswith(file)), frozenset())
    foreign = _imported(source) - _standard() - PACKAGES[name] - {name} - extra
    return [f"{path}: {name} must not import {module}" for module in sorted(foreign)]


def plugin(sources: Mapping[Path, str], name: str) -> list[str]:
    """A plugin imports the SDK anywhere and one foreign library in client.py; never the engine or another plugin."""
    problems = []
    libraries: set[str] = set()
    for path, source in sorted(sources.items()):
        foreign = _imported(source) - (_standard() - FOREIGN_STANDARD) - PLUGIN - {name}
        ours = {module for module in foreign if module.startswith("nvisy")}
        problems += [f"{path}: a plugin must not import {module}" for module in sorted(ours)]
        libraries |= foreign - ours
        if path.name != "client.py":
            problems += [f"{path}: only client.py imports {module}" for module in sorted(foreign - ours)]
    if len(libraries) > 1:
        problems.append(f"{name}: one foreign library, not {len(libraries)}: {', '.join(sorted(libraries))}")
    return problems


def provider_names(path: Path, source: str, names: Iterable[str]) -> list[str]:
    """No code outside a provider's folder has its name in a text, be it alone, as a URI's scheme or as a package."""
    either = "|".join(re.escape(name) for name in sorted(names))
    wrong = re.compile(rf"""["'](?:{either})(?:["']|:/?/?)|nvisy[-_]plugin[-_](?:{either})\b""")
    if path.suffix == ".rs":
        source = rust.without_tests(rust.without_comments(source))
    else:
        source = "\n".join(re.sub(r"^\s*#.*", "", line) for line in _without_docstrings(source).split("\n"))
    found = [(number, wrong.search(line)) for number, line in enumerate(source.split("\n"), 1)]
    return [f"{path}:{number}: names a provider ({match.group()})" for number, match in found if match]


def _imported(source: str) -> set[str]:
    """Top-level names of all modules that the source imports, wherever in it; its own by relative import are left out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def _standard() -> frozenset[str]:
    """The modules that come with Python."""
    return sys.stdlib_module_names


def _without_docstrings(source: str) -> str:
    """The source with every docstring blanked; lines stay where they are."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            for number in range(first.lineno - 1, first.end_lineno or first.lineno):
                lines[number] = ""
    return "\n".join(lines)
