"""``nvisy run``: run a workflow from its committed position."""

from __future__ import annotations

import argparse

from nvisy._api import read_workflow
from nvisy._session import Start, open_session
from nvisy.cli._execute import execute
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._progress import Progress

__all__ = ["main"]


def main(options: argparse.Namespace, output: Output) -> Exit:
    """Run it."""
    text, base = read_workflow(options.workflow)
    progress = Progress(output, quiet=options.quiet)
    start: Start = "full" if options.full else "continue"
    return execute(open_session(), text, base, start=start, output=output, progress=progress)
