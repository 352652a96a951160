"""What a person reads of a run: one line for each check that is not in order, the level, and what the next one lacks."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, TextIO

from ._check import Check
from ._outcome import Outcome, Result
from ._plan import Verdict
from ._report import reproduce

_WIDTH: Final = 300  # characters of a message; all of it is in the report
_SHOWN: Final = 12  # reasons named for the next level


class Console:
    """Prints a run as it goes.

    Args:
        out: Where to.
        name: The provider's name.
        seed: What the data is made from.
    """

    def __init__(self, out: TextIO, *, name: str, seed: int) -> None:
        self._out = out
        self._name = name
        self._seed = seed

    def line(self, result: Result) -> None:
        """Print a check that is not in order, with the command that shows it again."""
        if result.outcome.counts:
            return
        self._print(f"{result.id} {result.outcome}: {_first(result.message)}")
        if result.outcome not in (Outcome.KNOWN_FAIL, Outcome.NOT_RUN):
            self._print(f"    {reproduce(self._name, result.id, self._seed)}")

    def end(self, report: Mapping[str, Any], verdict: Verdict, seconds: float) -> None:
        """Print how it ended."""
        ran = [line for line in report["checks"] if not (report["partial"] and line["outcome"] == Outcome.NOT_RUN)]
        tally = Counter(line["outcome"] for line in ran)
        counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.items()))
        beside = f"; {len(report['out_of_scope'])} out of scope" if report["out_of_scope"] else ""
        self._print(f"{len(ran)} checks in {seconds:.1f} s: {counted}{beside}")
        for text in verdict.objections:
            self._print(f"objection: {text}")
        if report["partial"]:
            self._print("no level: only some checks were run")
            return
        level = verdict.level.word if verdict.level is not None else "none"
        server = f", {report['server']}" if report["server"] else ""
        self._print(f"level: {level} (wanted {verdict.wanted.word}; evidence {report['evidence']}{server})")
        if verdict.next is not None:
            lacking = [text for at, texts in verdict.missing.items() if at <= verdict.next for text in texts]
            more = f", and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            self._print(f"missing for {verdict.next.word}: {', '.join(lacking[:_SHOWN])}{more}")

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def listed(checks: Mapping[str, Check]) -> str:
    """Return the catalogue as text, one line for each check."""
    return "\n".join(f"{check.id:8} {check.level.word:8} {check.title}" for check in checks.values())


def _first(message: str) -> str:
    text = message.split("\n")[0]
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
