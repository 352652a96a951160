"""Hooks: what a plugin can take part in besides being a provider. Synchronous, and never on the path of the data.

    [project.entry-points."nvisy.hooks"]
    acme = "acme_hooks"                  # a module, or module:object

    # acme_hooks.py
    from nvisy_sdk.hooks import hookimpl

    @hookimpl
    def nvisy_run_event(event):
        if event["event"] == "finished":
            print(event["workflow"], event["status"])

A hook may take fewer parameters than its specification, so that it keeps working when one is added. One that raises
harms nobody: it is reported with its distribution's name, and the others are called. Importing this module imports pluggy.
"""

from ._hook_scan import HookProblem, HookSource, hook_sources
from ._hook_specs import (
    ProviderCandidate,
    hookimpl,
    nvisy_conformance_checks,
    nvisy_conformance_report,
    nvisy_provider_candidates,
    nvisy_provider_loaded,
    nvisy_redact,
    nvisy_resolve_secret,
    nvisy_run_event,
)
from ._hooks import Hooks, hook_defects

__all__ = [
    "HookProblem",
    "HookSource",
    "Hooks",
    "ProviderCandidate",
    "hook_defects",
    "hook_sources",
    "hookimpl",
    "nvisy_conformance_checks",
    "nvisy_conformance_report",
    "nvisy_provider_candidates",
    "nvisy_provider_loaded",
    "nvisy_redact",
    "nvisy_resolve_secret",
    "nvisy_run_event",
]
