"""Providers that are odd but right, as whole packages: the reference with one unusual way to do things."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Subject

from tests.kit.zoo._animal import HarnessChange
from tests.kit.zoo._gate import forget_others
from tests.kit.zoo._package import Parcel, parcel

Change: TypeAlias = Callable[[Parcel], object]

_members: dict[str, Member] = {}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A provider that is odd but right.

    Args:
        name: What it is called.
        change: Makes the reference odd.
        kind: The kind of data it moves.
        harness: Makes its own harness from that of the reference; None when it needs none.
    """

    name: str
    change: Change
    kind: DataKind
    harness: HarnessChange | None

    def make(self, folder: Path) -> Subject:
        """Write it into a folder that is on the import path, with the manifest that its code describes."""
        made = parcel(folder, self.kind)
        self.change(made)
        forget_others(folder)
        described = importlib.import_module(made.package.name).manifest()
        text = json.dumps(json.loads(described.model_dump_json()), indent=2, ensure_ascii=False) + "\n"
        (made.package / "nvisy_provider.json").write_text(text, encoding="utf-8")
        return made.subject()


def member(*, kind: DataKind = DataKind.RECORD, harness: HarnessChange | None = None) -> Callable[[Change], Change]:
    """Bring a provider into the herd: a function that edits a copy of the reference of that kind."""

    def enter(change: Change) -> Change:
        name = change.__name__.replace("_", "-")
        if name in _members:
            raise ValueError(f"there is a member {name} already")
        _members[name] = Member(name=name, change=change, kind=kind, harness=harness)
        return change

    return enter


def members() -> dict[str, Member]:
    """Return the whole herd, by name."""
    package = importlib.import_module(__name__)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_members.items()))
