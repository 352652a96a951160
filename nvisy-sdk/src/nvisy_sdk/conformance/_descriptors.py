"""The process's open file descriptors, each told apart from a later one with the same number."""

import os
import socket
from pathlib import Path
from typing import Final, TypeAlias

Descriptor: TypeAlias = tuple[int, str]
"""A number, and what it stands for just now."""

_FOLDER: Final = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")


def descriptors() -> frozenset[Descriptor]:
    """Return what is open now; nothing where the system does not tell."""
    try:
        numbers = [int(name) for name in os.listdir(_FOLDER)]  # noqa: PTH208
    except OSError:
        return frozenset()
    found = []
    for number in numbers:
        try:
            found.append((number, _target(number)))
        except OSError:  # it was the listing's own, or was closed meanwhile
            continue
    return frozenset(found)


def _target(number: int) -> str:
    try:
        return os.readlink(_FOLDER / str(number))  # noqa: PTH115  # on a socket, Path would make a path of its name
    except OSError:
        status = os.fstat(number)
        return f"{status.st_dev}:{status.st_ino}"


def ports(number: int) -> tuple[int | None, int | None] | None:
    """Return the local and the remote port of a descriptor that is an internet socket, else None."""
    try:
        copied = os.dup(number)
    except OSError:
        return None
    try:
        copy = socket.socket(fileno=copied)
    except OSError:
        os.close(copied)
        return None
    with copy:
        if copy.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        try:
            local = copy.getsockname()[1]
        except OSError:
            local = None
        try:
            return local, copy.getpeername()[1]
        except OSError:
            return local, None
