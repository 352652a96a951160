"""Nvisy moves typed data between systems, and picks up where it stopped.

>>> import nvisy
>>> outcome = nvisy.run("flights.yaml")
>>> outcome = nvisy.copy("sqlite:///flights.db?table=flights", "sqlite:///copy.db")

Importing this package is cheap: each name is looked up when it is first used.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # type checkers know the name; importing it from `typing` would cost half of `nvisy --version`
if TYPE_CHECKING:
    from nvisy._api import copy, copy_async, plan, providers, run, run_async
    from nvisy._errors import (
        CancelledError,
        DefinitionError,
        DefinitionProblem,
        EngineError,
        NvisyError,
        RejectedError,
        RunError,
    )
    from nvisy._load_error import LoadError
    from nvisy._outcome import Failure, Outcome, SinkOutcome
    from nvisy.discovery import Discovery, Problem, ProviderInfo

    __version__: str

__all__ = [
    "CancelledError",
    "DefinitionError",
    "DefinitionProblem",
    "Discovery",
    "EngineError",
    "Failure",
    "LoadError",
    "NvisyError",
    "Outcome",
    "Problem",
    "ProviderInfo",
    "RejectedError",
    "RunError",
    "SinkOutcome",
    "copy",
    "copy_async",
    "plan",
    "providers",
    "run",
    "run_async",
]

_HOMES = {
    "nvisy._api": ("copy", "copy_async", "plan", "providers", "run", "run_async"),
    "nvisy._errors": (
        "CancelledError",
        "DefinitionError",
        "DefinitionProblem",
        "EngineError",
        "NvisyError",
        "RejectedError",
        "RunError",
    ),
    "nvisy._load_error": ("LoadError",),
    "nvisy._outcome": ("Failure", "Outcome", "SinkOutcome"),
    "nvisy.discovery": ("Discovery", "Problem", "ProviderInfo"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from nvisy import _core

        return _core.version()
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'nvisy' has no attribute '{name}'")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
