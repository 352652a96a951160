"""A writer that is killed leaves whole files, and one that goes on finishes them."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from .folder import Folder

WRITER = """
import asyncio, hashlib, sys
from pathlib import Path
from nvisy_plugin_files import Credentials, Params, Provider
from nvisy_sdk import DataKind, Prepare
from nvisy_sdk.testing import RowBatch

def content(i):
    return hashlib.sha256(str(i).encode()).digest() * (1 + i % 7 * 3000)

async def main():
    session = await Provider.connect(Credentials(), Params(root=Path(sys.argv[1])))
    number = int(sys.argv[2])
    while number < 400:
        i, part = divmod(number, 3)
        data = content(i)
        size = -(-len(data) // 3)
        rows = [{"path": f"{i % 5}/{i}", "data": data[part * size:(part + 1) * size], "size": len(data), "offset": part * size}]
        batch = RowBatch(rows, kind=DataKind.OBJECT)
        await session.prepare(Prepare(kind=DataKind.OBJECT, schema=batch.schema, fresh=number == 0))
        receipt = await session.write(batch)
        assert receipt.accepted == 1, receipt
        number += 1
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_writer_leaves_no_torn_file_and_goes_on(folder: Folder, tmp_path: Path, seed: int) -> None:
    """SIGKILL at random moments inside objects of three parts; resumed from what was acknowledged, or a little before."""
    random, done = Random(seed), 0
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, script, folder.root, str(done)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(random.randint(1, 25)):
            done = int(writer.stdout.readline() or done)
        os.kill(writer.pid, signal.SIGKILL)
        done = max([done, *map(int, writer.stdout.read().split())])
        writer.stdout.close()
        writer.wait()
        found = folder.read(part_bytes=2**20)
        for row, _ in found:
            i = int(str(row["path"]).partition("/")[2])
            assert row["data"] == hashlib.sha256(str(i).encode()).digest() * (1 + i % 7 * 3000)
        assert done // 3 <= len(found) <= done // 3 + 1
        done = max(0, done - random.randint(0, 2)) if done % 3 else done
