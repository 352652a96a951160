"""Contexts and what they are of."""

import pytest
from nvisy_sdk import (
    Condition,
    IntValue,
    KeysetContext,
    MarkerContext,
    OffsetContext,
    Operator,
    TokenContext,
    context_adapter,
    fingerprint,
)
from pydantic import ValidationError

MARK = "0123456789abcdef"


def test_context_says_what_it_is_when_constructed_without_its_tags() -> None:
    """Python need not repeat the kind and the version; the text always has both."""
    context = TokenContext(fingerprint=MARK, offset=2)
    assert context.model_dump_json() == f'{{"kind":"token","version":1,"fingerprint":"{MARK}","token":null,"offset":2}}'


@pytest.mark.parametrize("missing", ["kind", "version", "fingerprint"])
def test_context_is_refused_when_its_text_does_not_say_what_it_is(missing: str) -> None:
    """A persisted context is never guessed at."""
    fields = {"kind": '"token"', "version": "1", "fingerprint": f'"{MARK}"', "offset": "2"}
    text = ",".join(f'"{name}":{value}' for name, value in fields.items() if name != missing)
    with pytest.raises(ValidationError):
        context_adapter.validate_json(f"{{{text}}}")
    with pytest.raises(ValidationError):
        TokenContext.model_validate_json(f"{{{text}}}")


def test_context_cannot_be_changed_when_it_exists() -> None:
    """A position handed to the engine stays the position."""
    context = MarkerContext(fingerprint=MARK, key="a")
    with pytest.raises(ValidationError, match="frozen"):
        context.key = "b"  # type: ignore[misc]


def test_context_takes_a_list_when_python_gives_one() -> None:
    """Containers are lenient in Python; the value is a tuple all the same."""
    context = KeysetContext.model_validate({"fingerprint": MARK, "values": [IntValue(value=1)]})
    assert context.values == (IntValue(value=1),)
    assert hash(context) == hash(KeysetContext(fingerprint=MARK, values=(IntValue(value=1),)))


def test_partitions_are_in_order_when_given_in_another() -> None:
    """Equal offsets have one text."""
    context = OffsetContext(fingerprint=MARK, partitions={"b": 1, "a": 2})
    assert list(context.partitions) == ["a", "b"]


def test_fingerprint_differs_when_any_part_does() -> None:
    """Stream, filter and order each count; spelling them twice gives the same digest."""
    condition = Condition(column="a", op=Operator.EQ, value=1)
    variants = {
        fingerprint(stream="t"),
        fingerprint(stream="u"),
        fingerprint(stream="t", sort=("a",)),
        fingerprint(stream="t", sort=("a", "b")),
        fingerprint(stream="t", sort=("b", "a")),
        fingerprint(stream="t", filter=(condition,)),
        fingerprint(stream="t", filter={"a": 1}),
    }
    assert len(variants) == 7
    assert all(len(digest) == 32 and set(digest) <= set("0123456789abcdef") for digest in variants)
    assert fingerprint(stream="t", filter={"a": 1, "b": 2}) == fingerprint(stream="t", filter={"b": 2, "a": 1})


def test_fingerprint_is_the_same_when_computed_again_in_another_release() -> None:
    """The digest is part of every stored context: a change of this value makes all of them unusable."""
    assert fingerprint(stream="flights", sort=("id",)) == "ae81714c32761e093eb0eeae2dca257f"
