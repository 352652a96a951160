"""The reference providers are what the template bakes, so a change of the template is seen as a change of six projects."""

from __future__ import annotations

from pathlib import Path

import pytest
from nvisy_sdk import DataKind

from tests.kit.reference import project
from tests.scaffold.baking import bake_reference, paths


@pytest.mark.parametrize("kind", list(DataKind))
def test_reference_is_what_the_template_bakes(kind: DataKind, tmp_path: Path) -> None:
    """Run `python -m tests.scaffold.baking` when this fails, and look at what changes."""
    baked, kept = bake_reference(tmp_path, kind), project(kind)
    assert paths(baked) == paths(kept)
    changed = [name for name in paths(baked) if (baked / name).read_bytes() != (kept / name).read_bytes()]
    assert not changed
