"""The commands as a user runs them: what is printed where, and the exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
from nvisy.cli._exit import Exit

from tests.cli.conftest import CANARY, Shell, last_line
from tests.discovery.wheels import environment, manifest, plugin

FIELDS = {"run_id", "status", "read", "written", "rejected", "filtered", "seconds", "resumed", "guarantee"}


def test_run_moves_rows_and_prints_one_object(shell: Shell) -> None:
    """The last line of standard output is the outcome; the exit code is 0."""
    done = shell("run", shell.workflow(), "--json")
    assert (done.returncode, done.stderr) == (Exit.SUCCESS, "")
    outcome = last_line(done)
    assert set(outcome) >= FIELDS
    assert (outcome["status"], outcome["read"], outcome["written"]) == ("succeeded", 10, 10)
    assert (outcome["rejected"], outcome["filtered"], outcome["resumed"]) == (0, 0, False)
    assert shell.kept() == list(range(10))


def test_next_run_continues_and_full_starts_over(shell: Shell) -> None:
    """A workflow's next run is incremental; --full reads everything again."""
    file = shell.workflow()
    assert last_line(shell("run", file, "--json"))["read"] == 10
    assert last_line(shell("run", file, "--json"))["read"] == 0
    assert last_line(shell("run", file, "--json", FACTORY_ROWS="12"))["read"] == 2
    assert last_line(shell("run", file, "--full", "--json", FACTORY_ROWS="12"))["read"] == 12


def test_run_prints_a_summary_for_a_person(shell: Shell) -> None:
    """Counts, the guarantee of each pair with its reason, and the run's id."""
    done = shell("run", shell.workflow())
    assert done.returncode == Exit.SUCCESS
    assert "done: 10 read, 10 written, 0 rejected, 0 filtered" in done.stdout
    assert "make -> keep: 10 written" in done.stdout
    assert "at least once: " in done.stdout


def test_broken_packages_beside_it_do_not_keep_a_run_from_running(shell: Shell, tmp_path: Path) -> None:
    """One bad entry_points.txt makes Python's own entry-point call raise, for Pydantic too; a run does not care."""
    site = tmp_path / "broken"
    site.mkdir()
    plugin(site, "acme-bytes", "bytes", entry_points=b"[nvisy.providers]\nbytes = acme_bytes:Provider \xff\xfe\n")
    plugin(site, "acme-malformed", "malformed", entry_points="[nvisy.providers\nmalformed\n")
    plugin(site, "acme-anonymous", "anonymous", metadata=False)
    done = shell("run", shell.workflow(), "--json", PYTHONPATH=f"{shell.site}{os.pathsep}{site}")
    assert done.returncode == Exit.SUCCESS, done.stderr
    assert last_line(done)["written"] == 10


def test_unusable_plugin_says_why_where_a_workflow_names_it(shell: Shell, tmp_path: Path) -> None:
    """Instead of saying that there is no such provider."""
    site = tmp_path / "broken"
    site.mkdir()
    plugin(site, "acme-future", "future", manifest_text=manifest("future", protocol={"min": 7, "max": 9}))
    file = shell.workflow()
    text = (shell.folder / file).read_text().replace("provider: factory", "provider: future", 1)
    (shell.folder / file).write_text(text)
    done = shell("run", file, PYTHONPATH=f"{shell.site}{os.pathsep}{site}")
    assert done.returncode == Exit.BAD_INPUT
    assert "the provider `future` of acme-future cannot be used: it speaks protocol 7 to 9" in done.stderr
    assert "hint: pip install --upgrade nvisy-core" in done.stderr


def test_plugin_that_cannot_be_imported_fails_the_run_with_its_name(shell: Shell, tmp_path: Path) -> None:
    """Distribution, entry point, cause and fix; exit code 3."""
    site = tmp_path / "broken"
    site.mkdir()
    plugin(site, "acme-raises", "raises", code="import missing_driver\n")
    file = shell.workflow(credentials="{}")
    text = (shell.folder / file).read_text().replace("provider: factory", "provider: raises")
    (shell.folder / file).write_text(text.replace("rows: 10", "store: a").replace("path: kept.jsonl, ", "table: t"))
    done = shell("run", file, PYTHONPATH=f"{shell.site}{os.pathsep}{site}")
    assert done.returncode == Exit.PROVIDER, done.stderr
    assert "provider `raises` of acme-raises 1.0 (entry point acme_raises:Provider) cannot be loaded" in done.stderr
    assert "No module named 'missing_driver'" in done.stderr
    assert "hint: the module `missing_driver` is not there" in done.stderr


def test_failed_read_is_a_providers_failure(shell: Shell) -> None:
    """Exit code 3; one line, context, and the provider's own traceback; nothing before the row is lost."""
    done = shell("run", shell.workflow(make="fail_at: 7"), "--json")
    assert done.returncode == Exit.PROVIDER
    outcome = last_line(done)
    assert outcome["status"] == "failed"
    assert "row 7 is broken" in outcome["error"]["message"]
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: failed to ")
    assert "provider: factory" in done.stderr and "make" in done.stderr
    assert "Traceback (most recent call last)" in done.stderr and "Broken" in done.stderr
    assert shell.kept() == [0, 1, 2, 3, 4]


def test_failed_connect_shows_the_hint_of_the_provider(shell: Shell) -> None:
    """What the author said to do is what the user reads."""
    done = shell("run", shell.workflow(make="broken: connect"))
    assert done.returncode == Exit.PROVIDER
    assert "the user is not let in" in done.stderr and "[auth]" in done.stderr
    assert "hint: ask for the right password" in done.stderr
    assert "user: me" in done.stderr


def test_refused_rows_have_an_exit_code_of_their_own(shell: Shell) -> None:
    """Exit code 4, and the ledger says how many."""
    done = shell("run", shell.workflow(keep="refuse: [3]"), "--json")
    assert done.returncode == Exit.REJECTED
    outcome = last_line(done)
    assert outcome["status"] == "rejected"
    assert outcome["rejected"] >= 1


def test_every_problem_of_a_workflow_is_printed_at_once(shell: Shell) -> None:
    """Exit code 2; each problem with its node, code and hint; nothing ran."""
    file = shell.workflow(make="fail_at: soon, tabel: t", keep="batch_rows: many")
    done = shell("run", file)
    assert done.returncode == Exit.BAD_INPUT
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert any("make: " in line and "tabel" in line for line in errors)
    assert any("make: " in line and "fail_at" in line for line in errors)
    assert any("keep: " in line and "batch_rows" in line for line in errors)
    assert done.stderr.count("  hint: ") >= 3
    assert "did you mean `table`?" in done.stderr


def test_bad_input_prints_an_object_too(shell: Shell) -> None:
    """With --json a program can rely on the last line, whatever happened."""
    done = shell("run", shell.workflow(make="tabel: t"), "--json")
    outcome = last_line(done)
    assert set(outcome) >= FIELDS
    assert outcome["status"] == "invalid"
    assert {"code", "node", "message", "hint"} <= set(outcome["problems"][0])


def test_unknown_provider_suggests_a_close_name(shell: Shell) -> None:
    """Also in a workflow file."""
    file = shell.workflow()
    text = (shell.folder / file).read_text().replace("provider: factory", "provider: factroy", 1)
    (shell.folder / file).write_text(text)
    done = shell("plan", file)
    assert done.returncode == Exit.BAD_INPUT
    assert "there is no provider `factroy`" in done.stderr
    assert "did you mean `factory`?" in done.stderr


def test_missing_workflow_file_is_bad_input(shell: Shell) -> None:
    """It names the file."""
    done = shell("run", "nowhere.yaml")
    assert done.returncode == Exit.BAD_INPUT
    assert done.stderr.startswith("error: nowhere.yaml cannot be read: No such file or directory")


def test_plan_shows_kinds_guarantees_and_warnings(shell: Shell) -> None:
    """Nothing connects; a literal secret earns a warning and is not printed."""
    file = shell.workflow(make="broken: connect", credentials=f"{{username: me, password: {CANARY}}}")
    done = shell("plan", file)
    assert done.returncode == Exit.SUCCESS
    assert "make (factory) --record--> keep (factory, append)" in done.stdout
    assert "at least once: " in done.stdout
    assert "[literal_secret]" in done.stderr and "${env:NAME}" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    plan = json.loads(shell("plan", file, "--json").stdout)
    assert plan["paths"][0]["edges"] == [{"from": "make", "to": "keep", "kind": "record"}]


def test_runs_are_listed_and_shown(shell: Shell) -> None:
    """Newest first; one run by its id; an unknown id is bad input."""
    assert "nothing ran yet" in shell("runs").stdout
    run = last_line(shell("run", shell.workflow(), "--json"))["run_id"]
    assert run in shell("runs").stdout
    listed = json.loads(shell("runs", "--json").stdout)["runs"]
    assert [(record["run_id"], record["status"]) for record in listed] == [(run, "succeeded")]
    assert "10 written" in shell("runs", run).stdout
    assert json.loads(shell("runs", run, "--json").stdout)["outcome"]["written"] == 10
    unknown = shell("runs", "no-such-run")
    assert (unknown.returncode, unknown.stdout) == (Exit.BAD_INPUT, "")


def test_same_workflow_twice_at_once_is_refused(shell: Shell) -> None:
    """The second says why and what to do, with exit code 2."""
    file = shell.workflow()
    with started(shell, "run", file) as process:
        wait_for_run(shell)
        done = shell("run", file)
        process.kill()
    assert done.returncode == Exit.BAD_INPUT
    assert "is running already" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_cancels_the_run(shell: Shell, number: signal.Signals) -> None:
    """Exit code 5; the outcome says cancelled and the next run resumes."""
    file = shell.workflow()
    with started(shell, "run", file, "--json") as process:
        wait_for_run(shell)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == Exit.CANCELLED, stderr
    assert json.loads(stdout.splitlines()[-1])["status"] == "cancelled"
    assert "cancelling" in stderr
    resumed = last_line(shell("run", file, "--json"))
    assert (resumed["resumed"], resumed["written"]) == (True, 10)


def test_second_signal_stops_at_once(shell: Shell) -> None:
    """Even when a provider blocks everything; the exit code is the same."""
    with started(shell, "run", shell.workflow(), FACTORY_BLOCK="yes") as process:
        assert process.stderr is not None
        wait_for_line(process.stderr, "has blocked the event loop")
        process.send_signal(signal.SIGINT)
        wait_for_line(process.stderr, "cancelling; once more stops at once")
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(20) == Exit.CANCELLED


def test_state_folder_that_cannot_be_used_is_bad_input(shell: Shell) -> None:
    """It names the folder and the variable."""
    shell.home = shell.folder / "file" / "home"
    (shell.folder / "file").write_text("")
    done = shell("run", shell.workflow())
    assert done.returncode == Exit.BAD_INPUT
    assert "NVISY_HOME" in done.stderr


def test_internals_are_not_shown_for_wrong_usage(shell: Shell) -> None:
    """An unknown command or option is answered by the usage, with exit code 2."""
    for arguments in (["sideways"], ["run"], ["copy", "a://", "b://", "--fresh", "--incremental"], []):
        done = shell(*arguments)
        assert done.returncode == Exit.BAD_INPUT
        assert "usage: nvisy" in done.stderr and "Traceback" not in done.stderr


def test_help_lists_the_exit_codes(shell: Shell) -> None:
    """With the meaning of each."""
    text = shell("--help").stdout
    for code in Exit:
        assert f"  {code.value}  {code.meaning}" in text


def test_version_is_printed(shell: Shell) -> None:
    """By the long and the short option."""
    assert shell("--version").stdout == shell("-V").stdout == "nvisy 0.1.0\n"


def started(shell: Shell, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """The command line, about to wait for its first batch."""
    return subprocess.Popen(
        [sys.executable, "-m", "nvisy", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=shell.folder,
        env=environment(shell.home, (shell.site,), {**shell.env, "FACTORY_WAIT": "30", **env}),
    )


def wait_for_line(stream: IO[str], text: str) -> None:
    """Until a line with that text comes."""
    assert any(text in line for line in stream), f"it ended without saying: {text}"


def wait_for_run(shell: Shell) -> None:
    """Until the run holds its lock, so that a signal finds it running."""
    lock = Path(shell.home, "locks", "flow.lock")
    deadline = time.monotonic() + 20
    while not lock.exists():
        assert time.monotonic() < deadline, "the run did not start"
        os.sched_yield()
