"""The gate of the kit: each animal dies of its named check, for its own reason, and each check kills an animal.

`NVISY_ZOO=full` runs every animal against the whole catalogue; without it, against its check and the ones beside it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nvisy_sdk.conformance import catalogue

from tests.kit.zoo._animal import Animal, animals
from tests.kit.zoo._gate import chosen, die
from tests.kit.zoo._systems import Systems

CHECKS, ANIMALS = 194, 276
"""How many there are. Whoever adds or removes one says so here, and in the changelog when it is a check."""

FULL = os.environ.get("NVISY_ZOO") == "full"

# An animal may leave anything behind: that is what the kit must see, and not what pytest must complain about.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("animal", animals().values(), ids=lambda animal: f"{animal.breaks}-{animal.name}")
def test_animal_dies_of_its_named_check(animal: Animal, systems: Systems, tmp_path: Path) -> None:
    """The named check fails with a message about the bug, and what else is red stands downstream of it or in `also`."""
    checks = catalogue()
    assert animal.breaks in checks, f"{animal.name} breaks {animal.breaks}, which is no check"
    death = die(animal, chosen(animal, checks, full=FULL), systems, tmp_path)
    wrong = death.wrong(animal, checks)
    assert not wrong, "\n".join(wrong)


def test_every_check_kills_an_animal() -> None:
    """A check that no broken provider fails cannot fail."""
    idle = set(catalogue()) - {animal.breaks for animal in animals().values()}
    assert not idle, f"these checks kill nobody: {', '.join(sorted(idle))}"


def test_downstream_names_exist_in_the_catalogue() -> None:
    """`after` and `also` name checks that are there."""
    checks = catalogue()
    named = {name for check in checks.values() for name in check.after} | {
        name for animal in animals().values() for name in animal.also
    }
    assert not named - set(checks)


def test_counts_are_pinned() -> None:
    """A check or an animal that appears or disappears is noticed."""
    assert (len(catalogue()), len(animals())) == (CHECKS, ANIMALS)
