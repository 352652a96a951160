"""Memory does not grow with the number of rows."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.support import Nvisy, balanced, numbers, query, wait

SMALL, LARGE = 100_000, 5_000_000
SLACK_KB = 200 * 1024


def test_peak_memory_of_five_million_rows_is_near_that_of_a_hundred_thousand(tmp_path: Path) -> None:
    """The peak of a 5,000,000-row copy stays within 200 MB of that of a 100,000-row copy."""
    small, large = peak_kb(tmp_path / "small", SMALL), peak_kb(tmp_path / "large", LARGE)
    print(f"peak memory: {small // 1024} MB for {SMALL:,} rows, {large // 1024} MB for {LARGE:,}")
    assert large - small <= SLACK_KB


def peak_kb(folder: Path, rows: int) -> int:
    """Copy that many rows from one SQLite file into another; the largest resident size of the process in KiB."""
    folder.mkdir()
    source, target = numbers(folder / "source.db", rows), folder / "target.db"
    nvisy = Nvisy(folder / "home")
    process = nvisy.start("copy", f"sqlite:///{source}?table=numbers", f"sqlite:///{target}?table=numbers", "--json")
    status = Path(f"/proc/{process.pid}/status")
    peak = 0
    while process.poll() is None:
        # The kernel keeps the high-water mark itself, so looking now and then misses nothing but the last moment.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1])
        time.sleep(0.02)
    ended = wait(process)
    assert ended.code == 0, ended.err
    assert balanced(ended.outcome)["written"] == rows
    assert query(target, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(rows, rows)]
    source.unlink()
    target.unlink()
    return peak
