"""``nvisy providers``: what is installed, and everything that is wrong with it. Broken plugins never make it fail."""

from __future__ import annotations

import argparse

from nvisy._home import home_folder
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.discovery import Discovery, Problem, ProviderInfo, discover

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """List them."""
    found = discover(home=home_folder(), imports="all" if options.check else "unknown")
    if output.as_json:
        output.result(
            {"providers": [_provider(i) for i in found.providers], "problems": [_problem(p) for p in found.problems]}
        )
    else:
        _print(found, output)
    return Exit.SUCCESS


def _provider(info: ProviderInfo) -> dict[str, object]:
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
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "distribution": problem.distribution,
        "version": problem.version,
        "entry_point": problem.entry_point,
        "message": problem.message,
        "hint": problem.hint,
    }


def _print(found: Discovery, output: Output) -> None:
    if found.providers:
        heads = ("NAME", "CATEGORY", "ABILITIES", "URI", "DISTRIBUTION")
        output.table(heads, [_row(info) for info in found.providers])
    else:
        output.line("no provider can be used; install one, such as with: pip install nvisy-plugin-NAME")
    if not found.problems:
        return
    count = len(found.problems)
    output.line()
    output.line(f"{count} {'problem' if count == 1 else 'problems'}:")
    for problem in found.problems:
        entry = f", entry point {problem.entry_point}" if problem.entry_point else ""
        version = f" {problem.version}" if problem.version else ""
        output.line(f"{problem.severity}: {problem.distribution}{version}{entry}: {problem.message} [{problem.code}]")
        output.line(f"  hint: {problem.hint}")


def _row(info: ProviderInfo) -> tuple[str, ...]:
    schemes = ", ".join(f"{scheme}://" for scheme in info.schemes)
    return info.name, info.category, ", ".join(info.abilities), schemes, f"{info.distribution} {info.version}"
