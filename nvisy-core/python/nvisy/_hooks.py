"""The installed hooks, as this package calls them. Where nothing installed offers any, nothing is imported for them.

A hook plugin is code the operator installed to take part in every command, so unlike a provider it is imported by every
command that looks for providers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nvisy._shield import shield
from nvisy.discovery import Claim, Discovery, Problem, ProviderInfo, order

if TYPE_CHECKING:
    from nvisy_sdk.hooks import Hooks as Plugins

__all__ = ["Hooks", "with_hooks"]

_lock = threading.Lock()


class Hooks:
    """What installed plugins take part in. Without any of them every method does nothing."""

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins
        self._known: dict[str, ProviderInfo] = {}

    def __bool__(self) -> bool:
        return self._plugins is not None

    @property
    def redactor(self) -> Callable[[str], str] | None:
        """What takes out of a text what nobody should read; ``None`` when nobody wants that."""
        return self._plugins.redact if self._plugins is not None and self._plugins.has("nvisy_redact") else None

    @property
    def listens(self) -> bool:
        """Whether anybody wants to hear of runs."""
        return self._plugins is not None and self._plugins.has("nvisy_run_event")

    def filtered(self, found: Discovery) -> Discovery:
        """What was found, without the providers that a plugin rules out, and with the problems of the plugins."""
        if self._plugins is None:
            return found
        refused = self._plugins.provider_candidates([_candidate(info) for info in found.providers])
        kept = tuple(info for info in found.providers if info.name not in refused)
        problems = list(found.problems)
        for info in found.providers:
            if info.name in refused:
                reason, source = refused[info.name]
                hint = f"ask who installed {source.distribution}, whose hook rules it out"
                problems.append(
                    Problem("ruled_out", info.distribution, info.version, info.name, f"it is ruled out: {reason}", hint)
                )
        problems.extend(
            Problem(item.code, item.distribution, item.version, item.entry_point, item.message, item.hint, "warning")
            for item in self._plugins.problems
        )
        self._known.update((info.name, info) for info in kept)
        return replace(found, providers=kept, problems=order(problems))

    def loaded(self, claim: Claim) -> None:
        """Tell of a provider that was imported."""
        info = self._known.get(claim.name)
        if self._plugins is not None and info is not None:
            self._plugins.provider_loaded(_candidate(info))

    def event(self, event: Mapping[str, Any]) -> None:
        """Tell of a run."""
        if self._plugins is not None:
            self._plugins.run_event(event)


def with_hooks(found: Discovery) -> tuple[Discovery, Hooks]:
    """What was found after the hooks had their say, and the hooks."""
    if not found.hooks:
        return found, _NONE
    shield(found.problems)  # the SDK, and Pydantic with it, is imported next
    with _lock:
        hooks = _load(found.hooks)
    return hooks.filtered(found), hooks


@cache
def _load(claims: tuple[Claim, ...]) -> Hooks:
    """The hooks of `claims`, imported once in a process."""
    from nvisy_sdk.hooks import Hooks as Plugins
    from nvisy_sdk.hooks import HookSource

    plugins = Plugins()
    plugins.load(HookSource(c.name, c.module, c.attribute, c.distribution, c.version) for c in claims)
    return Hooks(plugins)


def _candidate(info: ProviderInfo) -> Any:
    from nvisy_sdk.hooks import ProviderCandidate

    return ProviderCandidate(info.name, info.distribution, info.version, info.reference, info.manifest)


_NONE = Hooks()
