"""The command line: `python -m benchmarks run` measures and writes a result, `python -m benchmarks render FILE` the document."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from pathlib import Path

from benchmarks import document, environments
from benchmarks.comparison import Order, compare, unknown
from benchmarks.settings import DOCUMENTS, RESULTS, ROOT, ROWS, RUNS, SHORT_DOCUMENTS, SHORT_ROWS, TIMEOUT
from benchmarks.works import WORKS

# Taking part in the short form. The other peers take minutes where these take seconds; so does the work of the long form.
QUICK = ("dlt", "glue", "ingestr", "sling")
LONG = ("W1x10",)


def main() -> int:
    """Do what the arguments say; 0 when it could be done, whatever the figures are."""
    given = _arguments(sys.argv[1:])
    if given.verb == "render":
        for path in document.write(given.file, given.to):
            print(path)
        return 0
    # The server is to end with us, however we are asked to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    order = _order(given)
    wrong = unknown(order.works, WORKS) + unknown(order.peers, environments.names())
    if wrong:
        print(f"there is no {', '.join(wrong)}", file=sys.stderr)
        return 2
    print(compare(order, RESULTS))
    return 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="build the data, install the peers, measure, and write a result")
    run.add_argument("--short", action="store_true", help="a fifth of the data and the quick peers, in minutes")
    run.add_argument("--works", type=_names, help=f"such as W1,W3; all of {','.join(WORKS)}")
    run.add_argument("--peers", type=_names, help=f"such as dlt,glue; of {','.join(environments.names())}")
    run.add_argument("--rows", type=int, help=f"how many rows instead of {ROWS:,}")
    run.add_argument("--documents", type=int, help=f"how many documents instead of {DOCUMENTS:,}")
    run.add_argument("--runs", type=int, default=RUNS, help="how often each contender runs")
    run.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds after which a run is ended")
    run.add_argument("--ours", type=Path, help="measure this environment of ours instead of a release build")
    run.add_argument("--work", type=Path, default=ROOT / ".bench", help="where everything is kept")
    run.add_argument("--out", type=Path, help="where the result goes instead of benchmarks/results/")
    render = verbs.add_parser("render", help="make the document and its charts from a result")
    render.add_argument("file", type=Path)
    render.add_argument("--to", type=Path, default=ROOT / "docs", help="the folder of benchmarks.md")
    return parser.parse_args(arguments)


def _order(given: argparse.Namespace) -> Order:
    """The arguments, with what the form says where they say nothing."""
    # A folder of this machine helps nobody: its last name says what it was.
    shown = [Path(each).name if each.startswith("/") else each for each in sys.argv[1:]]
    rows = given.rows or (SHORT_ROWS if given.short else ROWS)
    return Order(
        command=f"python -m benchmarks {shlex.join(shown)}",
        short=given.short,
        works=given.works or tuple(name for name in WORKS if not given.short or name not in LONG),
        peers=given.peers if given.peers is not None else QUICK if given.short else tuple(environments.names()),
        rows=rows,
        documents=given.documents or min(rows, SHORT_DOCUMENTS if given.short else DOCUMENTS),
        runs=given.runs,
        timeout=given.timeout,
        ours=given.ours,
        work=given.work,
        out=given.out,
    )


def _names(text: str) -> tuple[str, ...]:
    """A list with commas."""
    return tuple(name for name in text.split(",") if name)


if __name__ == "__main__":
    sys.exit(main())
