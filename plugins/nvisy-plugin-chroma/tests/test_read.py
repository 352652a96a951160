"""Reading a collection: every item once, in the order of its id, exactly as it is."""

import asyncio
import struct
from random import Random

import pytest
from nvisy_plugin_chroma import Provider
from nvisy_sdk import ConnectionFailedError, InvalidConfigError, NotFoundError, TextType, VectorType
from nvisy_sdk.testing import items, positions_of

from .chroma_base import Place, bits, columns, row, rows

SHUFFLED = Random(4)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10, 11])
def test_read_yields_every_item_once_at_each_edge_of_a_page(place: Place, count: int) -> None:
    """Pages of five; the items were put in another order than that of their ids."""
    wanted = rows(*range(count))
    place.made()
    if wanted:
        place.seed(SHUFFLED.sample(wanted, count))
    assert place.rows(batch_rows=5) == wanted


def test_pages_hold_no_more_than_was_asked_for(place: Place) -> None:
    """Also when that is one, or more than Chroma takes in a request."""
    place.seed(rows(*range(7)))

    async def sizes(session: Provider) -> list[int]:
        return [len(positions_of(batch)) async for batch in session.read(None)]

    assert place.run(sizes, batch_rows=1) == [1] * 7
    assert place.run(sizes, batch_rows=3) == [3, 3, 1]
    assert place.run(sizes, batch_rows=1_000_000) == [7]


def test_vectors_come_back_bit_for_bit(place: Place) -> None:
    """Any finite 32-bit float: negative zero, the smallest and the largest too."""
    random, patterns = Random(9), [0x80000000, 1, 0x007FFFFF, 0x7F7FFFFF, 0xFF7FFFFF, 0x3DCCCCCD]
    while len(patterns) < 600:
        pattern = random.getrandbits(32)
        if pattern & 0x7F800000 != 0x7F800000:
            patterns.append(pattern)
    floats = [struct.unpack("f", struct.pack("I", pattern))[0] for pattern in patterns]
    written = [row(n, vector=floats[3 * n : 3 * n + 3]) for n in range(200)]
    assert place.write(written).accepted == 200
    found = place.rows(batch_rows=64)
    assert [bits(item["vector"]) for item in found] == [bits(item["vector"]) for item in written]
    assert {key: vector for key, (vector, _, _) in place.dump().items()} == {
        str(item["id"]): bits(item["vector"]) for item in written
    }


def test_documents_and_uris_are_told_apart_from_metadata(place: Place) -> None:
    """They are read under the names that Chroma reserves for them, and an item without metadata has null."""
    collection = place.made()
    collection.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[1.0], [2.0], [3.0], [4.0]],
        documents=["text", None, "", "x"],
        uris=[None, "file:b", None, None],
        metadatas=[{"document": "m", "text": "m"}, None, None, {"chroma": 1}],
    )
    assert {item["id"]: item["metadata"] for item in place.rows()} == {
        "a": {"document": "m", "text": "m", "chroma:document": "text"},
        "b": {"chroma:uri": "file:b"},
        "c": {"chroma:document": ""},
        "d": {"chroma": 1, "chroma:document": "x"},
    }
    collection.add(ids=["e"], embeddings=[[5.0]])
    assert place.rows()[-1] == {"id": "e", "vector": [5.0], "metadata": None}


def test_metadata_of_others_under_our_name_is_left_alone(place: Place) -> None:
    """What does not look like ours is not taken for it."""
    foreign = [{"_nvisy": "x"}, {"_nvisy": 7}, {"_nvisy": '{"other": 1}'}, {"_nvisy": "{}"}, {"_nvisy": "[1]"}]
    place.seed([row(n, metadata=metadata) for n, metadata in enumerate(foreign)])
    assert [item["metadata"] for item in place.rows()] == foreign


def test_ids_of_any_text_are_read_in_code_point_order(place: Place) -> None:
    """Quotes, slashes, NUL, other planes, two forms of one letter."""
    ids = [
        "a'b",
        'a"b',
        "a/b?c#d%",
        "..",
        " ",
        "\x00",
        "é",
        "e\u0301",
        "\U0001f600",
        "\uffff",
        "A",
        "a",
        "{id}",
        "x" * 4_000,
    ]
    place.seed([row(0, id=each) for each in ids])
    assert [item["id"] for item in place.rows(batch_rows=4)] == sorted(ids)


def test_columns_are_known_before_the_first_item(place: Place) -> None:
    """`describe` says what `read` yields; before the first vector nobody knows how long they are."""
    place.made()
    info = place.run(lambda session: session.describe())
    assert (info.name, info.schema, info.rows, info.key) == (place.collection, None, 0, ("id",))
    place.seed(rows(1, 2))
    info = place.run(lambda session: session.describe())
    assert (info.schema, info.rows) == (columns(3), 2)
    assert [field.type for field in columns(3).fields][:2] == [TextType(), VectorType(dimension=3)]


def test_streams_are_the_collections_without_those_being_replaced(place: Place) -> None:
    """By name; the session needs none for it."""
    place.seed(rows(1))
    for suffix in (".nvisy-stage", ".nvisy-old", "-b"):
        place.client.create_collection(place.collection + suffix, embedding_function=None)
    found = place.run(lambda session: session.streams(), collection=None)
    mine = [info.name for info in found if info.name.startswith(place.collection)]
    assert mine == [place.collection, f"{place.collection}-b"]
    assert [info.name for info in found] == sorted(info.name for info in found)


def test_reading_changes_nothing(place: Place) -> None:
    """Nor does looking."""
    place.seed(rows(3, 1, 2))
    before = place.dump(), place.ids(), place.made().metadata

    async def look(session: Provider) -> None:
        await items(session.read(None))
        await session.check()
        await session.describe()
        await session.streams()

    place.run(look)
    assert (place.dump(), place.ids(), place.made().metadata) == before


def test_missing_collection_is_named(place: Place) -> None:
    """Neither reading nor describing takes it for an empty one."""
    place.made()
    for use in (lambda session: items(session.read(None)), lambda session: session.describe()):
        with pytest.raises(NotFoundError, match="there is no collection no-such-one in database default_database"):
            place.run(use, collection="no-such-one")
    with pytest.raises(InvalidConfigError, match="no collection is named"):
        place.run(lambda session: items(session.read(None)), collection=None)


def test_what_is_deleted_during_a_read_is_left_out_and_nothing_else(place: Place) -> None:
    """Items before and after the position go: an offset would pass over others."""
    place.seed(SHUFFLED.sample(rows(*range(20)), 20))

    async def use(session: Provider) -> list[object]:
        found: list[object] = []
        async for batch in session.read(None):
            found += [item["id"] for item, _ in positions_of(batch)]
            if len(found) == 5:
                await asyncio.to_thread(place.delete, 0, 1, 4, 6, 12, 19)
        return found

    assert place.run(use, batch_rows=5) == [row(n)["id"] for n in range(20) if n not in (6, 12, 19)]


def test_what_is_added_or_written_again_during_a_read_harms_nothing(place: Place) -> None:
    """New items come with the next read; one that was deleted and added again keeps its place."""
    place.seed(rows(*range(0, 20, 2)))

    async def use(session: Provider) -> list[object]:
        found: list[object] = []
        async for batch in session.read(None):
            found += [item["id"] for item, _ in positions_of(batch)]
            if len(found) == 3:
                await asyncio.to_thread(place.delete, 0, 4, 10)
                await asyncio.to_thread(place.seed, rows(0, 4, 10, 1, 3, 15, 99))
        return found

    assert place.run(use, batch_rows=3) == [row(n)["id"] for n in range(0, 20, 2)]


def test_collection_that_goes_during_a_read_is_an_error(place: Place) -> None:
    """Not the end of the stream."""
    place.seed(rows(*range(9)))

    async def use(session: Provider) -> None:
        stream = session.read(None)
        await anext(stream)
        await asyncio.to_thread(place.client.delete_collection, place.collection)
        await asyncio.to_thread(place.seed, rows(50))
        await items(stream)

    with pytest.raises(NotFoundError, match="does not exist"):
        place.run(use, batch_rows=3)


def test_two_reads_of_one_session_do_not_disturb_each_other(place: Place) -> None:
    """Side by side, page by page; a third that is given up early leaves nothing behind."""
    place.seed(rows(*range(12)))

    async def use(session: Provider) -> list[int]:
        abandoned = session.read(None)
        await anext(abandoned)
        await abandoned.aclose()
        both = await asyncio.gather(items(session.read(None)), items(session.read(None)))
        return [len({str(item["id"]) for item, _ in each}) for each in both]

    assert place.run(use, batch_rows=2) == [12, 12]


def test_vector_that_chroma_lost_is_an_error_that_names_the_item(server: Place) -> None:
    """A cosine collection gives back nothing for a vector whose length is beyond a 32-bit float."""
    collection = server.made(configuration={"hnsw": {"space": "cosine"}})
    collection.add(ids=["good", "long"], embeddings=[[1.0, 0.0], [3e38, 3e38]])
    with pytest.raises(Exception, match="the vector of item long in collection"):
        server.rows()


def test_server_that_is_not_there_is_a_connection_error(server: Place) -> None:
    """At connect, retryable, and naming where it was looked for."""
    with pytest.raises(ConnectionFailedError, match="connection attempts failed") as caught:
        server.rows(port=1)
    assert caught.value.retryable
    assert caught.value.context["host"] == "127.0.0.1:1"
    assert caught.value.__cause__ is not None
