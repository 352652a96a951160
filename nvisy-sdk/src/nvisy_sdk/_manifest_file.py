"""The file `nvisy_provider.json` of a plugin's package: written from the code, compared with the code, read without it."""

import difflib
import importlib
from importlib import resources
from pathlib import Path

from ._error import ProtocolError
from ._manifest import MANIFEST_FILE, Manifest


def manifest_text(package: str) -> str:
    """Return the text the file should have.

    Raises:
        ImportError: The package cannot be imported.
        ProtocolError: It has no function `manifest` that returns a `Manifest`.
    """
    make = getattr(importlib.import_module(package), "manifest", None)
    if not callable(make):
        raise ProtocolError(f"{package} has no function `manifest`; add `def manifest() -> Manifest`")
    manifest = make()
    if not isinstance(manifest, Manifest):
        raise ProtocolError(f"`manifest` of {package} returns a {type(manifest).__name__}, not a Manifest")
    return manifest.model_dump_json(indent=2) + "\n"


def write_manifest(package: str) -> Path:
    """Write the file into the package's folder and return its path."""
    text = manifest_text(package)
    path = _path(package)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def drift(package: str) -> str:
    """Return the difference between the file and the code as a unified diff; empty when there is none."""
    wanted = manifest_text(package)
    path = _path(package)
    present = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = difflib.unified_diff(
        present.splitlines(), wanted.splitlines(), f"{package}/{MANIFEST_FILE}", "the code", lineterm=""
    )
    return "\n".join(lines)


def _path(package: str) -> Path:
    return Path(str(resources.files(package))) / MANIFEST_FILE
