"""Encryption: the certificate is verified unless that is given up by name, and the password is never sent in the clear."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nvisy_plugin_nats import Credentials, Params, Provider
from nvisy_sdk import InvalidConfigError, ProviderError, TimeoutExceededError

from .nats_base import PASSWORD, USER, Server


def openssl(folder: Path, *arguments: str) -> None:
    """Run the command in that folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities; the first has signed a certificate for `localhost` and one for a client."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "other"):
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl(folder, *new, "-subj", f"/CN={name}", *uses, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name, subject in (("server", "localhost"), ("client", "mover")):
        ask = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={subject}")
        openssl(folder, *ask, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "names").write_text(f"subjectAltName=DNS:{subject}\n")
        sign = ("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        openssl(folder, *sign, "-in", f"{name}.csr", "-extfile", "names", "-out", f"{name}.pem")
    return folder


def config(folder: Path, options: str = "") -> str:
    """Return the configuration of a server that encrypts."""
    files = f'cert_file: "{folder}/server.pem", key_file: "{folder}/server.key", ca_file: "{folder}/ca.pem"'
    users = f'authorization {{ users: [{{user: {USER}, password: "{PASSWORD}"}}] }}'
    return f"{users}\ntls {{ {files}, {options} }}"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server that insists on encryption."""
    server = Server.start(folder / "one", config=config(folder))
    yield server
    server.stop()


def check(server: Server, **params: object) -> None:
    """Open a session, use it and close it."""

    async def use() -> None:
        credentials = Credentials.model_validate({"username": USER, "password": PASSWORD})
        where = {"host": "localhost", "port": server.port, "connect_timeout": 3.0}
        session = await Provider.connect(credentials, Params.model_validate({**where, **params}))
        assert session._wire.client.is_encrypted()
        await session.check()
        await session.disconnect()

    asyncio.run(use())


@pytest.mark.parametrize("tls", ["auto", "require"])
def test_certificate_is_verified_by_default(server: Server, folder: Path, tls: str) -> None:
    """An unknown authority, another authority, another name: refused, and not by trying again."""
    check(server, tls=tls, tls_ca_file=folder / "ca.pem")
    check(server, tls=tls, tls_ca_file=folder / "ca.pem", host="127.0.0.1", tls_hostname="localhost")
    for wrong in (
        {},
        {"tls_ca_file": folder / "other.pem"},
        {"tls_ca_file": folder / "ca.pem", "host": "127.0.0.1"},
        {"tls_ca_file": folder / "ca.pem", "tls_hostname": "elsewhere"},
    ):
        with pytest.raises(InvalidConfigError, match=r"no encryption with .*certificate") as caught:
            check(server, tls=tls, **wrong)
        assert not caught.value.retryable
        assert "tls_ca_file" in str(caught.value.hint)


def test_any_certificate_is_taken_when_that_is_said(server: Server) -> None:
    """By a parameter of that name, and by nothing else."""
    check(server, tls_insecure=True)


def test_password_is_not_sent_to_a_server_that_does_not_encrypt(folder: Path, tmp_path: Path) -> None:
    """When encryption is required: by the parameter, or by the address."""
    heard: list[bytes] = []

    async def use() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'INFO {"server_id": "x", "version": "2.15.1", "headers": true, "max_payload": 1000}\r\n')
            heard.append(await reader.read(1_000))
            writer.close()

        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        credentials = Credentials.model_validate({"username": USER, "password": PASSWORD})
        for params in ({"tls": "require", "port": port}, {"servers": [f"tls://127.0.0.1:{port}"]}):
            with pytest.raises(InvalidConfigError, match="does not encrypt"):
                await Provider.connect(credentials, Params.model_validate({"host": "127.0.0.1", **params}))
        first = Params.model_validate({"host": "127.0.0.1", "port": port, "tls": "first", "connect_timeout": 2})
        with pytest.raises(ProviderError):
            await Provider.connect(credentials, first)
        listening.close()
        await listening.wait_closed()

    asyncio.run(use())
    assert len(heard) == 3
    assert not [each for each in heard if PASSWORD.encode() in each or b"CONNECT" in each]


def test_client_shows_its_own_certificate(folder: Path, start: Callable[..., Server]) -> None:
    """Where the server asks for one; without it the door is closed."""
    server = start(config(folder, "verify: true"))
    trust = {"tls_ca_file": folder / "ca.pem"}
    check(server, **trust, tls_cert_file=folder / "client.pem", tls_key_file=folder / "client.key")
    with pytest.raises(ProviderError):
        check(server, **trust)


def test_handshake_may_come_first(folder: Path, start: Callable[..., Server]) -> None:
    """Before a word is said; a server that waits for it never answers otherwise."""
    server = start(config(folder, "handshake_first: true"))
    check(server, tls="first", tls_ca_file=folder / "ca.pem")
    with pytest.raises(TimeoutExceededError):
        check(server, tls_ca_file=folder / "ca.pem", connect_timeout=0.5)


def test_certificate_file_that_is_none_is_named(server: Server, tmp_path: Path) -> None:
    """Missing, or something else."""
    (tmp_path / "text").write_text("no certificate")
    for wrong in (
        {"tls_ca_file": tmp_path / "missing"},
        {"tls_ca_file": tmp_path / "text"},
        {"tls_cert_file": tmp_path / "text"},
    ):
        with pytest.raises(InvalidConfigError, match="a certificate cannot be used"):
            check(server, **wrong)
