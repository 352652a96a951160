"""Which claims may count: what the operator allowed, denied or pinned, and what two distributions claim at once.

A name that two distributions claim belongs to neither until the operator pins it: never to the first, never to the last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nvisy.discovery._model import Claim, Problem
from nvisy.discovery._pin import Pin, pin_of
from nvisy.discovery._scan import normalise
from nvisy.discovery._settings import ALLOW, DISABLE, PIN, Settings

__all__ = ["Policy", "RESERVED"]

RESERVED = frozenset({"env", "false", "no", "null", "off", "on", "true", "yes"})
"""Names no provider may have: YAML reads them as something else than a text, and `env` is a kind of reference."""

_OURS = "nvisy"
"""So begin the names that only our own distributions may claim, and theirs."""
_CORE = frozenset({"nvisy-core", "nvisy-sdk"})
"""Distributions that are always there: what they claim is theirs, and another claim takes nothing from them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided, applied to claims."""

    settings: Settings
    _allowed: frozenset[str]
    _denied: frozenset[str]

    @classmethod
    def load(cls, home: Path, environment: Mapping[str, str] = os.environ) -> Policy:
        """The policy of a home and an environment."""
        settings = Settings.load(home, environment)
        return cls(settings, _spellings(settings.allow), _spellings(settings.deny))

    def select(self, claims: Iterable[Claim]) -> tuple[list[Claim], list[Problem]]:
        """Keep the claims that may count; a problem for each that may not, and for the settings themselves."""
        problems = list(self.settings.problems)
        admitted: list[Claim] = []
        for claim in claims:
            refusal = self._switched_off(claim) or _reserved(claim)
            if refusal is None:
                admitted.append(claim)
            else:
                problems.append(refusal)
        ours = {claim.name for claim in admitted if normalise(claim.distribution) in _CORE}
        rivals: dict[str, list[Claim]] = {}
        for claim in admitted:
            if claim.name in ours and normalise(claim.distribution) not in _CORE:
                problems.append(_taken(claim, "it comes with Nvisy"))
            else:
                rivals.setdefault(claim.name, []).append(claim)
        allowed: list[Claim] = []
        for name, group in rivals.items():
            chosen, conflicts = self._choose(name, group)
            allowed.extend(chosen)
            problems.extend(conflicts)
        return allowed, problems

    def select_hooks(self, hooks: Iterable[Claim]) -> tuple[list[Claim], list[Problem]]:
        """The same for hooks, of which any number may have one name."""
        kept: list[Claim] = []
        problems: list[Problem] = []
        for claim in hooks:
            pins = [pin for pin in self.settings.pins.values() if pin.distribution == normalise(claim.distribution)]
            refusal = self._switched_off(claim) or self._unfit(claim, pins[0] if pins else None, hooks=True)
            if refusal is None:
                kept.append(claim)
            else:
                problems.append(refusal)
        return kept, problems

    def _switched_off(self, claim: Claim) -> Problem | None:
        if self._denied.isdisjoint({"*", claim.name, normalise(claim.distribution)}):
            return None
        hint = f"allow it again in {DISABLE} or in {self.settings.file} under `deny`"
        return claim.problem("disabled", "it is switched off", hint, severity="warning")

    def _choose(self, name: str, rivals: list[Claim]) -> tuple[list[Claim], list[Problem]]:
        pin = self.settings.pins.get(name)
        chosen = rivals if pin is None else [c for c in rivals if normalise(c.distribution) == pin.distribution]
        if not chosen and pin is not None:
            message = f"the name `{name}` is pinned to {pin.distribution}, which is not installed or does not claim it"
            hint = f"install {pin.distribution}, or remove the pin from {PIN} and {self.settings.file}"
            return [], [claim.problem("pinned_elsewhere", message, hint) for claim in rivals]
        if len(chosen) > 1:
            return [], self._ambiguous(name, chosen)
        refusal = self._unfit(chosen[0], pin)
        return ([], [refusal]) if refusal else (chosen, [])

    def _ambiguous(self, name: str, chosen: list[Claim]) -> list[Problem]:
        owners = list(dict.fromkeys(claim.distribution for claim in chosen))
        if len(owners) == 1:
            message = f"{owners[0]} claims the name `{name}` {len(chosen)} times, for different objects"
            return [chosen[0].problem("ambiguous_name", message, "tell its author: a name is claimed once")]
        message = f"the name `{name}` is claimed by {' and by '.join(owners)}, so neither is used"
        lines = " or ".join(json.dumps({"pins": {name: owner}}) for owner in owners)
        pins = " or ".join(f"{PIN}={name}={owner}" for owner in owners)
        hint = f"pin the one you want: write {lines} into {self.settings.file}, or set {pins}; or uninstall the other"
        return [claim.problem("ambiguous_name", message, hint) for claim in chosen]

    def _unfit(self, claim: Claim, pin: Pin | None, *, hooks: bool = False) -> Problem | None:
        """Why the mode, or the claim's own pin, rules it out."""
        file = self.settings.file
        difference = pin.difference(claim) if pin is not None else None
        if difference is not None:
            hint = f"install what was pinned, or write {pin_of(claim, hooks=hooks)} under `pins` in {file}"
            return claim.problem("pin_mismatch", difference, hint)
        if normalise(claim.distribution) in _CORE:
            return None
        mode = self.settings.mode
        if mode == "pinned" and (pin is None or not pin.complete):
            message = "the mode is `pinned`, and it has no pin with version and hash"
            hint = f"if you trust it, write {pin_of(claim, hooks=hooks)} under `pins` in {file}"
            return claim.problem("not_pinned", message, hint, severity="warning")
        known = pin is not None or not self._allowed.isdisjoint({claim.name, normalise(claim.distribution)})
        if mode == "listed" and not known:
            message = "the mode is `listed`, and it is not on the list"
            hint = f'if you trust it, write "{claim.distribution}" under `allow` in {file}, or set {ALLOW}'
            return claim.problem("not_listed", message, hint, severity="warning")
        return None


def _reserved(claim: Claim) -> Problem | None:
    if claim.name in RESERVED:
        return _taken(claim, "it means something else in a workflow")
    if claim.name.startswith(_OURS) and not normalise(claim.distribution).startswith(f"{_OURS}-"):
        return _taken(claim, f"names that begin with `{_OURS}` are for its own packages")
    return None


def _taken(claim: Claim, why: str) -> Problem:
    message = f"the name `{claim.name}` is reserved: {why}"
    return claim.problem("reserved_name", message, "its author chooses another name; nothing else can be done")


def _spellings(names: Iterable[str]) -> frozenset[str]:
    return frozenset(spelling for name in names for spelling in (name, normalise(name)))
