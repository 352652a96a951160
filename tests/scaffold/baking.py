"""Baking the template, as the tests and the reference providers need it.

`python -m tests.scaffold.baking` bakes the reference providers anew.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from nvisy_sdk import DataKind

from tests.kit.reference import NAMES, project

T = TypeVar("T")
R = TypeVar("R")

TEMPLATE = Path(__file__).parents[2] / "cookiecutter-provider"
DIRECTIONS = ("both", "read", "write")
AUTHS = ("token", "password", "key_pair", "none")
LICENSES = ("Apache-2.0", "MIT", "BSD-3-Clause")
CIS = ("github", "none")


@dataclass(frozen=True)
class Choice:
    """One way to answer the template's questions."""

    kind: DataKind
    directions: str
    auth: str
    license: str = "Apache-2.0"
    ci: str = "github"

    @property
    def slug(self) -> str:
        """A name that no other choice has."""
        return f"{self.kind}_{self.directions}_{self.auth}"

    @property
    def package(self) -> str:
        """The import name of the package."""
        return f"nvisy_plugin_{self.slug}"

    @property
    def answers(self) -> dict[str, str]:
        """The answers, by the template's names."""
        return {
            "system_name": "Some System",
            "slug": self.slug,
            "kind": str(self.kind),
            "directions": self.directions,
            "auth": self.auth,
            "license": self.license,
            "ci": self.ci,
        }


def every_choice() -> list[Choice]:
    """Every kind with every direction and every way to open a session; licences and CI change along."""
    found = itertools.product(DataKind, DIRECTIONS, AUTHS)
    return [Choice(*each, LICENSES[place % 3], CIS[place % 2]) for place, each in enumerate(found)]


PAIRWISE = (
    Choice(DataKind.RECORD, "both", "none", "MIT", "none"),
    Choice(DataKind.OBJECT, "read", "password", "BSD-3-Clause"),
    Choice(DataKind.EMBEDDING, "write", "key_pair"),
    Choice(DataKind.DOCUMENT, "both", "password", "MIT"),
    Choice(DataKind.MESSAGE, "read", "none"),
    Choice(DataKind.GRAPH, "write", "token", "BSD-3-Clause", "none"),
)
"""Few choices with every kind, direction, way to open a session, licence and CI among them."""


def bake(folder: Path, **answers: str) -> Path:
    """Bake the template into a folder, hooks and all, and return the project's path."""
    return _bake(folder, answers, hooks=True)


def bake_quickly(folder: Path, choice: Choice) -> Path:
    """Bake the template with its last hook in this process, which saves two processes; the first one only refuses."""
    made = _bake(folder, choice.answers, hooks=False)
    context = generate_context(str(TEMPLATE / "cookiecutter.json"), extra_context=choice.answers)
    answers = prompt_for_config(context, no_input=True)
    env = create_env_with_context({"cookiecutter": answers})
    hook = (TEMPLATE / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
    with contextlib.chdir(made), _path_kept(), contextlib.redirect_stdout(None):
        exec(compile(env.from_string(hook).render(cookiecutter=answers), "post_gen_project.py", "exec"), {})
    return made


def bake_reference(folder: Path, kind: DataKind) -> Path:
    """Bake the reference provider of a kind."""
    name = NAMES[kind].replace("_", " ").capitalize()
    return bake(folder, system_name=name, slug=NAMES[kind], kind=str(kind), author="Nvisy contributors")


def paths(folder: Path) -> list[str]:
    """Every file below a folder, but for what Python has compiled."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if "__pycache__" not in path.parts)


def side_by_side(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do something to each item, two at a time: most of the work is in processes of their own."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(do, items))


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        code: Its exit code.
        said: What it printed.
        seconds: Of the processor, its own and of what it started: no other program on the machine changes them.
    """

    code: int
    said: str
    seconds: float


def run(*command: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as output:
        started = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    return Ended(started.returncode, said, usage.ru_utime + usage.ru_stime)


def _bake(folder: Path, answers: dict[str, str], *, hooks: bool) -> Path:
    settings = folder / "cookiecutter.yaml"  # nothing from the home of whoever runs this
    settings.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'templates'}\n")
    made = cookiecutter(
        str(TEMPLATE),
        no_input=True,
        extra_context=answers,
        output_dir=str(folder),
        config_file=str(settings),
        accept_hooks=hooks,
    )
    return Path(made)


@contextlib.contextmanager
def _path_kept() -> Iterator[None]:
    path, modules, bytecode = list(sys.path), set(sys.modules), sys.dont_write_bytecode
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, bytecode
        for name in [name for name in sys.modules if name not in modules and name.startswith("nvisy_plugin_")]:
            del sys.modules[name]


def main() -> None:
    """Put what the template bakes in the place of the reference providers."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in DataKind:
            made = bake_reference(Path(folder), kind)
            shutil.rmtree(project(kind), ignore_errors=True)
            shutil.copytree(made, project(kind), ignore=shutil.ignore_patterns("__pycache__"))


if __name__ == "__main__":
    main()
