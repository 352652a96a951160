"""The reference provider, as a source and as a sink."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nvisy_sdk import (
    Batch,
    ClosedError,
    Condition,
    Context,
    DataInput,
    DataKind,
    DataOutput,
    Field,
    Inspectable,
    Int64Type,
    InvalidConfigError,
    InvalidContextError,
    InvalidDataError,
    Keyset,
    Mark,
    NoCredentials,
    NotFoundError,
    Operator,
    Prepare,
    PreparedOutput,
    Receipt,
    Schema,
    StagedOutput,
    TextType,
    TokenContext,
    TransactionalOutput,
    context_adapter,
    fingerprint,
)
from nvisy_sdk import Provider as ProviderProtocol
from nvisy_sdk.memory import Params, Provider, Store, forget, store
from nvisy_sdk.testing import RowBatch, items

ROWS = [{"id": number, "name": name} for number, name in ((3, "c"), (1, "a"), (2, None))]
SCHEMA = Schema(fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="name", type=TextType())))


@pytest.fixture
def shelf() -> Iterator[Store]:
    """A store of this test's own."""
    yield store("test")
    forget("test")


def connected(**params: Any) -> Provider:
    """Return a session over the table `t` of the test's store."""
    return asyncio.run(Provider.connect(NoCredentials(), Params(**{"store": "test", "table": "t", **params})))


def read(context: Context | None = None, **params: Any) -> list[tuple[dict[str, object], Context | None]]:
    """Return the items of a session's stream with their contexts."""
    return asyncio.run(items(connected(**params).read(context)))


def prepared(session: Provider, *, schema: Schema = SCHEMA, fresh: bool = True) -> Provider:
    """Return the session after its target was made ready."""
    asyncio.run(session.prepare(Prepare(kind=DataKind.RECORD, schema=schema, fresh=fresh)))
    return session


def write(session: Provider, rows: Sequence[Mapping[str, object]]) -> Receipt:
    """Write rows of the usual columns."""
    return asyncio.run(session.write(RowBatch(rows, schema=SCHEMA)))


def test_session_has_every_ability() -> None:
    """The reference provider shows each protocol once."""
    protocols = (
        ProviderProtocol,
        DataInput,
        DataOutput,
        PreparedOutput,
        TransactionalOutput,
        StagedOutput,
        Inspectable,
    )
    assert all(isinstance(connected(), protocol) for protocol in protocols)


def test_read_follows_the_key_when_there_is_one(shelf: Store) -> None:
    """Items come in key order, and the positions cost nothing per row."""
    shelf.put("t", ROWS, key=("id",), schema=SCHEMA)
    assert [row["id"] for row, _ in read()] == [1, 2, 3]

    session = connected()

    async def first() -> Batch:
        return await anext(session.read(None))

    assert asyncio.run(first()).positions == Keyset(("id",), fingerprint(stream="t", filter=(), sort=("id",)))


@pytest.mark.parametrize("key", [(), ("id",), ("name", "id")], ids=lambda key: "+".join(key) or "none")
@pytest.mark.parametrize("columns", [None, ("name",)], ids=["all", "some"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.integers(), unique=True, max_size=12), batch_rows=st.integers(1, 5))
def test_read_yields_exactly_the_rest_when_it_resumes(
    shelf: Store, key: tuple[str, ...], columns: tuple[str, ...] | None, ids: list[int], batch_rows: int
) -> None:
    """IN-1 to IN-3 for every item: what follows the context of item k are the items after k, each once."""
    shelf.put("t", [{"id": number, "name": str(number % 3)} for number in ids], key=key)
    everything = read(columns=columns, batch_rows=batch_rows)
    assert len(everything) == len(ids)
    for index, (_, context) in enumerate(everything):
        assert context is not None
        stored = context_adapter.validate_json(context_adapter.dump_json(context))
        assert read(stored, columns=columns, batch_rows=batch_rows) == everything[index + 1 :]


def test_read_keeps_what_the_filter_allows(shelf: Store) -> None:
    """All conditions must hold; null meets none but `is_null`; text is compared in the cell's type."""
    shelf.put(
        "t",
        [
            {"id": 1, "day": date(2024, 1, 1), "price": Decimal("1.50"), "at": datetime(2024, 1, 1, 12)},
            {"id": 2, "day": date(2024, 1, 2), "price": Decimal("2.50"), "at": datetime(2024, 1, 1, 13)},
            {"id": 3, "day": None, "price": None, "at": None},
        ],
        key=("id",),
    )

    def chosen(*conditions: tuple[str, Operator, Any]) -> list[object]:
        filters = tuple(Condition(column=column, op=op, value=value) for column, op, value in conditions)
        return [row["id"] for row, _ in read(filter=filters)]

    assert chosen(("id", Operator.GE, 2)) == [2, 3]
    assert chosen(("id", Operator.GT, 1), ("id", Operator.LT, 3)) == [2]
    assert chosen(("id", Operator.IN, (1, 3, 9))) == [1, 3]
    assert chosen(("day", Operator.LE, "2024-01-01")) == [1]
    assert chosen(("day", Operator.NE, "2024-01-01")) == [2]
    assert chosen(("price", Operator.EQ, "2.5")) == [2]
    assert chosen(("price", Operator.EQ, 2.5)) == [2]
    assert chosen(("at", Operator.EQ, "2024-01-01T13:00:00")) == [2]
    assert chosen(("day", Operator.IS_NULL, None)) == [3]
    assert chosen(("day", Operator.NOT_NULL, None)) == [1, 2]
    with pytest.raises(InvalidDataError, match="`id`"):
        chosen(("id", Operator.LT, "x"))


def test_read_refuses_a_context_of_something_else(shelf: Store) -> None:
    """IN-4: another table, filter or order, another kind of context, or a key of another type."""
    shelf.put("t", ROWS, key=("id",))
    shelf.put("u", ROWS, key=("id",))
    _, context = read()[0]
    assert context is not None
    foreign = {"table": "u"}, {"key": ("name",)}, {"filter": (Condition(column="id", op=Operator.GT, value=0),)}
    for params in foreign:
        with pytest.raises(InvalidContextError):
            read(context, **params)
    with pytest.raises(InvalidContextError, match="keyset"):
        read(TokenContext(fingerprint=context.fingerprint, offset=0))


def test_read_refuses_a_key_that_may_be_null(shelf: Store) -> None:
    """A null has no place in the order of a key."""
    shelf.put("t", ROWS)
    with pytest.raises(InvalidDataError, match="null"):
        read(key=("name",))


def test_read_sees_the_table_as_it_was_when_it_began(shelf: Store) -> None:
    """A write meanwhile does not show in a stream that runs."""
    shelf.put("t", ROWS, key=("id",), schema=SCHEMA)

    async def main() -> int:
        session = connected_in_loop()
        stream = session.read(None)
        seen = len((await anext(stream)).data)  # type: ignore[arg-type]
        await session.write(RowBatch([{"id": 9, "name": "late"}], schema=SCHEMA))
        async for batch in stream:
            seen += len(batch.data)  # type: ignore[arg-type]
        return seen

    def connected_in_loop() -> Provider:
        return Provider(Params(store="test", table="t", batch_rows=1))

    assert asyncio.run(main()) == 3
    assert len(shelf.rows("t")) == 4


def test_write_upserts_when_there_is_a_key(shelf: Store) -> None:
    """A row takes the place of the one with its key, and sending it again changes nothing."""
    session = prepared(connected(key=("id",)))
    for _ in range(2):
        assert write(session, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]) == Receipt(accepted=2)
    assert write(session, [{"id": 1, "name": "z"}]) == Receipt(accepted=1)
    assert shelf.rows("t") == [{"id": 1, "name": "z"}, {"id": 2, "name": "b"}]


def test_write_appends_when_there_is_no_key(shelf: Store) -> None:
    """Every row is added, also one that looks like another."""
    session = prepared(connected())
    write(session, [{"id": 1, "name": "a"}])
    write(session, [{"id": 1, "name": "a"}])
    assert len(shelf.rows("t")) == 2


def test_write_rejects_single_rows_and_accepts_the_rest(shelf: Store) -> None:
    """OUT-2: accepted and rejected together are the batch, each rejection with its place and reason."""
    session = prepared(connected(key=("id",), mode="append"))
    rows: list[dict[str, object]] = [
        {"id": 1, "name": "a"},
        {"id": None, "name": "b"},
        {"id": 1, "name": "c"},
        {"id": 2, "name": None},
    ]
    receipt = write(session, rows)
    assert receipt.accepted == 2
    assert [(each.index, each.code) for each in receipt.rejected] == [(1, "not_null"), (2, "duplicate_key")]
    assert shelf.rows("t") == [rows[0], rows[3]]
    nullable = Schema(fields=(Field(name="id", type=Int64Type()),))
    loose = prepared(connected(table="u", key=("id",)), schema=nullable)
    assert asyncio.run(loose.write(RowBatch([{"id": None}], schema=nullable))).rejected[0].code == "null_key"


def test_replacement_shows_when_it_is_published(shelf: Store) -> None:
    """STG-1, STG-2: the old rows until `publish`, the new ones after it, and a second call changes nothing."""
    shelf.put("t", [{"id": 9, "name": "old"}], key=("id",), schema=SCHEMA)
    session = prepared(connected(mode="replace"))
    write(session, [{"id": 1, "name": "new"}])
    prepared(session, fresh=False)
    write(session, [{"id": 2, "name": "new"}])
    assert [row["id"] for row in shelf.rows("t")] == [9]
    for _ in range(2):
        asyncio.run(session.publish())
        assert [row["id"] for row in shelf.rows("t")] == [1, 2]
    assert shelf.tables["t"].key == ("id",)


def test_replacement_begins_anew_when_the_stream_does(shelf: Store) -> None:
    """What an abandoned run staged is not part of the next one."""
    write(prepared(connected(mode="replace")), [{"id": 1, "name": "abandoned"}])
    session = prepared(connected(mode="replace"))
    write(session, [{"id": 2, "name": "kept"}])
    asyncio.run(session.publish())
    assert [row["id"] for row in shelf.rows("t")] == [2]


def test_mark_is_stored_with_its_batch(shelf: Store) -> None:
    """TX-1 to TX-3: the last mark, also of an empty batch; none when the write fails."""
    session = prepared(connected(key=("id",)))

    async def through(rows: list[dict[str, object]], value: str) -> str | None:
        await session.write_through(RowBatch(rows, schema=SCHEMA), Mark(key="k", value=value))
        return await committed("k")

    async def committed(key: str) -> str | None:
        mark = await session.committed(key)
        return None if mark is None else mark.value

    assert asyncio.run(committed("k")) is None
    assert asyncio.run(through([{"id": 1, "name": "a"}], "1")) == "1"
    assert asyncio.run(through([], "2")) == "2"
    session.params = session.params.model_copy(update={"key": ("name",)})
    with pytest.raises(InvalidDataError, match="key"):
        asyncio.run(through([{"id": 2, "name": "b"}], "3"))
    assert asyncio.run(committed("k")) == "2"
    assert asyncio.run(committed("other")) is None
    assert len(shelf.rows("t")) == 1


def test_prepare_changes_nothing_when_repeated(shelf: Store) -> None:
    """PRE-1: the same request again leaves table and rows alone."""
    session = prepared(connected(key=("id",)))
    write(session, [{"id": 1, "name": "a"}])
    before = shelf.tables["t"]
    prepared(session, fresh=False)
    assert shelf.tables["t"] is before
    assert len(before.rows) == 1


@pytest.mark.parametrize(
    ("params", "schema", "column"),
    [
        ({}, Schema(fields=(*SCHEMA.fields, Field(name="more", type=TextType()))), "`more`"),
        ({}, Schema(fields=(Field(name="id", type=TextType()),)), "`id`"),
        ({}, Schema(fields=(Field(name="name", type=TextType()),)), "`id`"),
        ({"key": ("other",)}, SCHEMA, "`other`"),
    ],
    ids=["added", "another type", "lacking", "key"],
)
def test_prepare_refuses_columns_that_the_table_cannot_take(
    shelf: Store, params: dict[str, Any], schema: Schema, column: str
) -> None:
    """PRE-2: before the first row, and naming the column."""
    shelf.put("t", [], schema=SCHEMA)
    with pytest.raises(InvalidDataError, match=column):
        prepared(connected(**params), schema=schema)


def test_prepare_adds_columns_when_asked_to_evolve(shelf: Store) -> None:
    """A new column is nullable, and null in the rows that are there."""
    shelf.put("t", [{"id": 1, "name": "a"}], schema=SCHEMA)
    more = Field(name="more", type=TextType(), nullable=False)
    prepared(connected(evolve=True), schema=Schema(fields=(*SCHEMA.fields, more)))
    assert shelf.rows("t") == [{"id": 1, "name": "a", "more": None}]
    assert shelf.tables["t"].schema == Schema(fields=(*SCHEMA.fields, more.model_copy(update={"nullable": True})))


def test_prepare_refuses_when_the_table_may_not_be_created(shelf: Store) -> None:
    """`create: false` means what it says."""
    with pytest.raises(NotFoundError, match="`t`"):
        prepared(connected(create=False))
    assert shelf.tables == {}


def test_session_describes_its_table_and_its_store(shelf: Store) -> None:
    """Name, columns, key and size; a table that is not there is not found, one that is not named is a wrong parameter."""
    shelf.put("t", ROWS, key=("id",), schema=SCHEMA)
    shelf.put("ns.u", [])
    info = asyncio.run(connected().describe())
    assert (info.name, info.schema, info.key, info.rows) == ("t", SCHEMA, ("id",), 3)
    assert asyncio.run(connected(schema="ns", table="u").describe()).name == "ns.u"
    assert [each.name for each in asyncio.run(connected().streams())] == ["ns.u", "t"]
    with pytest.raises(NotFoundError, match="`x`"):
        asyncio.run(connected(table="x").describe())
    with pytest.raises(InvalidConfigError, match="no table"):
        asyncio.run(connected(table=None).describe())


def test_session_is_closed_when_it_was_disconnected_twice(shelf: Store) -> None:
    """CON-4: closing twice is one closing; every use after it is refused."""
    shelf.put("t", ROWS, key=("id",), schema=SCHEMA)
    session = connected()
    for _ in range(2):
        asyncio.run(session.disconnect())
    uses = (session.check, session.streams, session.describe, session.publish)
    for use in uses:
        with pytest.raises(ClosedError):
            asyncio.run(use())
    with pytest.raises(ClosedError):
        asyncio.run(items(session.read(None)))
    with pytest.raises(ClosedError):
        write(session, ROWS)
    with pytest.raises(ClosedError):
        asyncio.run(session.committed("k"))


def test_stores_are_separate_when_their_names_differ(shelf: Store) -> None:
    """A name is one store; forgetting it starts a new one."""
    assert store("test") is shelf
    assert store("other") is not shelf
    forget("other")
    forget("other")
