"""Animals of the family BND: what Rust would not take, or would take for something else."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

import nvisy_sdk as sdk
from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Subject
from pydantic import AfterValidator, Field, model_serializer

from tests.kit import reference
from tests.kit.zoo._animal import animal, package_animal
from tests.kit.zoo._package import parcel
from tests.kit.zoo.meta import with_params

reference.provider(DataKind.RECORD)
from nvisy_plugin_shelf import Credentials, Params  # noqa: E402 - the line above makes it importable

Key = tuple[str, ...]
Rows = list[dict[str, object]]


class _Annotated(sdk.KeysetContext):
    note: str = "mine"


class _Compact(sdk.KeysetContext):
    @model_serializer(mode="wrap")
    def _sorted(self, handler: Any) -> dict[str, Any]:
        return dict(sorted(handler(self).items()))


class _Own(sdk.KeysetContext):
    """Adds nothing."""


class _Contexts(reference.Provider):
    made: type[sdk.KeysetContext] = sdk.KeysetContext

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        contexts = [self.made(**dict(self._context(row, key))) for row in rows]
        return sdk.Batch(rows, sdk.Each(contexts), schema=schema)


@animal(breaks="BND-01", pattern=r"a _Annotated that was read is no context to Rust: Extra inputs", also={"BND-10"})
class AnnotatesContext(_Contexts):
    """Remembers something of its own in the context."""

    made = _Annotated


@animal(breaks="BND-02", pattern=r"a context is written .*the canonical text is", also={"BND-10"})
class SortsContext(_Contexts):
    """Writes the fields of a context in alphabetical order."""

    made = _Compact


@package_animal(breaks="BND-02", pattern=r"the manifest's text is not the canonical one")
def handwritten_manifest(folder: Path) -> Subject:
    """Lets its editor format the manifest."""
    made = parcel(folder)
    path = made.package / "nvisy_provider.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=4), encoding="utf-8")
    return made.subject()


@animal(breaks="BND-03", pattern=r"has no column `name, score`; it has id, NAME, SCORE", also={"READ-01"})
class UppercasesColumns(reference.Provider):
    """Spells columns as its system does."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return [{name if name in key else name.upper(): value for name, value in row.items()} for row in rows], more


@animal(
    breaks="BND-04",
    pattern=r"the schema at `params` lets unknown fields through",
    manifest=lambda manifest: manifest.model_copy(
        update={"params": {name: one for name, one in manifest.params.items() if name != "additionalProperties"}}
    ),
)
class OpenSchema(reference.Provider):
    """Has a schema that lets everything through, and a model that does not."""


def _unprivileged(port: int) -> int:
    if port < 1024:
        raise ValueError("a port that only root may use")
    return port


class _Ports(Params):
    port: Annotated[int, Field(ge=1, le=65_535), AfterValidator(_unprivileged)]
    """The port it listens on."""


@animal(breaks="BND-05", pattern=r"`port` = 1 is right by the schema and wrong by the model")
class HiddenRange(reference.Provider):
    """Refuses numbers that its schema allows."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Ports) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


class _Ratio(Params):
    ratio: float = 0.5
    """How much of the service to use."""


@animal(breaks="BND-06", pattern=r"`ratio` takes NaN", manifest=with_params(_Ratio))
class TakesNan(reference.Provider):
    """Has a parameter that may be no number."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: _Ratio) -> Self:  # type: ignore[override]
        return await super().connect(credentials, params)


@animal(breaks="BND-07", pattern=r"bytes are read as str", also={"READ-01"})
class Base64Bytes(reference.Provider):
    """Hands out bytes as they came over the wire."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return [{name: _text(value) for name, value in row.items()} for row in rows], more


def _text(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@animal(breaks="BND-08", pattern=r"an instant is read as datetime")
class NaiveInstants(reference.Provider):
    """Drops the zone, which is always UTC anyway."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return [{name: _naive(value) for name, value in row.items()} for row in rows], more


def _naive(value: object) -> object:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


class _SessionGone(sdk.ClosedError):
    kind = "session_gone"  # type: ignore[assignment]


class _RetryClosed(sdk.ClosedError):
    retryable = True


class _Closing(reference.Provider):
    raised: type[sdk.ProviderError] = sdk.ClosedError

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if self._closed:
            raise self.raised("the session is closed")
        return await super()._call(operation, **request)


@animal(breaks="BND-09", pattern=r"whose kind `session_gone` Rust does not know")
class OwnErrorKind(_Closing):
    """Invents a kind of error."""

    raised = _SessionGone


@animal(breaks="BND-09", pattern=r"which is retryable: Rust says otherwise of `closed`")
class RetryableClosed(_Closing):
    """Calls an error retryable that is not."""

    raised = _RetryClosed


@animal(breaks="BND-10", pattern=r"a class that only the provider knows")
class OwnContextClass(_Contexts):
    """Derives its own contexts from the SDK's."""

    made = _Own
