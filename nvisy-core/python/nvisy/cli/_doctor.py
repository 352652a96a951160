"""``nvisy doctor``: try plugins out, and say everything that can be said about them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

from nvisy._errors import DefinitionError, DefinitionProblem
from nvisy._home import home_folder
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._providers import problem_values, say_problem
from nvisy.discovery import Problem
from nvisy.discovery._doctor import Diagnosis, Report, diagnose
from nvisy.discovery._probe import seconds_per_plugin

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """Examine them."""
    limit = seconds_per_plugin() if options.timeout is None else options.timeout
    if not limit > 0:
        raise DefinitionError([DefinitionProblem("timeout", None, "--timeout must be more than 0")])
    report = diagnose(options.names, home=home_folder(), limit=limit, ended=_counter(output))
    if report.unknown:
        raise DefinitionError([_unknown(name) for name in report.unknown])
    if output.as_json:
        output.result(_values(report))
    else:
        _print(report, output)
    return Exit.SUCCESS if report.healthy else Exit.PROVIDER


def _counter(output: Output) -> Callable[[int, int], None]:
    """Shows on a terminal how many imports are done."""
    live = sys.stderr.isatty() and not output.as_json

    def show(done: int, total: int) -> None:
        if live:
            sys.stderr.write("\r\x1b[K" if done == total else f"\r\x1b[K{done} of {total} plugins")
            sys.stderr.flush()

    return show


def _unknown(name: str) -> DefinitionProblem:
    message = f"nothing installed is called `{name}`"
    return DefinitionProblem("unknown_plugin", None, message, "`nvisy providers` lists what is installed")


def _values(report: Report) -> dict[str, object]:
    return {
        "healthy": report.healthy,
        "environment": report.environment,
        "plugins": [_plugin_values(plugin) for plugin in report.plugins],
        "problems": [problem_values(problem) for problem in report.problems],
    }


def _plugin_values(plugin: Diagnosis) -> dict[str, object]:
    return {
        "name": plugin.name,
        "kind": plugin.kind,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "entry_point": plugin.reference,
        "usable": plugin.usable,
        "import_seconds": plugin.seconds,
        "heaviest": [{"package": package, "seconds": seconds} for package, seconds in plugin.heaviest],
        "printed": plugin.printed,
        "optional": [{"requirement": requirement, "extra": extra} for requirement, extra in plugin.optional],
        "pin": plugin.pin,
        "problems": [{**problem_values(problem), "detail": detail} for problem, detail in plugin.problems],
    }


def _print(report: Report, output: Output) -> None:
    width = max(len(name) for name in report.environment)
    for name, value in report.environment.items():
        output.line(f"{name.ljust(width)}  {value}")
    for plugin in report.plugins:
        output.line()
        _print_plugin(plugin, output)
    if report.problems:
        output.line()
        _print_problems(((problem, "") for problem in report.problems), output)
    output.line()
    bad = sum(not plugin.usable for plugin in report.plugins)
    count = f"{len(report.plugins)} {'plugin' if len(report.plugins) == 1 else 'plugins'}"
    output.line(f"{count}, {f'{bad} cannot be used' if bad else 'all can be used'}")


def _print_plugin(plugin: Diagnosis, output: Output) -> None:
    kind = "hooks " if plugin.kind == "hooks" else ""
    state = "cannot be used" if not plugin.usable else "ok, but" if plugin.problems else "ok"
    output.line(f"{kind}{plugin.name} ({plugin.distribution} {plugin.version}): {state}")
    if plugin.seconds is not None:
        most = ", ".join(f"{package} {seconds:.2f} s" for package, seconds in plugin.heaviest if seconds >= 0.005)
        output.line(f"  imported in {plugin.seconds:.2f} s{f', of which {most}' if most else ''}")
    _print_problems(plugin.problems, output)
    if plugin.printed:
        output.line("  printed:")
        _indented(plugin.printed, output)
    for requirement, extra in plugin.optional:
        output.line(f"  not installed, for its extra `{extra}`: {requirement}")


def _print_problems(problems: Iterable[tuple[Problem, str]], output: Output) -> None:
    for problem, detail in problems:
        say_problem(problem, output, indent="  ")
        if detail:
            _indented(detail, output)


def _indented(text: str, output: Output) -> None:
    for line in text.rstrip().splitlines():
        output.line(f"  | {line}")
