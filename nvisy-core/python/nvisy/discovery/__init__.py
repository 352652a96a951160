"""Finding the installed providers without importing one, and loading one when it is used.

Follow it in this order: ``_scan`` reads the distributions (``_entry_points`` one file of them), ``_policy`` says which
claims count (``_settings`` and ``_pin`` are what the operator wrote), ``_requires`` compares what a plugin needs with
what is there (``_versions``), ``_manifest`` reads what a provider says of itself, ``_verdicts`` remembers what an import
showed, ``_load`` imports. ``_doctor`` tries imports in processes of their own (``_probe``, ``_probe_child``, ``_effects``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from nvisy._home import home_folder
from nvisy.discovery._load import Loader
from nvisy.discovery._manifest import PROTOCOLS, describe
from nvisy.discovery._model import Claim, Discovery, Problem, ProviderInfo
from nvisy.discovery._policy import Policy
from nvisy.discovery._requires import conflicts
from nvisy.discovery._scan import scan

__all__ = ["Claim", "Discovery", "Loader", "PROTOCOLS", "Problem", "ProviderInfo", "discover", "order"]


def discover(*, home: Path | None = None, verdicts: bool = False, paths: Iterable[str] | None = None) -> Discovery:
    """Find what is installed. It imports no plugin, starts no process, and never raises because of a distribution.

    Args:
        home: Where settings and remembered verdicts lie; the usual home when ``None``.
        verdicts: Whether what `nvisy doctor` found counts: a provider it could not import is then left out.
        paths: Folders to look into; ``sys.path`` when ``None``.
    """
    home = home or home_folder()
    found = scan(sys.path if paths is None else paths)
    policy = Policy.load(home)
    claims, refused = policy.select(found.claims)
    hooks, refused_hooks = policy.select_hooks(found.hooks)
    problems = [*found.problems, *refused, *refused_hooks]
    providers: dict[Claim, ProviderInfo] = {}
    for claim in claims:
        problems.extend(conflicts(claim, found.installed))
        described = _describe(claim)
        if isinstance(described, Problem):
            problems.append(described)
        else:
            providers[claim] = described
    untried: set[str] = set()
    if verdicts:
        from nvisy.discovery._verdicts import recall

        for claim, known in recall(claims, home).items():
            problems.extend(known or ())
            if known is None and claim in providers:
                untried.add(claim.name)
            elif known is not None and any(problem.severity == "error" for problem in known):
                providers.pop(claim, None)
    infos = sorted(providers.values(), key=lambda info: info.name)
    return Discovery(tuple(infos), order(problems), tuple(claims), tuple(hooks), frozenset(untried))


def order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems in the order in which they are listed."""
    return tuple(sorted(problems, key=lambda p: (p.distribution.lower(), p.entry_point or "", p.code)))


def _describe(claim: Claim) -> ProviderInfo | Problem:
    try:
        return describe(claim)
    except Exception as error:  # noqa: BLE001 - an import hook may raise anything, and must harm no other plugin
        hint = f"reinstall it: pip install --force-reinstall {claim.distribution}"
        return claim.problem("unreadable_distribution", f"it cannot be looked into: {error!r}", hint)
