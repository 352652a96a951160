"""What a provider says of itself without being imported: the file `nvisy_provider.json` of its package."""

import math
import sys
from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue

from ._kind import (
    Ability,
    CapabilityState,
    Category,
    ContextKind,
    CredentialShape,
    DataKind,
    Feature,
    UriPart,
    WriteMode,
)
from ._model import Shape, UInt32, UInt64, sorted_keys

PROTOCOL: Final = 1
"""The protocol version this SDK speaks."""

MANIFEST_FILE: Final = "nvisy_provider.json"


_LEAST, _MOST = -(2**63), 2**64 - 1  # whole numbers outside are doubles on the other side


def _canonical(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: _canonical_value(value[name]) for name in sorted(value)}


def _canonical_value(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return _canonical(value)
        case list():
            return [_canonical_value(item) for item in value]
        case float() if not math.isfinite(value):
            raise ValueError("a JSON number is finite")
        case int() if not _LEAST <= value <= _MOST:
            if abs(value) > sys.float_info.max:
                raise ValueError("the number is out of range")
            return float(value)
        case _:
            return value


def _abilities_in_order(value: dict[Ability, "Capability"]) -> dict[Ability, "Capability"]:
    return {ability: value[ability] for ability in Ability if ability in value}


def _features_in_order(value: dict[Feature, "Capability"]) -> dict[Feature, "Capability"]:
    return {feature: value[feature] for feature in Feature if feature in value}


def _parts_in_order(value: dict[UriPart, str]) -> dict[UriPart, str]:
    return {part: value[part] for part in UriPart if part in value}


class ProtocolRange(Shape):
    """The protocol versions a provider speaks, both ends included."""

    min: UInt32
    max: UInt32


class UriForm(Shape):
    """How the parts of a URI become parameters and credentials."""

    schemes: tuple[str, ...]
    """The schemes that mean this provider."""
    parts: Annotated[dict[UriPart, str], AfterValidator(_parts_in_order)]
    """Part of the URI to the field it fills. `path` is what follows the slash after the authority; `absolute_path`
    keeps that slash."""


class Capability(Shape):
    """How far an ability or a feature goes."""

    state: CapabilityState
    mechanism: str | None = None
    """Why not, or why only partly."""
    limits: Annotated[dict[str, UInt64], AfterValidator(sorted_keys)] = Field(default_factory=dict)
    """Named limits, such as `max_batch_rows` or `max_item_bytes`."""

    @classmethod
    def partial(cls, mechanism: str, **limits: int) -> "Capability":
        """Return a capability that holds only partly, for this reason and within these limits."""
        return cls(state=CapabilityState.PARTIAL, mechanism=mechanism, limits=limits)

    @classmethod
    def unsupported(cls, mechanism: str) -> "Capability":
        """Return a capability that the system cannot have, for this reason."""
        return cls(state=CapabilityState.UNSUPPORTED, mechanism=mechanism)


class Manifest(Shape):
    """A provider's static description."""

    protocol: ProtocolRange
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
    """Its name in workflows."""
    title: str
    """Its name for people."""
    category: Category
    kinds: tuple[DataKind, ...]
    """Kinds of data it moves."""
    contexts: tuple[ContextKind, ...]
    """Kinds of context its reads carry; empty when it cannot read."""
    modes: tuple[WriteMode, ...]
    """Write modes it offers; empty when it cannot write."""
    abilities: Annotated[dict[Ability, Capability], AfterValidator(_abilities_in_order)]
    """What it can do; an ability that is not listed is unsupported."""
    features: Annotated[dict[Feature, Capability], AfterValidator(_features_in_order)] = Field(default_factory=dict)
    """How far its promises go beyond abilities; one that is not listed is claimed in full."""
    credential_shape: CredentialShape
    credentials: Annotated[dict[str, JsonValue], AfterValidator(_canonical)]
    """JSON Schema of its credentials; secret fields have `writeOnly: true`."""
    params: Annotated[dict[str, JsonValue], AfterValidator(_canonical)]
    """JSON Schema of its parameters: its category's and its own."""
    uri: UriForm | None = None
    """How a URI names its parameters; None when it has no URI form."""

    def can(self, ability: Ability) -> bool:
        """Return whether the provider has that ability, fully or partly."""
        capability = self.abilities.get(ability)
        return capability is not None and capability.state in (CapabilityState.FULL, CapabilityState.PARTIAL)

    def feature(self, feature: Feature) -> Capability:
        """Return how far a feature goes; one that is not listed is claimed in full."""
        return self.features.get(feature, Capability(state=CapabilityState.FULL))

    def limit(self, ability: Ability, name: str) -> int | None:
        """Return a named limit of an ability, or None."""
        capability = self.abilities.get(ability)
        return None if capability is None else capability.limits.get(name)
