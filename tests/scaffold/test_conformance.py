"""A bake that nobody has touched passes the conformance kit, by the command its author types."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.kit.reference import installed_metadata
from tests.scaffold.baking import Choice, Ended, run, side_by_side

Checked = tuple[Ended, dict[str, object]]

BUDGET = 60.0
"""Seconds of the processor for one run of the kit."""


@pytest.fixture(scope="module")
def ended(pairwise: dict[Choice, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[Choice, Checked]:
    """What the kit says of every bake, two at a time."""
    folder = tmp_path_factory.mktemp("kit")
    found = side_by_side(lambda choice: conform(choice, pairwise[choice], folder), pairwise)
    return dict(zip(pairwise, found, strict=True))


def conform(choice: Choice, project: Path, folder: Path) -> Checked:
    """Run the kit over a project, which is on the path with the metadata of its wheel."""
    metadata, report = folder / choice.slug, folder / f"{choice.slug}.json"
    installed_metadata(project, metadata)
    env = os.environ | {"PYTHONPATH": f"{metadata}{os.pathsep}{project / 'src'}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "nvisy_sdk", "conform", choice.slug, "--level", "bronze", "--report", str(report)]
    ended = run(*command, cwd=project, env=env)
    return ended, json.loads(report.read_text(encoding="utf-8"))


def test_bake_reaches_bronze_unedited(ended: dict[Choice, Checked]) -> None:
    """Every kind of data, every direction, every way to open a session."""
    for choice, (process, report) in ended.items():
        assert process.code == 0, f"{choice.slug}: {process.said}"
        assert report["level"] in ("bronze", "silver", "gold"), choice.slug


def test_bake_is_checked_for_what_it_claims(ended: dict[Choice, Checked]) -> None:
    """Most of the catalogue ran, each check looked at something, and what is not claimed was seen not to be there."""
    for choice, (process, report) in ended.items():
        lines = report["checks"]
        assert isinstance(lines, list)
        outcomes = [line["outcome"] for line in lines]
        assert len(lines) > 100, choice.slug
        assert set(outcomes) <= {"pass", "unsupported-verified"}, f"{choice.slug}: {process.said}"
        one_way = choice.directions != "both" or choice.auth == "none"
        assert ("unsupported-verified" in outcomes) or not one_way, choice.slug


def test_bake_is_checked_within_a_minute(ended: dict[Choice, Checked]) -> None:
    """From the command to its verdict."""
    assert max(process.seconds for process, _ in ended.values()) < BUDGET


def test_output_holds_no_secret_of_the_run(ended: dict[Choice, Checked]) -> None:
    """The kit plants a canary in the credentials; it is in no output."""
    for process, _ in ended.values():
        assert not re.search(r"canary-\w", process.said)
