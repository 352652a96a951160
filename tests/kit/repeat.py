"""Runs the whole kit over the reference again and again while other processes keep the machine busy.

Every check that is not in order is a false alarm: the reference is right. Printed with how often each came.

    python -m tests.kit.repeat --times 30 --busy 6 [--kind record]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nvisy_sdk import DataKind
from nvisy_sdk.conformance import catalogue

from tests.kit import reference
from tests.kit.zoo._gate import living
from tests.kit.zoo._systems import Systems

BUSY = "import hashlib\nwhile True:\n    hashlib.sha256(bytes(65_536)).digest()\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the kit, and return 0 when there was no false alarm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--busy", type=int, default=6, help="processes that compute without a pause")
    parser.add_argument("--kind", type=DataKind, default=DataKind.RECORD, choices=list(DataKind))
    options = parser.parse_args(arguments)
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(options.busy)]
    try:
        alarms = _alarms(options.kind, options.times)
    finally:
        for other in others:
            other.kill()
            other.wait()
    for alarm, count in sorted(alarms.items()):
        print(f"{count} of {options.times}: {alarm}")
    print(f"{sum(alarms.values())} false alarms in {options.times} runs beside {options.busy} busy processes")
    return 1 if alarms else 0


def _alarms(kind: DataKind, times: int) -> Counter[str]:
    alarms: Counter[str] = Counter()
    for number in range(1, times + 1):
        systems = Systems()
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            lines = living(lambda _: reference.subject(kind), kind, catalogue().values(), systems, Path(folder))
        systems.stop()
        red = [line for line in lines.values() if not line.outcome.counts]
        for line in red:
            alarms[f"{line.id} {line.outcome}"] += 1
            print(f"run {number}: {line.id} {line.outcome}: {line.message[:300]}", flush=True)
        load = os.getloadavg()[0]
        print(f"run {number}: {len(lines)} checks, {time.monotonic() - started:.1f} s, load {load:.1f}", flush=True)
    return alarms


if __name__ == "__main__":
    sys.exit(main())
