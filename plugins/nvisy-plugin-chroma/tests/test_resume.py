"""Resuming: from the context of item k, a read yields exactly the items whose ids sort after it, whatever happened meanwhile."""

from random import Random

import pytest
from nvisy_plugin_chroma import Provider
from nvisy_sdk import (
    Context,
    ContextExpiredError,
    IntValue,
    InvalidContextError,
    KeysetContext,
    TextValue,
    TokenContext,
    context_adapter,
)
from nvisy_sdk.testing import items

from .chroma_base import Place, Row, row, rows


def through_json(context: Context | None) -> Context:
    """The context as the engine's state gives it back; its text is stable."""
    assert context is not None
    text = context_adapter.dump_json(context)
    again = context_adapter.validate_json(text)
    assert context_adapter.dump_json(again) == text
    return again


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_context_of_every_item_leads_to_the_items_after_it(place: Place, size: int) -> None:
    """Through JSON, and in any size of pages."""
    place.seed(Random(1).sample(rows(*range(9)), 9))

    async def use(session: Provider) -> None:
        whole = await items(session.read(None))
        found = [item for item, _ in whole]
        assert found == rows(*range(9))
        for index, (_, context) in enumerate(whole):
            rest = await items(session.read(through_json(context)))
            assert [item for item, _ in rest] == found[index + 1 :]

    place.run(use, batch_rows=size)


def test_steps_of_one_item_chain_to_the_whole(place: Place) -> None:
    """Each in a session of its own, with another size of pages."""
    place.seed(rows(4, 2, 0, 3, 1))
    found: list[Row] = []
    context: Context | None = None
    for size in range(1, 7):
        rest = place.read(context, batch_rows=size)
        if rest:
            item, context = rest[0]
            found.append(item)
    assert found == rows(0, 1, 2, 3, 4)
    assert place.read(context) == []


def test_resume_is_exact_when_items_before_the_position_were_deleted(place: Place) -> None:
    """All items of Chroma's order move to the front then."""
    place.seed(Random(2).sample(rows(*range(30)), 30))
    whole = place.read(batch_rows=7)
    context = whole[17][1]
    place.delete(0, 3, 5, 9, 16)
    assert [item for item, _ in place.read(context, batch_rows=7)] == rows(*range(18, 30))


def test_resume_is_exact_when_the_item_of_the_position_is_gone_or_came_again(place: Place) -> None:
    """Deleted, then added again at the end of Chroma's order."""
    place.seed(rows(*range(8)))
    context = place.read()[3][1]
    place.delete(3, 2)
    assert [item for item, _ in place.read(context)] == rows(4, 5, 6, 7)
    place.seed(rows(3, 2))
    assert place.ids()[-2:] == ["k000003", "k000002"]
    assert [item for item, _ in place.read(context)] == rows(4, 5, 6, 7)


def test_resume_after_the_last_item_yields_what_sorts_after_it(place: Place) -> None:
    """New items whose ids sort before are not read: the manifest says so of its order."""
    place.seed(rows(1, 3))
    context = place.read()[-1][1]
    assert place.read(context) == []
    place.seed(rows(2, 4, 5))
    assert [item for item, _ in place.read(context)] == rows(4, 5)


def test_context_of_another_collection_or_form_is_refused(place: Place) -> None:
    """Never a silent start from the beginning."""
    place.seed(rows(1, 2, 3))
    context = place.read()[0][1]
    assert isinstance(context, KeysetContext)
    mark = context.fingerprint
    wrong: list[Context] = [
        KeysetContext(fingerprint="0" * 32, values=context.values),
        KeysetContext(fingerprint=mark, values=(IntValue(value=1),)),
        KeysetContext(fingerprint=mark, values=(TextValue(value="a"), TextValue(value="b"))),
        TokenContext(fingerprint=mark, token="k000001", offset=0),
    ]
    for each in wrong:
        with pytest.raises(InvalidContextError, match="the context"):
            place.read(each)
    place.client.create_collection(f"{place.collection}-2", embedding_function=None)
    with pytest.raises(InvalidContextError, match="another collection, database or tenant"):
        place.read(context, collection=f"{place.collection}-2")


@pytest.mark.parametrize("hostile", ["", "\x00", '" OR 1=1', "\uffff", "../..", "k000002\n"])
def test_hostile_position_is_a_position_like_any_other(place: Place, hostile: str) -> None:
    """It is compared, and goes nowhere else."""
    place.seed(rows(1, 2, 3))
    context = place.read()[0][1]
    assert isinstance(context, KeysetContext)
    moved = KeysetContext(fingerprint=context.fingerprint, values=(TextValue(value=hostile),))
    assert [item for item, _ in place.read(moved)] == [item for item in rows(1, 2, 3) if str(item["id"]) > hostile]


def test_resume_of_a_replaced_collection_goes_by_id(place: Place) -> None:
    """The name is what a position belongs to; nothing is kept that could expire."""
    place.seed(rows(1, 2, 3))
    context = place.read()[1][1]
    place.client.delete_collection(place.collection)
    place.seed(rows(2, 3, 4))
    try:
        assert [item for item, _ in place.read(context)] == rows(3, 4)
    except ContextExpiredError:  # pragma: no cover - a keyset does not expire
        pytest.fail("a keyset does not expire")
    assert row(3) in place.rows()
