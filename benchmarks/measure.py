"""Runs one command once and measures it: wall, processor seconds of client and server, peak memory of its processes.

It knows nothing of what the command does. What it sees is what the kernel says in `/proc` and at `wait4`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Seconds between two looks at the memory.
INTERVAL = 0.05
# Seconds in which the server's processes that served the command are gone and counted with their parent.
SETTLING = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measurement:
    """What one run took. Times are seconds, memory is MiB of the whole process tree, without the server."""

    wall: float
    cpu: float
    server_cpu: float
    memory: float
    code: int
    timed_out: bool = False


def measure(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, timeout: float, server: int
) -> Measurement:
    """Run the command to its end, or end it with all its processes after the time-out."""
    before = _server_cpu(server)
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        watch = _Watch(process.pid, timeout)
        watch.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            # It has a session of its own, so that an interrupt of ours does not reach it.
            _kill(process.pid)
            raise
        finally:
            wall = time.perf_counter() - started
            watch.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    time.sleep(SETTLING)
    return Measurement(
        wall=round(wall, 3),
        cpu=round(_cpu(used), 3),
        server_cpu=round(_server_cpu(server) - before, 2),
        memory=round(watch.peak / 2**20, 1),
        code=process.returncode,
        timed_out=watch.timed_out,
    )


class _Watch(threading.Thread):
    """Looks at the memory of a process and all below it, and ends them when their time is over."""

    def __init__(self, root: int, timeout: float) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.timed_out = False
        self._root = root
        self._deadline = time.monotonic() + timeout
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until told to end."""
        while True:
            self.peak = max(self.peak, sum(_resident(pid) for pid in _tree(self._root)))
            if time.monotonic() > self._deadline and not self.timed_out:
                self.timed_out = True
                _kill(self._root)
            if self._ended.wait(INTERVAL):
                return

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def _kill(group: int) -> None:
    """End a process and all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _cpu(used: resource.struct_rusage) -> float:
    """Seconds in the process and all children it has waited for, user and system."""
    return used.ru_utime + used.ru_stime


def _server_cpu(postmaster: int) -> float:
    """Seconds the server has used until now: its processes that live, and those that ended, which their parent counts."""
    total = 0
    for pid in _tree(postmaster):
        own, ended = _times(pid)
        total += own + (ended if pid == postmaster else 0)
    return total / _TICKS


def _tree(root: int) -> Iterator[int]:
    """The process and all below it, as they are now."""
    below: dict[int, list[int]] = {}
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        fields = _stat(pid)
        if fields:
            below.setdefault(int(fields[1]), []).append(pid)
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += below.get(pid, [])


def _times(pid: int) -> tuple[int, int]:
    """Ticks of the process itself, and of its children that have ended."""
    fields = _stat(pid)
    if not fields:
        return 0, 0
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return user + system, children_user + children_system


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the state on; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _resident(pid: int) -> int:
    """Bytes of memory the process holds."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
