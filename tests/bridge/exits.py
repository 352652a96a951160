"""A program that ends with streams in flight, many times: it forks, and each child is an interpreter that exits.

Run as `python -m tests.bridge.exits COUNT FIRST FOLDER`. A child ends the way its number says and goes through the whole of the
interpreter's own finalisation. Standard output names each child that did not end as it should.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from nvisy_sdk import Batch, Context, IncomingBatch, Keyset, Receipt

from tests.bridge.runs import start
from tests.bridge.support import FINGERPRINT, Base, one_batch, open_session

PATIENCE = 30.0  # seconds a child may take


class Busy(Base):
    """Reads for ever, writes for ever."""

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        number = 0
        try:
            while True:
                rows = [{"id": number + k, "data": "x" * 100} for k in range(1_000)]
                yield Batch(rows, Keyset(("id",), FINGERPRINT))
                number += 1_000
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.001)

    async def write(self, batch: IncomingBatch) -> Receipt:
        await asyncio.sleep(3600)
        return Receipt(accepted=len(batch))


class Endless(Base):
    """A source of a run."""

    read = Busy.read


class Slow(Base):
    """A sink of a run."""

    async def write(self, batch: IncomingBatch) -> Receipt:
        await asyncio.sleep(0.02)
        return Receipt(accepted=len(batch))


def leave(way: int) -> None:
    """Put something in flight and come back, so that the program ends."""
    session = open_session(Busy)
    streams = [session.read() for _ in range(2)]
    match way % 7:
        case 0:
            streams[0].next()
        case 1:  # threads that wait for the next batch while the interpreter goes
            for stream in streams:
                threading.Thread(target=forever, args=(stream,), daemon=True).start()
            time.sleep(0.01)
        case 2:
            session.begin("write", batch=one_batch())
            streams[0].next()
        case 3:
            streams[0].next()
            raise SystemExit(7)
        case 4:
            session.drop()
        case 5:
            sys.stdout = None
            streams[1].drop()
        case _:  # a run of the engine
            run = start(Path(sys.argv[3]) / str(way), Endless, Slow)
            kept.append(run)
            if way % 2:
                run.wait(0.05)
    kept.extend([session, *streams])


def forever(stream: object) -> None:
    """Read until something stops it."""
    try:
        while stream.next() is not None:  # type: ignore[attr-defined]
            pass
    except Exception:
        return


kept: list[object] = []


def expected(way: int) -> int:
    """The exit status of that way."""
    return 7 if way % 7 == 3 else 0


def parent(count: int, first: int) -> None:
    """Fork the children, a few at a time, and look at how each ended."""
    waiting: dict[int, tuple[int, float]] = {}
    ways = list(range(first, first + count))
    bad = 0
    while ways or waiting:
        while ways and len(waiting) < 4:
            way = ways.pop(0)
            pid = os.fork()
            if pid == 0:
                leave(way)
                return
            waiting[pid] = (way, time.monotonic())
        for pid, (way, began) in list(waiting.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0 and time.monotonic() - began < PATIENCE:
                continue
            if ended == 0:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                status = -1
            del waiting[pid]
            if os.waitstatus_to_exitcode(status) != expected(way) if status >= 0 else True:
                bad += 1
                print(f"way {way}: status {status}", flush=True)
        time.sleep(0.002)
    print(f"{count - bad} clean exits", flush=True)


if __name__ == "__main__":
    parent(int(sys.argv[1]), int(sys.argv[2]))
