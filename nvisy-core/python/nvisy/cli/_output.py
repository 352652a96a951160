"""Printing: results to standard output, everything else to standard error, and no secret to either."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

    from nvisy._errors import DefinitionProblem
    from nvisy._outcome import Failure

__all__ = ["Output"]

_TOLD = ("error", "problems", "warnings")
"""The parts of a result that are texts about what went wrong."""


class Output:
    """Where a command prints. Every text loses the secrets that were added with `hide`."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._secrets: list[str] = []
        self._redactor: Callable[[str], str] | None = None

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on print ``***`` in the place of each secret, longest first."""
        self._secrets = sorted({*self._secrets, *secrets}, key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def redact(self, redactor: Callable[[str], str] | None) -> None:
        """From now on let `redactor` see what is said beside results, errors inside them, and our log."""
        if redactor is None or self._redactor is not None:
            return
        self._redactor = redactor
        import logging

        logging.getLogger("nvisy").addFilter(self._redacted_record)

    def line(self, text: str = "") -> None:
        """A line of the result."""
        print(self.scrub(text))

    def say(self, text: str) -> None:
        """A line beside the result."""
        print(self._redacted(self.scrub(text)), file=sys.stderr, flush=True)

    def result(self, value: Mapping[str, object]) -> None:
        """The result as one line of JSON."""
        texts = {name: _each(item, self.scrub) for name, item in value.items()}
        texts.update((name, _each(texts[name], self._redacted)) for name in _TOLD if name in texts)
        print(json.dumps(texts, ensure_ascii=False), flush=True)

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

    def _redacted(self, text: str) -> str:
        return text if self._redactor is None else self._redactor(text)

    def _redacted_record(self, record: logging.LogRecord) -> bool:
        import logging

        record.msg, record.args = self._redacted(self.scrub(record.getMessage())), None
        if record.exc_info:
            record.exc_text = self._redacted(self.scrub(logging.Formatter().formatException(record.exc_info)))
        return True


def _each(value: object, change: Callable[[str], str]) -> object:
    """JSON values with every text of them changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {str(name): _each(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each(item, change) for item in value]
    return value
