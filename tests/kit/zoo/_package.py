"""A copy of the reference package with its metadata, to be broken by one edit: for animals that are wrong on disk."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Subject

from tests.kit import reference


@dataclass(frozen=True)
class Parcel:
    """The copy.

    Args:
        package: The folder of the import package.
        info: The folder of the metadata.
        name: The provider's name.
    """

    package: Path
    info: Path
    name: str

    def edit(self, file: str, old: str, new: str) -> Parcel:
        """Replace a text in a file of the package."""
        return self._replace(self.package / file, old, new)

    def add(self, file: str, text: str) -> Parcel:
        """Add lines to the end of a file of the package."""
        path = self.package / file
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        return self

    def meta(self, old: str, new: str, *, file: str = "METADATA") -> Parcel:
        """Replace a text in a file of the metadata."""
        return self._replace(self.info / file, old, new)

    def installs(self, path: str) -> Parcel:
        """List one more file as installed."""
        record = self.info / "RECORD"
        record.write_text(record.read_text(encoding="utf-8") + f"{path},,\n", encoding="utf-8")
        return self

    def manifest(self, change: Callable[[dict[str, Any]], None]) -> Parcel:
        """Change the manifest's file."""
        path = self.package / "nvisy_provider.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return self

    def subject(self, *, name: str = "", reference: str = "") -> Subject:
        """Return the provider as the kit finds it."""
        named = reference or f"{self.package.name}:Provider"
        return Subject(name or self.name, named, importlib.metadata.Distribution.at(self.info))

    def _replace(self, path: Path, old: str, new: str) -> Parcel:
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path.name} has no {old!r}, so the animal would not differ from the reference"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return self


def parcel(folder: Path, kind: DataKind = DataKind.RECORD) -> Parcel:
    """Copy the reference of a kind into the folder."""
    name = reference.NAMES[kind]
    package = folder / f"nvisy_plugin_{name}"
    shutil.copytree(
        reference.project(kind) / "src" / package.name, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    built = Path(str(reference.distribution(kind).locate_file(""))) / f"{package.name}-0.1.0.dist-info"
    info = folder / built.name
    shutil.copytree(built, info)
    return Parcel(package, info, name)
