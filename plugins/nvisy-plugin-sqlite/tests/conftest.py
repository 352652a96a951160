"""An empty place for a database, for every test."""

from pathlib import Path

import pytest

from .sqlite_base import Base


@pytest.fixture
def base(tmp_path: Path) -> Base:
    """The path of a database file that is not there yet."""
    return Base(tmp_path / "base.db")
