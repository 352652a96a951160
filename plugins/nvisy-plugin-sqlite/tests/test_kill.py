"""A writer that is killed leaves whole batches, each with its mark."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from .sqlite_base import Base

ROWS = 500
WRITER = f"""
import asyncio, sys
from pathlib import Path
from nvisy_plugin_sqlite import Credentials, Params, Provider
from nvisy_sdk import DataKind, Mark, Prepare
from nvisy_sdk.testing import RowBatch

async def main():
    session = await Provider.connect(Credentials(), Params(path=Path(sys.argv[1]), table="t", key=("id",)))
    number = int((await session.committed("run") or Mark(key="run", value="0")).value)
    while True:
        rows = [{{"id": number * {ROWS} + i, "v": "x" * 200}} for i in range({ROWS})]
        batch = RowBatch(rows)
        await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=False))
        number += 1
        await session.write_through(batch, Mark(key="run", value=str(number)))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_writer_leaves_whole_batches_with_their_mark(base: Base, tmp_path: Path, seed: int) -> None:
    """SIGKILL at a random moment, twice; what was acknowledged is there, and nothing is torn."""
    random, acknowledged = Random(seed), 0
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, script, base.path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(random.randint(1, 8)):
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        writer.stdout.close()
        writer.wait()
        mark = base.run(lambda session: session.committed("run"), table="t")
        assert mark is not None
        assert int(mark.value) >= acknowledged
        assert base.sql("SELECT count(*), count(DISTINCT id), max(id) FROM t") == [
            (int(mark.value) * ROWS, int(mark.value) * ROWS, int(mark.value) * ROWS - 1)
        ]
        assert base.sql("PRAGMA integrity_check") == [("ok",)]
