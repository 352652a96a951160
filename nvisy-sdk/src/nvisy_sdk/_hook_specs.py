"""What each hook is called with and what it may return. `nvisy_sdk.hooks` is the public face."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pluggy

hookimpl = pluggy.HookimplMarker("nvisy")
"""Marks a function as a hook: `@hookimpl`."""

_spec = pluggy.HookspecMarker("nvisy")


@dataclass(frozen=True, slots=True)
class ProviderCandidate:
    """An installed provider as its files describe it. Nothing of it has been imported for this."""

    name: str
    """Its name in workflows."""
    distribution: str
    version: str
    reference: str
    """The entry point, `package.module:Class`."""
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)


@_spec
def nvisy_provider_candidates(infos: Sequence[ProviderCandidate]) -> Mapping[str, str] | None:
    """Rule out providers.

    Called each time the installed providers are looked for, also for a mere listing.

    Args:
        infos: Every provider that could be used.

    Returns:
        The name of each provider that must not be used, with the reason that its user is told; None for no objection.
        Nothing can be let in here that was ruled out elsewhere.
    """


@_spec(firstresult=True)
def nvisy_resolve_secret(reference: str) -> str | None:
    """Look up a secret.

    The engine does not ask yet: a workflow knows the scheme `env` alone. The specification is here so that plugins and
    embedding programs, which can call `Hooks.resolve_secret`, agree on it.

    Args:
        reference: What stands between `${` and `}`, such as `vault:database/password`.

    Returns:
        The secret, or None when the reference is of another scheme. The first answer counts.
    """


@_spec
def nvisy_redact(record: str) -> str | None:
    """Take out of a text what nobody should read.

    Called for each line of the error and log output of the command line, and for each text of an error printed as JSON.

    Args:
        record: One text, as far as the hooks before this one left it.

    Returns:
        What may be printed, or None to leave it as it is. When a redactor raises, the text is withheld altogether.
    """


@_spec(historic=True)
def nvisy_provider_loaded(info: ProviderCandidate) -> None:
    """Hear that a provider was imported and its class found sound; also of those imported before this plugin was there.

    Args:
        info: The provider.
    """


@_spec
def nvisy_run_event(event: dict[str, Any]) -> None:
    """Hear of a run: its start, about once a second how far it is, its end.

    Called on the thread that waits for the run; what takes long belongs into a thread of your own.

    Args:
        event: Its `event` is `started`, `progress` or `finished`; `run_id` names the run. Plain values that JSON can
            hold; no credentials. Each hook gets a copy of its own.
    """


@_spec
def nvisy_conformance_checks(registry: Callable[..., Any]) -> None:
    """Add checks to the conformance kit.

    Args:
        registry: A decorator as `nvisy_sdk.conformance.check`. The id of each check begins with `X-`.
    """


@_spec
def nvisy_conformance_report(report: dict[str, Any]) -> None:
    """See the report of a finished conformance run, as it is written to `nvisy-conformance.json`.

    Args:
        report: A copy of its own for each hook; nothing changed in it changes the report.
    """
