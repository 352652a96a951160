"""Who takes part in which work, how it is measured, and what it is told."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

from benchmarks import environments, figures, measure, runner
from benchmarks.contenders import limit
from benchmarks.model import Contender, Documents, Files, Flights, Nowhere, Role, Stage
from benchmarks.server import Server
from benchmarks.settings import Folder
from benchmarks.works import WORKS, chosen

SECRET = "0123456789abcdef"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage of a few rows, with a server that does not run."""
    server = Server(tmp_path / "programs", 5_555, SECRET, os.getpid(), "few")
    folder = Folder(tmp_path / "bench")
    return Stage(folder, server, tmp_path / "ours" / "bin", {}, 200, 20)


@pytest.mark.parametrize("name", WORKS)
def test_every_work_has_a_limit_a_control_and_names_of_its_own(name: str, stage: Stage) -> None:
    """Each work is compared with a limit, has the A/A pair, and nobody in it twice."""
    work = WORKS[name](stage)
    names = [each.name for each in work.contenders]
    assert work.name == name
    assert len(set(names)) == len(names)
    assert set(figures.CONTROL) <= set(names)
    assert [each.role for each in work.contenders].count(Role.LIMIT) == 1
    first, second = (next(each for each in work.contenders if each.name == one) for one in figures.CONTROL)
    assert (first.command, first.env, first.before, first.target) == (
        second.command,
        second.env,
        second.before,
        second.target,
    )


@pytest.mark.parametrize("name", WORKS)
def test_only_a_limit_goes_unchecked(name: str, stage: Stage) -> None:
    """Whoever is not a limit leaves something that can be compared with the source."""
    for each in WORKS[name](stage).contenders:
        assert isinstance(each.target, Flights | Documents | Files) or each.role is Role.LIMIT
        assert isinstance(each.target, Nowhere) <= (each.role is Role.LIMIT)


@pytest.mark.parametrize("name", WORKS)
def test_no_command_holds_the_password_or_a_folder_when_it_is_written_down(name: str, stage: Stage) -> None:
    """Programs get the password in the environment; the result names no folder of this machine."""
    for each in WORKS[name](stage).contenders:
        assert not any(SECRET in part for part in each.command)
        assert str(stage.folder.root.parent) not in runner.written(stage, each)


@pytest.mark.parametrize("name", WORKS)
def test_goals_name_a_role_or_who_is_there(name: str, stage: Stage) -> None:
    """A goal against nobody would never be judged."""
    work = WORKS[name](stage)
    there = {each.name for each in work.contenders} | {Role.LIMIT, Role.GLUE}
    assert {goal.figure for goal in work.goals} <= {"rate", "wall", "memory", "cpu"}
    assert {goal.against for goal in work.goals if goal.figure == "rate"} <= there


def test_chosen_leaves_out_peers_that_are_not_asked_for_and_slow_ones_in_the_short_form(stage: Stage) -> None:
    """Limits and ours always take part."""
    work = WORKS["W1"](stage)
    assert {each.role for each in chosen(work, [], slow=True)} == {Role.LIMIT, Role.OURS}
    short = chosen(work, environments.names(), slow=False)
    assert not any(each.slow for each in short)
    assert {each.needs for each in short} == {None, "dlt", "glue", "ingestr", "sling"}


def test_every_peer_that_a_contender_needs_has_pinned_versions(stage: Stage) -> None:
    """Each list holds exact versions alone."""
    needed = {each.needs for work in WORKS.values() for each in work(stage).contenders} - {None}
    assert needed == set(environments.names())
    for path in environments.PINS.glob("*.txt"):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), path


def test_environment_hides_what_would_set_a_command_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another server's address nor settings of ours come through; a command's own do."""
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("NVISY_HOME", "mine")
    env = runner.environment(stage, {"NVISY_HOME": "its"})
    assert (env["PGHOST"], env["PGPORT"], env["NVISY_HOME"]) == ("127.0.0.1", "5555", "its")
    assert env["BENCH_URL"] == f"postgresql://bench:{SECRET}@127.0.0.1:5555/few"


def test_a_run_that_cannot_be_prepared_is_a_failure_with_a_reason(stage: Stage) -> None:
    """No server, no time; and the comparison goes on."""
    made = runner.once(stage, Contender("a", Role.PEER, "", ("true",), Nowhere()), 1, 5.0, "log")
    assert not made.equal
    assert (made.reason or "").startswith("not prepared: ")


def measured(command: tuple[str, ...], tmp_path: Path, timeout: float = 20.0) -> measure.Measurement:
    """One run of a command."""
    env = dict(os.environ)
    return measure.measure(command, env=env, cwd=tmp_path, log=tmp_path / "log", timeout=timeout, server=os.getpid())


def test_reason_of_a_failure_names_no_other_machine(stage: Stage) -> None:
    """Neither a colour nor the address of a name server belongs into a result."""
    words = "\x1b[31mno such host on 10.1.2.3:53\x1b[0m, for 127.0.0.1:5432 of 18.6.1"
    command = (sys.executable, "-c", f"import sys; print({words!r}); sys.exit(3)")
    stage.folder.logs.mkdir(parents=True)
    log = stage.folder.logs / "few.log"
    taken = measure.measure(command, env={}, cwd=stage.folder.logs, log=log, timeout=60, server=os.getpid())
    assert taken.code == 3
    assert runner.last_words(log) == "no such host on ..., for 127.0.0.1:5432 of 18.6.1"


def test_measure_sees_children_memory_and_processor_time(tmp_path: Path) -> None:
    """Work of a child of a child counts, as does the memory it holds."""
    busy = "import time; held = bytearray(64 << 20); end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    found = measured(limit.pipe((sys.executable, "-c", busy), ("cat",)), tmp_path)
    assert found.code == 0
    assert not found.timed_out
    assert found.cpu >= 0.3
    assert found.wall >= 0.3
    assert found.memory > 64


def test_measure_tells_a_failure_in_the_middle_of_a_pipe(tmp_path: Path) -> None:
    """A pipe whose first program fails has failed."""
    assert measured(limit.pipe(("false",), ("cat",)), tmp_path).code == 1


def test_measure_ends_a_command_and_its_children_after_the_time_out(tmp_path: Path) -> None:
    """Nothing that was started stays."""
    child = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    found = measured((sys.executable, "-c", child), tmp_path, timeout=0.5)
    assert found.timed_out
    pid = (tmp_path / "log").read_text().strip()
    deadline = time.monotonic() + 5
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid: str) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
