"""The conformance kit: does a provider keep what the protocols promise?

`python -m nvisy_sdk conform NAME` runs it; SPEC.md beside this file has the clauses, `catalogue()` the checks. An author
writes a `ProviderHarness` and no test.
"""

from ._check import Check, catalogue, check
from ._harness import Endpoint, Item, ProviderHarness
from ._outcome import CheckFailed, Evidence, HarnessFailed, Level, Outcome, Result
from ._subject import Subject

__all__ = [
    "Check",
    "CheckFailed",
    "Endpoint",
    "Evidence",
    "HarnessFailed",
    "Item",
    "Level",
    "Outcome",
    "ProviderHarness",
    "Result",
    "Subject",
    "catalogue",
    "check",
]
