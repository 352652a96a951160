"""The interpreter's exit is ordered: nothing crashes or hangs, whatever is in flight."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXITS = 200
AT_ONCE = 2


def test_200_interpreter_exits_with_streams_in_flight_neither_crash_nor_hang(repository: Path, tmp_path: Path) -> None:
    """200 interpreters end with streams, writes, threads and sessions in flight; each ends with its own status."""
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONFAULTHANDLER": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.bridge.exits"]
    each = EXITS // AT_ONCE
    programs = [
        subprocess.Popen(
            [*command, str(each), str(part * each), str(tmp_path)],
            cwd=repository,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in range(AT_ONCE)
    ]
    for program in programs:
        output, errors = program.communicate(timeout=280)
        assert output.splitlines()[-1:] == [f"{each} clean exits"], f"{output}\n{errors[-4000:]}"
        assert program.returncode == 0
        assert "Traceback" not in errors, errors[-4000:]
        assert "panicked" not in errors, errors[-4000:]
