"""The manifest of a claim, found and judged without importing the package it lies in."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from nvisy import _core
from nvisy.discovery._model import Claim, Problem, ProviderInfo
from nvisy.discovery._scan import normalise

__all__ = ["FILE", "PROTOCOLS", "Place", "describe", "locate", "manifest_file"]

FILE = "nvisy_provider.json"
PROTOCOLS = (1,)
"""The protocol versions this engine speaks."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module lies: its own file when it is no package, and the folders of the packages on the way to it."""

    origin: str | None
    folders: tuple[Path, ...]
    """Innermost first."""


def locate(module: str) -> Place | None:
    """Find `module` without importing anything; ``None`` when its top-level package is not there.

    ``importlib.util.find_spec`` imports the parents of a dotted name, so only the top-level name is asked for.
    """
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    folders: list[Path] = []
    for location in spec.submodule_search_locations or ():
        chain = [Path(location)]
        for name in inner:
            chain.append(chain[-1] / name)
        folders.extend(folder for folder in reversed(chain) if folder.is_dir())
    return Place(spec.origin, tuple(folders))


def manifest_file(place: Place) -> Path | None:
    """The manifest nearest to the module; ``None`` when no package on the way to it has one."""
    return next((folder / FILE for folder in place.folders if (folder / FILE).is_file()), None)


def describe(claim: Claim) -> ProviderInfo | Problem:
    """Read and judge the manifest of `claim`."""
    top = claim.module.partition(".")[0]
    place = locate(claim.module)
    if place is None:
        message = f"the package `{top}` it points to is not there"
        hint = f"reinstall it: pip install --force-reinstall {claim.distribution}"
        return claim.problem("missing_package", message, hint)
    file = manifest_file(place)
    if file is None:
        return claim.problem("no_manifest", f"its package `{top}` has no {FILE}", _rewrite(claim))
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return claim.problem("bad_manifest", f"its {FILE} cannot be read: {error}", _rewrite(claim))
    return _judge(claim, text)


def _judge(claim: Claim, text: str) -> ProviderInfo | Problem:
    try:
        raw = json.loads(text)
    except ValueError as error:
        return claim.problem("bad_manifest", f"its {FILE} is not JSON: {error}", _rewrite(claim))
    # The protocol comes first: a manifest of a later protocol may well have fields that this one does not know.
    protocol = _negotiate(claim, raw)
    if isinstance(protocol, Problem):
        return protocol
    try:
        canonical = _core.validate("Manifest", text)
    except ValueError as error:
        return claim.problem("bad_manifest", f"its {FILE} is not a manifest: {error}", _rewrite(claim))
    manifest = json.loads(canonical)
    if manifest["name"] != claim.name:
        message = f"its manifest is that of `{manifest['name']}`, but its entry point is named `{claim.name}`"
        return claim.problem("name_mismatch", message, "give both the same name")
    return ProviderInfo(claim.name, claim.distribution, claim.version, claim.reference, canonical, manifest, protocol)


def _negotiate(claim: Claim, raw: object) -> int | Problem:
    """The highest protocol version that both sides speak. Where the manifest says none, its check will say so."""
    span = raw.get("protocol") if isinstance(raw, dict) else None
    low, high = (span.get("min"), span.get("max")) if isinstance(span, dict) else (None, None)
    if not isinstance(low, int) or not isinstance(high, int):
        return PROTOCOLS[-1]
    common = [version for version in PROTOCOLS if low <= version <= high]
    if common:
        return max(common)
    ours = " and ".join(str(version) for version in PROTOCOLS)
    message = f"it speaks protocol {low} to {high}; this engine speaks {ours}"
    newer = "nvisy-core" if low > max(PROTOCOLS) else claim.distribution
    return claim.problem("unsupported_protocol", message, f"pip install --upgrade {normalise(newer)}")


def _rewrite(claim: Claim) -> str:
    return f"its author writes the file with: python -m nvisy_sdk manifest {claim.module.partition('.')[0]} --write"
