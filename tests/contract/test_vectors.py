"""Pydantic and the built extension judge every golden vector as it says; `nvisy-dal/tests/vectors.rs` does the same in Rust."""

import nvisy_sdk
import pytest
from nvisy_sdk import ErrorKind, ProviderError

from tests.contract.shapes import NAMES, SECRET, python_judges, rust_judges
from tests.contract.vectors import Vector, load, vectors

ACCEPTED = [*vectors("valid"), *vectors("accepted")]
REFUSED = list(vectors("invalid"))
UNTRANSLATED = {ErrorKind.CANCELLED, ErrorKind.INTERNAL}
"""Kinds without a class of their own: the engine cancels, and `ProviderError` itself is what nobody translated."""


def test_vectors_hold_good_and_bad_texts_of_every_shape() -> None:
    """A shape without vectors would pass all of these tests."""
    assert {vector.shape for vector in ACCEPTED} == set(NAMES)
    assert {vector.shape for vector in REFUSED} == set(NAMES)


@pytest.mark.parametrize("vector", ACCEPTED, ids=str)
def test_vector_is_written_byte_for_byte_when_it_is_accepted(vector: Vector) -> None:
    """Both languages write an accepted text in the one canonical form."""
    canonical = "null" if vector.shape in SECRET else vector.canonical
    assert python_judges(vector.shape, vector.text) == canonical
    assert rust_judges(vector.shape, vector.text) == canonical


@pytest.mark.parametrize("vector", REFUSED, ids=str)
def test_vector_is_refused_when_it_is_invalid(vector: Vector) -> None:
    """Both languages refuse what the vectors call invalid."""
    assert python_judges(vector.shape, vector.text) is None
    assert rust_judges(vector.shape, vector.text) is None


def test_error_kinds_are_retryable_exactly_when_the_vectors_say() -> None:
    """The classes of the SDK and Rust's table follow one list."""
    table = {ErrorKind(word): retryable for word, retryable in load("error")["retryable"].items()}
    classes = [
        found
        for name in nvisy_sdk.__all__
        if isinstance(found := getattr(nvisy_sdk, name), type) and issubclass(found, ProviderError)
    ]
    assert set(table) == set(ErrorKind)
    assert {found.kind for found in classes} == set(ErrorKind) - {ErrorKind.CANCELLED}
    assert len(classes) == len(ErrorKind) - len(UNTRANSLATED) + 1
    assert all(found.retryable is table[found.kind] for found in classes)
