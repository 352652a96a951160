"""The reference provider of each kind passes every check of the kit: nothing red, nothing vacuous, nothing left out silently."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from nvisy_sdk import DataKind
from nvisy_sdk.conformance import catalogue

from tests.kit import reference
from tests.kit.zoo._gate import living
from tests.kit.zoo._systems import Systems

BUDGET = 60.0
"""Seconds of the processor for the whole kit over one reference; it takes a fraction of them."""


@pytest.mark.parametrize("kind", list(DataKind))
def test_reference_passes_everything(kind: DataKind, systems: Systems, tmp_path: Path) -> None:
    """No check ends with anything but a pass or a verified refusal, in bearable time."""
    started = time.process_time()
    results = living(lambda _: reference.subject(kind), kind, catalogue().values(), systems, tmp_path)
    red = [
        f"{result.id} `{result.outcome}`: {result.message}" for result in results.values() if not result.outcome.counts
    ]
    assert not red, "\n".join(red)
    assert len(results) > 0.7 * len(catalogue()), "most of the catalogue is about every kind of data"
    assert time.process_time() - started < BUDGET
