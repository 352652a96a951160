"""What a check gets: its words for what it expects, its sessions, the data's path, and the system beside the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import nvisy_sdk as sdk
import pytest
from nvisy_sdk import DataKind, ErrorKind, WriteMode
from nvisy_sdk.conformance import CheckFailed, Subject
from nvisy_sdk.conformance._case import PAGE, PATIENCE, Case, apart

from tests.kit import reference
from tests.kit.zoo._systems import SECRET, Systems


class Strange(reference.Provider):
    """A provider that does everything a little wrong."""

    closed = 0

    async def disconnect(self) -> None:
        type(self).closed += 1
        await super().disconnect()

    async def write(self, batch: Any) -> Any:
        return batch.rows()


@pytest.fixture
def case(systems: Systems) -> Case:
    """A case over the reference."""
    return _case(systems, reference.Provider)


def _case(systems: Systems, provider: type) -> Case:
    manifest = reference.manifest(DataKind.RECORD)
    service = systems.service(DataKind.RECORD)
    return Case("AAA-01", Subject.of(provider, manifest), manifest, service, SECRET, 7, systems.name())


def _run(case: Case, body: Callable[[], Awaitable[object]]) -> Any:
    """Run a body on a loop of its own and close what it left open."""

    async def whole() -> object:
        try:
            return await body()
        finally:
            await case.close()

    return asyncio.run(whole())


def _failed(case: Case, body: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(CheckFailed) as caught:
        _run(case, body)
    return str(caught.value)


async def _raise(error: BaseException) -> None:
    raise error


# ---------------------------------------------------------------------- words


def test_expected_error_is_returned_when_its_kind_is_right(case: Case) -> None:
    """Any of the kinds named; any kind at all when none is."""
    error = sdk.AuthError("no")

    async def body() -> None:
        assert await case.expect_error(_raise(error), ErrorKind.CLOSED, ErrorKind.AUTH, what="it") is error
        assert await case.expect_error(_raise(error), what="it") is error

    _run(case, body)
    assert case.observations == 2


@pytest.mark.parametrize(
    ("doing", "kinds", "said"),
    [
        (lambda: _raise(sdk.AuthError("no")), (ErrorKind.CLOSED,), "it raised `auth` (no), not `closed`"),
        (lambda: _raise(KeyError("k")), (ErrorKind.CLOSED,), "it raised KeyError ('k'), which is no error of the SDK"),
        (
            lambda: asyncio.sleep(0),
            (ErrorKind.CLOSED, ErrorKind.AUTH),
            "it succeeded; it must raise `closed` or `auth`",
        ),
        (lambda: asyncio.sleep(0), (), "it succeeded; it must raise an error of the SDK"),
    ],
)
def test_check_fails_when_the_expected_error_does_not_come(
    case: Case, doing: Callable[[], Awaitable[object]], kinds: tuple[ErrorKind, ...], said: str
) -> None:
    """Another kind, another error, or none."""
    assert _failed(case, lambda: case.expect_error(doing(), *kinds, what="it")) == said


def test_expected_items_are_compared_and_counted(case: Case) -> None:
    """In any order; what is wrong is named, after where it was seen."""
    items = case.items(3)
    case.expect_items(items[::-1], items, "reading")
    assert case.observations == 4
    with pytest.raises(CheckFailed, match=r"^reading: item id=1 is missing; item id=3 should not be there$"):
        case.expect_items([items[0], items[2], *case.items(1, first=3)], items, "reading")
    with pytest.raises(CheckFailed, match=r"item id=4 is missing; and 3 more$"):
        case.expect_items([], case.items(8), "reading")


def test_waiting_ends_after_the_time_given_and_not_before(case: Case) -> None:
    """A result and an error go through; what does not end is cancelled and named."""
    cancelled: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("yes")
            raise

    async def soon() -> str:
        await asyncio.sleep(0.01)
        return "done"

    assert _run(case, lambda: case.within(5, soon(), "it")) == "done"
    assert _failed(case, lambda: case.within(0.02, forever(), "it")) == "it did not end within 0.02 s"
    assert cancelled == ["yes"]
    with pytest.raises(KeyError):
        _run(case, lambda: case.within(5, _raise(KeyError()), "it"))


def test_patience_shortens_every_wait_when_it_is_less_than_usual(case: Case) -> None:
    """And lengthens none."""
    assert case.patience == PATIENCE
    case.patience = 0.02
    assert _failed(case, lambda: case.within(60, asyncio.Event().wait(), "it")) == "it did not end within 0.02 s"
    assert _failed(case, lambda: case.within(0.01, asyncio.Event().wait(), "it")) == "it did not end within 0.01 s"


def test_guards_hear_of_what_the_provider_raises(case: Case) -> None:
    """The very same object."""
    heard: list[BaseException] = []
    case.raised = heard.append
    error = sdk.AuthError("no")
    _run(case, lambda: case.expect_error(_raise(error), what="it"))
    assert heard == [error]


def test_names_and_data_are_the_cases_own(case: Case) -> None:
    """Streams differ, the generator repeats itself, the wrong secret is as long as the right one."""
    assert [case.stream(), case.stream()] == [f"{case.prefix}_1", f"{case.prefix}_2"]
    assert case.random.random() == case.random.random()
    assert len(case.wrong_secret) == len(SECRET)
    assert case.wrong_secret != SECRET
    assert [item["id"] for item in case.items(2, first=5)] == [5, 6]
    assert case.mode(WriteMode.REPLACE, WriteMode.UPSERT) is WriteMode.UPSERT
    assert case.mode(WriteMode.REPLACE) is None


# ---------------------------------------------------------------------- sessions


def test_parameters_have_the_kits_defaults_unless_the_check_says_otherwise(case: Case) -> None:
    """Small pages and the key of the kit's items."""
    usual: Any = case.params("s")
    assert (usual.table, usual.batch_rows, usual.key) == ("s", PAGE, ("id",))
    changed: Any = case.params("s", batch_rows=9, key=("name",))
    assert (changed.batch_rows, changed.key) == (9, ("name",))


def test_parameters_that_are_refused_name_their_field(case: Case) -> None:
    """The check fails: the harness gives what the model does not take."""
    with pytest.raises(CheckFailed, match=r"^`Params` refuses what the harness gives \(batch_rows\): "):
        case.params("s", batch_rows=-1)


def test_sessions_are_closed_once_whatever_happens(systems: Systems) -> None:
    """At the end of the block, by the check itself, or when the check is over."""
    case = _case(systems, Strange)
    Strange.closed = 0

    async def body() -> None:
        stream = await case.seed(case.items(1))
        with pytest.raises(KeyError):
            async with case.session(stream):
                raise KeyError
        assert Strange.closed == 1
        await case.disconnect(await case.connect(stream))
        assert Strange.closed == 2
        await case.connect(stream)
        await case.connect(stream)

    _run(case, body)
    assert Strange.closed == 4


# ---------------------------------------------------------------------- the data's path


def test_reading_stops_where_it_is_told_to_and_closes_the_read(case: Case) -> None:
    """Everything, or so many items, also amid a page."""
    closed: list[bool] = []

    class Session:
        async def read(self, context: object) -> AsyncIterator[sdk.Batch]:
            try:
                for first in (0, 2, 4):
                    yield sdk.Batch(case.items(2, first=first), sdk.Keyset(("id",), "f" * 32))
            finally:
                closed.append(True)

    found = _run(case, lambda: case.read(Session(), stop=3))
    assert [item["id"] for item, _ in found] == [0, 1, 2]
    assert closed == [True]
    assert [item["id"] for item in _run(case, lambda: case.read_items(Session()))] == [0, 1, 2, 3, 4, 5]


def test_items_have_the_context_after_each(case: Case) -> None:
    """From the key's columns, or given one by one."""
    context = sdk.KeysetContext(fingerprint="f" * 32, values=(sdk.typed_value(1),))
    (_, (item, found)) = apart(sdk.Batch(case.items(2), sdk.Keyset(("id",), "f" * 32)))
    assert (item["id"], found) == (1, context)
    assert apart(sdk.Batch(case.items(1), sdk.Each([context])))[0][1] == context


def test_what_is_no_batch_is_named() -> None:
    """A dict, for instance."""
    with pytest.raises(CheckFailed, match="`read` yielded a dict, which is neither a Batch nor a Resumable"):
        apart({"id": 1})


def test_what_was_written_is_there(case: Case) -> None:
    """Through the provider, seen beside it; what is removed is gone."""

    async def body() -> None:
        stream = case.stream()
        async with case.session(stream, mode="append") as session:
            receipt = await case.write(session, case.items(3))
        assert (receipt.accepted, receipt.rejected) == (3, ())
        case.expect_items(await case.dump(stream), case.items(3), "dump")
        await case.remove(stream, case.items(1))
        case.expect_items(await case.dump(stream), case.items(2, first=1), "dump")
        await case.seed(case.items(1), stream=stream)
        case.expect_items(await case.dump(stream), case.items(3), "dump")

    _run(case, body)
    assert case.mutated == []


def test_sink_that_returns_no_receipt_is_found_out(systems: Systems) -> None:
    """What it returned is named."""
    case = _case(systems, Strange)

    async def body() -> None:
        async with case.session(case.stream(), mode="append") as session:
            await case.write(session, case.items(2))

    assert _failed(case, body) == "`write` returned list, not a Receipt"
    assert case.mutated == []


def test_sink_that_changes_its_input_is_found_out(case: Case) -> None:
    """Rows are fresh on every call, but not what is inside of them."""

    class Session:
        async def write(self, batch: Any) -> sdk.Receipt:
            batch.rows()[0]["name"].append("more")
            return sdk.Receipt(accepted=len(batch))

    _run(case, lambda: case.send(Session(), case.batch([{"id": 1, "name": ["a"]}])))
    assert case.mutated == ["`write` changed the items of a batch of 1"]
