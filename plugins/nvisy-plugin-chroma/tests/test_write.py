"""Writing: adding, putting in the place of, replacing; what cannot be held is rejected by its place, and nothing is bent."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest
from nvisy_plugin_chroma import Provider
from nvisy_sdk import (
    DataKind,
    Field,
    Float32Type,
    Int64Type,
    InvalidConfigError,
    InvalidDataError,
    JsonType,
    ListType,
    NotFoundError,
    Prepare,
    Schema,
    TextType,
    UnsupportedError,
    WriteMode,
)
from nvisy_sdk.testing import RowBatch

from .chroma_base import Place, Row, bits, columns, row, rows

VALUES: list[object] = [
    None,
    {},
    {"n": 1},
    {"b": True, "i": 0, "f": 1.0, "s": "", "t": "x"},
    {"min": -(2**63), "max": 2**63 - 1, "big": 2**64 - 1, "bigger": -(10**30)},
    {"zero": -0.0, "small": 5e-324, "large": 1.7976931348623157e308, "third": 0.1},
    {"null": None},
    {"null": None, "n": 1},
    {"deep": {"a": [{"b": [[]]}], "c": {}}},
    {"ints": [1, 2], "floats": [0.5], "texts": ["b", "a", "b"], "bools": [True, False], "none": []},
    {"mixed": [1, 2.5], "other": [1, "x"], "nulls": [None], "nested": [[1]], "truth": [1, True]},
    {"": 1, "$and": 2, "#type": "sparse_vector", "a.b": 3, "a b": 4, "ü": 5, "nul\x00": "nul\x00"},
    {"chroma:x": 1, "chroma:document": None, "chroma:uri": 5},
    {"_nvisy": "mine", "n": 1},
    {"_nvisy": '{"metadata": {"x": 1}}'},
    {"chroma:document": "the text", "n": 1},
    {"chroma:document": "", "chroma:uri": "file:x"},
    {"chroma:document": "text", "deep": {"x": None}},
    {"text": "\U0001f600 e\u0301 \u00e9 \u202eabc\r\n"},
    [1, {"a": None}],
    "text",
    7,
    False,
]


def written(*metadata: object) -> list[Row]:
    """Items with that metadata."""
    return [row(n, metadata=each) for n, each in enumerate(metadata)]


def test_any_json_metadata_comes_back_as_it_was(place: Place) -> None:
    """What Chroma holds itself is there for its own filters; the rest travels beside it."""
    items = written(*VALUES)
    assert place.write(items).accepted == len(items)
    assert [repr(item["metadata"]) for item in sorted_keys(place.rows())] == [
        repr(item["metadata"]) for item in sorted_keys(items)
    ]
    dump = place.dump()
    assert dump["k000002"][1] == {"n": 1}
    assert dump["k000007"][1] == {"n": 1, "_nvisy": '{"metadata":{"null":null}}'}
    assert dump["k000015"][1:] == ({"n": 1}, "the text")


def sorted_keys(items: list[Row]) -> list[Row]:
    """The items with the keys of their metadata in order: Chroma keeps none."""
    return [
        {**item, "metadata": dict(sorted(meta.items())) if isinstance(meta := item["metadata"], dict) else meta}
        for item in items
    ]


def test_upsert_leaves_nothing_of_the_item_before(place: Place) -> None:
    """Every kind of item over every other: Chroma itself would merge their metadata and keep the document."""
    pairs = [(before, after) for before in VALUES for after in VALUES]
    place.write(written(*(before for before, _ in pairs)))
    items = [{**item, "vector": [9.0, 8.0, 7.0]} for item in written(*(after for _, after in pairs))]
    place.write(items)
    found = place.rows(batch_rows=1_000)
    assert [item["vector"] for item in found] == [[9.0, 8.0, 7.0]] * len(pairs)
    assert [repr(item["metadata"]) for item in sorted_keys(found)] == [
        repr(item["metadata"]) for item in sorted_keys(items)
    ]


def test_upsert_over_items_of_others_leaves_nothing_of_them(place: Place) -> None:
    """Documents and URIs that another program put there go too."""
    place.made().add(
        ids=["k000000", "k000001"],
        embeddings=[[1.0, 1.0, 1.0]] * 2,
        documents=["old", "old"],
        uris=["old", "old"],
        metadatas=[{"x": 1, "y": [1, 2]}, {"x": "y"}],
    )
    for _ in range(2):
        place.write(rows(0, 1))
        assert place.rows() == rows(0, 1)
    place.write([row(0, metadata={"chroma:document": "new"})])
    assert place.rows()[0]["metadata"] == {"chroma:document": "new"}
    assert place.dump()["k000000"][2] == "new"


@pytest.mark.parametrize("mode", [WriteMode.UPSERT, WriteMode.APPEND])
def test_lists_that_chroma_left_behind_are_taken_from_new_items(embedded: Place, mode: WriteMode) -> None:
    """Chroma 1.5.9 forgets those of a deleted collection where later items find them."""
    stale = embedded.client.create_collection("stale", embedding_function=None)
    stale.add(ids=list("abc"), embeddings=[[1.0]] * 3, metadatas=[{"n": [7], "list": [1, 2]}] * 3)
    embedded.client.delete_collection("stale")
    control = embedded.client.create_collection("control", embedding_function=None)
    control.add(ids=["a"], embeddings=[[1.0]], metadatas=[{"n": 1}])
    assert control.get()["metadatas"] == [{"n": 1, "list": [1, 2]}], "Chroma no longer does it: drop the second look"
    control.delete(ids=["a"])
    assert embedded.write(written({"n": 1}, {"list": "mine"}, None), mode=mode).accepted == 3
    assert embedded.rows() == written({"n": 1}, {"list": "mine"}, None)


def test_upsert_written_again_changes_nothing(place: Place) -> None:
    """As after an answer that was lost."""
    place.write(rows(1, 2, 3))
    before = place.dump()
    assert place.write(rows(1, 2, 3)).accepted == 3
    assert place.dump() == before
    assert place.ids() == ["k000001", "k000002", "k000003"]


def test_append_rejects_ids_that_are_there_one_by_one(place: Place) -> None:
    """Chroma itself would ignore them without a word; also those twice in the batch."""
    place.write(rows(1, 3))
    batch = [row(0), row(1, metadata={"new": 1}), row(2), row(3), row(2, metadata={"twice": 1})]
    receipt = place.write(batch, mode=WriteMode.APPEND)
    assert receipt.accepted == 2
    assert [(one.index, one.code) for one in receipt.rejected] == [
        (1, "duplicate_key"),
        (3, "duplicate_key"),
        (4, "duplicate_key"),
    ]
    assert receipt.rejected[0].reason == "an item with the id k000001 is already there"
    assert place.rows() == rows(0, 1, 2, 3)


def test_last_of_an_id_in_a_batch_stays_when_upserting(place: Place) -> None:
    """Chroma itself would merge the two."""
    receipt = place.write([row(1, metadata={"a": 1}), row(2), row(1, metadata={"b": 2}, vector=[1.0, 2.0, 3.0])])
    assert (receipt.accepted, receipt.rejected) == (3, ())
    assert place.rows() == [row(1, metadata={"b": 2}, vector=[1.0, 2.0, 3.0]), row(2)]


def test_items_chroma_cannot_hold_are_rejected_by_their_place(place: Place) -> None:
    """The others are written; nothing is cut, filled or turned into something else."""
    huge = float(2**130)
    batch = [
        row(0),
        row(1, vector=[1.0, 2.0]),
        row(2, vector=[1.0, 2.0, 3.0, 4.0]),
        row(3, vector=[math.nan, 1.0, 1.0]),
        row(4, vector=[1.0, math.inf, 1.0]),
        row(5, vector=None),
        row(6, id=""),
        row(7, id=None),
        row(8, vector=[huge, 0.0, 0.0]),
        row(9, metadata={"deep": {"nan": math.nan}}),
        row(10, metadata={"inf": math.inf}),
        row(11, metadata={"text": "\ud800"}),
        row(12, id="\udfff"),
        row(13, metadata={"chroma:document": "\ud800"}),
        row(14, vector=[0.0, 0.0, 0.0]),
        row(15, vector=[-0.0, 1.0, None]),
    ]
    for mode in (WriteMode.UPSERT, WriteMode.APPEND):
        receipt = place.write(batch, mode=mode)
        rejected = {one.index: one.code for one in receipt.rejected if one.code != "duplicate_key"}
        assert rejected == {
            1: "dimension",
            2: "dimension",
            3: "not_finite",
            4: "not_finite",
            5: "null_vector",
            6: "empty_id",
            7: "empty_id",
            8: "out_of_range",
            9: "invalid_metadata",
            10: "invalid_metadata",
            11: "invalid_text",
            12: "invalid_text",
            13: "invalid_text",
            15: "out_of_range",
        }
        assert place.rows() == [row(0), row(14, vector=[0.0, 0.0, 0.0])]
        assert receipt.accepted == (2 if mode is WriteMode.UPSERT else 0)
    assert receipt.rejected[1].reason == "the vector has 2 numbers and the collection's have 3"


def test_cosine_rejects_what_it_would_lose_and_keeps_the_rest(place: Place) -> None:
    """It divides by the length, which for some vectors is no 32-bit float; zero is kept."""
    vectors = [[3e38, 3e38, 0.0], [1e-45, 0.0, 0.0], [0.0, 0.0, 0.0], [0.5, -0.25, 1.0]]
    receipt = place.write([row(n, vector=vector) for n, vector in enumerate(vectors)], space="cosine")
    assert [(one.index, one.code) for one in receipt.rejected] == [(0, "out_of_range"), (1, "out_of_range")]
    found = [item["vector"] for item in place.rows()]
    assert found[0] == [0.0, 0.0, 0.0]
    assert found[1] == pytest.approx([0.5, -0.25, 1.0], rel=1e-6)


def test_more_items_than_a_request_takes_are_written_in_several(place: Place) -> None:
    """Past 5,461 items, and past the bytes of a request: all arrive, in both modes."""
    many = [{"id": f"k{n:06}", "vector": [float(n), 1.0, 0.0], "metadata": None} for n in range(5_462)]
    assert place.write(many).accepted == 5_462
    assert len(place.ids()) == 5_462
    receipt = place.write([*many[:3], row(999_999)], mode=WriteMode.APPEND)
    assert (receipt.accepted, len(receipt.rejected)) == (1, 3)
    long = [row(n, metadata={"text": "é" * 600_000}) for n in range(9)]
    assert place.write(long).accepted == 9
    assert place.rows(batch_rows=9)[:9] == long


def test_item_larger_than_a_request_is_rejected_alone(server: Place) -> None:
    """The server takes 40 MiB; the others of the batch are written."""
    batch = [row(0), row(1, metadata={"chroma:document": "x" * (41 * 2**20)}), row(2)]
    receipt = server.write(batch)
    assert (receipt.accepted, [(one.index, one.code) for one in receipt.rejected]) == (2, [(1, "invalid_item")])
    assert receipt.rejected[0].reason == "the server answers with status 413"
    assert server.rows() == rows(0, 2)


def test_prepare_makes_the_collection_only_when_asked_to(place: Place) -> None:
    """And is the same when called again."""
    with pytest.raises(NotFoundError, match=r"there is no (collection|Chroma store)"):
        place.write(rows(1), create=False)
    place.write(rows(1), space="ip")
    place.write(rows(2), create=False)
    assert place.made().configuration_json["hnsw"]["space"] == "ip"
    assert place.rows() == rows(1, 2)


def preparing(schema: Schema) -> Callable[[Provider], Awaitable[None]]:
    """Use of a session that prepares for those columns."""
    return lambda session: session.prepare(Prepare(kind=DataKind.EMBEDDING, schema=schema, fresh=True))


def test_prepare_refuses_what_does_not_fit(place: Place) -> None:
    """Before anything is written, naming the column."""
    place.write(rows(1))
    with pytest.raises(InvalidDataError, match=r"column vector has 4 numbers and those of collection .* have 3"):
        place.write([row(2, vector=[1.0] * 4)], dimension=4)
    with pytest.raises(InvalidConfigError, match="measures distances by l2, not by cosine"):
        place.write(rows(2), space="cosine")
    schema = columns(3)
    extra = Schema(fields=(*schema.fields, Field(name="more", type=TextType())))
    lists = Schema(fields=(schema.fields[0], Field(name="vector", type=ListType(item=Float32Type()))))
    numbers = Schema(fields=(Field(name="id", type=Int64Type()), schema.fields[1]))
    texts = Schema(fields=(*schema.fields[:2], Field(name="metadata", type=TextType())))
    wrong = {
        "column more is of type text": extra,
        "column vector is of type list": lists,
        "column id is of type int64": numbers,
        "column metadata is of type text": texts,
        "column vector is missing": Schema(fields=(schema.fields[0],)),
    }
    for text, columns_ in wrong.items():
        with pytest.raises(InvalidDataError, match=text):
            place.run(preparing(columns_))
    with pytest.raises(UnsupportedError, match="a collection holds embeddings, not record items"):
        place.run(lambda session: session.prepare(Prepare(kind=DataKind.RECORD, schema=schema, fresh=True)))
    assert place.rows() == rows(1)


@pytest.mark.parametrize("name", ["a", "ab", "a b", "ü-ü", "a/b/c", "../x", "a..b", "_abc", "abc_", "x" * 513, "abc\n"])
def test_name_chroma_does_not_take_is_refused_at_connect(place: Place, name: str) -> None:
    """It would become a part of a path on the server."""
    with pytest.raises(InvalidConfigError, match=r"a name has 3 to 512 characters from \[a-zA-Z0-9._-\]"):
        place.write(rows(1), collection=name)
    with pytest.raises(InvalidConfigError, match="namespace"):
        place.write(rows(1), namespace=name)


def test_replacement_takes_the_place_of_everything_at_the_end(place: Place) -> None:
    """Until `publish` readers see the old items; the settings stay; the second call changes nothing."""
    place.made(metadata={"owner": "me"}, configuration={"hnsw": {"space": "ip", "ef_search": 77}})
    place.seed(rows(1, 2, 3))
    request = Prepare(kind=DataKind.EMBEDDING, schema=columns(3), fresh=True)

    async def use(session: Provider) -> None:
        await session.prepare(request)
        await session.prepare(request)
        for part in (rows(3, 4), rows(5)):
            receipt = await session.write(RowBatch(part, schema=columns(3), kind=DataKind.EMBEDDING))
            assert receipt.accepted == len(part)
            assert await asyncio.to_thread(place.rows) == rows(1, 2, 3)
        for _ in range(2):
            await session.publish()
            assert await asyncio.to_thread(place.rows) == rows(3, 4, 5)

    place.run(use, mode=WriteMode.REPLACE)
    made = place.made()
    assert made.metadata == {"owner": "me"}
    assert (made.configuration_json["hnsw"]["space"], made.configuration_json["hnsw"]["ef_search"]) == ("ip", 77)
    assert [one.name for one in place.client.list_collections() if one.name.startswith(place.collection)] == [
        place.collection
    ]


def test_replacement_that_was_cut_short_goes_on_or_begins_anew(place: Place) -> None:
    """A resumed run goes on with what was staged; a new one begins with nothing."""
    place.write(rows(1, 2))
    place.write(rows(7), mode=WriteMode.REPLACE)
    place.write(rows(8), mode=WriteMode.REPLACE, fresh=False, publish=True)
    assert place.rows() == rows(7, 8)
    place.write(rows(9), mode=WriteMode.REPLACE)
    place.write(rows(5), mode=WriteMode.REPLACE, publish=True)
    assert place.rows() == rows(5)


def test_replacement_cut_short_between_its_renames_is_finished_or_undone(place: Place) -> None:
    """The only moment when the name leads nowhere: a resumed run finishes it, a new one puts the old one back first."""
    place.write(rows(1, 2))
    place.write(rows(7), mode=WriteMode.REPLACE)
    place.made().modify(name=f"{place.collection}.nvisy-old")
    place.run(lambda session: session.publish(), mode=WriteMode.REPLACE)
    assert place.rows() == rows(7)

    place.write(rows(8), mode=WriteMode.REPLACE)
    place.made().modify(name=f"{place.collection}.nvisy-old")
    place.write(rows(9), mode=WriteMode.REPLACE)
    assert place.rows() == rows(7)
    place.run(lambda session: session.publish(), mode=WriteMode.REPLACE)
    assert place.rows() == rows(9)
    assert len([one for one in place.client.list_collections() if one.name.startswith(place.collection)]) == 1


def test_replacement_of_a_collection_with_an_embedding_function_is_refused(server: Place) -> None:
    """The new one would lose it."""
    made = server.client._server._make_request(
        "post",
        "/tenants/default_tenant/databases/default_database/collections",
        json={
            "name": server.collection,
            "configuration": {"embedding_function": {"type": "known", "name": "default", "config": {}}},
        },
    )
    assert made["configuration_json"]["embedding_function"]["type"] == "known"
    with pytest.raises(UnsupportedError, match="has an embedding function or index of its own"):
        server.write(rows(1), mode=WriteMode.REPLACE)
    assert server.write(rows(1)).accepted == 1


def test_write_leaves_the_batch_as_it_was(place: Place) -> None:
    """Neither the vectors nor the metadata of the caller change."""
    batch = written({"a": None, "b": 1}, {"chroma:document": "x"}, {})
    before = repr(batch)
    place.write(batch)
    place.write(batch)
    assert repr(batch) == before


def test_writers_side_by_side_lose_nothing(place: Place) -> None:
    """Four sessions, into one collection."""

    async def use() -> None:
        sessions = [await place.connect(create=True) for _ in range(4)]
        request = Prepare(kind=DataKind.EMBEDDING, schema=columns(3), fresh=True)
        await asyncio.gather(*(session.prepare(request) for session in sessions))
        batches = [
            RowBatch(rows(*range(n, 400, 4)), schema=columns(3), kind=DataKind.EMBEDDING) for n in range(len(sessions))
        ]
        receipts = await asyncio.gather(*(s.write(b) for s, b in zip(sessions, batches, strict=True)))
        assert [receipt.accepted for receipt in receipts] == [100] * 4
        for session in sessions:
            await session.disconnect()

    asyncio.run(use())
    assert place.rows(batch_rows=1_000) == rows(*range(400))
    assert {key: vector for key, (vector, _, _) in place.dump().items()} == {
        str(item["id"]): bits(item["vector"]) for item in rows(*range(400))
    }


def test_metadata_column_may_be_missing(place: Place) -> None:
    """Then it is null."""
    schema = Schema(fields=columns(3).fields[:2])

    async def use(session: Provider) -> None:
        await session.prepare(Prepare(kind=DataKind.EMBEDDING, schema=schema, fresh=True))
        await session.write(RowBatch(rows(1), schema=schema, kind=DataKind.EMBEDDING))
        await session.write(RowBatch([], schema=schema, kind=DataKind.EMBEDDING))

    place.run(use, create=True)
    assert place.rows() == [row(1, metadata=None)]
    assert JsonType() == columns(3).fields[2].type
