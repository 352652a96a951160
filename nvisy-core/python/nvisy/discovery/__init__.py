"""Finding the installed providers without importing one, and loading one when it is used.

Follow it in this order: ``_scan`` reads the distributions (``_entry_points`` one file of them), ``_policy`` says which
claims count, ``_manifest`` reads what a provider says of itself, ``_verdicts`` remembers whether it can be imported
(``_probe`` and ``_probe_child`` find out, in a process of its own), ``_load`` imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from nvisy._home import home_folder
from nvisy.discovery._load import Loader
from nvisy.discovery._manifest import PROTOCOL, describe
from nvisy.discovery._model import Claim, Discovery, Problem, ProviderInfo
from nvisy.discovery._policy import Policy
from nvisy.discovery._scan import scan

__all__ = ["Claim", "Discovery", "Loader", "PROTOCOL", "Problem", "ProviderInfo", "discover"]

Imports = Literal["never", "unknown", "all"]

_HOPELESS = {"missing_package", "unsupported_protocol"}
"""Problems after which an import could tell nothing new."""


def discover(*, home: Path | None = None, imports: Imports = "never", paths: Iterable[str] | None = None) -> Discovery:
    """Find what is installed. It never raises because of an installed distribution.

    Args:
        home: Where settings and remembered verdicts lie; the usual home when ``None``.
        imports: ``never`` judges by files alone; ``unknown`` imports, in a child process, what was not imported
            before; ``all`` imports everything there, whatever is remembered.
        paths: Folders to look into; ``sys.path`` when ``None``.
    """
    home = home or home_folder()
    claims, problems = scan(sys.path if paths is None else paths)
    claims, conflicts = Policy.load(home).select(claims)
    problems.extend(conflicts)
    described = [(claim, _describe(claim)) for claim in claims]
    problems.extend(found for _, found in described if isinstance(found, Problem))
    unusable: set[Claim] = set()
    if imports != "never":
        from nvisy.discovery._verdicts import check

        hopeful = [claim for claim, found in described if not (isinstance(found, Problem) and found.code in _HOPELESS)]
        verdicts = check(hopeful, home, everything=imports == "all")
        problems.extend(verdicts)
        refused = {(p.distribution, p.entry_point) for p in verdicts if p.severity == "error"}
        unusable = {claim for claim in hopeful if (claim.distribution, claim.name) in refused}
    providers = [found for claim, found in described if isinstance(found, ProviderInfo) and claim not in unusable]
    return Discovery(
        tuple(sorted(providers, key=lambda info: info.name)),
        tuple(sorted(problems, key=lambda p: (p.distribution.lower(), p.entry_point or "", p.code))),
        tuple(claims),
    )


def _describe(claim: Claim) -> ProviderInfo | Problem:
    try:
        return describe(claim)
    except Exception as error:  # noqa: BLE001 - an import hook may raise anything, and must harm no other plugin
        hint = f"reinstall it: pip install --force-reinstall {claim.distribution}"
        return claim.problem("unreadable_distribution", f"it cannot be looked into: {error!r}", hint)
