"""What belongs to the whole process, and is none of a provider's business to change."""

import asyncio
import builtins
import decimal
import gc
import json
import locale
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Final, TypeAlias

World: TypeAlias = Mapping[str, object]

# Functions that programs replace to change how everybody else's code behaves.
_PATCHABLE: Final[tuple[tuple[object, str], ...]] = (
    *((builtins, name) for name in ("open", "print", "__import__")),
    *((socket, name) for name in ("socket", "create_connection", "getaddrinfo")),
    *((ssl, name) for name in ("SSLContext", "create_default_context", "_create_default_https_context")),
    *((asyncio, name) for name in ("sleep", "wait_for", "create_task", "open_connection", "get_event_loop")),
    *((time, name) for name in ("sleep", "time", "monotonic")),
    *((json, name) for name in ("dumps", "loads", "JSONEncoder")),
    *((subprocess, "Popen"), (threading, "Thread"), (os, "environ"), (sys, "stdout"), (sys, "stderr")),
)


def world() -> World:
    """Return what the process looks like now, by the names of its parts."""
    root = logging.getLogger()
    context = decimal.getcontext()
    return {
        "the root logger's level": root.level,
        "the root logger's handlers": tuple(map(id, root.handlers)),
        "the root logger's filters": tuple(map(id, root.filters)),
        "the level below which all logging is off": root.manager.disable,
        "the class of loggers": logging.getLoggerClass(),
        "the filters of warnings": tuple(repr(each) for each in warnings.filters if _broad(each[1], each[2])),
        "the current folder": _folder(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the decimal context": (context.prec, context.rounding, context.Emin, context.Emax),
        "the time-out of new sockets": socket.getdefaulttimeout(),
        "the policy of event loops": type(_policy()),
        "the hook for exceptions": sys.excepthook,
        "the hook for exceptions of threads": threading.excepthook,
        "the hook for exit codes": (sys.displayhook, sys.breakpointhook),
        "the limit of recursion": sys.getrecursionlimit(),
        "the search path of modules": tuple(sys.path),
        "the garbage collector": (gc.isenabled(), gc.get_threshold()),
        **{f"the environment variable `{name}`": value for name, value in os.environ.items()},
        **{
            f"the handler of {each.name}": _handler(each)
            for each in signal.valid_signals()
            if isinstance(each, signal.Signals)
        },
        **{
            f"`{getattr(owner, '__name__', owner)}.{name}`": id(getattr(owner, name, None))
            for owner, name in _PATCHABLE
        },
    }


def changes(before: World, after: World) -> list[str]:
    """Return the names of the parts that differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _broad(message: object, category: object) -> bool:
    """Whether a filter of warnings is about other people's: one of a certain text, or of a library's own class, is not."""
    return message is None and getattr(category, "__module__", "builtins") == "builtins"


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return None


def _policy() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.14 deprecates policies
        return asyncio.get_event_loop_policy()


def _handler(number: signal.Signals) -> object:
    handler = signal.getsignal(number)
    return id(handler) if callable(handler) else handler
