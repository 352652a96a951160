"""Changes lines of the kit's own helpers, one at a time, and lets the tests of the kit find out: `nox -s mutation`.

It works on a copy of the repository, so that nobody else sees a mutant. Cosmic Ray makes the mutants; each helper has the
tests that must notice, quick ones first. A mutant that no test notices is printed; MUTANTS.md judges those that are known.

    python -m tests.kit.mutation --sample 100 --seed 1 --only _plan _known_fail
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
KIT = Path("nvisy-sdk/src/nvisy_sdk/conformance")
# One animal of each family is enough to run a helper; the whole zoo would take minutes for each mutant.
ZOO = ("tests/kit/test_zoo.py", "-k", "RES-01 or READ-01 or META-01 or CON-02 or ERR-01 or WRT-01 or ASY-01 or SEC-01")
REFERENCE = ("tests/kit/test_reference.py", "-k", "record")
TESTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "_plan.py": (("tests/kit/test_verdict.py",),),
    "_known_fail.py": (("tests/kit/test_verdict.py", "tests/kit/test_settings.py"),),
    "_profile.py": (("tests/kit/test_profile.py",), REFERENCE, ZOO),
    "_inverse.py": (("tests/kit/test_runner.py",), REFERENCE, ZOO),
    "_case.py": (("tests/kit/test_case.py",), REFERENCE, ZOO),
    "_runner.py": (("tests/kit/test_runner.py",), REFERENCE, ZOO),
    "_proxy.py": (("tests/kit/test_proxy.py",), REFERENCE),
    "_sweep.py": (("tests/kit/test_sweep.py",), REFERENCE),
    "_guards": (("tests/kit/test_guards.py",), REFERENCE),
}
LIMIT = 240
"""Seconds for the tests of one mutant; one that takes longer hangs, which is noticed too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the mutants, run the tests over each, print the survivors; 0 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sample", type=int, default=60, help="mutants of each helper; 0 means all")
    parser.add_argument("--seed", type=int, default=1, help="which mutants the sample has")
    parser.add_argument("--only", nargs="+", default=[], help="helpers, such as _plan _runner")
    parser.add_argument("--quick", action="store_true", help="run only the first tests of each helper")
    parser.add_argument("--cosmic-ray", default="cosmic-ray", help="the command")
    options = parser.parse_args(arguments)
    wanted = {name: tests for name, tests in TESTS.items() if not options.only or Path(name).stem in options.only}
    total = killed = 0
    survivors: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nvisy-mutation-") as scratch:
        copy = _copy(Path(scratch))
        for name, tests in wanted.items():
            session = _session(copy, name, tests[:1] if options.quick else tests, options)
            for dead, text in _outcomes(session, options.cosmic_ray, copy):
                total, killed = total + 1, killed + dead
                if not dead:
                    survivors.append(text)
            print(f"{name}: {killed} of {total} mutants so far are dead", flush=True)
    print("\n\n".join(survivors))
    print(f"{killed} of {total} mutants are dead, {len(survivors)} survive")
    return 1 if survivors else 0


def _copy(folder: Path) -> Path:
    """Copy what the tests need; the interpreter finds the copy first."""
    skip = shutil.ignore_patterns("__pycache__", ".pytest_cache", "target", ".venv")
    for name in ("nvisy-sdk", "tests", "cookiecutter-provider"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _session(copy: Path, name: str, tests: Sequence[Sequence[str]], options: argparse.Namespace) -> Path:
    """Plan the mutants of one helper and keep the sample."""
    python = sys.executable
    commands = [f"{python} -m pytest -x -q -p no:cacheprovider {_quoted(test)}" for test in tests]
    script = copy / f"test-{Path(name).stem}.sh"
    script.write_text("set -e\n" + "\n".join(f"timeout {LIMIT} {command}" for command in commands) + "\n")
    settings = {
        "module-path": str(KIT / name),
        "timeout": float(LIMIT * len(tests)),
        "excluded-modules": [],
        "test-command": f"sh {script.name}",
    }
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    config = copy / f"{Path(name).stem}.toml"
    config.write_text(f'[cosmic-ray]\n{lines}\n\n[cosmic-ray.distributor]\nname = "local"\n')
    session = copy / f"{Path(name).stem}.sqlite"
    subprocess.run([options.cosmic_ray, "init", config.name, session.name], cwd=copy, env=_env(copy), check=True)
    if options.sample:
        _thin_out(session, options.sample, random.Random(f"{options.seed}/{name}"))
    return session


def _thin_out(session: Path, sample: int, chance: random.Random) -> None:
    with closing(sqlite3.connect(session)) as database, database:
        jobs = sorted(row[0] for row in database.execute("SELECT job_id FROM mutation_specs"))
        kept = set(chance.sample(jobs, min(sample, len(jobs))))
        gone = [(job,) for job in jobs if job not in kept]
        database.executemany("DELETE FROM mutation_specs WHERE job_id = ?", gone)
        database.executemany("DELETE FROM work_items WHERE job_id = ?", gone)


def _outcomes(session: Path, command: str, copy: Path) -> Iterator[tuple[bool, str]]:
    """Run the mutants and yield for each whether a test noticed it, and its difference."""
    config = session.with_suffix(".toml")
    subprocess.run([command, "exec", config.name, session.name], cwd=copy, env=_env(copy), check=True)
    dumped = subprocess.run([command, "dump", session.name], cwd=copy, capture_output=True, text=True, check=True)
    for line in dumped.stdout.splitlines():
        _, result = json.loads(line)
        if result is not None:
            yield result["test_outcome"] != "survived", str(result["diff"])


def _env(copy: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(copy / "nvisy-sdk" / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def _quoted(words: Sequence[str]) -> str:
    return " ".join(f"'{word}'" if " " in word else word for word in words)


if __name__ == "__main__":
    sys.exit(main())
