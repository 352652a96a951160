"""Rules on what is said in two places: must-sentences, decision records, the two commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

DEMO_COMMAND = "python3 -m pip install nox && python3 -m nox -s demo"
TEST_COMMAND = "python3 -m pip install nox && python3 -m nox"

_SENTENCE = re.compile(r"`{1,2}([A-Z]{2,4}-\d+)`{1,2}:")


def must_sentences(rust_source: str, python_source: str) -> list[str]:
    """The trait documentation and the SDK's protocols make the same promises, each once, on methods of one name."""
    ours = _rust_sentences(rust_source)
    theirs = _python_sentences(python_source)
    problems = [
        f"{name}: said of `{ours[name]}` in Rust, not in Python" for name in sorted(ours.keys() - theirs.keys())
    ]
    problems += [
        f"{name}: said of `{theirs[name]}` in Python, not in Rust" for name in sorted(theirs.keys() - ours.keys())
    ]
    both = sorted(ours.keys() & theirs.keys())
    problems += [
        f"{name}: of `{ours[name]}` in Rust, of `{theirs[name]}` in Python"
        for name in both
        if ours[name] != theirs[name]
    ]
    return problems


def _rust_sentences(source: str) -> dict[str, str]:
    """Sentence id -> name of the trait method whose documentation has it."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for line in source.split("\n"):
        if line.strip().startswith("///"):
            waiting += _SENTENCE.findall(line)
        elif match := re.match(r"\s*fn\s+(\w+)", line):
            found |= dict.fromkeys(waiting, match.group(1))
            waiting = []
    return found


def _python_sentences(source: str) -> dict[str, str]:
    """Sentence id -> name of the protocol method whose docstring has it."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= dict.fromkeys(_SENTENCE.findall(ast.get_docstring(node) or ""), node.name)
    return found


def decisions(names: Iterable[str]) -> list[str]:
    """Decision records are NNNN-title.md, numbered from 0001 without a gap or a number twice."""
    listed = sorted(names)
    problems = [f"{name}: not NNNN-title.md" for name in listed if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)]
    numbers = [int(name[:4]) for name in listed if name[:4].isdigit()]
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"decision records are numbered {numbers}; they must be 1 to {len(numbers)}")
    return problems


def commands(readme: str, ci: str, noxfile: str) -> list[str]:
    """The README has the two commands, the continuous integration runs the second, and the sessions exist."""
    lines = [line.strip() for line in readme.split("\n")]
    problems = [
        f"README.md lacks the line `{command}`" for command in (DEMO_COMMAND, TEST_COMMAND) if command not in lines
    ]
    run = [line for line in ci.split("\n") if line and not line.startswith(("#", "set ", "cd "))]
    if run != [TEST_COMMAND]:
        problems.append(f".ci/run must run `{TEST_COMMAND}` and nothing else, not {run}")
    sessions = noxfile_sessions(noxfile)
    mentioned = set(re.findall(r"nox -s (\w+)", readme)) - {"NAME"}
    problems += [
        f"README.md names the session `{name}`, which noxfile.py lacks" for name in sorted(mentioned - sessions.keys())
    ]
    problems += [
        f"session `{name}` of noxfile.py needs one line that says what it does"
        for name, doc in sessions.items()
        if not doc
    ]
    return problems


def noxfile_sessions(source: str) -> dict[str, str]:
    """The sessions of a noxfile and their one-line docs (empty where it is not one line)."""
    sessions = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(mark) for mark in node.decorator_list):
            doc = ast.get_docstring(node) or ""
            sessions[node.name] = doc if "\n" not in doc else ""
    return sessions


def links(path: Path, source: str, exists: Iterable[Path]) -> list[str]:
    """A link of a document to a file of the project leads to one that is there."""
    there = set(exists)
    problems = []
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_code(source)):
        if "://" in target or target.startswith("mailto:"):
            continue
        parts: list[str] = []
        for part in (path.parent / target).parts:
            if part == "..":
                parts = parts[:-1]
            else:
                parts.append(part)
        resolved = Path(*parts) if parts else Path()
        if resolved not in there and not any(resolved in known.parents for known in there):
            problems.append(f"{path}: the link to {target} leads nowhere")
    return problems


def without_code(source: str) -> str:
    """A document without its fenced code."""
    return re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE)


def stops(architecture: str, exists: Iterable[Path]) -> list[str]:
    """Each stop of "Follow one batch" is one file that is there; `...` stands for folders."""
    there = [path.as_posix() for path in exists]
    problems = []
    for name in re.findall(r"^\| \d+ \| `([^`]+)` \|", architecture, re.MULTILINE):
        pattern = re.compile(r"(?:^|/)" + re.escape(name).replace(re.escape("..."), ".+") + "$")
        found = sum(bool(pattern.search(path)) for path in there)
        if found != 1:
            problems.append(f"ARCHITECTURE.md: {found} files are meant by the stop `{name}`")
    return problems or ([] if "| 1 |" in architecture else ["ARCHITECTURE.md has no table of stops"])
