"""What an import does besides defining things, seen from inside the process that imports.

It runs in a child process only: the audit hook it installs can never be taken out again.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Watch"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST = 20
"""Effects that are kept; an import that opens a thousand files is understood after twenty."""


def _socket(name: str) -> Callable[[tuple[Any, ...]], str | None]:
    def look(args: tuple[Any, ...]) -> str | None:
        return f"it uses the network: {name}({', '.join(repr(arg) for arg in args if not hasattr(arg, 'fileno'))})"

    return look


def _process(args: tuple[Any, ...]) -> str | None:
    return f"it starts a process: {str(args[0])[:80] if args else '?'}"


def _opened(args: tuple[Any, ...]) -> str | None:
    path, mode, flags = (*args, None, None, None)[:3]
    writes = bool(flags & _WRITING) if isinstance(flags, int) else any(c in str(mode) for c in "wax+")
    if not writes or isinstance(path, int) or str(path) == os.devnull or "__pycache__" in str(path):
        return None
    return f"it opens a file for writing: {_shown(path)}"


def _changed(name: str) -> Callable[[tuple[Any, ...]], str | None]:
    def look(args: tuple[Any, ...]) -> str | None:
        paths = [_shown(arg) for arg in args if isinstance(arg, str | bytes | os.PathLike)]
        return None if any("__pycache__" in path for path in paths) else f"it changes files: {name}({', '.join(paths)})"

    return look


_EVENTS: dict[str, Callable[[tuple[Any, ...]], str | None]] = {
    "open": _opened,
    **{
        f"socket.{name}": _socket(name)
        for name in ("bind", "connect", "getaddrinfo", "gethostbyaddr", "gethostbyname", "sendto")
    },
    **dict.fromkeys(
        ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"), _process
    ),
    **{
        f"os.{name}": _changed(name)
        for name in ("chmod", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate", "utime")
    },
}


class Watch:
    """Notes effects while it is on. Begin before the import, end after it, then read `effects`."""

    def __init__(self) -> None:
        self._noted: dict[str, None] = {}
        self._on = False
        self._state: dict[str, object] = {}
        sys.addaudithook(self._audit)

    def begin(self) -> None:
        """From now on every effect counts."""
        self._state = _state()
        self._on = True

    def end(self) -> None:
        """No effect counts any more; what is left of those before is compared with the beginning."""
        self._on = False
        for note in _differences(self._state, _state()):
            self._note(note)

    @property
    def effects(self) -> list[str]:
        """What was noted, each once, in order."""
        return list(self._noted)

    def _note(self, text: str) -> None:
        if len(self._noted) < _MOST:
            self._noted[text] = None

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        look = _EVENTS.get(event) if self._on else None
        if look is None:
            return
        self._on = False  # what is done here to describe it is no effect of the plugin
        try:
            text = look(args)
            if text is not None:
                self._note(f"{text}{_place(sys._getframe(1))}")
        except Exception:  # noqa: BLE001 - an audit hook that raises would change what the plugin does
            self._note(f"it causes the event {event}")
        finally:
            self._on = True


def _state() -> dict[str, object]:
    sys.stdout.flush()
    root = logging.getLogger()
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - a text to compare
        "handlers": [type(handler).__name__ for handler in root.handlers],
        "level": root.level,
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "policy": type(getattr(sys.modules.get("asyncio.events"), "_event_loop_policy", None)),
        "threads": set(sys._current_frames()),
        "printed": os.fstat(1).st_size,
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
    }


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    one, other = before["environment"], after["environment"]
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if names:
        yield f"it changes the environment: {', '.join(names)}"  # names alone: a value may be a secret
    if before["folder"] != after["folder"]:
        yield f"it changes the current folder to {after['folder']}"
    if before["handlers"] != after["handlers"]:
        yield f"it configures logging for everybody: the root logger has {', '.join(after['handlers']) or 'no handler'}"
    if before["level"] != after["level"]:
        yield f"it configures logging for everybody: the root logger's level is {logging.getLevelName(after['level'])}"
    changed = [number for number, found in after["signals"].items() if before["signals"].get(number) != found]
    if changed:
        yield f"it handles signals: {', '.join(sorted(getattr(number, 'name', str(number)) for number in changed))}"
    default = type(None), *_default_policies()
    if after["policy"] is not before["policy"] and after["policy"] not in default:
        yield f"it changes the event loop policy to {after['policy'].__name__}"
    threads = after["threads"] - before["threads"]
    if threads:
        named = sorted(thread.name for thread in threading.enumerate() if thread.ident in threads)
        yield f"it leaves {len(threads)} thread(s) running: {', '.join(named) or 'without a name'}"
    if after["printed"] > before["printed"]:
        yield "it prints to standard output"
    if before["hooks"] != after["hooks"]:
        yield "it handles everybody's uncaught exceptions"


def _default_policies() -> list[type]:
    events = sys.modules.get("asyncio.unix_events")
    names = ("DefaultEventLoopPolicy", "_DefaultEventLoopPolicy", "_UnixDefaultEventLoopPolicy")
    return [value for name in names if isinstance(value := vars(events or object).get(name), type)]


def _place(frame: FrameType | None) -> str:
    """Where it happened: the innermost line that is not Python's own."""
    library = f"{Path(os.__file__).parent}{os.sep}"
    while frame is not None:
        name = frame.f_code.co_filename
        standard = name.startswith(library) and "-packages" not in name
        if not standard and name != __file__ and not name.startswith("<"):
            return f" ({name}, line {frame.f_lineno})"
        frame = frame.f_back
    return ""


def _shown(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else repr(path)
