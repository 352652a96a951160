"""Animals of the family META: manifests and models that say something else than the code does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import nvisy_sdk as sdk
from nvisy_sdk import Ability, Capability, CapabilityState, ContextKind, DataKind, Feature, Manifest, ProtocolRange
from nvisy_sdk.conformance import Subject
from pydantic import BaseModel, ConfigDict, model_validator

from tests.kit import reference
from tests.kit.zoo._animal import animal, package_animal
from tests.kit.zoo._package import parcel

reference.provider(DataKind.RECORD)
from nvisy_plugin_shelf import Credentials, Params  # noqa: E402 - the line above makes it importable

Rows = list[dict[str, object]]


def with_params(model: type[BaseModel]) -> Callable[[Manifest], Manifest]:
    """Return what puts the schema of other parameters into a manifest."""
    return lambda manifest: manifest.model_copy(update={"params": model.model_json_schema()})


@package_animal(breaks="META-01", pattern=r"there is no nvisy_provider\.json", also={"META-02", "PKG-06"})
def no_manifest(folder: Path) -> Subject:
    """Forgot to package its manifest."""
    made = parcel(folder)
    (made.package / "nvisy_provider.json").unlink()
    return made.subject()


@package_animal(breaks="META-01", pattern=r"is not valid: modes\.0", also={"META-02"})
def invalid_manifest(folder: Path) -> Subject:
    """Wrote its manifest by hand, with a mode that there is not."""
    return parcel(folder).manifest(lambda content: content.update(modes=["insert"])).subject()


@package_animal(breaks="META-02", pattern=r"stale in `title`, `modes`")
def stale_manifest(folder: Path) -> Subject:
    """Changed its code and not its manifest."""
    return parcel(folder).manifest(lambda content: content.update(title="Shelves", modes=["append"])).subject()


@animal(
    breaks="META-02",
    pattern=r"wrong about `staged`: there is no such method",
    manifest=lambda manifest: _capable(manifest, Ability.STAGED),
)
class ClaimsTooMuch(reference.Provider):
    """Says that it can publish."""


def _capable(manifest: Manifest, ability: Ability) -> Manifest:
    full = Capability(state=CapabilityState.FULL)
    return manifest.model_copy(update={"abilities": {**manifest.abilities, ability: full}})


@animal(
    breaks="META-03",
    pattern=r"speaks the protocols 2 to 3, this SDK speaks 1",
    manifest=lambda manifest: manifest.model_copy(update={"protocol": ProtocolRange(min=2, max=3)}),
)
class FutureProtocol(reference.Provider):
    """Speaks a version that is not there yet."""


class _Plain(Credentials):
    password: str = ""


@animal(breaks="META-04", pattern=r"`password` of the credentials bears a secret and is printed")
class PlainStrPassword(reference.Provider):
    """Takes a password as text."""

    @classmethod
    async def connect(cls, credentials: _Plain, params: Params) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


class _Chatty(Credentials):
    def __repr__(self) -> str:
        return f"Credentials({self.token.get_secret_value()})"


@animal(breaks="META-04", pattern=r"`token` of the credentials is secret, but printing the model shows it")
class ChattyCredentials(reference.Provider):
    """Prints its secret for debugging."""

    @classmethod
    async def connect(cls, credentials: _Chatty, params: Params) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


@animal(
    breaks="META-05",
    pattern=r"points at #/\$defs/Gone, which is not there",
    manifest=lambda manifest: _property(manifest, "table", {"$ref": "#/$defs/Gone"}),
)
class DanglingRef(reference.Provider):
    """Has a schema that was cut out of a larger one."""


@animal(
    breaks="META-05",
    pattern=r"`host` of the params has no description",
    manifest=lambda manifest: _property(manifest, "host", {"title": "Host", "type": "string"}),
)
class Undescribed(reference.Provider):
    """Leaves it to the reader what a parameter means."""


class _BadDefault(Params):
    attempts: sdk.RelationalParams | None = "three"  # type: ignore[assignment]
    """How often."""


@animal(
    breaks="META-05",
    pattern=r"the default of `attempts` is not valid",
    manifest=lambda manifest: _property(manifest, "attempts", {"title": "Attempts", "description": "How often."}),
)
class BadDefault(reference.Provider):
    """Has a default that nobody may give."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _BadDefault) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


def _property(manifest: Manifest, name: str, schema: dict[str, Any]) -> Manifest:
    params: dict[str, Any] = dict(manifest.params)
    params["properties"] = {**params["properties"], name: schema}
    return manifest.model_copy(update={"params": params})


@animal(
    breaks="META-06",
    pattern=r"is one of 2 objects and nothing says which",
    manifest=lambda manifest: _property(
        manifest,
        "table",
        {
            "title": "Table",
            "anyOf": [
                {"type": "object", "properties": {"name": {"type": "string"}}},
                {"type": "object", "properties": {"number": {"type": "integer"}}},
            ],
        },
    ),
)
class AmbiguousUnion(reference.Provider):
    """Guesses which of two shapes is meant."""


class _Tolerant(Params):
    model_config = ConfigDict(extra="ignore")


@animal(breaks="META-07", pattern=r"the parameters accept the unknown field", also={"BND-04"})
class TypoAccepted(reference.Provider):
    """Ignores a misspelt parameter."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Tolerant) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


class _Echoing(Credentials):
    model_config = ConfigDict(hide_input_in_errors=False)


@animal(breaks="META-07", pattern=r"shows what was given")
class QuotesCredentials(reference.Provider):
    """Quotes the credentials when one of them is wrong."""

    @classmethod
    async def connect(cls, credentials: _Echoing, params: Params) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


class _Lenient(Params):
    @model_validator(mode="before")
    @classmethod
    def _somewhere(cls, fields: Any) -> Any:
        return {"host": "localhost", **fields} if isinstance(fields, dict) else fields


@animal(breaks="META-08", pattern=r"accepted without `host`, which the manifest calls required")
class OptionalReally(reference.Provider):
    """Connects to this machine when no host is given, whatever its manifest says."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Lenient) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


class _Regional(Params):
    region: str | None = None
    """Where the service is."""


@animal(breaks="META-09", pattern=r"raises `invalid_config`.*one of them is required", params={"region": "north"})
class HiddenRequired(reference.Provider):
    """Needs a parameter that it calls optional."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Regional) -> Self:  # type: ignore[override]
        if params.region is None:
            raise sdk.InvalidConfigError("no region is named", hint="set `region`")
        return await super().connect(credentials, params)


class _Mutable(Params):
    model_config = ConfigDict(frozen=False)


@animal(breaks="META-10", pattern=r"the parameters can be changed")
class MutableParams(reference.Provider):
    """Changes its parameters while it runs."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Mutable) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


@package_animal(
    breaks="META-10", pattern=r"two processes describe the provider differently", also={"META-02", "BND-02"}
)
def describes_a_set(folder: Path) -> Subject:
    """Makes its title from a set of words."""
    words = '" ".join({"a", "shelf", "of", "many", "odd", "books"})'
    return parcel(folder).edit("__init__.py", 'title="Shelf"', f"title={words}").subject()


@animal(
    breaks="META-11",
    pattern=r"says nothing about `staged`",
    manifest=lambda manifest: manifest.model_copy(
        update={"abilities": {name: one for name, one in manifest.abilities.items() if name is not Ability.STAGED}}
    ),
)
class SilentCapability(reference.Provider):
    """Leaves open whether it can publish."""


@animal(
    breaks="META-11",
    pattern=r"`read` is partial without a word on why",
    manifest=lambda manifest: manifest.model_copy(
        update={"abilities": {**manifest.abilities, Ability.READ: Capability(state=CapabilityState.PARTIAL)}}
    ),
)
class UnexplainedPart(reference.Provider):
    """Can read a little."""


@animal(
    breaks="META-11",
    pattern=r"`deletes` is claimed in full",
    manifest=lambda manifest: manifest.model_copy(
        update={"features": {name: one for name, one in manifest.features.items() if name is not Feature.DELETES}}
    ),
)
class ForgetsDeletes(reference.Provider):
    """Says nothing about what is deleted, and so claims to report it."""


@animal(
    breaks="META-13",
    pattern=r"a context is a `keyset`, the manifest declares offset",
    manifest=lambda manifest: manifest.model_copy(update={"contexts": (ContextKind.OFFSET,)}),
)
class WrongContext(reference.Provider):
    """Declares another kind of context than it has."""


@animal(breaks="META-13", pattern=r"a batch is of kind `document`, the manifest declares record")
class WrongKind(reference.Provider):
    """Calls its rows documents."""

    def _batch(self, rows: Rows, key: tuple[str, ...], schema: sdk.Schema | None) -> sdk.Batch:
        made = super()._batch(rows, key, schema)
        return sdk.Batch(made.data, made.positions, kind=DataKind.DOCUMENT, schema=made.schema)
