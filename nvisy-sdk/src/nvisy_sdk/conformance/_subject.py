"""The provider under test, found through its entry point as the engine finds it."""

import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ValidationError

from .._check import connect_models
from .._manifest import MANIFEST_FILE, Manifest

GROUP = "nvisy.providers"
# A class may be made of these without their code becoming the provider's.
_NOT_ITS_OWN = frozenset({*sys.stdlib_module_names, "nvisy_sdk", "pydantic"})


@dataclass(frozen=True)
class Subject:
    """One provider: its class, its package and the distribution that brought it.

    Args:
        name: The name of its entry point.
        reference: What the entry point names, as `package.module:Class`.
        distribution: Where the entry point is from; None for a class that was handed over.
        loaded: The class, when it was handed over.
        described: The manifest, when it was handed over.
    """

    name: str
    reference: str
    distribution: importlib.metadata.Distribution | None = None
    loaded: type | None = None
    described: Manifest | None = None

    @classmethod
    def installed(cls, name: str) -> "Subject":
        """Return the installed provider of that name.

        Raises:
            LookupError: No installed distribution has such an entry point, or more than one has.
        """
        found = []
        for distribution in importlib.metadata.distributions():
            try:
                entries = [entry for entry in distribution.entry_points if entry.group == GROUP and entry.name == name]
            except Exception:  # noqa: BLE001 - one malformed distribution must not hide the others
                continue
            found += [cls(name, entry.value, distribution) for entry in entries]
        unique = {(subject.reference, _label(subject.distribution)): subject for subject in found}
        if not unique:
            raise LookupError(f"no installed package has an entry point `{name}` in the group `{GROUP}`")
        if len(unique) > 1:
            both = ", ".join(sorted(label for _, label in unique))
            raise LookupError(f"the name `{name}` is claimed by {both}; uninstall all but one")
        return next(iter(unique.values()))

    @classmethod
    def of(cls, provider: type, manifest: Manifest) -> "Subject":
        """Return a subject for a class that is not installed."""
        return cls(manifest.name, f"{provider.__module__}:{provider.__qualname__}", None, provider, manifest)

    @property
    def package(self) -> str:
        """Import name of the package."""
        return self.reference.partition(":")[0].split(".")[0]

    @cached_property
    def provider(self) -> type:
        """The class; importing it may raise whatever the package raises."""
        if self.loaded is not None:
            return self.loaded
        module, _, path = self.reference.partition(":")
        found: object = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        if not isinstance(found, type):
            raise TypeError(f"the entry point names {found!r}, which is not a class")
        return found

    @cached_property
    def folder(self) -> Path | None:
        """The package's folder, found without importing it."""
        module = self.reference.partition(":")[0]
        try:
            spec = importlib.util.find_spec(self.package)
        except (ImportError, ValueError):
            return None
        if spec is None or not spec.submodule_search_locations:
            return None
        top = Path(next(iter(spec.submodule_search_locations)))
        inner = top.joinpath(*module.split(".")[1:])
        return inner if inner.is_dir() else top

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Folders whose code is the provider's: those of its package and of every class it is made of."""
        found = {self.folder} if self.folder else set()
        for base in self.provider.__mro__:
            if base.__module__.split(".")[0] in _NOT_ITS_OWN:
                continue
            spec = importlib.util.find_spec(base.__module__)
            if spec is not None and spec.origin:
                found.add(Path(spec.origin).parent)
        return tuple(sorted(found))

    @cached_property
    def manifest(self) -> Manifest | None:
        """The static manifest; None when there is none or it is not valid (`META-01` says why)."""
        if self.described is not None:
            return self.described
        try:
            return Manifest.model_validate_json(self.manifest_text or "")
        except ValidationError:
            return None

    @cached_property
    def manifest_text(self) -> str | None:
        """The manifest as it is in the package; None when it is not there or not text."""
        if self.folder is None:
            return None
        try:
            return (self.folder / MANIFEST_FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    @cached_property
    def models(self) -> tuple[type[BaseModel], type[BaseModel]]:
        """The models of credentials and parameters."""
        return connect_models(self.provider)


def _label(distribution: importlib.metadata.Distribution | None) -> str:
    return distribution.metadata["Name"] if distribution is not None else ""
