"""A test that kills a process in the middle can rely on the process being in the middle."""

import fcntl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nvisy_sdk.testing import held_when, kill_when

STEPS = 200
COUNTS = f"""
import sys, time
for number in range({STEPS}):
    start = time.process_time()
    while time.process_time() - start < 0.002:
        pass
    open(sys.argv[1], "a").write("x")
"""


def counting(file: Path) -> "subprocess.Popen[bytes]":
    """Start a process that makes a file longer step by step."""
    return subprocess.Popen([sys.executable, "-c", COUNTS, str(file)])


def length(file: Path) -> int:
    """How far it came."""
    return file.stat().st_size if file.exists() else 0


def test_process_is_killed_in_the_middle(tmp_path: Path) -> None:
    """Once the condition holds, and not long after."""
    file = tmp_path / "steps"
    assert kill_when(counting(file), lambda: length(file) >= 20)
    assert 20 <= length(file) < STEPS


def test_process_waits_for_a_slow_condition(tmp_path: Path) -> None:
    """Looking takes as long as the whole work of the process would."""
    file = tmp_path / "steps"

    def slow() -> bool:
        there = length(file)
        time.sleep(STEPS * 0.002)
        return there > 0

    assert kill_when(counting(file), slow)
    assert length(file) < STEPS


def test_condition_may_wait_for_what_the_process_holds(tmp_path: Path) -> None:
    """A process that is held for long goes on again, so it lets go of a lock."""
    lock = tmp_path / "lock"
    lock.touch()
    holds = "import fcntl, sys; f = open(sys.argv[1])\nwhile True: fcntl.flock(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_UN)"

    def held() -> bool:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
        return True

    assert kill_when(subprocess.Popen([sys.executable, "-c", holds, str(lock)]), held)


def test_process_that_ended_before_was_not_killed() -> None:
    """Whatever the condition says."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not kill_when(ended, lambda: True)


def test_process_is_held_and_goes_on(tmp_path: Path) -> None:
    """It makes no step while it is held, and all of them afterwards."""
    file = tmp_path / "steps"
    process = counting(file)
    with held_when(process, lambda: length(file) >= 5) as held:
        assert held
        there = length(file)
        time.sleep(0.1)
        assert length(file) == there < STEPS
    assert process.wait() == 0
    assert length(file) == STEPS


def test_nothing_is_held_when_the_condition_never_holds(tmp_path: Path) -> None:
    """The block is told so, and the process goes its way."""
    process = counting(tmp_path / "steps")
    with held_when(process, lambda: False) as held:
        assert not held
    assert process.wait() == 0


def test_condition_that_raises_lets_the_process_go_on(tmp_path: Path) -> None:
    """Its error is the test's."""
    process = counting(tmp_path / "steps")

    def broken() -> bool:
        raise LookupError

    with pytest.raises(LookupError), held_when(process, broken):
        pass
    assert process.wait() == 0


def test_patience_ends() -> None:
    """A condition that never holds does not hold up the test for ever."""
    start = time.monotonic()
    assert kill_when(
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE), lambda: False, patience=0.2
    )
    assert time.monotonic() - start >= 0.2
