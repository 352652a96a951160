"""The public face: what it names is there, sorted, and light to import."""

import subprocess
import sys
from types import ModuleType

import nvisy_sdk
import nvisy_sdk.memory
import nvisy_sdk.testing
import pytest

FACES = [nvisy_sdk, nvisy_sdk.memory, nvisy_sdk.testing]


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_all_is_sorted_and_true_when_compared_with_the_module(face: ModuleType) -> None:
    """Every public name exists, once, in plain order, and says what it is."""
    assert face.__all__ == sorted(set(face.__all__))
    for name in face.__all__:
        found = getattr(face, name)
        assert not isinstance(found, type) or found.__doc__, name


def test_import_loads_nothing_but_pydantic_when_the_sdk_is_imported() -> None:
    """A plugin that imports the SDK pays for no Arrow library and no test tool."""
    heavy = ("pyarrow", "pandas", "numpy", "pytest", "hypothesis", "nvisy", "nvisy_sdk.memory", "nvisy_sdk.testing")
    code = f"import sys, nvisy_sdk; print(sorted(set(sys.modules) & set({heavy!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"
