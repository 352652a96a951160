"""The clauses of the specification that no check covers yet, so that no level is given for something nobody looked at."""

import functools
import re
from importlib import resources
from typing import Final

from ._outcome import Level

_CLAUSE: Final = re.compile(r"^- \*\*([A-Z]+-\d{2})\*\* (?:MUST|SHOULD), (\w+): .*Not checked yet", re.MULTILINE)


@functools.cache
def unchecked(level: Level) -> tuple[str, ...]:
    """Return the ids of a level's clauses that will have a check, but have none so far."""
    text = resources.files("nvisy_sdk.conformance").joinpath("SPEC.md").read_text(encoding="utf-8")
    return tuple(clause for clause, word in _CLAUSE.findall(text) if word == level.word)
