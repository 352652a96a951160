"""Counts the instructions of the engine's inner loop: builds its example, runs it under valgrind, takes start-up out.

A count does not depend on how busy the machine is, and hardly on which machine it is: it is no measure of time, but of change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.guard.judge import Counts, Expected

ROOT = Path(__file__).parent.parent.parent.resolve()
CORE = ROOT / "nvisy-core"
EXPECTED = Path(__file__).with_name("expected.json")
EXAMPLE = "inner_loop"
# Batches of the two runs. Start-up is the same in both, so their difference is the cost of the batches between. Few enough
# that the state's log is never folded back into its file in one of them only: SQLite does that after 1,000 pages.
FEW, MANY = 10, 60
# Seconds for one run; it takes about two.
PATIENCE = 120


class AbsentError(Exception):
    """There is no valgrind and none can be had."""


@dataclass(frozen=True)
class Counter:
    """The built example, and what counts it."""

    program: Path
    valgrind: tuple[str, ...]
    environment: dict[str, str]

    @classmethod
    def ready(cls) -> Counter:
        """Find or fetch valgrind, and build the example.

        Raises:
            AbsentError: There is no valgrind.
        """
        valgrind, environment = _valgrind()
        return cls(_build(), valgrind, environment)

    def counts(self) -> Counts:
        """Instructions for each batch, through the engine and without it."""
        return Counts(self.engine(), self._each("raw", 0))

    def engine(self, *, slower: int = 0) -> float:
        """Instructions of the engine for each batch, with so many percent more work planted in its loop."""
        return self._each("engine", slower)

    def _each(self, mode: str, slower: int) -> float:
        """Instructions for each batch of one of the two loops."""
        few, many = (self._all(mode, batches, slower) for batches in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    def _all(self, mode: str, batches: int, slower: int) -> int:
        """Instructions of a whole process that moves so many batches, one after another."""
        tool = (*self.valgrind, "--tool=callgrind", f"--callgrind-out-file={os.devnull}")
        command = (*tool, str(self.program), mode, str(batches), "--paced", "--slower", str(slower))
        ended = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        counted = re.search(r"Collected\s*:\s*(\d+)", ended.stderr)
        if ended.returncode != 0 or counted is None:
            raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr}")
        return int(counted.group(1))


def compiler() -> str:
    """The version of the compiler, and what it compiles for."""
    told = dict(line.split(": ", 1) for line in _cargo("rustc", "-vV").splitlines() if ": " in line)
    return f"rustc {told['release']} for {told['host']}"


def expected() -> Expected:
    """What was accepted last."""
    told = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return Expected(told["compiler"], Counts(told["engine"], told["raw"]))


def accept(counts: Counts, compiler: str) -> None:
    """Expect these counts from now on."""
    told = {"compiler": compiler, "engine": round(counts.engine), "raw": round(counts.raw)}
    EXPECTED.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _build() -> Path:
    """Build the example; where its program is.

    As a part of the whole workspace: a crate by itself would get its dependencies with other features, and so compiled once
    more. What the task runner tells builds of PyO3 is not needed, for nothing that knows PyO3 is built here.
    """
    arguments = ("build", "--workspace", "--example", EXAMPLE, "--message-format", "json-render-diagnostics")
    messages = [json.loads(line) for line in _cargo("cargo", *arguments).splitlines() if line.startswith("{")]
    programs = [message["executable"] for message in messages if message.get("target", {}).get("name") == EXAMPLE]
    return Path(programs[-1])


def _cargo(*command: str) -> str:
    """What a tool of the Rust toolchain prints; what it complains about is shown."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path.home() / ".cargo" / "bin")])
    environment = os.environ | {"PATH": path}
    return subprocess.run(command, cwd=CORE, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def _valgrind() -> tuple[tuple[str, ...], dict[str, str]]:
    """The command that is there, or else one unpacked into the target folder; the system stays as it is."""
    if there := shutil.which("valgrind"):
        return (there,), {}
    folder = CORE / "target" / "valgrind"
    if not (folder / "usr" / "bin" / "valgrind").exists():
        _unpack(folder)
    # Where its tools are differs from one release of the system to the next; this file always lies among them.
    tools = next(folder.rglob("default.supp")).parent
    return (str(folder / "usr" / "bin" / "valgrind"),), {"VALGRIND_LIB": str(tools)}


def _unpack(folder: Path) -> None:
    """Fetch the package of a Debian system, where this is one, and unpack it without installing it."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise AbsentError("valgrind is not installed, and this is no Debian system to fetch it from")
    packages = folder.with_name("valgrind-packages")
    packages.mkdir(parents=True, exist_ok=True)
    fetch = ("apt-get", "download", "-qq", "valgrind")
    # A fresh container has no list of packages yet. Who may not get one has no valgrind either.
    if not (
        _succeeds(*fetch, cwd=packages) or (_succeeds("apt-get", "update", "-qq") and _succeeds(*fetch, cwd=packages))
    ):
        raise AbsentError("valgrind is not installed, and `apt-get download valgrind` failed")
    for package in packages.glob("valgrind_*.deb"):
        subprocess.run(("dpkg-deb", "-x", str(package), str(folder)), check=True)
    shutil.rmtree(packages)


def _succeeds(*command: str, cwd: Path = ROOT) -> bool:
    """Whether a command ends well within the patience there is for it."""
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, timeout=PATIENCE, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
