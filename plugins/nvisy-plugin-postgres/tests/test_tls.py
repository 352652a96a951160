"""Encryption: what each mode verifies, and that the password is never sent in the clear when it must not be.

The server of the package cannot encrypt, so a relay before it does, as a pooler does on a machine of its own.
"""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from nvisy_plugin_postgres import Credentials, Params, Provider
from nvisy_sdk import AuthError, InvalidConfigError, ProviderError
from pydantic import ValidationError

from .postgres_base import PASSWORD, USER, Server, owned

_ASK = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # the message SSLRequest


def openssl(folder: Path, *arguments: str) -> None:
    """Run the command in that folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities; the first has signed a certificate for `localhost`."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "other"):
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl(folder, *new, "-subj", f"/CN={name}", *uses, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    ask = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost")
    openssl(folder, *ask, "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    sign = ("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl(folder, *sign, "-in", "server.csr", "-extfile", "names", "-out", "server.pem")
    (folder / "text").write_text("no certificate")
    return folder


@contextlib.asynccontextmanager
async def relay(server: Server, folder: Path, heard: list[bytes], *, first: bool) -> AsyncIterator[int]:
    """Listen, encrypt when asked or `first`, and pass on what is said; `heard` is what was said in the clear."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    talks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if not first:
                heard.append(await reader.readexactly(len(_ASK)))
            if first or heard[-1] == _ASK:
                if not first:
                    writer.write(b"S")
                    await writer.start_tls(context)
                up, down = await asyncio.open_connection(server.host, server.port)
                await asyncio.gather(pass_on(reader, down), pass_on(up, writer))
        writer.close()

    context.set_alpn_protocols(["postgresql"])
    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context if first else None)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await asyncio.gather(*talks)
        await listening.wait_closed()


@pytest.fixture
def connect(server: Server, folder: Path) -> Callable[..., None]:
    """Open a session through the relay, use it and close it."""

    async def use(**params: object) -> None:
        heard: list[bytes] = []
        credentials = Credentials.model_validate({"username": server.user, "password": server.password})
        first = bool(params.get("tls_first"))
        async with relay(server, folder, heard, first=first) as port:
            where = {"host": "localhost", "port": port, "database": server.database, "connect_timeout": 5.0}
            session = await Provider.connect(credentials, Params.model_validate({**where, **params}))
            await session.check()
            await session.disconnect()
        assert heard == ([] if first else [_ASK])

    return lambda **params: asyncio.run(use(**params))


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_certificate_is_verified_when_the_mode_says_so(connect: Callable[..., None], folder: Path, mode: str) -> None:
    """An unknown authority or another one: refused, and not by trying again."""
    connect(tls=mode, tls_ca_file=folder / "ca.pem")
    for wrong in ({}, {"tls_ca_file": folder / "other.pem"}):
        with pytest.raises(InvalidConfigError, match=r"no encryption with .*certificate") as caught:
            connect(tls=mode, **wrong)
        assert not caught.value.retryable
        assert "tls_ca_file" in str(caught.value.hint)


def test_name_is_verified_by_verify_full_alone(connect: Callable[..., None], folder: Path) -> None:
    """The certificate is for `localhost`, and the address is another."""
    elsewhere = {"host": "127.0.0.1", "tls_ca_file": folder / "ca.pem"}
    connect(tls="verify-ca", **elsewhere)
    with pytest.raises(InvalidConfigError, match="no encryption"):
        connect(tls="verify-full", **elsewhere)


def test_handshake_may_come_first(connect: Callable[..., None], folder: Path) -> None:
    """Before a word is said, and with the same verification; not in a mode that would go on without encryption."""
    connect(tls="verify-full", tls_first=True, tls_ca_file=folder / "ca.pem")
    with pytest.raises(InvalidConfigError, match="no encryption"):
        connect(tls="verify-full", tls_first=True, tls_ca_file=folder / "other.pem")
    with pytest.raises(ValidationError, match="tls_first"):
        connect(tls="prefer", tls_first=True)


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_encryption_without_verification_is_had_by_name(connect: Callable[..., None], mode: str) -> None:
    """The mode `prefer`, which is the default, takes what it gets; `require` insists on encryption."""
    connect(tls=mode)


def test_server_that_insists_refuses_a_session_in_the_clear(start: Callable[..., Server]) -> None:
    """It says so, and the error does not invite to try again."""
    strict = start()
    assert strict.folder is not None
    strict.end()
    rules = strict.folder / "data" / "pg_hba.conf"
    rules.write_text("hostssl all all all scram-sha-256\n")
    owned(rules)
    strict.again()
    with pytest.raises(AuthError, match="no encryption") as caught:
        direct(strict, tls="disable")
    assert "pg_hba" in str(caught.value.hint)


def direct(server: Server, **params: object) -> None:
    """Open a session without the relay, and close it."""

    async def use() -> None:
        credentials = Credentials.model_validate({"username": server.user, "password": server.password})
        where = {"host": server.host, "port": server.port, "database": server.database}
        await (await Provider.connect(credentials, Params.model_validate({**where, **params}))).disconnect()

    asyncio.run(use())


def test_session_in_the_clear_is_had_by_prefer_and_disable(server: Server) -> None:
    """Of a server that does not encrypt."""
    direct(server, tls="prefer")
    direct(server, tls="disable")


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_password_is_not_sent_to_a_server_that_does_not_encrypt(server: Server, mode: str) -> None:
    """Nothing is said but the question whether it can."""
    with pytest.raises(InvalidConfigError, match="does not encrypt"):
        direct(server, tls=mode)
    heard: list[bytes] = []

    async def use() -> None:
        over = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(1_000))
            writer.write(b"N")
            heard.append(await reader.read(1_000))
            writer.close()
            over.set()

        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        where = {"host": "127.0.0.1", "port": listening.sockets[0].getsockname()[1], "tls": mode}
        credentials = Credentials.model_validate({"username": USER, "password": PASSWORD})
        with pytest.raises(InvalidConfigError, match="does not encrypt"):
            await Provider.connect(credentials, Params.model_validate(where))
        await over.wait()
        listening.close()
        await listening.wait_closed()

    asyncio.run(use())
    assert heard == [_ASK, b""]


def test_certificate_file_that_is_none_is_named(server: Server, folder: Path) -> None:
    """Missing, or something else."""
    for wrong in (folder / "missing", folder / "text"):
        with pytest.raises(InvalidConfigError, match="the certificates cannot be used"):
            direct(server, tls="verify-full", tls_ca_file=wrong)


def test_encryption_that_breaks_off_is_no_session() -> None:
    """A peer that says it can, and then speaks something else."""

    async def use() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1_000)
            writer.write(b"S")
            await reader.read(1_000)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        where = {"host": "127.0.0.1", "port": listening.sockets[0].getsockname()[1], "tls": "require"}
        credentials = Credentials.model_validate({"username": USER, "password": PASSWORD})
        with pytest.raises(ProviderError):
            await Provider.connect(credentials, Params.model_validate(where))
        listening.close()
        await listening.wait_closed()

    asyncio.run(use())
