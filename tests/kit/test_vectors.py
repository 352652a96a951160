"""The golden vectors that the SDK ships are those that Rust wrote, and the kit judges them all."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from nvisy_sdk.conformance._vectors import Vector, judged, vectors, words

ORIGINALS = Path(__file__).parents[1] / "vectors"


def test_shipped_vectors_are_those_that_rust_wrote() -> None:
    """A plugin's author holds the SDK to the very texts that the engine was held to."""
    shipped = resources.files("nvisy_sdk.conformance").joinpath("vectors")
    assert set(words()) == {path.stem for path in ORIGINALS.glob("*.json")}
    for path in ORIGINALS.glob("*.json"):
        copied = shipped.joinpath(path.name).read_bytes()
        assert copied == path.read_bytes(), f"copy tests/vectors/{path.name} to nvisy_sdk/conformance/vectors"


def test_vectors_hold_good_and_bad_texts_when_they_are_read() -> None:
    """Nothing is shown by a set of vectors that all pass, or all fail."""
    canonical = {vector.shape for vector in vectors() if vector.canonical is not None}
    assert canonical == {vector.shape for vector in vectors() if vector.canonical is None}


@pytest.mark.parametrize(
    ("vector", "text"),
    [
        (Vector("ErrorKind", '"auth"', '"auth"'), '"auth"'),
        (Vector("ErrorKind", '"other"', None), None),
        (Vector("TokenCredentials", '{"token":"t"}', '{"token":"t"}'), "null"),
    ],
    ids=str,
)
def test_judgement_is_the_written_text_or_none(vector: Vector, text: str | None) -> None:
    """What is accepted is written again; what is refused is not, and a secret never is."""
    assert judged(vector) == text
