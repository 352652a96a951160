"""Animals of the family DOC: packages that keep to themselves what one has to know."""

from __future__ import annotations

from pathlib import Path

from nvisy_sdk.conformance import Subject

from tests.kit.zoo._animal import package_animal
from tests.kit.zoo._package import parcel


@package_animal(breaks="DOC-01", pattern=r"does not name `timeout_ms` of the parameters")
def silent_readme(folder: Path) -> Subject:
    """Has a parameter that nobody hears of."""
    return parcel(folder).meta("`timeout_ms`", "`timeout`").subject()
