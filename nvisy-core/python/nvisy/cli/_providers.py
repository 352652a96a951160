"""``nvisy providers``: what is installed, and everything that is wrong with it. Broken plugins never make it fail.

No provider is imported for this, and no process started; what an import shows is remembered from ``nvisy doctor``.
"""

from __future__ import annotations

import argparse

from nvisy._home import home_folder
from nvisy._hooks import with_hooks
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.discovery import Discovery, Problem, ProviderInfo, discover

__all__ = ["main", "problem_values", "say_problem"]

_NAMED = 8
"""Untried providers that are called by name; when there are more, nobody would type them."""


def main(options: argparse.Namespace, output: Output) -> Exit:
    """List them."""
    found, hooks = with_hooks(discover(home=home_folder(), verdicts=True))
    output.redact(hooks.redactor)
    if output.as_json:
        providers = [_provider_values(info, tried=info.name not in found.untried) for info in found.providers]
        output.result({"providers": providers, "problems": [problem_values(problem) for problem in found.problems]})
    else:
        _print(found, output)
    return Exit.SUCCESS


def _provider_values(info: ProviderInfo, *, tried: bool) -> dict[str, object]:
    return {
        "name": info.name,
        "title": info.title,
        "distribution": info.distribution,
        "version": info.version,
        "category": info.category,
        "kinds": info.kinds,
        "abilities": info.abilities,
        "modes": info.modes,
        "schemes": info.schemes,
        "entry_point": info.reference,
        "protocol": info.protocol,
        "tried": tried,
    }


def problem_values(problem: Problem) -> dict[str, object]:
    """A problem as JSON values."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "distribution": problem.distribution,
        "version": problem.version,
        "entry_point": problem.entry_point,
        "message": problem.message,
        "hint": problem.hint,
    }


def say_problem(problem: Problem, output: Output, *, indent: str = "") -> None:
    """A problem for a person."""
    entry = f", entry point {problem.entry_point}" if problem.entry_point else ""
    version = f" {problem.version}" if problem.version else ""
    who = f"{problem.distribution}{version}{entry}"
    output.line(f"{indent}{problem.severity}: {who}: {problem.message} [{problem.code}]")
    output.line(f"{indent}  hint: {problem.hint}")


def _print(found: Discovery, output: Output) -> None:
    if found.providers:
        heads = ("NAME", "CATEGORY", "ABILITIES", "URI", "DISTRIBUTION")
        output.table(heads, [_row(info) for info in found.providers])
    else:
        output.line("no provider can be used; install one, such as with: pip install nvisy-plugin-NAME")
    untried = sorted({info.name for info in found.providers} & found.untried)
    if untried:
        several = len(untried) > _NAMED
        names = f"{len(untried)} providers" if several else ", ".join(untried)
        command = "nvisy doctor" if several else f"nvisy doctor {' '.join(untried)}"
        output.line()
        output.line(f"{names}: not tried yet; run {command}")
    if not found.problems:
        return
    count = len(found.problems)
    output.line()
    output.line(f"{count} {'problem' if count == 1 else 'problems'}:")
    for problem in found.problems:
        say_problem(problem, output)


def _row(info: ProviderInfo) -> tuple[str, ...]:
    schemes = ", ".join(f"{scheme}://" for scheme in info.schemes)
    return info.name, info.category, ", ".join(info.abilities), schemes, f"{info.distribution} {info.version}"
