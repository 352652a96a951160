"""Keeps `python -m nvisy_sdk` apart from broken packages that have nothing to do with it. The standard library alone.

While Pydantic makes its first model it asks for the entry points of everything installed, looking for plugins of its own;
one malformed `entry_points.txt` anywhere makes that raise. Importing this module, before any model, switches those
plugins off where one of the installed distributions would break them, and only when the process is the SDK's own command:
a library has no business changing the environment of a program that imports it.
"""

import itertools
import os
import sys
from collections.abc import Sequence
from importlib import metadata

_SWITCH = "PYDANTIC_DISABLE_PLUGINS"


def is_our_command(arguments: Sequence[str], name: str) -> bool:
    """Return whether the interpreter was started with `-m name`. `arguments` are those of `sys.orig_argv`."""
    return ("-m", name) in itertools.pairwise(arguments) or f"-m{name}" in arguments


def entry_points_are_broken() -> bool:
    """Return whether asking for the entry points of everything installed raises."""
    try:
        metadata.entry_points()
    except Exception:  # noqa: BLE001 - whatever it raises here it would raise in Pydantic
        return True
    return False


if (
    is_our_command(sys.orig_argv, __name__.partition(".")[0])
    and _SWITCH not in os.environ
    and entry_points_are_broken()
):
    os.environ[_SWITCH] = "__all__"
