"""The bakes that several tests look at, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scaffold.baking import PAIRWISE, Choice, bake, bake_quickly, every_choice


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[Choice, Path]:
    """Every choice, baked."""
    folder = tmp_path_factory.mktemp("whole")
    return {choice: bake_quickly(folder, choice) for choice in every_choice()}


@pytest.fixture(scope="session")
def pairwise(tmp_path_factory: pytest.TempPathFactory) -> dict[Choice, Path]:
    """The few choices with everything in them, baked as an author bakes them."""
    folder = tmp_path_factory.mktemp("pairwise")
    return {choice: bake(folder, **choice.answers) for choice in PAIRWISE}
