"""DOC: what the package says to people, as far as a program can tell whether it does."""

import re
from typing import Any

from .._check import check
from .._outcome import Level
from .._static import Package
from .meta import own_fields


@check(
    "DOC-01",
    Level.BRONZE,
    "the readme names the provider and every parameter and credential of its own",
    static=True,
    after=("PKG-10", "SIG-01"),
)
async def readme_names_the_parameters(package: Package) -> None:
    """Look for each name, as a word, in the description that came with the distribution."""
    metadata: Any = package.distribution.metadata
    text = str(metadata.get("Description") or metadata.get_payload() or "")
    name = package.subject.name
    package.expect(
        _names(text, name), f"the readme does not name `{name}`, so nobody knows what to write in a workflow"
    )
    for role, model in zip(("credentials", "parameters"), package.models, strict=True):
        for field in own_fields(model):
            package.expect(_names(text, field), f"the readme does not name `{field}` of the {role}")


def _names(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
