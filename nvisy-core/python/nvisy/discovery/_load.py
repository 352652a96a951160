"""Loading: a provider is imported when it is first used, once, and a failure is remembered.

This is the only place where a plugin's code enters this process.
"""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING

from nvisy.discovery._model import Claim
from nvisy.discovery._requires import remedy
from nvisy.discovery._scan import normalise

if TYPE_CHECKING:
    from nvisy._load_error import LoadError

__all__ = ["Loader"]


class Loader:
    """Gives the bridge a provider's class by its name. Safe to use from several threads.

    Args:
        claims: What may be loaded.
        loaded: Told of each claim after its first successful load.
    """

    def __init__(self, claims: Iterable[Claim], *, loaded: Callable[[Claim], None] = lambda claim: None) -> None:
        self._told = loaded
        self._claims = {claim.name: claim for claim in claims}
        self._lock = threading.RLock()
        self._loaded: dict[str, type] = {}
        self._failed: dict[str, tuple[str, str, BaseException | None]] = {}

    def load(self, name: str) -> type:
        """The class behind `name`, imported at the first call and its methods checked.

        Raises:
            LoadError: If the import fails, or what it gives is no provider. It fails in the same way at every later
                call, without another import, and its cause is the exception of the first.
        """
        with self._lock:
            known = self._loaded.get(name)
            provider = known or self._first(name)
        if known is None:
            self._told(self._claims[name])
        return provider

    def _first(self, name: str) -> type:
        claim = self._claims.get(name)
        if claim is None:
            nobody = Claim(name, "", "", "", "", "")
            raise _error(nobody, f"there is no provider `{name}`", "`nvisy providers` lists what is installed")
        if name not in self._failed:
            provider = self._import(claim)
            if provider is not None:
                self._loaded[name] = provider
                return provider
        message, hint, cause = self._failed[name]
        raise _error(claim, message, hint) from cause

    def _import(self, claim: Claim) -> type | None:
        before = set(sys.modules)
        try:
            provider: object = reduce(getattr, claim.attribute.split("."), importlib.import_module(claim.module))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the plugin's border; it is the cause of a LoadError
            _forget(claim.module, before)
            # The failure outlives this frame; what the frames of the traceback hold must not.
            traceback.clear_frames(error.__traceback__)
            self._fail(claim, f"{type(error).__name__}: {error}", _remedy(claim, error), error)
            return None
        except BaseException:
            _forget(claim.module, before)
            raise
        if not isinstance(provider, type):
            self._fail(claim, "the entry point names no class", "its author names the class in the entry point", None)
            return None
        from nvisy_sdk import load_checks

        defects = load_checks(provider)
        if defects:
            self._fail(claim, "; ".join(defects), "its author corrects this; an earlier version may work", None)
            return None
        return provider

    def _fail(self, claim: Claim, text: str, hint: str, cause: BaseException | None) -> None:
        version = f" {claim.version}" if claim.version else ""
        message = (
            f"provider `{claim.name}` of {claim.distribution}{version} (entry point {claim.reference})"
            f" cannot be loaded: {text}"
        )
        self._failed[claim.name] = (message, hint, cause)


def _error(claim: Claim, message: str, hint: str) -> LoadError:
    from nvisy._load_error import LoadError

    return LoadError(message, distribution=claim.distribution, version=claim.version, entry_point=claim.name, hint=hint)


def _remedy(claim: Claim, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the module `{error.name}` is not there: {remedy(claim, error.name)}"
    reinstall = f"pip install --force-reinstall {normalise(claim.distribution)}"
    return f"see all of it with: nvisy doctor {claim.name}; reinstall it ({reinstall}), or tell its author"


def _forget(module: str, before: set[str]) -> None:
    """Drop the modules of the package that this import left half-made, so that nobody mistakes them for whole ones."""
    top = module.partition(".")[0]
    for name in set(sys.modules) - before:
        if name == top or name.startswith(f"{top}."):
            del sys.modules[name]
