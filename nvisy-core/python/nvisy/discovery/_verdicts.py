"""Verdicts of the probe, remembered on disk, so that a listing can tell what is known without importing anything.

A good verdict holds while the distribution's own files stay as they are. A bad one holds only while, besides, nothing
at all is installed or removed: the missing dependency may be there now.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nvisy import _core
from nvisy.discovery._manifest import locate
from nvisy.discovery._model import Claim, Problem
from nvisy.discovery._requires import remedy
from nvisy.discovery._scan import normalise

if TYPE_CHECKING:
    from nvisy.discovery._probe import Examination

__all__ = ["problems_of", "recall", "remember"]

_HARMLESS = ("manifest_drift", "side_effect", "unchecked", "unknown_hook")
"""What the manifest says is what is planned with, and a rude import is one; such a provider can still be used."""
Found = tuple[str, str]
"""A problem's code and message."""


def recall(claims: Sequence[Claim], home: Path) -> dict[Claim, list[Problem] | None]:
    """The remembered problems of each claim; ``None`` for one that was not tried since it changed."""
    known = _read(_path(home))
    seen = {key.rpartition("#")[0] for key in known}
    environment = _environment() if known else ""
    verdicts: dict[Claim, list[Problem] | None] = {}
    for claim in claims:
        # The key costs a look at every file of the package, so only what was ever tried is worth one.
        found = _valid(known.get(_key(claim)), environment) if _place(claim) in seen else None
        verdicts[claim] = None if found is None else problems_of(claim, found)
    return verdicts


def remember(examinations: Iterable[Examination], home: Path) -> None:
    """Keep what was found. A home that cannot be written costs the memory, and nothing else."""
    environment = _environment()
    current: dict[str, object] = {}
    places: dict[str, str] = {}
    for examination in examinations:
        found = [(finding.code, finding.message) for finding in examination.findings]
        key = _key(examination.claim)
        places[_place(examination.claim)] = key
        if all(code != "unchecked" for code, _ in found):
            lasting = all(code in _HARMLESS for code, _ in found)
            current[key] = {"environment": None if lasting else environment, "findings": found}
    path = _path(home)
    before = {key: value for key, value in _read(path).items() if _lasts(key, places)}
    _write(path, {**before, **current})


def problems_of(claim: Claim, findings: Iterable[Found]) -> list[Problem]:
    """What findings mean for who installed the claim."""
    return [
        claim.problem(code, message, _hint(claim, code, message), severity="warning" if code in _HARMLESS else "error")
        for code, message in findings
    ]


def _hint(claim: Claim, code: str, message: str) -> str:
    package = claim.module.partition(".")[0]
    name = normalise(claim.distribution)
    match code:
        case "bad_signature":
            return f"its author corrects the method; `python -m nvisy_sdk manifest {package} --check` checks again"
        case "bad_hook" | "unknown_hook":
            return "its author corrects it; the names and parameters of hooks are those of nvisy_sdk.hooks"
        case "manifest_drift":
            return f"its author writes the file anew with: python -m nvisy_sdk manifest {package} --write"
        case "unchecked":
            return "see why with: python -c 'import nvisy_sdk'"
        case "missing_dependency":
            module = message.partition("No module named ")[2].partition("'")[2].partition("'")[0]
            return remedy(claim, module) if module else f"see all of it with: nvisy doctor {claim.name}"
        case "import_failed":
            return f"see all of it with: nvisy doctor {claim.name}; or pip install --force-reinstall {name}"
        case "hung":
            return f"allow more time with: nvisy doctor {claim.name} --timeout 60; or pip uninstall {name}"
        case "side_effect":
            return "tell its author: importing must only define things"
        case _:
            return f"tell its author: importing must only define things; meanwhile: pip uninstall {name}"


def _path(home: Path) -> Path:
    return home / "cache" / "probes.json"


def _place(claim: Claim) -> str:
    """The beginning of all keys that any state of this installation has."""
    return f"{claim.info}#{claim.name}"


def _key(claim: Claim) -> str:
    """Names this very installation of the claim; it changes with any of its files."""
    parts = [sys.version, sys.prefix, _core.version(), claim.distribution, claim.version, claim.name, claim.reference]
    for name in ("RECORD", "direct_url.json", "entry_points.txt"):
        parts.append(_stamp(Path(claim.info, name)))
    place = locate(claim.module)
    if place is not None:
        parts.append(f"{place.origin}:{_stamp(Path(place.origin or os.devnull))}")
        parts.extend(line for folder in place.folders for line in _contents(folder))
    return f"{_place(claim)}#{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


def _contents(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(f"{entry.path}:{_stamp(Path(entry.path))}" for entry in entries if entry.name != "__pycache__")
    return []


def _environment() -> str:
    """Changes whenever something is installed or removed."""
    return ";".join(_stamp(Path(folder or os.curdir)) for folder in sys.path)


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}.{found.st_size}"


def _lasts(key: str, places: Mapping[str, str]) -> bool:
    """Whether an earlier verdict is worth keeping: it was not looked at again, and its installation is there."""
    return key.rpartition("#")[0] not in places and Path(key.partition("#")[0]).exists()


def _valid(entry: object, environment: str) -> list[Found] | None:
    if not isinstance(entry, dict) or entry.get("environment") not in (None, environment):
        return None
    findings = entry.get("findings")
    if not isinstance(findings, list) or not all(isinstance(item, list) and len(item) == 2 for item in findings):
        return None
    return [(str(code), str(message)) for code, message in findings]


def _read(path: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(known, dict):
            return known
    return {}


def _write(path: Path, verdicts: dict[str, object]) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Two looks may end at once: each writes a file of its own, and the last one stays, whole.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(verdicts, file)
        Path(file.name).replace(path)
