"""Values that a system cannot hold: what a provider may do with them when it says so, and what is never right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import nvisy_sdk as sdk
import pytest
from nvisy_sdk import Ability, Capability, CapabilityState, DataKind, Feature, Manifest
from nvisy_sdk.conformance import Outcome, Result, Subject, catalogue

from tests.kit import reference
from tests.kit.zoo._gate import living
from tests.kit.zoo._systems import Systems
from tests.kit.zoo.typ import OneZero, declares

reference.provider(DataKind.RECORD)
from nvisy_plugin_shelf.reader import Reader  # noqa: E402 - the line above makes it importable
from nvisy_plugin_shelf.writer import Writer  # noqa: E402

Judge: TypeAlias = Callable[..., Mapping[str, Result]]

NO_UUID = declares(Feature.UUID, CapabilityState.UNSUPPORTED, "there is no type for it")
NO_NAN = declares(Feature.NAN, CapabilityState.UNSUPPORTED, "the system orders every number")


class RefusesUuids(reference.Provider):
    """Refuses a column that it cannot create."""

    why = "column v is a uuid, and there is no type for it"

    async def prepare(self, request: sdk.Prepare) -> None:
        if any(field.type.name == "uuid" for field in request.schema.fields):
            raise sdk.InvalidDataError(self.why, hint="cast it to text")
        await super().prepare(request)


class RefusesUuidsSilently(RefusesUuids):
    """Refuses it in other words than those of its manifest."""

    why = "no"


class RejectsNan(reference.Provider):
    """Rejects the items that hold a value it cannot order."""

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        if any(value != value for row in batch.rows() for value in row.values()):  # noqa: PLR0124
            reason = "NaN: the system orders every number"
            return sdk.Receipt(accepted=0, rejected=(sdk.Rejection(index=0, code="nan", reason=reason),))
        return await super().write(batch)


def without(*abilities: Ability) -> Callable[[Manifest], Manifest]:
    """Return what takes abilities out of a manifest."""
    absent = dict.fromkeys(abilities, Capability(state=CapabilityState.NOT_IMPLEMENTED))
    more: dict[str, Any] = {"modes": ()} if Ability.WRITE in absent else {}
    more |= {"contexts": ()} if Ability.READ in absent else {}
    return lambda manifest: manifest.model_copy(update={"abilities": {**manifest.abilities, **absent}, **more})


@pytest.fixture
def judged(systems: Systems, tmp_path: Path) -> Judge:
    """Runs some checks over a class with a changed manifest."""

    def judge(cls: type, change: Callable[[Manifest], Manifest], *ids: str) -> Mapping[str, Result]:
        manifest = reference.subject(DataKind.RECORD).manifest
        assert manifest is not None
        checks, subject = catalogue(), Subject.of(cls, change(manifest))
        return living(lambda folder: subject, DataKind.RECORD, [checks[name] for name in ids], systems, tmp_path)

    return judge


def test_unsupported_type_is_verified_when_it_is_refused_in_the_words_of_the_manifest(judged: Judge) -> None:
    """The line of the ledger holds the reason."""
    line = judged(RefusesUuids, NO_UUID, "TYP-11")["TYP-11"]
    assert (line.outcome, line.message) == (Outcome.UNSUPPORTED_VERIFIED, "there is no type for it")


def test_unsupported_type_fails_when_it_is_refused_in_other_words(judged: Judge) -> None:
    """Whoever reads the error must find the reason of the manifest in it."""
    line = judged(RefusesUuidsSilently, NO_UUID, "TYP-11")["TYP-11"]
    assert line.outcome is Outcome.FAIL
    assert "refused with 'no cast it to text', without the mechanism" in line.message


def test_undeclared_refusal_fails_when_the_type_is_claimed_in_full(judged: Judge) -> None:
    """A feature that is not listed is claimed."""
    line = judged(RefusesUuids, lambda manifest: manifest, "TYP-11")["TYP-11"]
    assert line.outcome is Outcome.FAIL
    assert "the manifest claims `types.uuid` in full" in line.message


def test_part_of_a_family_is_refused_as_declared_when_the_rest_is_kept(judged: Judge) -> None:
    """Floats are kept to the bit, and NaN is rejected item by item."""
    line = judged(RejectsNan, NO_NAN, "TYP-04")["TYP-04"]
    assert line.outcome is Outcome.PASS, line.message


def test_conversion_passes_when_it_is_declared_exactly(judged: Judge) -> None:
    """`X becomes Y` is allowed where it is what happens, and nothing else is."""
    lossy = declares(Feature.FLOAT, CapabilityState.PARTIAL, "-0.0 becomes 0.0")
    results = judged(OneZero, lossy, "TYP-04", "TYP-20")
    assert {line.outcome for line in results.values()} == {Outcome.PASS}, results


@pytest.mark.parametrize(
    ("cls", "absent"),
    [
        (Reader, (Ability.WRITE, Ability.PREPARE, Ability.TRANSACTIONAL)),
        (Writer, (Ability.READ,)),
    ],
    ids=["reads", "writes"],
)
def test_values_are_judged_when_a_provider_goes_one_way_only(
    cls: type, absent: tuple[Ability, ...], judged: Judge
) -> None:
    """The harness stands in for the other way; nothing is passed over."""
    ids = ("SIG-04", "SIG-05", "META-09", "TYP-01", "TYP-03", "TYP-05", "TYP-13", "BND-01", "BND-09", "PERF-06")
    results = judged(cls, without(*absent), *ids)
    assert {line.outcome for line in results.values()} == {Outcome.PASS}, results
    assert results["TYP-05"].observations > 10
