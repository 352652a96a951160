"""The README's provider is one: what is printed there can be copied and works."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nvisy_sdk
import pytest


@pytest.fixture
def example(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The README's Python code as a module."""
    (code,) = re.findall(r"^```python\n(.*?)^```", (repository / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "nvisy_plugin_notes.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    import nvisy_plugin_notes  # type: ignore[import-not-found]

    yield nvisy_plugin_notes
    del sys.modules["nvisy_plugin_notes"]


def test_readme_provider_passes_the_load_checks(example: ModuleType) -> None:
    """The class has no defect and its manifest can be made."""
    assert nvisy_sdk.load_checks(example.Provider) == []
    manifest = example.manifest()
    assert manifest.name == "notes"
    assert {str(ability) for ability in manifest.abilities if manifest.can(ability)} == {"read", "write"}


def test_readme_provider_resumes_after_any_row(example: ModuleType, tmp_path: Path) -> None:
    """Rows come in key order, and after a context only those that follow."""
    (tmp_path / "t.json").write_text('[{"id": 1}, {"id": 2}, {"id": 3}]')

    async def read(context: Any) -> list[Any]:
        params = example.Params(folder=tmp_path, table="t")
        session = await example.Provider.connect(nvisy_sdk.NoCredentials(), params)
        return [batch async for batch in session.read(context)]

    (batch,) = asyncio.run(read(None))
    assert [row["id"] for row in batch.data] == [1, 2, 3]
    stream = batch.positions.fingerprint
    after = nvisy_sdk.KeysetContext(fingerprint=stream, values=(nvisy_sdk.typed_value(2),))
    (rest,) = asyncio.run(read(after))
    assert [row["id"] for row in rest.data] == [3]
