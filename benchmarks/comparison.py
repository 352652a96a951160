"""A whole comparison: builds what is missing, starts the server, does the works, and writes the result after each of them."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environments, release, result, runner, stage
from benchmarks.environments import Absent, Installed
from benchmarks.model import Stage
from benchmarks.result import Result
from benchmarks.server import Server, running
from benchmarks.settings import SERVER, Folder
from benchmarks.works import WORKS, chosen


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    command: str
    short: bool
    works: tuple[str, ...]
    peers: tuple[str, ...]
    rows: int
    documents: int
    runs: int
    timeout: float
    ours: Path | None
    """An environment of ours that is there; None builds a release."""
    work: Path
    out: Path | None


def compare(order: Order, results: Path) -> Path:
    """Measure, and return the result file; it holds every work that was finished, however this ends."""
    began, folder = time.time(), Folder(order.work.resolve())
    folder.root.mkdir(parents=True, exist_ok=True)
    machine = result.machine()
    ours = order.ours.resolve() if order.ours else release.install(folder)
    installed = environments.install(folder, order.peers)
    with running(folder.server) as server:
        filled = stage.fill(server, folder, order.rows, order.documents)
        there = {name: each.folder for name, each in installed.items() if isinstance(each, Installed)}
        place = Stage(folder, filled, ours / "bin", there, order.rows, order.documents)
        found = _head(order, place, began, machine, installed)
        path = order.out or results / f"{found.started.replace(':', '')}-{found.form}.json"
        for name in order.works:
            work = WORKS[name](place)
            contenders = chosen(work, there, slow=not order.short)
            done = runner.run(place, work, contenders, order.runs, order.timeout)
            found = dataclasses.replace(found, seconds=round(time.time() - began), works=(*found.works, done))
            result.write(found, path)
    return path


def _head(
    order: Order, place: Stage, began: float, machine: dict[str, str], installed: dict[str, Installed | Absent]
) -> Result:
    """The result before the first work: what is compared, where, and who cannot take part."""
    absent = {name: place.hidden(each.reason) for name, each in installed.items() if isinstance(each, Absent)}
    for name, reason in absent.items():
        print(f"{name} cannot be installed: {reason}", file=sys.stderr)
    versions = {name: each.versions for name, each in installed.items() if isinstance(each, Installed)}
    versions |= {"ours": environments.versions(place.ours.parent), "system": _system(place.server)}
    return Result(
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        seconds=0,
        command=place.hidden(order.command),
        form="short" if order.short else "long",
        rows=order.rows,
        documents=order.documents,
        runs=order.runs,
        build="an environment given by --ours" if order.ours else "a release, from the wheels that a user installs",
        machine=machine,
        settings={"server": ", ".join(f"{name} = {value}" for name, value in SERVER.items())},
        versions=versions,
        absent=absent,
        works=(),
    )


def unknown(asked: Iterable[str], known: Iterable[str]) -> list[str]:
    """What was asked for and does not exist."""
    there = set(known)
    return [name for name in asked if name not in there]


def _system(server: Server) -> dict[str, str]:
    """Versions of what no environment holds."""
    return {"python": sys.version.split()[0], "postgresql": server.sql("SHOW server_version")}
