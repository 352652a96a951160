"""Printing: results to standard output, everything else to standard error, and no secret to either."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nvisy._errors import DefinitionProblem
    from nvisy._outcome import Failure

__all__ = ["Output"]


class Output:
    """Where a command prints. Every text loses the secrets that were added with `hide`."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._secrets: list[str] = []

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on print ``***`` in the place of each secret, longest first."""
        self._secrets = sorted({*self._secrets, *secrets}, key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def line(self, text: str = "") -> None:
        """A line of the result."""
        print(self.scrub(text))

    def say(self, text: str) -> None:
        """A line beside the result."""
        print(self.scrub(text), file=sys.stderr, flush=True)

    def result(self, value: object) -> None:
        """The result as one line of JSON."""
        print(json.dumps(self._scrubbed(value), ensure_ascii=False), flush=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under heads, in aligned columns."""
        widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
        for row in (heads, *rows):
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def problems(self, problems: Iterable[DefinitionProblem]) -> None:
        """Each problem of what the user wrote: its line, and what to do."""
        for problem in problems:
            self.say(f"{problem.severity}: {problem.line()}")
            if problem.hint:
                self.say(f"  hint: {problem.hint}")

    def failure(self, failure: Failure) -> None:
        """Why a run failed: one line, where, what to do, and what Python raised."""
        self.say(f"error: {failure.line()} [{failure.kind}]")
        if failure.context:
            self.say(f"  {', '.join(f'{name}: {value}' for name, value in failure.context.items())}")
        for cause in failure.causes:
            self.say(f"  caused by: {cause}")
        if failure.hint:
            self.say(f"  hint: {failure.hint}")
        if failure.traceback:
            self._indented(failure.traceback)

    def fault(self, error: BaseException) -> None:
        """An exception that should never have come this far."""
        self.say(f"error: {type(error).__name__}: {error}")
        self.say("  hint: this is a fault of Nvisy itself; please report all of it")
        self._indented("".join(traceback.format_exception(error)))

    def _indented(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self.say(f"  | {line}")

    def _scrubbed(self, value: object) -> object:
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, Mapping):
            return {str(name): self._scrubbed(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._scrubbed(item) for item in value]
        return value
