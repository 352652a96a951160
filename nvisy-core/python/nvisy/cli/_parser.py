"""What may be typed."""

from __future__ import annotations

import argparse

from nvisy.cli._exit import Exit

__all__ = ["ELSEWHERE", "parser"]

ELSEWHERE = {
    "check": "run the conformance kit on a provider",
    "new": "make the package of a new provider from the template",
}
"""Commands of the SDK that are started from here too; they read their own arguments."""

_COPY = """\
Each URI names a provider by its scheme; the rest fills the provider's parameters, and so does the query, where lists are
comma-separated and nested values are JSON. The target gets the source's table name, key and column types unless its URI
says otherwise. Rows with a key are upserted; without one the target is replaced (or give mode=append).

When records go to objects the target URI says how to encode them (format=csv|jsonl|parquet|arrow, compression=gzip|zstd,
rows=, bytes=, name=, level=); objects are decoded by their extensions, or as the source URI says (format=, compression=,
columns=, header=, delimiter=, null=). Objects are copied as they are when neither side says anything.

A password belongs into the environment: 'scheme://user:${env:PASSWORD}@host/...' in single quotes.
"""

_PROVIDERS = """\
No plugin is imported: providers are known from their manifests, and what an import shows from the last `nvisy doctor`.
"""

_DOCTOR = """\
Each plugin is imported in a process of its own, two at a time, and its state is remembered for `nvisy providers`. Reported
are hangs, crashes, errors with their tracebacks, side effects of the import, its time, and a manifest that is out of date.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    codes = "\n".join(f"  {code.value}  {code.meaning}" for code in Exit)
    top = argparse.ArgumentParser(
        prog="nvisy",
        description="Move data between systems, resumably, with a ledger that must balance.",
        epilog=f"exit codes:\n{codes}\n\nState lives under $NVISY_HOME, else $XDG_STATE_HOME/nvisy, else ~/.local/state/nvisy.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("-V", "--version", action="store_true", help="print the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    _plugins(commands)

    plan = _command(commands, "plan", "show what a workflow would do; nothing connects")
    plan.add_argument("workflow", metavar="FILE", help="a workflow, YAML or JSON")

    run = _command(commands, "run", "run a workflow from its committed position")
    run.add_argument("workflow", metavar="FILE", help="a workflow, YAML or JSON")
    run.add_argument("--full", action="store_true", help="start over instead of continuing")
    _quiet(run)

    copy = _command(commands, "copy", "copy one stream from one system to another", _COPY)
    copy.add_argument("source", metavar="SOURCE_URI")
    copy.add_argument("target", metavar="TARGET_URI")
    where = copy.add_mutually_exclusive_group()
    where.add_argument("--fresh", action="store_true", help="start over even if an interrupted copy can be resumed")
    where.add_argument("--incremental", action="store_true", help="continue after the end of the last copy")
    _quiet(copy)

    runs = _command(commands, "runs", "list past runs, or show one")
    runs.add_argument("run_id", metavar="ID", nargs="?", help="the run to show")
    runs.add_argument("--limit", type=int, default=20, metavar="N", help="how many to list (20)")

    for name, summary in ELSEWHERE.items():
        commands.add_parser(name, help=summary, add_help=False)
    return top


def _plugins(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _command(commands, "providers", "list the installed providers, and what is wrong with any of them", _PROVIDERS)
    doctor = _command(
        commands, "doctor", "try plugins out in processes of their own, and say all that is wrong", _DOCTOR
    )
    doctor.add_argument("names", metavar="NAME", nargs="*", help="a provider, hooks or a distribution (all)")
    doctor.add_argument("--timeout", type=float, metavar="SECONDS", help="how long one import may take (10)")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="print the result as JSON, on one line")
    return command


def _quiet(command: argparse.ArgumentParser) -> None:
    command.add_argument("-q", "--quiet", action="store_true", help="show no progress")
