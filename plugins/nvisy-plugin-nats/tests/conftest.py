"""One server for all tests, unless the environment names one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .nats_base import Base, Server


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """A server with JetStream that asks for a user and a password."""
    url = os.environ.get("NVISY_TEST_NATS_URL")
    server = Server.given(url) if url else Server.start(tmp_path_factory.mktemp("nats"))
    base = Base(server)
    yield base
    base.sweep()
    server.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test, whatever becomes of it."""
    started: list[Server] = []

    def one(config: str = "") -> Server:
        started.append(Server.start(tmp_path / f"server-{len(started)}", config=config))
        return started[-1]

    yield one
    for server in started:
        server.stop()
