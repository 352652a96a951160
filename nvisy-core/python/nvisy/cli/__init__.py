"""The command line. One module per command; ``_parser`` says what may be typed, ``_output`` how things are printed.

Results go to standard output, everything else to standard error. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; ``sys.argv`` when ``None``.

    Returns:
        The exit code, one of `nvisy.cli._exit.Exit`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"]):
        from nvisy import _core

        print(f"nvisy {_core.version()}")
        return 0
    from nvisy.cli._dispatch import dispatch

    return dispatch(arguments)
