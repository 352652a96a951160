"""``nvisy copy``: copy one stream, named by two URIs."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from nvisy._api import copy_start
from nvisy._copy import prepare
from nvisy._copy._uri import passwords
from nvisy._errors import EngineError
from nvisy._session import open_session
from nvisy.cli._execute import execute
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._progress import Progress

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """Copy it."""
    # What looks like a password is hidden before anything is understood, so that no error text can show it.
    output.hide(passwords(options.source))
    output.hide(passwords(options.target))
    start = copy_start(fresh=options.fresh, incremental=options.incremental)
    base = Path.cwd()
    session = open_session()
    output.redact(session.hooks.redactor)
    copy = prepare(session, options.source, options.target, start=start, base=base)
    output.hide(copy.secrets)
    output.problems(copy.notes)
    progress = Progress(output, quiet=options.quiet, total=copy.info.rows)
    text, told = json.dumps(copy.definition), frozenset({"literal_secret"})
    try:
        return execute(session, text, base, start=start, output=output, progress=progress, hidden=told)
    except EngineError as error:
        # The engine speaks of workflows; a copy starts over by another option.
        hint = error.failure.hint and error.failure.hint.replace("--full", "--fresh")
        raise EngineError(replace(error.failure, hint=hint)) from None
