"""The parent half of the probe: import plugins, each in a child process of its own, and survive what they do there.

At most two children live at once: an import is work for a processor, and a machine has something else to do.
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
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

from nvisy.discovery._model import Claim

__all__ = ["Examination", "Finding", "Kind", "Task", "probe", "seconds_per_plugin"]

Kind = Literal["provider", "hooks"]

_AT_ONCE = 2
_STARTING = 30.0
"""Seconds a child may take to start an interpreter and import the SDK; that is not the plugin's time."""
_HEAVIEST = 3

_CHILD = (
    "import json, sys; path, task, result = json.load(sys.stdin); sys.path[:] = path;"
    " import faulthandler, resource; faulthandler.enable(); resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    " from nvisy.discovery._probe_child import main; main(*task, result)"
)


class Finding(NamedTuple):
    """A problem's code and message, and what only who asks for it wants to read, such as a traceback."""

    code: str
    message: str
    detail: str = ""


class Task(NamedTuple):
    """What to import, and as what."""

    claim: Claim
    kind: Kind = "provider"


@dataclass(frozen=True, slots=True)
class Examination:
    """What the import of one plugin showed.

    Attributes:
        claim: What was imported.
        findings: Empty where all is well.
        seconds: How long the import took; ``None`` when it did not end.
        heaviest: The packages that took most of it, with their seconds.
        printed: What it printed to standard output.
    """

    claim: Claim
    findings: tuple[Finding, ...]
    seconds: float | None = None
    heaviest: tuple[tuple[str, float], ...] = ()
    printed: str = ""


def seconds_per_plugin() -> float:
    """How long one import may take: ``NVISY_PROBE_SECONDS``, 10 by default."""
    try:
        return max(0.1, float(os.environ["NVISY_PROBE_SECONDS"]))
    except (KeyError, ValueError):
        return 10.0


def probe(tasks: Sequence[Task], *, limit: float) -> Iterator[Examination]:
    """Import each plugin once, in a process of its own, and give what was found as each ends.

    Args:
        tasks: What to import.
        limit: Seconds that one plugin may take.
    """
    waiting = list(reversed(tasks))
    living: list[_Child] = []
    try:
        while waiting or living:
            while waiting and len(living) < _AT_ONCE:
                living.append(_Child(waiting.pop(), limit))
            left = max(0.0, min(child.deadline for child in living) - time.monotonic())
            ready = select.select([child.answers for child in living], [], [], left)[0]
            now = time.monotonic()
            for child in list(living):
                ended = child.take() if child.answers in ready else now >= child.deadline
                if ended:
                    living.remove(child)
                    try:
                        yield child.examination()
                    finally:
                        child.end()
    finally:
        for child in living:
            child.end()


class _Child:
    """One child process and the pipe it answers on."""

    def __init__(self, task: Task, limit: float) -> None:
        self.claim = task.claim
        self.limit = limit
        self.begun = False
        self.answer: dict[str, object] | None = None
        self.buffer = b""
        self.answers, result = os.pipe()
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115 - they live as long as the child; `end` closes them
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as request:
            work = (task.claim.module, task.claim.attribute, task.kind)
            request.write(json.dumps([sys.path, work, result]).encode())
            request.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-X", "importtime", "-c", _CHILD],
                stdin=request,
                stdout=self.printed,
                stderr=self.errors,
                pass_fds=(result,),
                start_new_session=True,
                # One malformed package is enough to keep Pydantic's own plugins from loading, and Pydantic with them.
                env={"PYDANTIC_DISABLE_PLUGINS": "__all__", **os.environ},
            )
        os.close(result)
        self.deadline = time.monotonic() + _STARTING

    def take(self) -> bool:
        """Read what it says; whether that was the last."""
        data = os.read(self.answers, 65536)
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            said = json.loads(line)
            if said is None:
                self.begun = True
                self.deadline = time.monotonic() + self.limit
            else:
                self.answer = said
        return not data or self.answer is not None

    def examination(self) -> Examination:
        """What came of it, once it has ended or its time is up."""
        heaviest, printed = self._heaviest(), self._text(self.printed)[:2000]
        if self.answer is None:
            verdict = self._verdict() if self.begun else self._unable()
            return Examination(self.claim, (verdict,), None, heaviest, printed)
        found, seconds = self.answer["found"], self.answer["seconds"]
        findings = tuple(Finding(*map(_printable, item)) for item in found) if isinstance(found, list) else ()
        took = seconds if isinstance(seconds, float) else None
        return Examination(self.claim, findings, took, heaviest, printed)

    def _verdict(self) -> Finding:
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return Finding("hung", f"it was still being imported after {self.limit:g} s{self._place()}")
        if code < 0:
            message = f"it ends the interpreter with {_signal(-code)} while it is imported{self._place()}"
            return Finding("crashed", message)
        return Finding("exited", f"it ends the process with exit code {code} while it is imported")

    def _unable(self) -> Finding:
        said = [line for line in self._text(self.errors).splitlines() if not line.startswith("import time:")]
        last = said[-1] if said else "it says nothing"
        return Finding("unchecked", f"the process that imports plugins cannot start: {last}")

    def _place(self) -> str:
        """Where it happened, from the stack that the child's fault handler wrote."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                return ""
        lines = [line.strip() for line in self._text(self.errors).splitlines()]
        frames = [line for line in lines if line.startswith('File "') and '"<frozen' not in line]
        own = next((frame for frame in frames if not _of_python(frame)), next(iter(frames), ""))
        return f" ({own.removeprefix('File ')})" if own else ""

    def _heaviest(self) -> tuple[tuple[str, float], ...]:
        """The top-level packages that took most time, from what the interpreter wrote after the beginning."""
        spent: dict[str, int] = {}
        for line in self._text(self.errors).partition("the import begins\n")[2].splitlines():
            own, _, name = line.removeprefix("import time:").rpartition("|")
            micros = own.partition("|")[0].strip()
            if line.startswith("import time:") and micros.isdigit():
                package = name.strip().partition(".")[0]
                spent[package] = spent.get(package, 0) + int(micros)
        most = sorted(spent.items(), key=lambda item: -item[1])[:_HEAVIEST]
        return tuple((package, micros / 1e6) for package, micros in most)

    @staticmethod
    def _text(file: IO[bytes]) -> str:
        # Not by seeking: the child writes at the same position.
        return os.pread(file.fileno(), 4_000_000, 0).decode(errors="replace")

    def end(self) -> None:
        """Leave nothing behind, not even what the plugin started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for file in (self.printed, self.errors):
            file.close()
        os.close(self.answers)


def _printable(text: object) -> str:
    """The text without halves of characters, which file names may have."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def _of_python(frame: str) -> bool:
    """Whether a frame is the standard library's, and so not the place to look at."""
    return frame.startswith(f'File "{Path(os.__file__).parent}{os.sep}') and "-packages" not in frame


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
