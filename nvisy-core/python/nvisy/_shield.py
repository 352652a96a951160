"""Keeps Pydantic, which every plugin needs, apart from broken packages that have nothing to do with either.

While it makes its first model, Pydantic asks for the entry points of everything installed, looking for plugins of its
own; one malformed ``entry_points.txt`` anywhere makes that raise, and no module with a model can be imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from nvisy.discovery import Problem

__all__ = ["shield"]

_SWITCH = "PYDANTIC_DISABLE_PLUGINS"
_CONTAGIOUS = {"malformed_entry_points", "unreadable_entry_points", "missing_metadata", "unreadable_distribution"}


def shield(problems: Iterable[Problem]) -> None:
    """Switch Pydantic's own plugins off where one of the installed distributions would break them, and only there."""
    if any(problem.code in _CONTAGIOUS for problem in problems):
        os.environ.setdefault(_SWITCH, "__all__")
