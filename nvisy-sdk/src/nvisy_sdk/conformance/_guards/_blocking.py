"""Calls that block: on the loop's thread, made by the provider's code or below it.

The interpreter's audit events tell of opening, connecting, looking up names and starting processes. It audits `time.sleep`
only from 3.13 on, so sleeping is watched by standing in for the function.
"""

import ipaddress
import os
import socket
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ._audit import listening
from ._origin import ASYNCIO, Origin, place

# Code and data of installed packages are read once, when something is imported or looked up first.
_INSTALLED: Final = tuple(
    {str(Path(folder).resolve()) + os.sep for folder in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)}
    - {os.sep}
)
_DEVICES: Final = ("/dev/", "/proc/", "/sys/")


@contextmanager
def blocking_calls(origin: Origin, found: Callable[[str], None]) -> Iterator[None]:
    """Report each blocking call that the provider's code makes on this thread, in words."""
    thread = threading.get_ident()

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        if threading.get_ident() == thread:
            _judge(event, arguments, origin, found)

    with listening(heard), _sleeping(thread, origin, found):
        yield


def _judge(event: str, arguments: tuple[object, ...], origin: Origin, found: Callable[[str], None]) -> None:
    call = _blocks(event, arguments)
    if call is None:
        return
    for frame in origin.above(sys._getframe(2)):
        file = frame.f_code.co_filename
        if file.startswith(("<frozen importlib", ASYNCIO)):
            return  # an import, once; or asyncio's own way to do it
        if origin.owns(file):
            found(f"{call} blocks the event loop, at {place(frame.f_code, frame.f_lineno)}")
            return


def _blocks(event: str, arguments: tuple[object, ...]) -> str | None:
    match event, arguments:
        case "open", (str() | bytes() as path, *_):
            path = os.fsdecode(path)
            harmless = path.startswith((*_INSTALLED, *_DEVICES))
            return None if harmless else f"opening the file `{Path(path).name}`"
        case "socket.connect", (socket.socket() as sock, *_):
            return "connecting a blocking socket" if sock.gettimeout() != 0 else None
        case "socket.getaddrinfo" | "socket.gethostbyname" | "socket.gethostbyaddr", (host, *_):
            return None if _numeric(host) else "looking up a host's name"
        case "sqlite3.connect", _:
            return "opening a database file"
        case "subprocess.Popen" | "os.system", _:
            return "starting a process"
        case "time.sleep", (int() | float() as seconds, *_) if seconds > 0:
            return f"sleeping {seconds:g} s"
        case _:
            return None


def _numeric(host: object) -> bool:
    if not host:
        return True
    try:
        ipaddress.ip_address(os.fsdecode(host) if isinstance(host, str | bytes) else str(host))
    except ValueError:
        return False
    return True


@contextmanager
def _sleeping(thread: int, origin: Origin, found: Callable[[str], None]) -> Iterator[None]:
    if sys.version_info >= (3, 13):
        yield
        return
    real = time.sleep

    def sleep(seconds: float, /) -> None:
        if threading.get_ident() == thread:
            _judge("time.sleep", (seconds,), origin, found)
        real(seconds)

    modules = [module for module in tuple(sys.modules.values()) if origin.owns(getattr(module, "__file__", None) or "")]
    places = [(module, name) for module in modules for name, value in vars(module).items() if value is real]
    places.append((time, "sleep"))
    for module, name in places:
        setattr(module, name, sleep)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, real)
