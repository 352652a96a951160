"""A Chroma server for the whole run, and an empty place on it or in local files for every test."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from .chroma_base import Address, Place, server_address
from .chroma_proxy import Proxy


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The server of NVISY_TEST_CHROMA_URL, or one that this run starts and stops."""
    with server_address(tmp_path_factory.mktemp("chroma")) as found:
        yield found


@pytest.fixture
def server(address: Address) -> Iterator[Place]:
    """A collection name of its own on the server."""
    with Place({"host": address.host, "port": address.port}, f"t-{uuid.uuid4().hex}") as place:
        yield place


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Place]:
    """A store in a folder of its own."""
    with Place({"path": tmp_path / "store"}, "things") as place:
        yield place


@pytest.fixture(params=["server", "embedded"])
def place(request: pytest.FixtureRequest) -> Place:
    """Either of them: what holds for the one must hold for the other."""
    found: Place = request.getfixturevalue(str(request.param))
    return found


@pytest.fixture
def proxy(address: Address) -> Iterator[Proxy]:
    """A proxy that asks for a token, in front of the server, which asks for none."""
    with Proxy(address.host, address.port) as found:
        yield found
