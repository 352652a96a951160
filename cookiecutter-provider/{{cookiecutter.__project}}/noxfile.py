"""The only task runner: `nox` does what the continuous integration does, `nox -s NAME` one part, `nox -l` lists them."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "typing", "tests", "conformance", "package"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and format."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types, and that the manifest is what the code says."""
    _install(session)
    session.run("mypy", "src", "tests")
    session.run("python", "-m", "nvisy_sdk", "manifest", "{{ cookiecutter.__package }}", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the package's own tests."""
    _install(session)
    session.run("pytest", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the conformance kit at the level that pyproject.toml asks for."""
    _install(session)
    session.run("python", "-m", "nvisy_sdk", "conform", "{{ cookiecutter.slug }}", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel, and import the package from it."""
    session.install("build")
    folder = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    session.install("--force-reinstall", *map(str, folder.glob("*.whl")))
    with session.chdir(folder):
        session.run("python", "-m", "nvisy_sdk", "manifest", "{{ cookiecutter.__package }}", "--check")


def _install(session: nox.Session) -> None:
    session.install("-e", ".[dev]")
