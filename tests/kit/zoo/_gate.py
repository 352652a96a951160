"""Runs an animal through the kit's own runner and says what is wrong with how it died."""

from __future__ import annotations

import decimal
import gc
import importlib
import logging
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Check, Outcome, Result, Subject
from nvisy_sdk.conformance._runner import Run

from tests.kit.zoo._animal import Animal, HarnessChange, Make
from tests.kit.zoo._systems import SECRET, Systems

DOWNSTREAM = 3
"""How many checks downstream of the named one are run with it, where not all are."""


@dataclass(frozen=True)
class Death:
    """How an animal fared.

    Args:
        results: The line of every check that was run.
    """

    results: Mapping[str, Result]

    def wrong(self, animal: Animal, catalogue: Mapping[str, Check]) -> list[str]:
        """Return what is wrong with it; an empty list when the animal died of its own check, and of nothing else."""
        named = self.results.get(animal.breaks)
        if named is None:
            return [f"{animal.breaks} is out of scope for it, so it was not even run"]
        sentences = []
        if named.outcome is not Outcome.FAIL:
            sentences.append(f"{animal.breaks} ends with `{named.outcome}`, not with `fail`: {named.message}")
        elif not re.search(animal.pattern, named.message):
            sentences.append(f"{animal.breaks} says {named.message!r}, which does not match {animal.pattern!r}")
        allowed = {animal.breaks, *animal.also, *downstream(animal.breaks, catalogue)}
        for result in self.results.values():
            if result.outcome is Outcome.ERROR and result.id != animal.breaks:
                sentences.append(f"the kit itself broke in {result.id}: {result.message}")
            elif not result.outcome.counts and result.id not in allowed:
                sentences.append(f"{result.id} is red as well: `{result.outcome}`: {result.message}")
        return sentences


def downstream(key: str, catalogue: Mapping[str, Check]) -> list[str]:
    """Return the checks that fail whenever this one must, nearest first."""
    found: list[str] = []
    edge = [key]
    while edge:
        edge = [
            check.id for check in catalogue.values() if set(edge) & set(check.after) and check.id not in (*found, key)
        ]
        found += edge
    return found


def chosen(animal: Animal, catalogue: Mapping[str, Check], *, full: bool) -> list[Check]:
    """Return the checks to run: the named one, those that may die with it, and some downstream; or all of them."""
    if full:
        return list(catalogue.values())
    near = [key for key in downstream(animal.breaks, catalogue) if key not in animal.also][:DOWNSTREAM]
    wanted = {animal.breaks, *animal.also, *near}
    return [check for key, check in catalogue.items() if key in wanted]


def die(animal: Animal, checks: Iterable[Check], systems: Systems, folder: Path) -> Death:
    """Run the checks over the animal."""
    with _built(animal.make, folder) as subject:
        service = systems.service(animal.kind, change=animal.harness, params=animal.params)
        run = Run(subject, service, SECRET, 1, systems.name(), patience=animal.patience)
        results = dict(run.checks(checks).results)
        systems.tidy()
    return Death(results)


def living(
    make: Make,
    kind: DataKind,
    checks: Iterable[Check],
    systems: Systems,
    folder: Path,
    *,
    harness: HarnessChange | None = None,
) -> Mapping[str, Result]:
    """Run the checks over a provider without a bug, with the usual patience."""
    with _built(make, folder) as subject:
        run = Run(subject, systems.service(kind, change=harness), SECRET, 1, systems.name())
        results = dict(run.checks(checks).results)
        systems.tidy()
    return results


@contextmanager
def _built(make: Make, folder: Path) -> Iterator[Subject]:
    """Build a provider in a folder, and put everything back afterwards."""
    with _globals_restored(), _importable(folder):
        subject = make(folder)
        forget_others(folder)
        yield subject


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let what lies in the folder be imported instead of packages of the same name, and forget it afterwards."""
    before = dict(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(folder) in str(getattr(module, "__file__", None) or ""):
                del sys.modules[name]
                if name in before:
                    sys.modules[name] = before[name]
        for name, module in before.items():
            sys.modules.setdefault(name, module)
        importlib.invalidate_caches()


def forget_others(folder: Path) -> None:
    """Drop the imported packages whose name a package in the folder has."""
    for place in folder.iterdir():
        if place.suffix in ("", ".py"):
            for name, module in list(sys.modules.items()):
                if name.split(".")[0] == place.stem and str(folder) not in str(getattr(module, "__file__", None) or ""):
                    del sys.modules[name]
    importlib.invalidate_caches()


@contextmanager
def _globals_restored() -> Iterator[None]:
    """Put back what an animal may change for the whole process."""
    root = logging.getLogger()
    level, handlers, environ, folder = root.level, list(root.handlers), dict(os.environ), Path.cwd()
    timeout, precision = socket.getdefaulttimeout(), decimal.getcontext().copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.setLevel(level)
            root.handlers[:] = handlers
            os.environ.clear()
            os.environ.update(environ)
            os.chdir(folder)
            socket.setdefaulttimeout(timeout)
            decimal.setcontext(precision)
            gc.collect()  # what an animal leaves behind is reported here, not in somebody else's test
