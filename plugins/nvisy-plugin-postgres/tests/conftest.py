"""One server for all tests, unless the environment names one, and a schema of its own for each."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .postgres_base import Base, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that asks for a password."""
    url = os.environ.get("NVISY_TEST_POSTGRES_URL")
    server = Server.given(url) if url else Server.start(Path(tempfile.mkdtemp(prefix="nvisy-postgres-")))
    yield server
    server.stop()


@pytest.fixture
def base(server: Server) -> Iterator[Base]:
    """An empty schema."""
    base = Base(server)
    base.create()
    yield base
    base.remove()


@pytest.fixture(scope="module")
def common(server: Server) -> Iterator[Base]:
    """An empty schema for all tests of a module; each example of a property makes its own table."""
    base = Base(server)
    base.create()
    base.sql("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public")
    yield base
    base.remove()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test, whatever becomes of it."""
    started: list[Server] = []

    def one(**settings: str) -> Server:
        started.append(Server.start(Path(tempfile.mkdtemp(prefix="nvisy-postgres-")), **settings))
        return started[-1]

    yield one
    for server in started:
        server.stop()
