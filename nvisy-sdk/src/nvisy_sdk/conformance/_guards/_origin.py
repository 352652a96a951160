"""Whose code is it? Only what the provider's own code does, or has done, is blamed on the provider."""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Final

ASYNCIO: Final = str(Path(asyncio.__file__).parent) + os.sep
"""The folder of asyncio's own code."""

_BASE: Final = "_watch.py"  # frames below the watch belong to whoever runs the kit


class Origin:
    """Tells the provider's code from everybody else's.

    Args:
        folders: Folders whose code is the provider's.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._prefixes = tuple(str(folder) + os.sep for folder in folders)
        self._known: dict[str, bool] = {}

    def owns(self, file: str) -> bool:
        """Whether a file of code is the provider's."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = file.startswith(self._prefixes) if self._prefixes else False
        return known

    def on_stack(self, frame: FrameType | None = None) -> str | None:
        """Return the innermost place of the provider's code on the calling stack, or None."""
        for each in self.above(frame or sys._getframe(1)):
            if self.owns(each.f_code.co_filename):
                return place(each.f_code, each.f_lineno)
        return None

    def calls(self, frame: FrameType | None) -> str | None:
        """Return the place of the provider's code that made a call, not counting asyncio's own; None when it was not the provider."""
        for each in self.above(frame):
            file = each.f_code.co_filename
            if not file.startswith(ASYNCIO):
                return place(each.f_code, each.f_lineno) if self.owns(file) else None
        return None

    def above(self, frame: FrameType | None) -> Iterator[FrameType]:
        """Yield the frames from the innermost one out to the watch."""
        base = str(Path(__file__).parent / _BASE)
        while frame is not None and frame.f_code.co_filename != base:
            yield frame
            frame = frame.f_back

    def in_traceback(self, traceback: TracebackType | None) -> str | None:
        """Return the innermost place of the provider's code in a traceback, or None."""
        found = None
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if self.owns(code.co_filename):
                found = place(code, traceback.tb_lineno)
            traceback = traceback.tb_next
        return found


def place(code: CodeType, line: int) -> str:
    """Return a short name for a place in the code."""
    return f"{Path(code.co_filename).name}:{line} in {code.co_qualname}"
