"""An empty place for a folder, for every test."""

from pathlib import Path

import pytest

from .folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder that is not there yet, inside one that others may be in."""
    return Folder(tmp_path / "root")
