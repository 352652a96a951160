"""What the kit verifies instead, when the manifest says that a provider lacks a feature: honest ones pass, others do not."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import nvisy_sdk as sdk
import pytest
from nvisy_sdk import Capability, CapabilityState, DataKind, Feature
from nvisy_sdk.conformance import Outcome, Result, Subject, catalogue
from nvisy_sdk.conformance._runner import Run

from tests.kit import reference
from tests.kit.zoo._systems import SECRET, Systems

WHY = "the service has no such thing"


class NoFilter(reference.Provider):
    """Refuses conditions."""

    async def _page(self, key: Any, after: Any) -> Any:
        if self._params.filter:
            raise sdk.UnsupportedError(f"`filter` cannot be done: {WHY}")
        return await super()._page(key, after)


class IgnoresFilter(reference.Provider):
    """Reads everything, whatever the conditions."""

    async def _page(self, key: Any, after: Any) -> Any:
        self._params = self._params.model_copy(update={"filter": ()})
        return await super()._page(key, after)


class OtherWords(reference.Provider):
    """Refuses conditions without saying what the manifest says."""

    async def _page(self, key: Any, after: Any) -> Any:
        if self._params.filter:
            raise sdk.UnsupportedError("no")
        return await super()._page(key, after)


class NoColumns(reference.Provider):
    """Refuses a choice of columns."""

    async def _page(self, key: Any, after: Any) -> Any:
        if self._params.columns is not None:
            raise sdk.InvalidConfigError("`columns` cannot be chosen", hint=WHY)
        return await super()._page(key, after)


class NoOrder(reference.Provider):
    """Turns every second page round."""

    _turned = False

    def _batch(self, rows: Any, key: Any, schema: Any) -> sdk.Batch:
        self._turned = not self._turned
        return super()._batch(rows[::-1] if self._turned else rows, key, schema)


class LosesOne(NoOrder):
    """And loses the first row of every second page."""

    def _batch(self, rows: Any, key: Any, schema: Any) -> sdk.Batch:
        return super()._batch(rows[1:] if self._turned else rows, key, schema)


class ForgetsEnd(reference.Provider):
    """Does not go on from the end."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        if context is not None:
            raise sdk.ContextExpiredError("the position is forgotten")
        async for batch in super().read(None):
            yield batch


class BeginsAnew(reference.Provider):
    """Begins anew, whatever the context."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        async for batch in super().read(None):
            yield batch


class PlainNames(reference.Provider):
    """Takes names of letters, digits and underscores."""

    def _stream(self) -> str:
        name = super()._stream()
        if not re.fullmatch(r"[a-zA-Z0-9_]+", name):
            raise sdk.InvalidConfigError(f"the name {name!r} is not possible: {WHY}")
        return name


class CutsNames(reference.Provider):
    """Leaves out of a name what it does not like."""

    def _stream(self) -> str:
        return re.sub(r"[^a-zA-Z0-9_]", "", super()._stream())


HONEST = (
    ("READ-03", Feature.ORDER, NoOrder),
    ("READ-09", Feature.NAMES, PlainNames),
    ("READ-13", Feature.PROJECTION, NoColumns),
    ("READ-14", Feature.FILTER, NoFilter),
    ("READ-18", Feature.FILTER, NoFilter),
    ("INC-01", Feature.INCREMENTAL, ForgetsEnd),
    ("INC-01", Feature.INCREMENTAL, reference.Provider),
    ("INC-05", Feature.UPDATES, reference.Provider),
    ("WRT-08", Feature.ATOMIC, reference.Provider),
)
DISHONEST = (
    ("READ-03", Feature.ORDER, LosesOne, r"the (first|second) read: item id=\d is missing"),
    ("READ-09", Feature.NAMES, CutsNames, r"which does not say 'the service has no such thing'"),
    ("READ-13", Feature.PROJECTION, reference.Provider, r"a read with `columns` is done, though"),
    ("READ-18", Feature.FILTER, IgnoresFilter, r"a read with `filter` is done, though"),
    ("READ-18", Feature.FILTER, OtherWords, r"a read with `filter` is refused with 'no ?', which does not say"),
    ("INC-01", Feature.INCREMENTAL, BeginsAnew, r"item id=0 came again after the last context"),
    ("INC-05", Feature.UPDATES, BeginsAnew, r"\d items come after the last context, though"),
)


def outcome(check: str, provider: type, capability: Capability, feature: Feature, systems: Systems) -> Result:
    """Run one check over a provider whose manifest says something else of one feature."""
    manifest = reference.manifest(DataKind.RECORD)
    claimed = manifest.model_copy(update={"features": {**manifest.features, feature: capability}})
    run = Run(Subject.of(provider, claimed), systems.service(DataKind.RECORD), SECRET, 1, systems.name())
    return run.one(catalogue()[check])[0]


@pytest.mark.parametrize(("check", "feature", "provider"), HONEST)
def test_lack_is_verified_when_the_provider_says_so(
    check: str, feature: Feature, provider: type, systems: Systems
) -> None:
    """It refuses in the manifest's words, or does what is left of the feature."""
    lacking = Capability(state=CapabilityState.UNSUPPORTED, mechanism=WHY)
    result = outcome(check, provider, lacking, feature, systems)
    assert (result.outcome, result.message) == (Outcome.UNSUPPORTED_VERIFIED, WHY)


@pytest.mark.parametrize(("check", "feature", "provider", "said"), DISHONEST)
def test_lack_is_a_failure_when_the_provider_does_something_else(
    check: str, feature: Feature, provider: type, said: str, systems: Systems
) -> None:
    """It ignores what it cannot do, refuses in other words, or does it wrongly."""
    lacking = Capability(state=CapabilityState.UNSUPPORTED, mechanism=WHY)
    result = outcome(check, provider, lacking, feature, systems)
    assert result.outcome is Outcome.FAIL
    assert re.search(said, result.message), result.message


@pytest.mark.parametrize(("check", "feature", "provider"), HONEST[1:2] + HONEST[4:5])
def test_part_of_a_feature_may_be_refused_in_the_manifests_words(
    check: str, feature: Feature, provider: type, systems: Systems
) -> None:
    """A feature that holds partly is tested as such: the refusal is looked at, and counts."""
    partly = Capability(state=CapabilityState.PARTIAL, mechanism=WHY)
    assert outcome(check, provider, partly, feature, systems).outcome is Outcome.PASS
    wordless = Capability(state=CapabilityState.PARTIAL, mechanism="something else")
    assert outcome(check, provider, wordless, feature, systems).outcome is Outcome.FAIL
