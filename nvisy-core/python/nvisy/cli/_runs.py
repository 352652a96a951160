"""``nvisy runs``: what ran, and how it ended."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nvisy._errors import DefinitionError, DefinitionProblem
from nvisy._outcome import Outcome
from nvisy._session import open_session
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._summary import summarise

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """List them, or show one."""
    engine = open_session(providers=False).engine
    if options.run_id is not None:
        text = engine.run(options.run_id)
        if text is None:
            message = f"there is no run `{options.run_id}` in this home"
            raise DefinitionError([DefinitionProblem("unknown_run", None, message, "`nvisy runs` lists them")])
        _show(json.loads(text), output)
        return Exit.SUCCESS
    if options.limit < 1:
        raise DefinitionError([DefinitionProblem("limit", None, "--limit must be 1 or more")])
    records = json.loads(engine.runs(options.limit))
    if output.as_json:
        output.result({"runs": records})
    elif records:
        output.table(("RUN", "WORKFLOW", "STARTED", "STATUS", "WRITTEN"), [_row(record) for record in records])
    else:
        output.line("nothing ran yet")
    return Exit.SUCCESS


def _show(record: Mapping[str, Any], output: Output) -> None:
    if output.as_json:
        output.result(record)
        return
    output.line(
        f"run {record['run_id']} of {record['workflow']}: {record['status']}, begun {_time(record['started_at'])}"
    )
    if record.get("outcome"):
        summarise(Outcome.parse(json.dumps(record["outcome"])), output)
        return
    for path, ledger in record["ledger"].items():
        output.line(f"  {path}: {', '.join(f'{count:,} {name}' for name, count in ledger.items())}")


def _row(record: Mapping[str, Any]) -> tuple[str, ...]:
    outcome = record.get("outcome") or {}
    written = outcome.get("written")
    if written is None:
        written = sum(ledger.get("written", 0) for ledger in record["ledger"].values())
    return record["run_id"], record["workflow"], _time(record["started_at"]), record["status"], f"{written:,}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
