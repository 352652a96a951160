"""Which claims may count: what the operator disabled, denied or pinned, and what two distributions claim at once.

A name that two distributions claim belongs to neither until the operator pins it: never to the first, never to the last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nvisy.discovery._model import Claim, Problem
from nvisy.discovery._scan import normalise

__all__ = ["Policy"]

PIN = "NVISY_PIN"
DISABLE = "NVISY_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided.

    Attributes:
        pins: Provider name to the normalised name of the one distribution that may provide it.
        denied: Provider names and normalised distribution names that are switched off; ``*`` is all of them.
        problems: What is wrong with the settings themselves.
    """

    pins: Mapping[str, str]
    denied: frozenset[str]
    problems: tuple[Problem, ...]

    @classmethod
    def load(cls, home: Path, environment: Mapping[str, str] = os.environ) -> Policy:
        """Read ``config.json`` of `home` and the two variables; a pin of the environment wins over one of the file."""
        pins, denied, problems = _config(home / "config.json")
        for item in _items(environment.get(PIN, "")):
            name, equals, distribution = (part.strip() for part in item.partition("="))
            if not equals or not name or not distribution:
                message = f"{PIN} has `{item}`, which is no pin"
                problems.append(_setting(message, f"write {PIN}=name=distribution,name=distribution"))
                continue
            pins[name] = distribution
        denied.extend(_items(environment.get(DISABLE, "")))
        return cls(
            {name: normalise(distribution) for name, distribution in pins.items()},
            frozenset(spelling for item in denied for spelling in (item, normalise(item))),
            tuple(problems),
        )

    def select(self, claims: Iterable[Claim]) -> tuple[list[Claim], list[Problem]]:
        """Keep the claims that may count; a problem for each that may not."""
        kept: dict[str, list[Claim]] = {}
        problems = list(self.problems)
        for claim in claims:
            if self._denies(claim):
                hint = f"allow it again in {DISABLE} or in config.json under `deny`"
                problems.append(claim.problem("disabled", "it is switched off", hint, severity="warning"))
                continue
            kept.setdefault(claim.name, []).append(claim)
        allowed: list[Claim] = []
        for name, rivals in kept.items():
            chosen, conflicts = self._choose(name, rivals)
            allowed.extend(chosen)
            problems.extend(conflicts)
        return allowed, problems

    def _denies(self, claim: Claim) -> bool:
        return not self.denied.isdisjoint({"*", claim.name, normalise(claim.distribution)})

    def _choose(self, name: str, rivals: list[Claim]) -> tuple[list[Claim], list[Problem]]:
        pin = self.pins.get(name)
        chosen = rivals if pin is None else [claim for claim in rivals if normalise(claim.distribution) == pin]
        if len(chosen) == 1:
            return chosen, []
        if not chosen:
            message = f"the name `{name}` is pinned to {pin}, which is not installed or does not claim it"
            hint = f"install {pin}, or remove the pin from {PIN} and config.json"
            return [], [claim.problem("pinned_elsewhere", message, hint) for claim in rivals]
        owners = list(dict.fromkeys(claim.distribution for claim in chosen))
        if len(owners) == 1:
            message = f"{owners[0]} claims the name `{name}` {len(chosen)} times, for different objects"
            return [], [chosen[0].problem("ambiguous_name", message, "tell its author: a name is claimed once")]
        message = f"the name `{name}` is claimed by {' and by '.join(owners)}, so neither is used"
        pins = " or ".join(f"{PIN}={name}={owner}" for owner in owners)
        hint = f"pin the one you want ({pins}; or `pins` in config.json), or uninstall the other"
        return [], [claim.problem("ambiguous_name", message, hint) for claim in chosen]


def _config(path: Path) -> tuple[dict[str, str], list[str], list[Problem]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, [], []
    except (OSError, ValueError) as error:
        return {}, [], [_setting(f"{path} cannot be read: {error}", "correct it or remove it")]
    hint = 'write {"pins": {"name": "distribution"}, "deny": ["name or distribution"]}'
    if not isinstance(config, dict):
        return {}, [], [_setting(f"{path} is not a JSON object", hint)]
    pins, denied, problems = config.get("pins", {}), config.get("deny", []), []
    if not isinstance(pins, dict) or not all(isinstance(value, str) for value in pins.values()):
        problems.append(_setting(f"`pins` in {path} is not an object of texts", hint))
        pins = {}
    if not isinstance(denied, list) or not all(isinstance(value, str) for value in denied):
        problems.append(_setting(f"`deny` in {path} is not a list of texts", hint))
        denied = []
    return dict(pins), list(denied), problems


def _setting(message: str, hint: str) -> Problem:
    return Problem("bad_setting", "nvisy-core", "", None, message, hint, "warning")


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
