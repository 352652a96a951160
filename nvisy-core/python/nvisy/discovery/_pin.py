"""A pin: which distribution, and if wanted which version and which very files, may provide a name."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nvisy.discovery._entry_points import parse, split_reference
from nvisy.discovery._manifest import locate
from nvisy.discovery._model import Claim
from nvisy.discovery._scan import normalise

__all__ = ["Pin", "content_hash", "pin_of"]


@dataclass(frozen=True, slots=True)
class Pin:
    """What may provide a name. `distribution` is normalised; without a version or hash any will do."""

    distribution: str
    version: str | None = None
    hash: str | None = None

    @classmethod
    def parse(cls, value: object) -> Pin | None:
        """A pin of the file: a distribution's name, or an object; ``None`` for anything else."""
        if isinstance(value, str) and value.strip():
            return cls(normalise(value.strip()))
        if not isinstance(value, dict) or not set(value) <= {"distribution", "version", "hash"}:
            return None
        if not all(isinstance(item, str) and item for item in value.values()) or "distribution" not in value:
            return None
        return cls(normalise(value["distribution"]), value.get("version"), value.get("hash"))

    @classmethod
    def read(cls, text: str) -> Pin | None:
        """A pin of the environment: ``distribution[==version][@sha256:...]``."""
        rest, _, digest = text.partition("@")
        distribution, equals, version = (part.strip() for part in rest.partition("=="))
        if not distribution or (equals and not version) or "=" in distribution + version:
            return None
        return cls(normalise(distribution), version or None, digest.strip() or None)

    @property
    def complete(self) -> bool:
        """Whether it leaves nothing open."""
        return self.version is not None and self.hash is not None

    def difference(self, claim: Claim) -> str | None:
        """How the claim's installation is not the pinned one; ``None`` when it is. Files are read only for a hash."""
        if self.version is not None and self.version != claim.version:
            return f"version {self.version} is pinned, {claim.version or 'an unknown one'} is installed"
        if self.hash is not None and self.hash != content_hash(claim):
            return "its files are not those that were pinned"
        return None


def pin_of(claim: Claim, *, hooks: bool = False) -> str:
    """The line of ``config.json`` that pins the claim as it is installed now.

    Hooks have no name of their own in workflows; they are pinned under that of their distribution.
    """
    values = {"distribution": claim.distribution, "version": claim.version, "hash": content_hash(claim)}
    return f'"{normalise(claim.distribution) if hooks else claim.name}": {json.dumps(values)}'


def content_hash(claim: Claim) -> str:
    """A hash over the files of a distribution as they lie there, the same for each of its claims.

    They are the packages its claims point to, its entry points, and what its RECORD lists beside them. Scripts outside the
    folder of packages name the interpreter and are left out, as is what Python generates.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_files(claim)):
        try:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            content = "absent"
        digest.update(f"{name}\0{content}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _files(claim: Claim) -> Iterator[tuple[str, Path]]:
    points = Path(claim.info, "entry_points.txt")
    found = [("entry_points.txt", points), *_recorded(claim)]
    for top in _packages(claim, points):
        found.extend(_packaged(top))
    yield from dict(found).items()


def _packages(claim: Claim, points: Path) -> list[str]:
    """The top-level packages that the distribution's claims point to."""
    try:
        lines = parse(points.read_text(encoding="utf-8-sig"))[0]
    except (OSError, UnicodeDecodeError):
        lines = []
    return sorted(
        {claim.module.partition(".")[0], *(split_reference(line.value)[0].partition(".")[0] for line in lines)}
    )


def _recorded(claim: Claim) -> Iterator[tuple[str, Path]]:
    info = Path(claim.info)
    try:
        lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for row in csv.reader(lines):
        name = row[0] if row else ""
        # The dist-info itself has files that the installer writes, different ones on each machine.
        if name and not name.startswith(("/", "..", f"{info.name}/")) and not name.endswith(".pyc"):
            yield name, info.parent / name


def _packaged(package: str) -> Iterator[tuple[str, Path]]:
    place = locate(package) if package.isidentifier() else None
    if place is None:
        return
    if not place.folders and place.origin:
        yield Path(place.origin).name, Path(place.origin)
    for top in place.folders:
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in (name for name in names if not name.endswith(".pyc")):
                path = Path(folder, name)
                yield path.relative_to(top.parent).as_posix(), path
