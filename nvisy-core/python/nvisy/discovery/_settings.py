"""What the operator wrote: ``config.json`` of the home, and the variables that win over it. It judges nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from nvisy.discovery._model import Problem
from nvisy.discovery._pin import Pin

__all__ = ["ALLOW", "DISABLE", "MODE", "Mode", "PIN", "Settings"]

PIN = "NVISY_PIN"
DISABLE = "NVISY_DISABLE_PLUGINS"
ALLOW = "NVISY_ALLOW_PLUGINS"
MODE = "NVISY_PLUGIN_MODE"

Mode = Literal["any", "listed", "pinned"]

_SHAPE = (
    'write {"mode": "listed", "allow": ["distribution"], "deny": ["distribution"], "pins": {"name": "distribution"}}'
)
_TEXTS = {"allow": ALLOW, "deny": DISABLE}


@dataclass(slots=True)
class Settings:
    """The settings of one home and one process.

    Attributes:
        file: Where the settings of the home are, or would be.
        mode: ``any`` plugin may be used, or only those ``listed`` or ``pinned``.
        allow: Names of providers and distributions.
        deny: The same; ``*`` is all of them.
        pins: By provider name.
        problems: What is wrong with the settings themselves.
    """

    file: Path
    mode: Mode = "any"
    allow: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)
    pins: dict[str, Pin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def load(cls, home: Path, environment: Mapping[str, str]) -> Settings:
        """Read ``config.json`` of `home`, then the variables: a pin or mode of theirs wins, their lists are added."""
        settings = cls(home / "config.json")
        settings._take(settings._config())
        settings.deny.extend(_items(environment.get(DISABLE, "")))
        settings.allow.extend(_items(environment.get(ALLOW, "")))
        settings._take_mode(environment.get(MODE, "").strip() or settings.mode, MODE)
        for item in _items(environment.get(PIN, "")):
            name, _, rest = (part.strip() for part in item.partition("="))
            pin = Pin.read(rest)
            if not name or pin is None:
                hint = f"write {PIN}=name=distribution,name=distribution==version@sha256:hash"
                settings._wrong(f"{PIN} has `{item}`, which is no pin", hint)
            else:
                settings.pins[name] = pin
        return settings

    def _config(self) -> dict[str, Any]:
        try:
            config = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._wrong(f"{self.file} cannot be read: {error}", "correct it or remove it")
            return {}
        if isinstance(config, dict):
            return config
        self._wrong(f"{self.file} is not a JSON object", _SHAPE)
        return {}

    def _take(self, config: Mapping[str, Any]) -> None:
        unknown = sorted(set(config) - {"mode", "allow", "deny", "pins"})
        if unknown:
            self._wrong(f"{self.file} has {', '.join(f'`{name}`' for name in unknown)}, which means nothing", _SHAPE)
        for name in _TEXTS:
            value = config.get(name, [])
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                getattr(self, name).extend(value)
            else:
                self._wrong(f"`{name}` in {self.file} is not a list of texts", _SHAPE)
        pins = config.get("pins", {})
        if not isinstance(pins, dict):
            self._wrong(f"`pins` in {self.file} is not an object", _SHAPE)
            pins = {}
        for name, value in pins.items():
            pin = Pin.parse(value)
            if pin is None:
                hint = 'write "name": "distribution", or "name": {"distribution": ..., "version": ..., "hash": ...}'
                self._wrong(f"the pin of `{name}` in {self.file} is no pin", hint)
            else:
                self.pins[name] = pin
        self._take_mode(config.get("mode", self.mode), str(self.file))

    def _take_mode(self, mode: object, where: str) -> None:
        if mode in get_args(Mode):
            self.mode = mode  # type: ignore[assignment]  # a member of the literal, as was just found
            return
        # Somebody wanted a restriction and misspelt it; to allow everything would be the opposite.
        self.mode = "pinned"
        hint = f"write one of {', '.join(get_args(Mode))}; until then only pinned plugins are used"
        self._wrong(f"`{mode}` is no mode ({where})", hint)

    def _wrong(self, message: str, hint: str) -> None:
        self.problems.append(Problem("bad_setting", "nvisy-core", "", None, message, hint, "warning"))


def _items(text: str) -> Iterable[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
