"""The authors' reference is what the SDK's docstrings and the catalogue say, all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nvisy_sdk
from nvisy_sdk import conformance
from nvisy_sdk.conformance import catalogue

DOCS = Path(__file__).parents[2] / "docs" / "authors"


def test_reference_page_is_current() -> None:
    """Run `python docs/authors/reference.py` when this fails."""
    command = (sys.executable, str(DOCS / "reference.py"), "--check")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_reference_page_holds_every_export_and_every_check() -> None:
    """Each under its own name; private modules that it does not list would be missed here."""
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    names = {*nvisy_sdk.__all__, *conformance.__all__}
    heads = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    absent = [name for name in sorted(names) if f"`{name}" not in heads and f" {name}" not in heads]
    assert not absent
    assert [key for key in catalogue() if f"| {key} |" not in text] == []
