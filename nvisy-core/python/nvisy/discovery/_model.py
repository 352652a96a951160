"""What discovery finds: providers that can be used, and problems as data.

Nothing here imports a plugin, and nothing here raises because of one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Claim", "Discovery", "Problem", "ProviderInfo"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of one installed distribution, for a person and for a program.

    Attributes:
        code: A short stable word, such as ``ambiguous_name``.
        distribution: The project's name as its metadata spells it; the folder's name where there is none.
        version: Its version; empty where it is not known.
        entry_point: The claimed provider name; ``None`` where the defect is the whole distribution's.
        message: What is wrong.
        hint: What a person can do about it.
        severity: ``error`` when the provider cannot be used because of it, else ``warning``.
    """

    code: str
    distribution: str
    version: str
    entry_point: str | None
    message: str
    hint: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Claim:
    """A line of an ``entry_points.txt`` that claims a provider name or offers hooks, its syntax already checked."""

    name: str
    module: str
    attribute: str
    distribution: str
    version: str
    info: str
    """The ``.dist-info`` or ``.egg-info`` folder the line stands in."""
    requires: tuple[str, ...] = field(default=(), repr=False)
    """What its metadata says the distribution needs, one ``Requires-Dist`` each."""

    @property
    def reference(self) -> str:
        """The object reference, ``package.module:Name``; a module alone where hooks are a whole module."""
        return f"{self.module}:{self.attribute}" if self.attribute else self.module

    def problem(self, code: str, message: str, hint: str, *, severity: Severity = "error") -> Problem:
        """A problem of this claim."""
        return Problem(code, self.distribution, self.version, self.name, message, hint, severity)


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider that can be used, known from its files alone.

    ``manifest`` is the parsed ``nvisy_provider.json``; ``manifest_text`` the same in the engine's canonical form.
    ``protocol`` is the highest protocol version that both it and this engine speak.
    """

    name: str
    distribution: str
    version: str
    reference: str
    manifest_text: str = field(repr=False)
    manifest: dict[str, object] = field(repr=False)
    protocol: int

    @property
    def title(self) -> str:
        """The name for people."""
        return str(self.manifest["title"])

    @property
    def category(self) -> str:
        """The family of systems it belongs to."""
        return str(self.manifest["category"])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of data it moves."""
        return _texts(self.manifest["kinds"])

    @property
    def modes(self) -> tuple[str, ...]:
        """The write modes it offers."""
        return _texts(self.manifest["modes"])

    @property
    def abilities(self) -> tuple[str, ...]:
        """What it can do, fully or partly, in the manifest's order."""
        abilities = self.manifest["abilities"]
        if not isinstance(abilities, dict):
            return ()
        return tuple(str(name) for name, capability in abilities.items() if capability["state"] in ("full", "partial"))

    @property
    def schemes(self) -> tuple[str, ...]:
        """The URI schemes that mean this provider."""
        uri = self.manifest["uri"]
        return _texts(uri["schemes"]) if isinstance(uri, dict) else ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything one look at the installed distributions found."""

    providers: tuple[ProviderInfo, ...]
    problems: tuple[Problem, ...]
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    """Every claim that is not ruled out by policy, also of providers that cannot be used."""
    hooks: tuple[Claim, ...] = field(default=(), repr=False)
    """What offers hooks and is not ruled out by policy."""
    untried: frozenset[str] = field(default=frozenset(), repr=False)
    """Providers of which nobody knows yet whether they can be imported; empty where nobody asked."""

    def provider(self, name: str) -> ProviderInfo | None:
        """The provider of that name, if it can be used."""
        return next((info for info in self.providers if info.name == name), None)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
