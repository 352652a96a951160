"""Every answer to the template's questions gives a project that is whole and clean."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tomllib
from pathlib import Path

from tests.scaffold.baking import PAIRWISE, Choice, every_choice, paths, run, side_by_side

BIN = Path(sysconfig.get_path("scripts"))
ALWAYS = {
    ".gitignore",
    "AGENTS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "noxfile.py",
    "pyproject.toml",
    "tests/conformance.nvisy",
    "tests/harness.py",
    "tests/test_provider.py",
}


def expected(choice: Choice) -> list[str]:
    """The paths of a project."""
    source = ["__init__.py", "_driver.py", "client.py", "config.py", "nvisy_provider.json", "py.typed"]
    source += ["reader.py"] if choice.directions != "write" else []
    source += ["writer.py"] if choice.directions != "read" else []
    ci = {".github/workflows/ci.yml"} if choice.ci == "github" else set()
    return sorted(ALWAYS | ci | {f"src/{choice.package}/{name}" for name in source})


def passes(*command: str, cwd: Path, **env: str) -> None:
    """Run a command that must succeed."""
    ended = run(*command, cwd=cwd, env=os.environ | env)
    assert ended.code == 0, ended.said


def test_bake_has_exactly_its_paths(whole: dict[Choice, Path]) -> None:
    """No alternative is left over, and none is missing."""
    wrong = {choice.slug: paths(folder) for choice, folder in whole.items() if paths(folder) != expected(choice)}
    assert not wrong


def test_choices_are_all_there_are() -> None:
    """The template knows no answer that the tests do not."""
    known = json.loads((Path(__file__).parents[2] / "cookiecutter-provider" / "cookiecutter.json").read_text())
    for question in ("kind", "directions", "auth", "license", "ci"):
        for few in (every_choice(), PAIRWISE):
            assert {str(getattr(choice, question)) for choice in few} == set(known[question]), question


def test_bake_leaves_nothing_unrendered(whole: dict[Choice, Path]) -> None:
    """Only GitHub's own expressions have two braces; lines end as on Unix, and no line ends in a space."""
    wrong = []
    for choice, folder in whole.items():
        for name in paths(folder):
            data = (folder / name).read_bytes()
            text = data.decode().replace("${{ matrix.", "")
            if "{{" in text or "{%" in text or "cookiecutter" in text:
                wrong.append(f"{choice.slug}: {name} is not rendered")
            if b"\r" in data or (data and not data.endswith(b"\n")):
                wrong.append(f"{choice.slug}: {name} does not end its lines with LF")
            if any(line != line.rstrip() for line in text.splitlines()):
                wrong.append(f"{choice.slug}: {name} has spaces at the end of a line")
    assert not wrong, "\n".join(wrong)


def test_bake_compiles_and_parses(whole: dict[Choice, Path]) -> None:
    """Python is Python, TOML is TOML, JSON is JSON, and each says what was answered."""
    for choice, folder in whole.items():
        for name in paths(folder):
            if name.endswith(".py"):
                compile((folder / name).read_text(encoding="utf-8"), name, "exec")
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["license"] == choice.license
        assert project["entry-points"]["nvisy.providers"] == {choice.slug: f"{choice.package}:Provider"}
        manifest = json.loads((folder / "src" / choice.package / "nvisy_provider.json").read_text(encoding="utf-8"))
        abilities = {name for name, ability in manifest["abilities"].items() if ability["state"] == "full"}
        assert manifest["kinds"] == [choice.kind]
        assert manifest["credential_shape"] == choice.auth
        assert ("read" in abilities, "write" in abilities) == (
            choice.directions != "write",
            choice.directions != "read",
        )


def test_bake_is_clean_to_the_linter(whole: dict[Choice, Path]) -> None:
    """Rules and format, by the settings that the projects bring, in one call for all."""
    (folder,) = {path.parent for path in whole.values()}
    passes(str(BIN / "ruff"), "check", "--no-cache", ".", cwd=folder)
    passes(str(BIN / "ruff"), "format", "--no-cache", "--check", ".", cwd=folder)


def test_bake_is_clean_to_the_type_checker(pairwise: dict[Choice, Path], tmp_path: Path) -> None:
    """Strictly, by the settings that the project brings, its tests included."""
    for folder in pairwise.values():
        passes(str(BIN / "mypy"), "--cache-dir", str(tmp_path), "src", "tests", cwd=folder)


def test_bake_passes_its_own_tests(pairwise: dict[Choice, Path]) -> None:
    """The examples that an author finds in `tests`, in one process for each project."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_provider.py")
    env = {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    side_by_side(lambda folder: passes(*command, cwd=folder, **env), pairwise.values())


def test_bake_has_the_licence_that_was_asked_for(pairwise: dict[Choice, Path]) -> None:
    """By its own first line."""
    titles = {"Apache-2.0": "Apache License", "MIT": "MIT License", "BSD-3-Clause": "BSD 3-Clause License"}
    for choice, folder in pairwise.items():
        text = (folder / "LICENSE").read_text(encoding="utf-8")
        assert titles[choice.license] in text.strip().splitlines()[0]
