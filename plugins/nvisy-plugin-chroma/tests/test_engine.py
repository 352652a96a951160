"""Through the engine: copies both ways by its own command line, killed for real and resumed, and nothing is lost or twice."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import nvisy
import pytest
from nvisy_sdk.testing import kill_when

from .chroma_base import Address, Place, Row

NVISY = Path(sys.executable).parent / "nvisy"
PATIENCE = 120.0  # seconds for one command on a busy machine
ROWS = 2_000
BATCH = 50


def things(count: int) -> list[Row]:
    """Items with ids in no order, documents, and metadata that Chroma cannot hold by itself."""
    random = Random(17)
    return [
        {
            "id": f"{random.getrandbits(64):016x}",
            "vector": [number / 8, -number / 16, 1.0, 0.0],
            "metadata": {"n": number, "deep": {"null": None}, "chroma:document": f"text {number}"},
        }
        for number in range(count)
    ]


def workflow(folder: Path, source: Place, target: Place, **params: object) -> Path:
    """A workflow that copies one collection into another."""
    connections = {
        name: {
            "provider": "chroma",
            "params": {key: str(value) if key == "path" else value for key, value in place.params.items()},
        }
        for name, place in (("source", source), ("target", target))
    }
    nodes = [
        {"id": "things", "read": "source", "params": {"collection": source.collection, "batch_rows": BATCH}},
        {"id": "copy", "write": "target", "params": {"collection": target.collection, "create": True, **params}},
    ]
    path = folder / "copy.json"
    path.write_text(json.dumps({"version": 1, "name": "copy", "connections": connections, "nodes": nodes}))
    return path


def start(folder: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
    """Start the command line with a state folder of its own."""
    environment = os.environ | {"NVISY_HOME": str(folder / "home")}
    command = [NVISY, *arguments, "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> dict[str, object]:
    """Wait for success; the outcome, whose ledger balances."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, f"{out}\n{err}"
    outcome: dict[str, object] = json.loads(out.splitlines()[-1])
    assert outcome["status"] == "succeeded"
    assert outcome["rejected"] == 0
    return outcome


def reached(count: Callable[[], int], wanted: int) -> Callable[[], bool]:
    """Whether there is that much by now."""
    return lambda: count() >= wanted


def other(place: Place) -> Place:
    """A second collection at the same place."""
    return Place(place.params, f"{place.collection}-copy")


def same(source: Place, target: Place) -> None:
    """Both hold the same items: vectors bit for bit, metadata, documents."""
    wanted, found = source.dump(), target.dump()
    source.close()
    target.close()
    assert len(wanted) > 0
    assert found == wanted


@pytest.mark.parametrize("direction", ["server to server", "server to embedded", "embedded to server"])
def test_run_copies_a_collection_exactly(server: Place, embedded: Place, tmp_path: Path, direction: str) -> None:
    """By the Python interface, and from the beginning again by the command line: that changes nothing."""
    source, target = {
        "server to server": (server, other(server)),
        "server to embedded": (server, embedded),
        "embedded to server": (embedded, server),
    }[direction]
    assert source.write(things(300), dimension=4).accepted == 300
    source.close()
    path = workflow(tmp_path, source, target)
    outcome = nvisy.run(path, home=tmp_path / "home")
    assert (outcome.read, outcome.written) == (300, 300)
    same(source, target)
    again = finished(start(tmp_path, "run", path, "--full"))
    assert (again["read"], again["written"]) == (300, 300)
    same(source, target)


def test_copy_by_uri_goes_from_server_to_files_and_back(
    address: Address, server: Place, embedded: Place, tmp_path: Path
) -> None:
    """`chroma://host:port/collection` and `chroma:///collection?path=folder`."""
    server.write(things(40), dimension=4)
    remote = f"chroma://{address.host}:{address.port}/{server.collection}"
    local = f"chroma:///{embedded.collection}?path={embedded.params['path']}"
    assert finished(start(tmp_path, "copy", remote, f"{local}&create=true"))["written"] == 40
    same(server, embedded)
    back = f"{remote}-back?create=true&mode=append"
    assert finished(start(tmp_path, "copy", local, back))["written"] == 40
    same(embedded, Place(server.params, f"{server.collection}-back"))


def test_replacing_run_shows_old_items_until_its_end(server: Place, tmp_path: Path) -> None:
    """And then exactly its own."""
    target = other(server)
    server.write(things(120), dimension=4)
    target.write([{"id": "old", "vector": [1.0] * 4, "metadata": None}], dimension=4)
    target.close()
    finished(start(tmp_path, "run", workflow(tmp_path, server, target, mode="replace")))
    same(server, target)


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_killed_runs_resume_without_loss_or_duplicates(server: Place, tmp_path: Path, mode: str) -> None:
    """SIGKILL after some of the batches are there, three times; the last run goes to the end."""
    target, random = other(server), Random(mode)
    server.write(things(ROWS), dimension=4)
    path = workflow(tmp_path, server, target, mode=mode)
    if mode == "replace":
        target.write([{"id": "old", "vector": [1.0] * 4, "metadata": None}], dimension=4)
    grows = Place(target.params, f"{target.collection}.nvisy-stage") if mode == "replace" else target

    def count() -> int:
        names = [each.name for each in grows.client.list_collections()]
        return len(grows.ids()) if grows.collection in names else 0

    kills = 0
    for turn in range(3):
        wanted = min(ROWS - 200, count() + random.randint(1, 400))
        kills += kill_when(start(tmp_path, "run", path), reached(count, wanted))
        if mode == "replace":
            assert list(target.dump()) == ["old"], f"after kill {turn}"
    assert kills == 3, "the runs end before they can be killed: make the collection larger"
    assert 0 < count() < ROWS
    outcome = finished(start(tmp_path, "run", path))
    assert outcome["resumed"] is True
    grows.close()
    assert len(target.ids()) == len(set(target.ids())) == ROWS
    same(server, target)


def test_killed_run_into_an_embedded_store_resumes(server: Place, embedded: Place, tmp_path: Path) -> None:
    """The process that dies is the one that writes the files."""
    server.write(things(ROWS), dimension=4)
    path = workflow(tmp_path, server, embedded)
    files = Path(str(embedded.params["path"])) / "chroma.sqlite3"

    def written() -> int:
        return files.stat().st_size if files.exists() else 0

    kills = 0
    for size in (400_000, 700_000):
        kills += kill_when(start(tmp_path, "run", path), reached(written, size))
    assert kills >= 1, "the runs end before they can be killed: make the collection larger"
    finished(start(tmp_path, "run", path))
    same(server, embedded)
