"""Writes reference.md beside it from the SDK's own text: `python docs/authors/reference.py`, or `--check` to compare.

Only what the package exports is described, in the words of its docstrings, and every check of the conformance kit.
"""

import argparse
import ast
import inspect
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import nvisy_sdk
import nvisy_sdk.testing
from nvisy_sdk import conformance
from nvisy_sdk.conformance import Level, catalogue

PAGE = Path(__file__).with_name("reference.md")
SOURCE = Path(nvisy_sdk.__file__).parent
# In the order of the data's path, as the package's docstring tells it.
MODULES = {
    "_provider": "What a session does",
    "_kind": "The closed sets of words",
    "_schema": "Columns and types",
    "_batch": "Batches",
    "_context": "Where to resume",
    "_value": "Typed values",
    "_write": "Writing",
    "_params": "Parameters",
    "_credentials": "Credentials",
    "_manifest": "The manifest",
    "_describe": "Describing a provider",
    "_manifest_file": "The manifest's file",
    "_check": "Whether a class can be loaded",
    "_error": "Errors",
    "_thread": "Blocking calls",
    "_calls": "Calls under way",
}
FAMILIES = {
    "PKG": "package and discovery",
    "META": "manifest and models",
    "SIG": "shape of the class",
    "CON": "sessions",
    "ERR": "errors",
    "READ": "reading",
    "RES": "resuming",
    "INC": "reading on",
    "WRT": "writing",
    "TYP": "values",
    "ASY": "asynchronous discipline",
    "SEC": "secrets and hostile input",
    "LEAK": "what stays behind",
    "BND": "the border with Rust",
    "PERF": "cost",
    "DOC": "documentation",
}


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description="Write the authors' reference from the SDK's docstrings.")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    options = parser.parse_args()
    text = page()
    if not options.check:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
        return 0
    current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
    if not current:
        print(f"{PAGE.name} is not current; run the same command without --check", file=sys.stderr)
    return 0 if current else 1


def page() -> str:
    """Return the whole page."""
    lines = [
        "# Reference",
        "",
        "Written by `python docs/authors/reference.py` from the SDK's own text; do not edit it.",
        "",
    ]
    lines += ["## `nvisy_sdk`", ""]
    for module, title in MODULES.items():
        lines += [f"### {title}", "", *_module(SOURCE / f"{module}.py", set(nvisy_sdk.__all__))]
    lines += ["## `nvisy_sdk.testing`", ""]
    for path in sorted((SOURCE / "testing").glob("_*.py")):
        if path.name != "__init__.py":
            lines += _module(path, set(nvisy_sdk.testing.__all__))
    lines += ["## `nvisy_sdk.conformance`", ""]
    for name in ("_harness", "_outcome", "_check", "_subject"):
        lines += _module(SOURCE / "conformance" / f"{name}.py", set(conformance.__all__))
    return "\n".join([*lines, *_checks()])


def _checks() -> Iterator[str]:
    checks = list(catalogue().values())
    yield "## The checks"
    yield ""
    yield "What each asserts. A level needs all checks of its own and of the levels below that are about the provider."
    yield ""
    for family, found in itertools.groupby(checks, key=lambda check: check.id.split("-")[0]):
        yield f"### {family}: {FAMILIES[family]}"
        yield ""
        yield "| check | level | the provider |"
        yield "|---|---|---|"
        for check in found:
            yield f"| {check.id} | {Level(check.level).word} | {check.title.replace('|', '&#124;')} |"
        yield ""


def _module(path: Path, wanted: set[str]) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = list(_flat(tree.body))
    for node, after in itertools.zip_longest(body, body[1:]):
        match node:
            case ast.ClassDef(name=name) if name in wanted:
                yield from _class(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name in wanted:
                yield from _function(node, "####")
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]) if name in wanted:
                yield f"#### `{name}`"
                yield ""
                yield from _text(_string(after))


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.With):
            yield from node.body
        else:
            yield node


def _class(node: ast.ClassDef) -> Iterator[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases if not ast.unparse(base).startswith("_"))
    yield f"#### `class {node.name}{f'({bases})' if bases else ''}`"
    yield ""
    yield from _text(ast.get_docstring(node))
    fields = []
    for statement, after in itertools.zip_longest(node.body, node.body[1:]):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_") and "ClassVar" not in ast.unparse(
                statement.annotation
            ):
                fields.append((ast.unparse(statement), _string(after)))
            case ast.Assign(targets=[ast.Name(id=name)]) if name.isupper():
                fields.append((ast.unparse(statement), _string(after)))
    yield from (f"- `{text}`{f': {_line(described)}' if described else ''}" for text, described in fields)
    if fields:
        yield ""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and not statement.name.startswith("_"):
            yield from _function(statement, "#####")


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, level: str) -> Iterator[str]:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    property_ = any(ast.unparse(each) == "property" for each in node.decorator_list)
    head = f"{node.name}{returns}" if property_ else f"{word} {node.name}({ast.unparse(node.args)}){returns}"
    yield f"{level} `{head}`"
    yield ""
    yield from _text(ast.get_docstring(node))


def _string(node: ast.stmt | None) -> str | None:
    match node:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return inspect.cleandoc(text)
        case _:
            return None


def _text(text: str | None) -> Iterator[str]:
    """Yield a docstring: prose as it is, what is laid out by indentation as it is laid out."""
    for paragraph in (text or "").split("\n\n"):
        lines = paragraph.splitlines()
        if not lines:
            continue
        if lines[0] in ("Args:", "Returns:", "Raises:", "Yields:"):
            yield f"{lines[0]}"
            yield ""
            yield from _entries(lines[1:])
        elif any(line.startswith("    ") for line in lines):
            yield from ("```", *lines, "```")
        else:
            yield from lines
        yield ""


def _entries(lines: list[str]) -> Iterator[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith("        ") and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line.strip())
    yield from (f"- {entry}" for entry in found)


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
