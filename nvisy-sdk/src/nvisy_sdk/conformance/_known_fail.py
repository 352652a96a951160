"""Checks that are known to fail: strict, matched by message, and only for a time.

A known failure that passes, that fails for another reason, or that has expired is an ordinary failure again.
"""

import difflib
import re
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Literal

from ._outcome import Outcome, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFail:
    """One entry of `[tool.nvisy.conformance.known-fail]`.

    Args:
        kind: `service` when the system cannot do it, which blocks gold only; `plugin` when the provider does not do it
            yet, which blocks the check's level.
        mechanism: Why it fails, for the report.
        match: A regular expression that the check's message matches.
        expires: The last day on which it is known.
        issue: Where it is followed up.
    """

    kind: Literal["service", "plugin"]
    mechanism: str
    match: str
    expires: date
    issue: str | None = None

    @classmethod
    def read(cls, entry: object) -> "tuple[KnownFail | None, list[str]]":
        """Return the entry that a TOML table holds, or None with a sentence for each mistake in it."""
        if not isinstance(entry, dict):
            return None, ["it is not a table"]
        names = [each.name for each in fields(cls)]
        problems = [_unknown(name, names) for name in entry if name not in names]
        if entry.get("kind") not in ("service", "plugin"):
            problems.append('`kind` must be "service" or "plugin"')
        problems += [f"`{name}` is missing or no text" for name in ("mechanism", "match") if not _text(entry.get(name))]
        if _text(entry.get("match")):
            try:
                re.compile(str(entry["match"]))
            except re.error as err:
                problems.append(f"`match` is no regular expression: {err}")
        expires, problem = _day(entry.get("expires"))
        issue = entry.get("issue")
        if issue is not None and not _text(issue):
            problems.append("`issue` is no text")
        if problem:
            problems.append(problem)
        if problems or expires is None:
            return None, problems
        return cls(
            kind=entry["kind"], mechanism=entry["mechanism"], match=entry["match"], expires=expires, issue=issue
        ), []


def judge_known(result: Result, known: KnownFail | None, today: date) -> Result:
    """Return a check's line as it counts, given what is known about the check."""
    if known is None:
        return result
    if result.outcome.counts:
        return replace(result, outcome=Outcome.FAIL, message="it is listed as known-fail but passes; remove the entry")
    if result.outcome is not Outcome.FAIL:
        return result
    if today > known.expires:
        return replace(result, message=f"its known-fail expired on {known.expires}: {result.message}")
    if not re.search(known.match, result.message):
        return replace(
            result, message=f"it fails otherwise than its known-fail says (`{known.match}`): {result.message}"
        )
    return replace(result, outcome=Outcome.KNOWN_FAIL)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _day(value: object) -> tuple[date | None, str | None]:
    # A TOML date is a `date`; an author may as well write it as a text.
    if type(value) is date:
        return value, None
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None, None if isinstance(
            value, str
        ) else _NO_DAY
    except ValueError:
        return None, _NO_DAY


_NO_DAY = "`expires` is missing or no day; write the last day it is known, as in 2027-03-01"


def _unknown(name: object, names: list[str]) -> str:
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f"there is no key `{name}`; " + (
        f"did you mean `{near[0]}`?" if near else f"the keys are {', '.join(f'`{key}`' for key in names)}"
    )
