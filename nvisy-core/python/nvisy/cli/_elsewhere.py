"""``nvisy check`` and ``nvisy new``: commands of the SDK, in a fresh process that has nothing of the engine in it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["start"]

_NAMES = {"check": "conform", "new": "new"}


def start(command: str, arguments: Sequence[str]) -> int:
    """Pass the arguments on, wait, and give the process's exit code; 128 and the number for one that a signal ended."""
    # Ctrl-C reaches the child too, which ends in its own way; this process waits for that. A handler, unlike ignoring
    # the signal, is not inherited.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    process = subprocess.Popen([sys.executable, "-m", "nvisy_sdk", _NAMES[command], *arguments])
    code = process.wait()
    return code if code >= 0 else 128 - code
