"""Verdicts of the probe, remembered on disk so that a plugin is imported once and not at every listing.

A good verdict holds while the distribution's own files stay as they are. A bad one holds only while, besides, nothing
at all is installed or removed: the missing dependency may be there now.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nvisy import _core
from nvisy.discovery._manifest import locate
from nvisy.discovery._model import Claim, Problem
from nvisy.discovery._scan import normalise

if TYPE_CHECKING:
    from nvisy.discovery._probe import Finding

__all__ = ["MOST_UNASKED", "check"]

MOST_UNASKED = 32
"""Distributions that a listing imports on its own, in a child process; more than that only on request."""


def check(claims: Sequence[Claim], home: Path, *, everything: bool = False) -> list[Problem]:
    """Judge `claims` by importing, in a child process, those whose verdict is not known.

    Args:
        claims: What to judge.
        home: Where verdicts are remembered. A home that cannot be written costs time, never the listing.
        everything: Forget what is remembered, and import however many there are.
    """
    path = home / "cache" / "probes.json"
    known = {} if everything else _read(path)
    keys = {claim: _key(claim) for claim in claims}
    environment = _environment()
    verdicts = {claim: _valid(known.get(key), environment) for claim, key in keys.items()}
    unknown = [claim for claim, verdict in verdicts.items() if verdict is None]
    limit = None if everything else MOST_UNASKED
    asked = set(list(dict.fromkeys(claim.distribution for claim in unknown))[:limit])
    chosen = [claim for claim in unknown if claim.distribution in asked]
    if chosen:
        from nvisy.discovery._probe import probe, seconds_per_plugin  # a listing without news starts no process

        for claim, findings in zip(chosen, probe(chosen, limit=seconds_per_plugin()), strict=True):
            verdicts[claim] = findings
        current = {
            keys[claim]: {"environment": environment if found else None, "findings": found}
            for claim, found in verdicts.items()
            if found is not None and all(code != "unchecked" for code, _ in found)
        }
        _write(path, {**known, **current}, keep=_installed(keys.values()))
    return [problem for claim in claims for problem in _problems(claim, verdicts[claim])]


def _problems(claim: Claim, findings: list[Finding] | None) -> list[Problem]:
    if findings is None:
        hint = "nvisy providers --check imports every plugin once, in a child process"
        return [claim.problem("unchecked", "whether it can be imported is not known", hint, severity="warning")]
    # What the manifest says is what is planned with; where the code says otherwise, it still can be used.
    harmless = ("manifest_drift", "unchecked")
    return [
        claim.problem(code, message, _hint(claim, code), severity="warning" if code in harmless else "error")
        for code, message in findings
    ]


def _hint(claim: Claim, code: str) -> str:
    package = claim.module.partition(".")[0]
    if code == "bad_signature":
        return f"its author corrects the method; `python -m nvisy_sdk manifest {package} --check` checks again"
    if code == "manifest_drift":
        return f"its author writes the file anew with: python -m nvisy_sdk manifest {package} --write"
    if code == "unchecked":
        return "see why with: python -c 'import nvisy_sdk'"
    name = normalise(claim.distribution)
    if code == "import_failed":
        look = f"see all of it with: python -c 'import {claim.module}'"
        return f"{look}; reinstall it with: pip install --force-reinstall {name}"
    if code == "hung":
        allow = "allow more with NVISY_PROBE_SECONDS=60 nvisy providers --check"
        return f"{allow}; or pip uninstall {name}"
    return f"tell its author: importing must only define things; meanwhile: pip uninstall {name}"


def _key(claim: Claim) -> str:
    """Names this very installation of the claim; it changes with any of its files."""
    parts = [sys.version, sys.prefix, _core.version(), claim.distribution, claim.version, claim.name, claim.reference]
    for name in ("RECORD", "direct_url.json", "entry_points.txt"):
        parts.append(_stamp(Path(claim.info, name)))
    place = locate(claim.module)
    if place is not None:
        parts.append(f"{place.origin}:{_stamp(Path(place.origin or os.devnull))}")
        parts.extend(line for folder in place.folders for line in _contents(folder))
    return f"{claim.info}#{claim.name}#{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


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


def _valid(entry: object, environment: str) -> list[Finding] | None:
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


def _installed(keys: Iterable[str]) -> dict[str, str]:
    """Of each installed claim its present key, so that verdicts on earlier states of it can be forgotten."""
    return {key.rpartition("#")[0]: key for key in keys}


def _write(path: Path, verdicts: dict[str, object], *, keep: dict[str, str]) -> None:
    kept = {key: value for key, value in verdicts.items() if keep.get(key.rpartition("#")[0], key) == key}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two listings may end at once: each writes a file of its own, and the last one stays, whole.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(kept, file)
        Path(file.name).replace(path)
