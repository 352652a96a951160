"""The parent half of the probe: import plugins in a child process, and survive whatever they do there.

One child takes all tasks. When it ends, crashes or hangs, the plugin it was busy with is to blame, and a new child
takes the rest.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nvisy.discovery._model import Claim

__all__ = ["Finding", "probe", "seconds_per_plugin"]

Finding = tuple[str, str]
"""A problem's code and message."""

_CHILD = (
    "import json, sys; path, tasks, result = json.load(sys.stdin); sys.path[:] = path;"
    " import faulthandler, resource; faulthandler.enable(); resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    " from nvisy.discovery._probe_child import main; main(tasks, result)"
)


def seconds_per_plugin() -> float:
    """How long one import may take: ``NVISY_PROBE_SECONDS``, 10 by default."""
    try:
        return max(0.1, float(os.environ["NVISY_PROBE_SECONDS"]))
    except (KeyError, ValueError):
        return 10.0


def probe(claims: Sequence[Claim], *, limit: float) -> list[list[Finding]]:
    """Import each claim's object once, in a child process.

    Args:
        claims: What to probe.
        limit: Seconds that one plugin may take.

    Returns:
        For each claim its findings; empty where all is well.
    """
    findings: list[list[Finding]] = []
    while len(findings) < len(claims):
        child = _Child(claims, len(findings), limit)
        try:
            findings.extend(child.run())
        finally:
            child.end()
    return findings


class _Child:
    """One child process and the pipe it answers on."""

    def __init__(self, claims: Sequence[Claim], start: int, limit: float) -> None:
        self.limit = limit
        self.expected = len(claims) - start
        self.answers, result = os.pipe()
        self.buffer = b""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child; `end` closes it
        tasks = [(number, claim.module, claim.attribute) for number, claim in enumerate(claims[start:], start)]
        with tempfile.TemporaryFile() as request:
            request.write(json.dumps([sys.path, tasks, result]).encode())
            request.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CHILD],
                stdin=request,
                stdout=self.errors,
                stderr=self.errors,
                pass_fds=(result,),
                start_new_session=True,
                # One malformed package is enough to keep Pydantic's own plugins from loading, and Pydantic with them.
                env={"PYDANTIC_DISABLE_PLUGINS": "__all__", **os.environ},
            )
        os.close(result)

    def run(self) -> list[list[Finding]]:
        """The findings of the tasks this child finished or died of; at least one."""
        findings: list[list[Finding]] = []
        begun = False
        # The child must start an interpreter and import the SDK before its first plugin; that is not the plugin's time.
        deadline = time.monotonic() + self.limit + 30
        while len(findings) < self.expected:
            line = self._line(deadline)
            if line is None and not begun:
                # It died before it came to a plugin (again), so none of them is to blame.
                findings.extend([self._unable()] for _ in range(self.expected - len(findings)))
            elif line is None:
                findings.append([self._verdict()])
                break
            else:
                answer = json.loads(line)[1]
                begun = answer is None
                if answer is None:
                    deadline = time.monotonic() + self.limit
                else:
                    findings.append([(str(code), str(message)) for code, message in answer])
        return findings

    def _line(self, deadline: float) -> bytes | None:
        """The next line; None when the child is gone or the time is up."""
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            data = os.read(self.answers, 65536)
            if not data:
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _verdict(self) -> Finding:
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return "hung", f"it was still being imported after {self.limit:g} s{self._place()}"
        if code < 0:
            return "crashed", f"it ends the interpreter with {_signal(-code)} while it is imported{self._place()}"
        return "exited", f"it ends the process with exit code {code} while it is imported"

    def _unable(self) -> Finding:
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        return "unchecked", f"the process that imports plugins cannot start: {said[-1] if said else 'it says nothing'}"

    def _place(self) -> str:
        """Where it happened, from the stack that the child's fault handler wrote."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                return ""
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read()[-65536:].decode(errors="replace").splitlines()]
        frames = [line for line in lines if line.startswith('File "') and '"<frozen' not in line]
        own = next((frame for frame in frames if not _of_python(frame)), next(iter(frames), ""))
        return f" ({own.removeprefix('File ')})" if own else ""

    def end(self) -> None:
        """Leave nothing behind, not even what the plugin started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.answers)
        self.errors.close()


def _of_python(frame: str) -> bool:
    """Whether a frame is the standard library's, and so not the place to look at."""
    return frame.startswith(f'File "{Path(os.__file__).parent}{os.sep}') and "-packages" not in frame


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
