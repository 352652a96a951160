"""The checks about encryption, on a provider that has it: the reference has none, so nothing else shows that they can pass."""

from __future__ import annotations

from pathlib import Path

from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Outcome, Subject, catalogue

from tests.kit import reference
from tests.kit.zoo._gate import living
from tests.kit.zoo._systems import Systems
from tests.kit.zoo.con import Encrypted, claims_tls


def test_provider_with_tls_passes_when_it_verifies(systems: Systems, tmp_path: Path) -> None:
    """A server that nobody vouches for is refused, typed, and told nothing."""

    def make(folder: Path) -> Subject:
        return Subject.of(Encrypted, claims_tls(reference.manifest(DataKind.RECORD)))

    checks = [each for key, each in catalogue().items() if key in ("CON-05", "SEC-08")]
    results = living(make, DataKind.RECORD, checks, systems, tmp_path)
    assert {key: each.outcome for key, each in results.items()} == {"CON-05": Outcome.PASS, "SEC-08": Outcome.PASS}
