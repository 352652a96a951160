"""Rules on one file at a time: headers, sizes, an orderly public face, no path of anybody's machine.

A rule takes a path and the file's text and returns sentences; an empty list means that the file keeps the rule.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from tests.tidy import rust

FILE_SOFT, FILE_HARD = 300, 500
FUNCTION_SOFT, FUNCTION_HARD = 40, 60
PLUGIN_SOFT, PLUGIN_HARD = 400, 600
# A plugin that is larger for a reason: its own hard limit. The run still lists it among what should be smaller.
LARGER_PLUGINS = {
    # The system keeps any type in any column, so most of the code is what makes its types exact and its keys sound.
    "nvisy_plugin_sqlite": 1_100,
    # Its client library loses header values and the reasons of errors, and answers a repeated message as it does a new one:
    # acknowledging after the commit, exact headers and telling repeats apart are code of the plugin's own.
    "nvisy_plugin_nats": 950,
    # A catalogue of any type and key, columns that are refused before they would be rounded, two ways to write a batch with
    # rejections row by row, and a replacement that leaves everything attached to the table as it is.
    "nvisy_plugin_postgres": 1_700,
}
# Put together from pieces, so that this file keeps its own rule.
MACHINE_PATH = re.compile(r"(?<![\w.$~}])/(?:" + "work|root|home/[a-z]|Users/[A-Za-z]" + r")(?=[/\w\s\"'`]|$)")

_LIBRARY_LINE = re.compile(
    r"""\s*(?: \#!?\[.*\] | (?:pub(?:\([a-z]+\))?\s+)?mod\s+\w+; | (?:pub(?:\([a-z]+\))?\s+)?(?:use|extern\s+crate)\s+.*;
      )?\s*""",
    re.VERBOSE,
)


def rust_header(path: Path, source: str) -> list[str]:
    """Every Rust file opens with `//!`: what it is for."""
    if source.startswith("//! "):
        return []
    return [f"{path}: a Rust file opens with `//! ` and a sentence of purpose"]


def rust_table_of_contents(path: Path, source: str) -> list[str]:
    """`lib.rs` holds module lines, re-exports and attributes, and no logic."""
    if path.name != "lib.rs":
        return []
    clean = _without_export_list(rust.without_noise(source))
    joined = re.sub(r"use\s[^;]*;", lambda match: " ".join(match.group().split()) + _lines(match), clean)
    wrong = [(number, line) for number, line in enumerate(joined.split("\n"), 1) if not _LIBRARY_LINE.fullmatch(line)]
    return [f"{path}:{number}: lib.rs is a table of contents; move `{line.strip()[:50]}` out" for number, line in wrong]


def _without_export_list(clean: str) -> str:
    """The source without the frame of a `#[pymodule] mod x { }`: what an extension exports is a list too."""
    match = re.search(r"#\[pymodule[^\]]*\]\s*mod\s+\w+\s*\{", clean)
    if match is None:
        return clean
    end = rust.closing(clean, match.end() - 1)
    frame = _lines(match)
    return clean[: match.start()] + frame + clean[match.end() : end - 1] + clean[end:]


def _lines(match: re.Match[str]) -> str:
    """As many line ends as the text had."""
    return "\n" * match.group().count("\n")


def python_header(path: Path, source: str) -> list[str]:
    """Every Python module has a docstring."""
    if ast.get_docstring(ast.parse(source)):
        return []
    return [f"{path}: a Python module opens with a docstring"]


def python_exports(path: Path, source: str) -> list[str]:
    """`__all__` is sorted, has no name twice, and every name is there."""
    tree = ast.parse(source)
    names = _exported(tree)
    if names is None:
        return []
    problems = []
    if names not in (sorted(set(names)), sorted(set(names), key=_by_shape)):
        problems.append(f"{path}: `__all__` is not in sorted order or has a name twice")
    there = _defined(tree)
    if "__getattr__" not in there:
        problems += [f"{path}: `__all__` names `{name}`, which is not there" for name in names if name not in there]
    return problems


def _by_shape(name: str) -> tuple[int, str]:
    """The other order in use: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _exported(tree: ast.Module) -> list[str] | None:
    """What `__all__` lists, where there is one."""
    for node in tree.body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and target.id == "__all__" and isinstance(node, ast.Assign | ast.AnnAssign):
            listed = ast.literal_eval(node.value) if node.value else []
            return [str(name) for name in listed]
    return None


def _defined(tree: ast.Module) -> set[str]:
    """Names that the module binds at its top level."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


def machine_paths(path: Path, source: str) -> list[str]:
    """No file names a folder that exists on one machine only."""
    numbered = enumerate(source.split("\n"), 1)
    return [f"{path}:{number}: a path of one machine" for number, line in numbered if MACHINE_PATH.search(line)]


def file_size(path: Path, source: str) -> tuple[list[str], list[str]]:
    """A file has at most 500 lines, better 300: (hard problems, soft ones)."""
    counted = rust.without_tests(source).rstrip() if path.suffix == ".rs" else source.rstrip()
    return _judge(f"{path}", counted.count("\n") + 1, FILE_SOFT, FILE_HARD)


def function_sizes(path: Path, source: str) -> tuple[list[str], list[str]]:
    """A function has at most 60 lines without its docstring, better 40: (hard problems, soft ones)."""
    if path.suffix == ".rs":
        found = rust.functions(rust.without_tests(source))
    else:
        found = _python_functions(source)
    hard, soft = [], []
    for function in found:
        more_hard, more_soft = _judge(
            f"{path}:{function.line} {function.name}", function.lines, FUNCTION_SOFT, FUNCTION_HARD
        )
        hard += more_hard
        soft += more_soft
    return hard, soft


def code_lines(source: str) -> int:
    """Lines of a Python source that hold code: neither blank, nor a comment, nor a docstring."""
    idle = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in idle:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines -= _docstring_lines(node)
    return len(lines)


def _docstring_lines(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    """The lines of the docstring; none where there is no docstring."""
    if ast.get_docstring(node) is None:
        return set()
    return set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))


def plugin_size(folder: Path, lines: int) -> tuple[list[str], list[str]]:
    """A plugin has at most 600 lines of code in all, better 400: (hard problems, soft ones)."""
    return _judge(f"{folder}", lines, PLUGIN_SOFT, LARGER_PLUGINS.get(folder.name, PLUGIN_HARD))


def _judge(what: str, lines: int, soft: int, hard: int) -> tuple[list[str], list[str]]:
    """The sentence about a size, in the list it belongs to."""
    sentence = f"{what}: {lines} lines; at most {hard}, better {soft}"
    return ([sentence] if lines > hard else []), ([sentence] if soft < lines <= hard else [])


def _python_functions(source: str) -> list[rust.Function]:
    """Every function with its length, its docstring not counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and ast.get_docstring(node, clean=False) is not None
            comment = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            found.append(rust.Function(node.name, node.lineno, (node.end_lineno or 0) - node.lineno + 1 - comment))
    return found
