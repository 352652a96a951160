"""SPEC.md and the checks say the same: every check has its clause, and a clause without a check says why."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from importlib import resources

import pytest
from nvisy_sdk import _provider
from nvisy_sdk.conformance import Check, Level, catalogue
from nvisy_sdk.conformance._check import FAMILIES

CLAUSE = re.compile(r"^- \*\*(?P<id>[A-Z]+-\d\d)\*\* (?P<word>MUST|SHOULD), (?P<level>\w+): (?P<text>.+)$")
UNCHECKED = re.compile(r"(Untestable|Not checked yet): \S.+\.$")
REFERENCES = re.compile(r"\[((?:[A-Z]+-\d+(?:, )?)+)\]$")
SENTENCE = re.compile(r"- `([A-Z]+-\d+)`:")


@dataclass(frozen=True)
class Clause:
    """One clause of SPEC.md."""

    id: str
    word: str
    level: str
    text: str

    @property
    def references(self) -> list[str]:
        """Sentences of the protocols that it takes up."""
        found = REFERENCES.search(self.text)
        return found[1].split(", ") if found else []


def clauses() -> list[Clause]:
    """Return the clauses in their order."""
    text = resources.files("nvisy_sdk.conformance").joinpath("SPEC.md").read_text(encoding="utf-8")
    return [Clause(**found.groupdict()) for line in text.splitlines() if (found := CLAUSE.match(line))]


def test_clauses_are_unique_and_in_order() -> None:
    """An id is found where one looks for it."""
    ids = [clause.id for clause in clauses()]
    assert len(ids) == len(set(ids))
    assert ids == sorted(ids, key=lambda name: (FAMILIES.index(name.split("-")[0]), name))


def test_every_line_that_looks_like_a_clause_is_one() -> None:
    """A clause with a misspelt word would be no clause, and nobody would miss it."""
    text = resources.files("nvisy_sdk.conformance").joinpath("SPEC.md").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.startswith("- ")]) == len(clauses())


@pytest.mark.parametrize("check", catalogue().values(), ids=lambda check: check.id)
def test_check_has_a_clause_that_says_what_it_asserts(check: Check) -> None:
    """The clause begins with the check's title, and has its level."""
    found = {clause.id: clause for clause in clauses()}.get(check.id)
    assert found is not None, f"SPEC.md has no clause {check.id}"
    assert found.level == check.level.word
    assert found.text.lower().startswith(f"{check.title.lower()}."), (
        f"the clause says {found.text!r}, the check {check.title!r}"
    )
    assert not UNCHECKED.search(found.text)


@pytest.mark.parametrize("clause", clauses(), ids=lambda clause: clause.id)
def test_clause_has_a_check_or_a_reason(clause: Clause) -> None:
    """Nothing is promised that nobody looks after, unless it says so; a MUST belongs to the lower levels."""
    assert clause.id in catalogue() or UNCHECKED.search(clause.text), f"{clause.id} has neither a check nor a reason"
    assert (clause.word == "MUST") == (Level[clause.level.upper()] <= Level.BRONZE)


def test_every_sentence_of_the_protocols_has_a_check() -> None:
    """What the protocols promise by an id is checked under a clause that names it, and no other id is named."""
    promised = set(SENTENCE.findall(inspect.getsource(_provider)))
    checked = {name for clause in clauses() if clause.id in catalogue() for name in clause.references}
    assert promised, "the protocols have no sentences any more"
    assert checked == promised
