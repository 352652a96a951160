"""What is there: tasks, threads, open files and connections. Two stocks, one before and one after, show what was left.

What belongs to the harness, to the kit or to the SDK is never in a stock.
"""

import asyncio
import re
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from .._descriptors import Descriptor, descriptors, ports
from .._service import Service
from .._threads import is_harness

PATIENCE: Final = 1.0
"""Seconds that something may need to go away after its session was closed: a server answers, a thread ends."""

_SDK_POOL: Final = "nvisy-blocking"  # the bounded pool of `in_thread`, which lives as long as the process


@dataclass(frozen=True, slots=True)
class Stock:
    """What was there at one moment.

    Args:
        tasks: Tasks of the running loop.
        threads: Threads of the process.
        handles: Open descriptors.
        sessions: Connections the provider holds open through the proxy.
    """

    tasks: frozenset["asyncio.Task[Any]"]
    threads: frozenset[threading.Thread]
    handles: frozenset[Descriptor]
    sessions: int

    @classmethod
    def take(cls, service: Service) -> "Stock":
        """Look at what is there now, from the loop on which the provider runs."""
        tasks = {task for task in asyncio.all_tasks() if not task.done()} - {asyncio.current_task()}
        return cls(
            frozenset(task for task in tasks if task is not None),
            frozenset(thread for thread in threading.enumerate() if counts(thread)),
            descriptors() - service.opened,
            service.proxy.open if service.proxy is not None else 0,
        )


@dataclass(frozen=True, slots=True)
class Left:
    """What came between two stocks and stayed.

    Args:
        tasks: In words, one for each.
        threads: In words.
        handles: Open files, in words: everything but internet sockets.
        sockets: In words.
        sessions: How many connections more there are.
    """

    tasks: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    sessions: int = 0

    def __bool__(self) -> bool:
        return bool(self.tasks or self.threads or self.handles or self.sockets or self.sessions > 0)

    def __str__(self) -> str:
        sessions = [f"{self.sessions} open connection{'s' if self.sessions > 1 else ''}"] if self.sessions > 0 else []
        parts = [*sessions, *self.tasks, *self.threads, *self.sockets, *self.handles]
        return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")


def left(before: Stock, service: Service) -> Left:
    """Compare with what is there now."""
    now = Stock.take(service)
    files, sockets = _sorted_out(now.handles - before.handles, service)
    return Left(
        tuple(sorted(told(task) for task in now.tasks - before.tasks)),
        tuple(sorted(f"the thread `{thread.name}`" for thread in now.threads - before.threads)),
        tuple(files),
        tuple(sockets),
        now.sessions - before.sessions,
    )


async def settled(before: Stock, service: Service, *, ignore: Collection[str] = (), patience: float = PATIENCE) -> Left:
    """Wait until nothing is left, or until the patience is at an end, and return what is left.

    Args:
        before: The stock to compare with.
        service: The system behind the provider.
        ignore: Fields of `Left` that are not waited for and come back empty.
        patience: Seconds to wait at most.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    pause = 0.0
    while True:
        await asyncio.sleep(pause)
        found = left(before, service)
        found = Left(**{name: getattr(found, name) for name in Left.__slots__ if name not in ignore})
        if not found or loop.time() >= until:
            return found
        pause = min(0.02, pause + 0.002)


def told(task: "asyncio.Task[Any]") -> str:
    """Return a short name for a task."""
    coroutine = task.get_coro()
    return f"the task of `{getattr(coroutine, '__qualname__', coroutine)}`"


def family(name: str) -> str:
    """Return a name without the numbers that tell one of its kind from another."""
    return re.sub(r"\d+", "#", name)


def counts(thread: threading.Thread) -> bool:
    """Whether a thread could be the provider's."""
    return not is_harness(thread) and not thread.name.startswith(_SDK_POOL) and thread is not threading.main_thread()


def _sorted_out(found: frozenset[Descriptor], service: Service) -> tuple[list[str], list[str]]:
    files: list[str] = []
    sockets: list[str] = []
    behind = {service.direct.port, service.proxy.port if service.proxy is not None else None} - {None}
    for number, target in sorted(found):
        pair = ports(number) if "socket" in target else None
        if pair is None:
            files.append(f"the open file `{target}`")
            continue
        local, remote = pair
        if local in behind or (remote is not None and remote == service.direct.port):
            continue  # the server's, the proxy's or the harness's end
        sockets.append(f"an open socket to port {remote}" if remote else "an open socket that is not connected")
    return files, sockets
