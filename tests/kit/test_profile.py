"""The kit's own items and how it compares them: what it takes for the same decides what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from nvisy_sdk import DataKind
from nvisy_sdk.conformance._profile import PROFILES, Profile, differences, plain, same, shown
from nvisy_sdk.testing import RowBatch
from pydantic import BaseModel

RECORD = PROFILES[DataKind.RECORD]
EAST = timezone(timedelta(hours=5, minutes=30))
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)

ALIKE: tuple[tuple[object, object], ...] = (
    (float("nan"), float("nan")),
    (b"\x00\xff", bytearray(b"\x00\xff")),
    (b"ab", memoryview(b"ab")),
    ((1, 2), [1, 2]),
    ({"a": 1, "b": [None]}, {"b": (None,), "a": 1}),
    (NOON, NOON.astimezone(EAST)),
    (UUID(int=1), UUID(int=1)),
)
DIFFERENT: tuple[tuple[object, object], ...] = (
    (True, 1),
    (1, 1.0),
    (0.0, -0.0),
    (1, "1"),
    (0.1, 0.1 + 2**-55),
    (2**53, 2**53 + 1),
    (Decimal("1.0"), Decimal("1.00")),
    (Decimal(1), 1),
    (b"a", "a"),
    ("\u00e9", "e\u0301"),
    ("", None),
    ([], None),
    ({}, []),
    ({"a": None}, {}),
    ([1, 2], [2, 1]),
    ({"a": 1}, {"a": True}),
    (NOON, NOON.replace(tzinfo=None)),
    (NOON, NOON + timedelta(microseconds=1)),
    (UUID(int=1), str(UUID(int=1))),
)


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=repr)
def test_plain_is_equal_for_the_same_value_in_another_holder(one: object, other: object) -> None:
    """What holds a value does not matter."""
    assert plain(one) == plain(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=repr)
def test_plain_differs_for_values_that_python_takes_for_equal_or_nearly_so(one: object, other: object) -> None:
    """A type, a sign, a digit, an order or a zone is a difference, also deep inside."""
    assert plain(one) != plain(other)
    assert plain({"a": [one]}) != plain({"a": [other]})


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.kind)
def test_profile_makes_items_that_differ_and_stand_in_the_order_of_their_numbers(profile: Profile) -> None:
    """Keys rise with the numbers, whole items differ, and every column is in the schema."""
    items = profile.items(25)
    keys = [profile.key_of(item) for item in items]
    assert keys == sorted(set(map(tuple, keys)))
    assert len({repr(plain(item)) for item in items}) == 25
    assert {name for item in items for name in item} == {field.name for field in profile.schema.fields}
    assert len(RowBatch(items, schema=profile.schema, kind=profile.kind)) == 25


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.kind)
def test_profile_changes_an_item_in_all_but_its_key(profile: Profile) -> None:
    """The key stays, and nothing else can be mistaken for the old item; the same change comes every time."""
    (item,) = profile.items(1, first=3)
    changed = profile.changed(item)
    assert profile.key_of(changed) == profile.key_of(item)
    assert not same(changed, item)
    assert changed == profile.changed(dict(item))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.kind)
def test_differences_finds_nothing_between_items_in_another_order(profile: Profile) -> None:
    """The order does not count, nor do columns that the system added."""
    items = profile.items(4)
    assert differences(profile, [{**item, "added": 1} for item in reversed(items)], items) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([0, 1], "item id=2 is missing"),
        ([0, 1, 1, 2], "item id=1 is there 2 times"),
        ([0, 1, 2, 7], "item id=7 should not be there"),
    ],
)
def test_differences_names_the_item_that_is_missing_there_twice_or_unexpected(found: list[int], said: str) -> None:
    """One sentence for each."""
    there = [RECORD.make(number) for number in found]
    assert differences(RECORD, there, RECORD.items(3)) == [said]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "other"}, "item id=1 is changed: `name` is 'other', not 'name 1'"),
        ({"score": "4"}, "item id=1 is changed: `score` is '4', not 4"),
        ({"score": 4.0}, "item id=1 is changed: `score` is 4.0, not 4"),
        ({"score": None}, "item id=1 is changed: `score` is None, not 4"),
    ],
)
def test_differences_says_what_has_changed_in_an_item(change: Mapping[str, object], said: str) -> None:
    """The column, what is there and what had to be."""
    first, second = RECORD.items(2)
    assert differences(RECORD, [first, {**second, **change}], [first, second]) == [said]


def test_differences_takes_a_value_where_null_was_wanted_for_a_change() -> None:
    """Null is a value: another one in its place is found, a column that is left out is not."""
    (item,) = RECORD.items(1, first=4)
    assert item["score"] is None
    assert differences(RECORD, [{**item, "score": 0}], [item]) == ["item id=4 is changed: `score` is 0, not None"]
    assert differences(RECORD, [{"id": 4, "name": "name 4"}], [item]) == []


def test_differences_counts_what_it_does_not_name() -> None:
    """Five sentences are enough."""
    sentences = differences(RECORD, [], RECORD.items(9))
    assert len(sentences) == 6
    assert sentences[-1] == "and 4 more"


def test_differences_cuts_long_values_short() -> None:
    """A megabyte of text is no message."""
    (item,) = RECORD.items(1)
    (sentence,) = differences(RECORD, [{**item, "name": "x" * 10_000}], [item])
    assert len(sentence) < 200


def test_shown_names_an_item_by_its_whole_key() -> None:
    """A graph's key has two columns."""
    graph = PROFILES[DataKind.GRAPH]
    assert shown(graph, graph.make(1)) == "item element='node', id='g00000001'"


def test_plain_takes_a_model_for_what_it_prints() -> None:
    """A model is no mapping: its fields count, and so does its class."""

    class One(BaseModel):
        a: int = 1

    class Two(BaseModel):
        a: int = 1

    assert plain(One()) == plain(One())
    assert plain(One()) != plain(Two())
    assert plain(One()) != plain(One(a=2))
