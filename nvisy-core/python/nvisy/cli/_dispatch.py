"""From arguments to a command, and from whatever it raises to an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from nvisy._errors import DefinitionError, EngineError
from nvisy.cli._exit import Exit
from nvisy.cli._output import Output
from nvisy.cli._parser import ELSEWHERE, parser

__all__ = ["dispatch"]


def dispatch(arguments: Sequence[str]) -> int:
    """Parse `arguments`, run the command, and say what went wrong, if anything did."""
    if arguments and arguments[0] in ELSEWHERE:
        from nvisy.cli._elsewhere import start

        return start(arguments[0], arguments[1:])
    options = parser().parse_args(arguments)
    if options.command is None:
        if not options.version:
            parser().print_help(sys.stderr)
            return Exit.BAD_INPUT
        from nvisy import _core

        print(f"nvisy {_core.version()}")
        return Exit.SUCCESS
    output = Output(as_json=options.json)
    # A polite end is the same wish as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(options, output)
    except BrokenPipeError:
        # The reader of our output is gone; the interpreter must not complain about that at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.SUCCESS
    except KeyboardInterrupt:
        output.say("cancelled")
        _without_run(options, output, "cancelled")
        return Exit.CANCELLED


def _run(options: argparse.Namespace, output: Output) -> int:
    command = importlib.import_module(f"nvisy.cli._{options.command}")
    try:
        return int(command.main(options, output))
    except DefinitionError as error:
        output.problems(error.problems)
        _without_run(options, output, "invalid", problems=[problem._asdict() for problem in error.problems])
        return Exit.BAD_INPUT
    except EngineError as error:
        output.failure(error.failure)
        _without_run(options, output, "failed", error=error.failure.to_dict())
        return _code(error.failure.kind)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost border: every exception becomes an exit code
        operation = getattr(error, "nvisy_operation", None)
        if operation is not None:
            from nvisy._outcome import Failure

            failure = Failure.of(error, operation)
            output.failure(failure)
            _without_run(options, output, "failed", error=failure.to_dict())
            return Exit.BAD_INPUT if failure.kind == "invalid_config" else Exit.PROVIDER
        output.fault(error)
        _without_run(options, output, "failed", error={"kind": "internal", "message": str(error)})
        return Exit.INTERNAL


def _code(kind: str) -> Exit:
    """The exit code of what the engine refused before there was a run."""
    if kind in ("conflict", "invalid_config"):
        return Exit.BAD_INPUT
    return Exit.INTERNAL if kind == "internal" else Exit.PROVIDER


def _without_run(options: argparse.Namespace, output: Output, status: str, **more: object) -> None:
    """With ``--json`` something is printed also when no run came about."""
    if not output.as_json:
        return
    if options.command in ("run", "copy"):
        none = {"read": 0, "written": 0, "rejected": 0, "filtered": 0, "seconds": 0.0}
        output.result({"run_id": None, "status": status, **none, "resumed": False, "guarantee": None, **more})
    else:
        output.result({"status": status, **more})
