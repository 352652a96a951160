"""The harness of a bake is real: five bugs, put into the baked provider's text, each turn the named check red."""

from __future__ import annotations

import gc
import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nvisy_sdk import DataKind, Manifest
from nvisy_sdk.conformance import Outcome, Subject, catalogue
from nvisy_sdk.conformance._runner import Run
from nvisy_sdk.conformance._service import Service

from tests.kit import reference

SECRET = "canary-8Hn3w6Yb2qL9"


@dataclass(frozen=True)
class Patch:
    """A bug as somebody writes it: some text of a file becomes another."""

    check: str
    message: str
    file: str
    old: str
    new: str


COMMON = (
    Patch(
        "CON-03",
        "secret",
        "client.py",
        '            raise _translated(err, "connect", params) from err\n',
        "            raise sdk.ConnectionFailedError(str(err)) from err\n",
    ),
    Patch("CON-10", "open", "client.py", "        await self._connection.close()\n", ""),
    Patch("WRT-01", "missing", "writer.py", "items=self._items(batch),", "items=self._items(batch)[:-1],"),
)
LOSES_THE_LAST = {
    "columns": ('return found["items"], found["more"]', 'return found["items"][:-1], found["more"]'),
    "keyset": ('return found["items"], found["more"]', 'return found["items"][:-1], found["more"]'),
    "marker": ('return found["items"], found["more"]', 'return found["items"][:-1], found["more"]'),
    "token": (
        'return found["items"], found["tokens"], found["more"]',
        'return found["items"][:-1], found["tokens"][:-1], False',
    ),
    "offset": (
        'return found["items"], found["numbers"], found["more"]',
        'return found["items"][:-1], found["numbers"][:-1], False',
    ),
}
RESUMES_WRONGLY = {
    "columns": ("self._after(context, key)", "None"),
    "keyset": ("self._after(context)", "None"),
    "marker": ("place.key if place is not None else None", "None"),
    "token": ("self._token(context)", "None"),
    "offset": ("self._done(context, partitions)", "{}"),
}
READERS = {
    DataKind.RECORD: "columns",
    DataKind.OBJECT: "marker",
    DataKind.EMBEDDING: "token",
    DataKind.DOCUMENT: "keyset",
    DataKind.MESSAGE: "offset",
    DataKind.GRAPH: "keyset",
}


def patches(kind: DataKind) -> tuple[Patch, ...]:
    """The five bugs of a kind."""
    reader = READERS[kind]
    return (
        *COMMON,
        Patch("READ-01", "missing", "reader.py", *LOSES_THE_LAST[reader]),
        Patch("RES-01", "resuming after item", "reader.py", *RESUMES_WRONGLY[reader]),
    )


@pytest.fixture(scope="module")
def services() -> Iterator[dict[DataKind, Service]]:
    """The system behind each kind, as its baked harness starts it."""
    started: dict[DataKind, Service] = {}
    for kind in DataKind:
        started[kind] = Service(reference.harness(kind)(SECRET))
        started[kind].start()
    yield started
    for service in started.values():
        service.stop()


@pytest.mark.filterwarnings("ignore")  # a bug may leave anything behind: the kit must see it, not pytest
@pytest.mark.parametrize(
    ("kind", "patch"),
    [pytest.param(kind, patch, id=f"{kind}-{patch.check}") for kind in DataKind for patch in patches(kind)],
)
def test_patch_turns_the_named_check_red(
    kind: DataKind, patch: Patch, services: dict[DataKind, Service], tmp_path: Path
) -> None:
    """The untouched provider passes the same check with the same harness."""
    check = catalogue()[patch.check]
    results = []
    for changes in ((), (patch,)):
        subject = changed(kind, tmp_path, changes)
        run = Run(subject, services[kind], SECRET, 7, f"p{len(changes)}")
        results.append(run.one(check)[0])
    gc.collect()  # what the bug left open is closed, and complained about, while nobody listens
    assert (results[0].outcome, results[1].outcome) == (Outcome.PASS, Outcome.FAIL), results
    assert patch.message in results[1].message


def changed(kind: DataKind, folder: Path, patches: tuple[Patch, ...]) -> Subject:
    """The reference provider under another name, with some of its text changed."""
    name = f"nvisy_plugin_patched_{kind}_{patches[0].check.replace('-', '').lower() if patches else 'not'}_{folder.name[-2:]}"
    source = folder / name
    shutil.copytree(next((reference.project(kind) / "src").iterdir()), source)
    for patch in patches:
        path = source / patch.file
        text = path.read_text(encoding="utf-8")
        assert text.count(patch.old) == 1, f"{path.name} has {text.count(patch.old)} places for the patch"
        path.write_text(text.replace(patch.old, patch.new), encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        provider: type = importlib.import_module(name).Provider
    finally:
        sys.path.remove(str(folder))
    manifest = Manifest.model_validate_json((source / "nvisy_provider.json").read_text(encoding="utf-8"))
    return Subject.of(provider, manifest)
