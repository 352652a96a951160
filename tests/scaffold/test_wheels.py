"""A bake as a wheel, beside the SDK's own wheel, in a clean environment: it is listed, and the SDK brings its template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.scaffold.baking import TEMPLATE, Choice, paths

SDK = Path(__file__).parents[2] / "nvisy-sdk"
# What the SDK and the command line need from elsewhere: taken from this environment, because there is no network here.
BESIDE = (
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "pluggy",
    "nvisy",
    "yaml",
)


@pytest.fixture(scope="module")
def wheels(pairwise: dict[Choice, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of the SDK and of one bake."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in (SDK, next(iter(pairwise.values()))):
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(project))
    return folder


@pytest.fixture(scope="module")
def python(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with both wheels, and copies of what they need."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    for name in BESIDE:
        copy_package(name, site)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps")
    run(*pip, *map(str, wheels.glob("*.whl")))
    return python


def run(*command: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def copy_package(name: str, site: Path) -> None:
    """Copy a package or module of this environment, wherever it lies."""
    found = __import__(name).__file__
    assert found is not None
    if Path(found).name == "__init__.py":
        shutil.copytree(Path(found).parent, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(found, site)
    for metadata in Path(sysconfig.get_path("purelib")).glob(f"{name}-*.dist-info"):
        shutil.copytree(metadata, site / metadata.name)


def test_wheel_of_a_bake_holds_its_package_alone(wheels: Path) -> None:
    """Its modules, its manifest, `py.typed` and the licence; no tests."""
    (wheel,) = wheels.glob("nvisy_plugin_*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    (package,) = {name.split("/")[0] for name in names if ".dist-info" not in name}
    inside = {name.split("/", 1)[1] for name in names if name.startswith(f"{package}/")}
    assert inside >= {"__init__.py", "client.py", "nvisy_provider.json", "py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_of_the_sdk_holds_the_template(wheels: Path) -> None:
    """Every file of it, unchanged."""
    (wheel,) = wheels.glob("nvisy_sdk-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("nvisy_sdk/template/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("nvisy_sdk/template/")
        }
    assert sorted(inside) == paths(TEMPLATE)
    assert all(inside[name] == (TEMPLATE / name).read_bytes() for name in inside)


def test_bake_is_listed_where_it_is_installed(python: Path, pairwise: dict[Choice, Path]) -> None:
    """`nvisy providers` names it with its distribution, and `python -m nvisy_sdk` finds its manifest in order."""
    choice = next(iter(pairwise))
    listed = json.loads(run(str(python), "-m", "nvisy", "providers", "--json").splitlines()[-1])
    (found,) = [each for each in listed["providers"] if each["name"] == choice.slug]
    assert found["distribution"] == f"nvisy-plugin-{choice.slug.replace('_', '-')}"
    assert found["version"] == "0.1.0"
    run(str(python), "-m", "nvisy_sdk", "manifest", choice.package, "--check")


def test_installed_sdk_finds_its_template(python: Path) -> None:
    """Inside its own package."""
    script = "from nvisy_sdk import scaffold; print(scaffold.template().name)"
    assert run(str(python), "-c", script).strip() == "template"
