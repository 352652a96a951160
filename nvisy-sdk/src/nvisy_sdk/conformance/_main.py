"""`python -m nvisy_sdk conform NAME`: run the kit over an installed provider, in a process of its own.

Exit codes: 0 the level was reached; 1 it was not, or a report or table is not in order; 2 the command, the settings or the
harness are wrong; 3 only some checks were asked for, so there is no verdict.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ._check import catalogue
from ._console import Console, listed
from ._extra import tell
from ._junit import write_junit
from ._outcome import HarnessFailed
from ._plan import Verdict
from ._report import REPORT_FILE, difference, make_report, read_report, verify, write_report
from ._settings import Settings, SettingsError, load_settings, parse_level
from ._subject import Subject
from ._table import TableError, table_is_current, write_table
from ._trial import Trial, load_harness, selected

REACHED: Final = 0
NOT_REACHED: Final = 1
UNUSABLE: Final = 2
NO_VERDICT: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        if options.list:
            print(listed(catalogue()))
            return REACHED
        if options.diff:
            return _diff(*map(Path, options.diff))
        if options.verify:
            return _verify(Path(options.verify))
        return _conform(options)
    except (SettingsError, HarnessFailed, TableError, LookupError, ValueError, OSError) as err:
        for line in str(err.args[0] if isinstance(err, LookupError) else err).splitlines():
            print(f"failed to check the provider: {line}", file=sys.stderr)
        return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nvisy_sdk conform",
        description="Check that an installed provider keeps what the protocols promise.",
        epilog="exit codes: 0 level reached, 1 not reached, 2 usage or harness, 3 partial run without a verdict",
    )
    add = parser.add_argument
    add("name", nargs="?", help="the provider's name, as in its entry point")
    add("--project", default=".", metavar="DIR", help="folder of the project, with pyproject.toml and the harness")
    add("--harness", metavar="MODULE:CLASS", help="the harness; overrides the settings")
    add("--level", metavar="LEVEL", help="loadable, bronze, silver or gold; overrides the settings")
    add("--only", nargs="+", default=[], metavar="ID", help="run these checks or families, without a verdict")
    add("--seed", type=int, help="what the data is made from; random when absent")
    add("--report", metavar="FILE", help=f"write the report, such as {REPORT_FILE}")
    add("--junit", metavar="FILE", help="write the report as JUnit XML")
    add("--table", metavar="README", help="write the support table between the markers of that file")
    add("--check", action="store_true", help="with --table: compare instead of writing")
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--list", action="store_true", help="print the catalogue")
    others.add_argument("--diff", nargs=2, metavar=("OLD", "NEW"), help="compare two reports")
    others.add_argument("--verify", metavar="REPORT", help="see whether a report is as it was written")
    return parser


def _conform(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if settings.provider is None:
        raise ValueError("no provider is named; write its name behind `conform`")
    if settings.harness is None:
        raise ValueError(
            'no harness is named; add `harness = "tests.harness:Harness"` under [tool.nvisy.conformance], or --harness'
        )
    subject = Subject.installed(settings.provider)
    trial = Trial(subject, settings, load_harness(settings.harness, settings))
    if options.seed is not None:
        trial.seed = options.seed
    console = Console(sys.stdout, name=subject.name, seed=trial.seed)
    trial.listener = console.line
    started = time.monotonic()
    partial = bool(options.only)
    try:
        trial.open()
        trial.run(selected(list(trial.checks.values()), options.only) if partial else trial.checks.values())
    finally:
        trial.close()
    verdict = trial.verdict()
    report = make_report(trial, verdict, partial=partial)
    console.end(report, verdict, time.monotonic() - started)
    current = _written(options, report)
    tell(report)
    return _code(verdict, trial, partial=partial, current=current)


def _code(verdict: Verdict, trial: Trial, *, partial: bool, current: bool) -> int:
    if partial:
        good = not trial.objections and all(result.outcome.counts for result in trial.results.values())
        return NO_VERDICT if good else NOT_REACHED
    return REACHED if verdict.good and current else NOT_REACHED


def _settings(options: argparse.Namespace) -> Settings:
    settings = load_settings(Path(options.project))
    return replace(
        settings,
        provider=options.name or settings.provider,
        harness=options.harness or settings.harness,
        level=parse_level(options.level) if options.level else settings.level,
    )


def _written(options: argparse.Namespace, report: dict[str, object]) -> bool:
    """Write what was asked for and return whether the table, where it was only to be compared, is current."""
    if options.report:
        write_report(report, Path(options.report))
    if options.junit:
        write_junit(report, Path(options.junit))
    if not options.table:
        return True
    path = Path(options.table)
    if not options.check:
        write_table(report, path)
        return True
    if table_is_current(report, path):
        return True
    print(f"the support table of {path.name} is not current; run the same command without --check", file=sys.stderr)
    return False


def _diff(old: Path, new: Path) -> int:
    lines, lost = difference(read_report(old), read_report(new))
    print("\n".join(lines) or "no difference")
    return NOT_REACHED if lost else REACHED


def _verify(path: Path) -> int:
    problems = verify(read_report(path))
    print("\n".join(problems) or "the report is as it was written; only another run proves what it says")
    return NOT_REACHED if problems else REACHED
