"""What an animal is, and the two decorators that bring one into the zoo."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

from nvisy_sdk import DataKind, Manifest
from nvisy_sdk.conformance import ProviderHarness, Subject

from tests.kit import reference

C = TypeVar("C", bound=type)
Make: TypeAlias = Callable[[Path], Subject]
HarnessChange: TypeAlias = Callable[[type[ProviderHarness]], type[ProviderHarness]]

PATIENCE = 1.5
"""Seconds until the kit says that an animal hangs; the reference takes milliseconds for the same."""

_animals: dict[str, Animal] = {}


@dataclass(frozen=True, kw_only=True)
class Animal:
    """A provider with one bug.

    Args:
        name: What it is called.
        breaks: The check that must kill it.
        pattern: What that check's message must match.
        make: Builds it; the folder is empty and the animal's own, and is on the import path while it lives.
        also: Other checks that may fail with it, besides those downstream of `breaks`.
        kind: The kind of data it moves.
        params: Parameters that differ from those of the reference's harness.
        harness: Makes its own harness from that of the reference; None when it needs none.
        patience: Seconds until the kit says that it hangs; more than usual for one that computes a lot.
    """

    name: str
    breaks: str
    pattern: str
    make: Make
    also: frozenset[str] = frozenset()
    kind: DataKind = DataKind.RECORD
    params: Mapping[str, object] = field(default_factory=dict)
    harness: HarnessChange | None = None
    patience: float = PATIENCE


def animal(
    *,
    breaks: str,
    pattern: str,
    also: Collection[str] = (),
    kind: DataKind = DataKind.RECORD,
    manifest: Callable[[Manifest], Manifest] | None = None,
    params: Mapping[str, object] | None = None,
    harness: HarnessChange | None = None,
    patience: float = PATIENCE,
) -> Callable[[C], C]:
    """Bring a class into the zoo: a subclass of the reference provider of that kind, with one bug.

    `manifest` changes the reference's manifest, for an animal that declares something else. See `Animal` for the rest.
    """

    def enter(cls: C) -> C:
        def make(folder: Path) -> Subject:
            described = reference.manifest(kind)
            return Subject.of(cls, manifest(described) if manifest else described)

        _enter(cls.__name__, cls.__module__, breaks, pattern, make, also, kind, params, harness, patience)
        return cls

    return enter


def package_animal(
    *,
    breaks: str,
    pattern: str,
    also: Collection[str] = (),
    kind: DataKind = DataKind.RECORD,
    params: Mapping[str, object] | None = None,
    harness: HarnessChange | None = None,
    patience: float = PATIENCE,
) -> Callable[[Make], Make]:
    """Bring a whole package into the zoo: a function that writes it into a folder and returns its subject."""

    def enter(make: Make) -> Make:
        name = "".join(word.capitalize() for word in make.__name__.split("_"))
        _enter(name, make.__module__, breaks, pattern, make, also, kind, params, harness, patience)
        return make

    return enter


def animals() -> dict[str, Animal]:
    """Return every animal, by name."""
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{package.__name__}.{module.name}")
    return {name: _animals[name] for name in sorted(_animals, key=lambda name: (_animals[name].breaks, name))}


def _enter(
    name: str,
    module: str,
    breaks: str,
    pattern: str,
    make: Make,
    also: Collection[str],
    kind: DataKind,
    params: Mapping[str, object] | None,
    harness: HarnessChange | None,
    patience: float,
) -> None:
    if name in _animals:
        raise ValueError(f"there is an animal {name} already; the second is in {module}")
    _animals[name] = Animal(
        name=name,
        breaks=breaks,
        pattern=pattern,
        make=make,
        also=frozenset(also),
        kind=kind,
        params=params or {},
        harness=harness,
        patience=patience,
    )
