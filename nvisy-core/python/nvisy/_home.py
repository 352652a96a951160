"""Where state lives: ``NVISY_HOME``, else the XDG state folder. Nothing is created here."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home_folder"]


def home_folder(home: str | Path | None = None) -> Path:
    """The folder of all state.

    Args:
        home: An explicit choice; it wins over the environment.
    """
    if home is not None:
        return Path(home).expanduser().absolute()
    chosen = os.environ.get("NVISY_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    # The XDG specification says that a relative path in XDG_STATE_HOME is invalid and must be ignored.
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / "nvisy"
