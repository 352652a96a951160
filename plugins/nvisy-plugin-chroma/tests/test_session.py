"""A session: opened, refused, closed, closed again; what went wrong is said in the words of the taxonomy, without the secret."""

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
from nvisy_plugin_chroma import Credentials, Params, Provider
from nvisy_sdk import (
    AuthError,
    ClosedError,
    ConnectionFailedError,
    DataKind,
    InvalidConfigError,
    NotFoundError,
    PermissionDeniedError,
    Prepare,
    ProviderError,
    ThrottledError,
    TimeoutExceededError,
    UnavailableError,
)
from nvisy_sdk.testing import RowBatch, items

from .chroma_base import Address, Place, columns, free_port, rows
from .chroma_proxy import TOKEN, Proxy


def through(proxy: Proxy, place: Place) -> Place:
    """The same collection behind the proxy."""
    return Place({"host": proxy.host, "port": proxy.port}, place.collection)


async def check(session: Provider) -> None:
    """Ask for something small."""
    await session.check()


def test_import_of_the_plugin_imports_no_chromadb() -> None:
    """A list of the providers must not cost a second for each."""
    code = "import sys, nvisy_plugin_chroma; print([m for m in ('chromadb', 'httpx', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_chromadb_is_told_with_the_command_that_brings_it(tmp_path: Path) -> None:
    """At connect; the manifest is there all the same."""
    (tmp_path / "chromadb").mkdir()
    (tmp_path / "chromadb" / "__init__.py").write_text("raise ImportError('no such thing')")
    code = """
import asyncio
from nvisy_plugin_chroma import Credentials, Params, Provider, manifest
manifest()
for params in (Params(host="127.0.0.1"), Params(path=".", create=True)):
    try:
        asyncio.run(Provider.connect(Credentials(), params))
    except Exception as err:
        print(err.kind, err)
"""
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    line = "missing_dependency chromadb cannot be imported: no such thing; run pip install 'chromadb>=1.5.9,<1.6'"
    assert done.stdout.splitlines() == [line, line]


@pytest.mark.parametrize("header", ["Authorization", "X-Chroma-Token"])
def test_token_is_sent_in_the_header_that_was_asked_for(server: Place, proxy: Proxy, header: str) -> None:
    """The server itself checks none; a proxy in front of it does."""
    server.seed(rows(1, 2))
    behind = through(proxy, server)
    assert behind.run(lambda s: items(s.read(None)), token=TOKEN, token_header=header)[0][0] == rows(1)[0]
    wanted = f"Bearer {TOKEN}" if header == "Authorization" else TOKEN
    assert all(seen[header.lower()] == wanted for seen in proxy.seen)
    assert sum(TOKEN in value for seen in proxy.seen for value in seen.values()) == len(proxy.seen)


def test_wrong_or_missing_token_is_an_auth_error_that_shows_none(server: Place, proxy: Proxy) -> None:
    """At connect, and not worth trying again."""
    for token in ("", "wrong-canary-93"):
        with pytest.raises(AuthError, match="the server answers with status 401") as caught:
            through(proxy, server).run(check, token=token)
        assert not caught.value.retryable
        assert caught.value.hint == "check `token` and `token_header`"
        assert caught.value.__cause__ is not None
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
        assert "wrong-canary-93" not in shown
    assert TOKEN not in repr(Credentials.model_validate({"token": TOKEN}))


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retryable"),
    [
        (403, {}, PermissionDeniedError, False),
        (429, {"retry-after": "7"}, ThrottledError, True),
        (500, {}, UnavailableError, True),
        (404, {}, InvalidConfigError, False),
        (502, {}, UnavailableError, True),
        (503, {"retry-after": "soon"}, UnavailableError, True),
        (504, {}, TimeoutExceededError, True),
        (418, {}, InvalidConfigError, False),
        (302, {"location": "http://127.0.0.1:1/"}, InvalidConfigError, False),
    ],
)
def test_answers_of_a_server_have_their_kinds(
    server: Place, proxy: Proxy, status: int, headers: dict[str, str], kind: type[ProviderError], retryable: bool
) -> None:
    """Also in the middle of a session, with the seconds it asks to wait."""

    async def use(session: Provider) -> None:
        proxy.answer = (status, headers)
        await session.check()

    with pytest.raises(kind, match=f"the server answers with status {status}") as caught:
        through(proxy, server).run(use, token=TOKEN)
    assert caught.value.retryable is retryable
    assert caught.value.retry_after == (7.0 if status == 429 else None)
    assert caught.value.context["collection"] == server.collection


def test_server_that_does_not_answer_is_a_timeout(server: Place, proxy: Proxy) -> None:
    """After `timeout_ms`."""
    proxy.stall.set()
    with pytest.raises(TimeoutExceededError) as caught:
        through(proxy, server).run(check, token=TOKEN, timeout_ms=200)
    assert caught.value.retryable


def test_something_else_than_chroma_is_told(server: Place) -> None:
    """A server of web pages, or a port nobody listens on."""
    with pytest.raises(ConnectionFailedError):
        server.run(check, port=free_port())
    with pytest.raises(ConnectionFailedError):
        server.run(check, host="no-such-host.invalid")
    with pytest.raises((ConnectionFailedError, InvalidConfigError)):
        server.run(check, ssl=True)


def test_database_and_tenant_must_be_there(place: Place) -> None:
    """`namespace` is the database."""
    with pytest.raises(NotFoundError, match="no-such-base"):
        place.run(check, namespace="no-such-base", create=True)
    with pytest.raises(NotFoundError, match=r"default_database|no-such-tenant"):
        place.run(check, tenant="no-such-tenant", create=True)


def test_database_of_another_name_is_another_place(server: Place) -> None:
    """Its collections are its own."""
    name = f"b-{server.collection}"
    server.client._admin_client.create_database(name)
    server.write(rows(1), namespace=name)
    server.write(rows(2))
    assert server.rows(namespace=name) == rows(1)
    assert server.rows() == rows(2)
    server.client._admin_client.delete_database(name)


def test_host_and_path_together_are_refused() -> None:
    """Before anything is reached."""
    params = Params.model_validate({"host": "localhost", "path": "x"})
    with pytest.raises(InvalidConfigError, match="both `host` and `path` say where Chroma is"):
        asyncio.run(Provider.connect(Credentials(), params))


def test_store_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    """Nor a folder for it."""
    place = Place({"path": tmp_path / "none"}, "things")
    with pytest.raises(NotFoundError, match="there is no Chroma store in"):
        place.rows()
    assert list(tmp_path.iterdir()) == []


def test_session_is_closed_after_disconnect(place: Place) -> None:
    """Twice is once; nothing connects again in silence."""
    place.seed(rows(1))

    async def use() -> None:
        session = await place.connect()
        await asyncio.gather(session.disconnect(), session.disconnect())
        await session.disconnect()
        for doing in (session.check(), session.streams(), session.describe(), items(session.read(None))):
            with pytest.raises(ClosedError, match="the session is closed"):
                await doing

    asyncio.run(use())


def test_disconnect_ends_a_read_under_way_as_closed(place: Place) -> None:
    """Not as if all had been read."""
    place.seed(rows(*range(200)))

    async def use() -> None:
        session = await place.connect(batch_rows=1)
        reading = asyncio.create_task(items(session.read(None)))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            await session.disconnect()
            with pytest.raises(ClosedError):
                await reading

    asyncio.run(use())


def test_disconnect_at_any_step_of_a_read_leaves_no_connection(server: Place) -> None:
    """A call that had yet to connect did so through a closed client, and nobody closed that connection."""
    server.seed(rows(*range(5)))

    async def use(steps: int) -> int:
        session = await server.connect(batch_rows=1)
        reading = asyncio.create_task(items(session.read(None)))
        for _ in range(steps):
            await asyncio.sleep(0)
        await session.disconnect()
        await asyncio.wait((reading,))
        assert isinstance(reading.exception(), ClosedError)
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (ASYNC240)

    gc.collect()
    gc.disable()  # it would close what was left, and hide it
    try:
        assert len({asyncio.run(use(steps)) for steps in range(40)}) == 1
    finally:
        gc.enable()


def test_sessions_of_one_store_do_not_close_each_other(embedded: Place) -> None:
    """Chroma shares what it knows of the files between them; what the one writes the other reads."""
    embedded.write(rows(1))
    embedded.close()

    async def use() -> None:
        first, second = await asyncio.gather(embedded.connect(), embedded.connect())
        third = await embedded.connect(path=Path(str(embedded.params["path"])) / ".." / "store")
        await first.disconnect()
        assert len(await items(second.read(None))) == 1
        await asyncio.to_thread(embedded.write, rows(2))
        assert len(await items(second.read(None))) == 2
        await second.disconnect()
        assert len(await items(third.read(None))) == 2
        await third.disconnect()

    asyncio.run(use())


def test_sessions_of_one_server_keep_their_tokens_apart(server: Place, proxy: Proxy) -> None:
    """Chroma's own client would send the first one's headers for both."""
    behind = through(proxy, server)

    async def use() -> None:
        good = await behind.connect(token=TOKEN)
        with pytest.raises(AuthError):
            await behind.connect(token="other")
        proxy.seen.clear()
        again = await behind.connect(token=TOKEN, token_header="X-Chroma-Token")
        await good.disconnect()
        await again.check()
        await again.disconnect()

    asyncio.run(use())
    assert all("authorization" not in seen and seen["x-chroma-token"] == TOKEN for seen in proxy.seen)


def test_other_settings_for_an_open_store_are_refused(embedded: Place) -> None:
    """A process can have a store open in one way only."""
    embedded.write(rows(1))
    code = f"""
import asyncio, chromadb, nvisy_plugin_chroma as p
path = {str(embedded.params["path"])!r}
mine = chromadb.PersistentClient(path=path, settings=chromadb.Settings(allow_reset=True, anonymized_telemetry=False))
try:
    asyncio.run(p.Provider.connect(p.Credentials(), p.Params(path=path)))
except Exception as err:
    print(err.kind, err)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{InvalidConfigError.kind} Chroma says: An instance of Chroma already exists")


def test_sessions_leave_no_thread_and_no_descriptor(address: Address, place: Place) -> None:
    """Neither those that worked nor those that failed or were cancelled."""
    place.write(rows(*range(5)))
    place.close()

    async def once() -> None:
        session = await place.connect(batch_rows=2)
        stream = session.read(None)
        await anext(stream)
        await stream.aclose()
        await session.disconnect()
        with pytest.raises(NotFoundError):
            await place.connect(namespace="no-such-base")
        opening = asyncio.create_task(place.connect())
        await asyncio.sleep(0.005)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await opening).disconnect()

    def counted() -> tuple[list[str], int]:
        gc.collect()
        names = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("nvisy-chroma"))
        return names, len(list(Path("/proc/self/fd").iterdir()))

    asyncio.run(once())
    asyncio.run(once())
    before = counted()
    for _ in range(4):
        asyncio.run(once())
    assert counted() == before
    assert before[0] == []


def test_cancelled_calls_leave_a_session_that_works(place: Place) -> None:
    """At several moments of a read."""
    place.seed(rows(*range(30)))

    async def use(session: Provider) -> None:
        for turn in range(6):
            reading = asyncio.create_task(items(session.read(None)))
            for _ in range(turn):
                await asyncio.sleep(0.002)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # an embedded store may have been faster
                await reading
        assert len(await items(session.read(None))) == 30

    place.run(use, batch_rows=3)


def test_cancelled_first_write_leaves_a_collection_that_can_be_read(server: Place) -> None:
    """Chroma gives up what it does for a client that goes away, so a request under way is waited for."""

    async def use(turn: int) -> None:
        session = await server.connect(create=True, collection=f"{server.collection}-{turn}")
        await session.prepare(Prepare(kind=DataKind.EMBEDDING, schema=columns(3), fresh=True))
        batch = RowBatch(rows(1, 2), schema=columns(3), kind=DataKind.EMBEDDING)
        writing = asyncio.create_task(session.write(batch))
        await asyncio.sleep(0.003 * turn)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        assert [item for item, _ in await items(session.read(None))] in ([], rows(1, 2))
        await session.disconnect()

    for turn in range(12):
        asyncio.run(use(turn))
