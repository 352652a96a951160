"""Progress on standard error: one line that is written over on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections import deque
from typing import NamedTuple

from nvisy.cli._output import Output

__all__ = ["Progress"]

_WINDOW_SECONDS = 5.0
"""Rates are those of the last few seconds: short enough to show a stall, long enough not to flicker."""
_PLAIN_SECONDS = 5.0


class _Sample(NamedTuple):
    seconds: float
    read: int
    bytes: int


class Progress:
    """Shows how far a run has come."""

    def __init__(self, output: Output, *, quiet: bool, total: int | None = None) -> None:
        self.output = output
        self.quiet = quiet
        self.total = total
        self.live = sys.stderr.isatty()
        self._samples: deque[_Sample] = deque()
        self._said = 0.0
        self._drawn = False

    def show(self, snapshot: dict[str, object]) -> None:
        """Show a snapshot of the engine's; called several times a second."""
        if self.quiet:
            return
        sample = _Sample(_number(snapshot, "seconds"), int(_number(snapshot, "read")), int(_number(snapshot, "bytes")))
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.seconds - self._samples[0].seconds > _WINDOW_SECONDS:
            self._samples.popleft()
        if self.live:
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r\x1b[K{self.output.scrub(self.text(snapshot))[: width - 1]}")
            sys.stderr.flush()
            self._drawn = True
        elif sample.seconds - self._said >= _PLAIN_SECONDS:
            self._said = sample.seconds
            self.output.say(self.text(snapshot))

    def end(self) -> None:
        """Leave the terminal's line to what follows."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False

    def text(self, snapshot: dict[str, object]) -> str:
        """The line."""
        first, last = self._samples[0], self._samples[-1]
        span = last.seconds - first.seconds
        rows = (last.read - first.read) / span if span > 0 else 0.0
        megabytes = (last.bytes - first.bytes) / span / 1e6 if span > 0 else 0.0
        state = snapshot.get("state")
        name = state if isinstance(state, str) else next(iter(state), "") if isinstance(state, dict) else ""
        total = int(_number(snapshot, "total")) or self.total
        share = f" of {total:,}" if total else ""
        parts = [f"{last.read:,}{share} read", f"{int(_number(snapshot, 'written')):,} written"]
        parts += [f"{rows:,.0f} rows/s", f"{megabytes:,.1f} MB/s"]
        if total and rows > 0 and total > last.read:
            parts.append(f"ETA {_clock((total - last.read) / rows)}")
        return f"{name:<10} {_clock(last.seconds)}  {'  '.join(parts)}"


def _number(snapshot: dict[str, object], name: str) -> float:
    value = snapshot.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
