"""Providers that are odd but right: the kit must not take what is unusual for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from nvisy_sdk.conformance import catalogue

from tests.kit.herd import Member, members
from tests.kit.zoo._gate import living
from tests.kit.zoo._systems import Systems


@pytest.mark.parametrize("member", members().values(), ids=lambda member: member.name)
def test_odd_but_correct_provider_passes_everything(member: Member, systems: Systems, tmp_path: Path) -> None:
    """No check is red."""
    results = living(member.make, member.kind, catalogue().values(), systems, tmp_path, harness=member.harness)
    red = [
        f"{result.id} `{result.outcome}`: {result.message}" for result in results.values() if not result.outcome.counts
    ]
    assert not red, "\n".join(red)
