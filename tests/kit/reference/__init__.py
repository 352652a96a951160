"""The reference providers: one for each kind of data, as the template bakes them, correct in every respect.

They are not installed. `subject` gives each the metadata that an installation would have, made by its own build backend.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from nvisy_sdk import DataKind, Manifest
from nvisy_sdk.conformance import ProviderHarness, Subject

HERE = Path(__file__).parent

NAMES = {
    DataKind.RECORD: "shelf",
    DataKind.OBJECT: "shelf_object",
    DataKind.EMBEDDING: "shelf_embedding",
    DataKind.DOCUMENT: "shelf_document",
    DataKind.MESSAGE: "shelf_message",
    DataKind.GRAPH: "shelf_graph",
}
"""The provider's name for each kind of data."""

for _source in sorted(HERE.glob("*/src")):
    if str(_source) not in sys.path:
        sys.path.insert(0, str(_source))

from nvisy_plugin_shelf import Provider  # noqa: E402  # what most animals of the zoo are derived from

__all__ = [
    "NAMES",
    "Provider",
    "distribution",
    "harness",
    "installed_metadata",
    "manifest",
    "project",
    "provider",
    "subject",
]


def project(kind: DataKind) -> Path:
    """Return the project's folder."""
    return HERE / f"nvisy-plugin-{NAMES[kind].replace('_', '-')}"


def provider(kind: DataKind) -> type:
    """Return the provider's class, to be derived from."""
    found: type = importlib.import_module(f"nvisy_plugin_{NAMES[kind]}").Provider
    return found


def manifest(kind: DataKind) -> Manifest:
    """Return the provider's manifest, as the file in its package says."""
    text = (project(kind) / "src" / f"nvisy_plugin_{NAMES[kind]}" / "nvisy_provider.json").read_text(encoding="utf-8")
    return Manifest.model_validate_json(text)


def subject(kind: DataKind) -> Subject:
    """Return the provider as an installation would show it."""
    return Subject(NAMES[kind], f"nvisy_plugin_{NAMES[kind]}:Provider", distribution(kind))


@functools.cache
def harness(kind: DataKind) -> type[ProviderHarness]:
    """Return the harness in the project's `tests`."""
    spec = importlib.util.spec_from_file_location(
        f"nvisy_plugin_{NAMES[kind]}_harness", project(kind) / "tests" / "harness.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: type[ProviderHarness] = module.Harness
    return found


@functools.cache
def distribution(kind: DataKind) -> importlib.metadata.Distribution:
    """Return the metadata of the project, as its build backend puts it into the wheel."""
    return installed_metadata(project(kind), _scratch() / NAMES[kind])


def installed_metadata(project: Path, folder: Path) -> importlib.metadata.Distribution:
    """Build a project's wheel into a folder, unpack its metadata there, and return them."""
    script = "import sys; from hatchling.build import *; build_wheel(sys.argv[1])"
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", script, str(folder)]
    subprocess.run(command, cwd=project, env=env, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        archive.extractall(folder, names)
    return importlib.metadata.Distribution.at(folder / Path(names[0]).parts[0])


@functools.cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nvisy-reference-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
