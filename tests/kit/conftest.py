"""What the tests of the conformance kit share: the reference packages can be imported, and their systems run once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.kit.zoo._systems import Systems

HERE = Path(__file__).parent

# The packages are not installed: they are what the template bakes, and the tests import them from where they lie.
for _source in sorted((HERE / "reference").glob("*/src")):
    if str(_source) not in sys.path:
        sys.path.insert(0, str(_source))


@pytest.fixture(scope="session")
def systems() -> Iterator[Systems]:
    """The systems behind the reference providers, each started when it is first asked for."""
    from tests.kit.zoo._systems import Systems

    systems = Systems()
    yield systems
    systems.stop()
