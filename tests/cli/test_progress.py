"""What is shown while a run is under way: a live line on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from nvisy.cli._output import Output
from nvisy.cli._progress import Progress

from tests.cli.conftest import Shell, last_line
from tests.discovery.wheels import environment


def snapshot(seconds: float, read: int, *, total: int = 0, state: object = "moving") -> dict[str, object]:
    """A look at a run."""
    return {"state": state, "read": read, "written": read // 2, "bytes": read * 100, "total": total, "seconds": seconds}


def progress(*, quiet: bool = False, total: int | None = None) -> Progress:
    """A progress that is not on a terminal."""
    shown = Progress(Output(as_json=False), quiet=quiet, total=total)
    shown.live = False
    return shown


def test_rates_are_those_of_the_last_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Not the average since the beginning: a stall shows."""
    shown = progress(total=5_000)
    for second in range(11):
        shown.show(snapshot(second, 100 * second))
    for second in range(11, 17):
        shown.show(snapshot(second, 1000))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "moving     0:05  500 of 5,000 read  250 written  100 rows/s  0.0 MB/s  ETA 0:45",
        "moving     0:10  1,000 of 5,000 read  500 written  100 rows/s  0.0 MB/s  ETA 0:40",
        "moving     0:15  1,000 of 5,000 read  500 written  0 rows/s  0.0 MB/s",
    ]


def test_size_known_to_the_engine_goes_first(capsys: pytest.CaptureFixture[str]) -> None:
    """What the engine expects of all sources is more than what one source said."""
    shown = progress(total=10)
    shown.show(snapshot(0, 0, total=20_000))
    shown.show(snapshot(5, 10_000, total=20_000, state={"closing": "failed"}))
    assert capsys.readouterr().err.startswith("closing    0:05  10,000 of 20,000 read")


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither lines nor a live line."""
    shown = progress(quiet=True)
    shown.show(snapshot(60, 1))
    shown.end()
    assert capsys.readouterr().err == ""


def test_terminal_gets_one_line_that_is_written_over(shell: Shell) -> None:
    """And it is gone when the run has ended; the result stays on standard output."""
    file = shell.workflow(rows=15)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "nvisy", "run", file, "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=60,
        check=False,
        cwd=shell.folder,
        env=environment(shell.home, (shell.site,), {**shell.env, "FACTORY_WAIT": "0.4"}),
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert last_line(done)["written"] == 15
    assert "rows/s" in shown and "MB/s" in shown and "of 15 read" in shown
    assert shown.count("\n") == 0
    assert shown.endswith("\r\x1b[K")
