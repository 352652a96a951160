"""What the hooks hear of a run: plain values, a copy for each, without credentials."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from nvisy._hooks import Hooks
from nvisy._outcome import Outcome

if TYPE_CHECKING:
    from nvisy import _core

__all__ = ["RunEvents"]

_SECONDS = 1.0
"""Between two events of progress: a listener may send each somewhere."""
_COUNTS = ("read", "written", "rejected", "filtered", "seconds", "bytes")


class RunEvents:
    """Tells of one run. Without a listener every method returns at once."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._on = hooks.listens
        self._run_id = ""
        self._said = 0.0

    def started(self, run: _core.Run) -> None:
        """It began."""
        self._run_id = run.id
        self._said = time.monotonic()
        self._tell("started", {})

    def progress(self, run: _core.Run) -> None:
        """It goes on. Of several calls in a second the first is told."""
        if not self._on or time.monotonic() - self._said < _SECONDS:
            return
        self._said = time.monotonic()
        snapshot = json.loads(run.progress())
        self._tell("progress", {name: snapshot[name] for name in _COUNTS if name in snapshot})

    def finished(self, outcome: Outcome) -> None:
        """It ended, one way or another."""
        if not self._on:
            return
        values = outcome.to_dict()
        failure = outcome.error
        error = failure and {
            "kind": failure.kind,
            "retryable": failure.retryable,
            "operation": failure.operation,
            "message": self._redacted(failure.message),
        }
        names = ("workflow", "status", *_COUNTS, "resumed", "guarantee")
        self._tell("finished", {**{name: values[name] for name in names}, "error": error})

    def _redacted(self, text: str) -> str:
        redact = self._hooks.redactor
        return redact(text) if redact is not None else text

    def _tell(self, event: str, values: dict[str, Any]) -> None:
        if self._on:
            self._hooks.event({"event": event, "run_id": self._run_id, **values})
