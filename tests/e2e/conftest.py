"""What the end-to-end tests share: the real data, made once, and a command line with an empty state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import data
from tests.e2e.support import Nvisy


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A SQLite file with 336,776 real flights and four more tables; nobody writes into it."""
    made = repository / ".demo" / "flights.db"
    return data.make(made if made.exists() else tmp_path_factory.mktemp("flights") / "flights.db")


@pytest.fixture
def nvisy(tmp_path: Path) -> Nvisy:
    """The command line with an empty state folder."""
    return Nvisy(tmp_path / "home")
