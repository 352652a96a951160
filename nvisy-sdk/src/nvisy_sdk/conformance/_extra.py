"""What other packages bring through the SDK's hooks: checks of their own, and a look at the report.

Hooks are part of the installation that runs the kit. Without pluggy's group of entry points there are none, and a hook that
fails is reported as an objection: a run that lost somebody's checks is not the run that was asked for.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from ..hooks import Hooks, hook_sources
from ._check import check

# A distribution that cannot even be read, or a misspelt hook, says nothing about anybody's checks.
_LOST = ("import_failed", "bad_hook", "failed_hook")


@cache
def _hooks() -> Hooks:
    hooks = Hooks()
    sources, problems = hook_sources()
    hooks.load(sources)
    hooks.problems.extend(problems)
    hooks.conformance_checks(check)
    return hooks


def add_checks() -> list[str]:
    """Let hooks enter their checks into the catalogue, once in a process; return a sentence for each that cannot."""
    return [problem.line() for problem in _hooks().problems if problem.code in _LOST]


def tell(report: Mapping[str, Any]) -> None:
    """Show the finished report to every hook that wants it."""
    _hooks().conformance_report(report)
