"""``nvisy plan``: what a workflow would do, before anything connects."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from nvisy._api import read_workflow
from nvisy._session import open_session, problems_of
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """Show it."""
    text, base = read_workflow(options.workflow)
    session = open_session()
    output.redact(session.hooks.redactor)
    plan = session.plan(text, base)
    if output.as_json:
        output.result(plan)
        return Exit.SUCCESS
    output.line(f"workflow {plan['workflow']}")
    modes = {sink["id"]: sink["mode"] for sink in plan["sinks"]}
    providers = {node["id"]: node["provider"] for node in (*plan["sources"], *plan["sinks"])}
    for path in plan["paths"]:
        output.line()
        output.line(f"  {_chain(path['edges'], providers, modes)}")
        output.line(f"    {_words(path['guarantee'])}: {path['why']}")
    output.line()
    output.line(f"guarantee: {_words(plan['guarantee'])}; refused items allowed: {plan['max_rejects']}")
    output.problems(problems_of(plan["warnings"]))
    return Exit.SUCCESS


def _chain(edges: Sequence[Mapping[str, Any]], providers: Mapping[str, str], modes: Mapping[str, str]) -> str:
    """``a (sqlite) --record--> b --object--> c (files, upsert)``."""

    def shown(node: str) -> str:
        about = [word for word in (providers.get(node), modes.get(node)) if word]
        return f"{node} ({', '.join(about)})" if about else node

    steps = "".join(f" --{edge['kind'] or 'any'}--> {shown(edge['to'])}" for edge in edges)
    return f"{shown(edges[0]['from'])}{steps}"


def _words(guarantee: str) -> str:
    return guarantee.replace("_", " ")
