"""What hook plugins take part in: runs, the choice of providers, and the texts that leave the command line."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nvisy
import pytest
from nvisy.cli._exit import Exit

from tests.cli.conftest import CANARY, Shell, last_line
from tests.discovery.wheels import build, install
from tests.discovery.wheels import nvisy as command

TELLING = """
import json, os
from nvisy_sdk.hooks import hookimpl

def write(value):
    with open(os.environ.get("ACME_TOLD", os.devnull), "a") as file:
        file.write(json.dumps(value) + "\\n")

@hookimpl
def nvisy_run_event(event):
    write(event)

@hookimpl
def nvisy_provider_loaded(info):
    write({"event": "loaded", "name": info.name, "distribution": info.distribution})
"""
FAILING = """
from nvisy_sdk.hooks import hookimpl

@hookimpl(tryfirst=True)
def nvisy_run_event(event):
    raise ValueError("the listener is broken")

@hookimpl
def nvisy_run_evnt(event):
    pass
"""
STRICT = """
from nvisy_sdk.hooks import hookimpl

@hookimpl
def nvisy_provider_candidates(infos):
    return {info.name: "not in this house" for info in infos if info.distribution == "acme-factory"}
"""
REDACTING = """
from nvisy_sdk.hooks import hookimpl

@hookimpl
def nvisy_redact(record):
    return record.replace("row 7", "row [hidden]")
"""

Install = Callable[..., str]


@pytest.fixture
def hooks(tmp_path: Path, site: Path) -> Install:
    """Install a hook plugin beside the factory; the search path that finds both."""

    def install_hooks(name: str, code: str) -> str:
        folder = tmp_path / "hooks"
        folder.mkdir(exist_ok=True)
        package = f"acme_hooks_{name}"
        points = f"[nvisy.hooks]\n{name} = {package}\n"
        install(build(tmp_path, f"acme-hooks-{name}", files={f"{package}.py": code}, entry_points=points), folder)
        return os.pathsep.join([str(site), str(folder)])

    return install_hooks


def told(path: Path) -> list[dict[str, Any]]:
    """What the plugin heard."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_run_is_told_from_its_start_to_its_end(shell: Shell, hooks: Install, tmp_path: Path) -> None:
    """With the outcome; each provider that was imported; no credentials anywhere."""
    path = hooks("telling", TELLING)
    done = shell("run", shell.workflow(), "--json", PYTHONPATH=path, ACME_TOLD=str(tmp_path / "told"))
    assert (done.returncode, done.stderr) == (Exit.SUCCESS, "")
    outcome = last_line(done)
    events = told(tmp_path / "told")
    assert {"event": "loaded", "name": "factory", "distribution": "acme-factory"} in events
    assert {"event": "started", "run_id": outcome["run_id"]} in events
    finished = events[-1]
    assert finished["event"] == "finished"
    wanted = ("run_id", "workflow", "status", "read", "written", "rejected", "filtered", "resumed", "guarantee")
    assert {name: finished[name] for name in wanted} == {name: outcome[name] for name in wanted}
    assert finished["error"] is None
    assert CANARY not in (tmp_path / "told").read_text()


def test_progress_is_told_about_once_a_second(shell: Shell, hooks: Install, tmp_path: Path) -> None:
    """Between start and end, with the counts so far."""
    path = hooks("telling", TELLING)
    more = {"PYTHONPATH": path, "ACME_TOLD": str(tmp_path / "told"), "FACTORY_WAIT": "2.5"}
    assert shell("run", shell.workflow(), **more).returncode == Exit.SUCCESS
    events = [event for event in told(tmp_path / "told") if event["event"] != "loaded"]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    between = events[1:-1]
    assert between and {event["event"] for event in between} == {"progress"}
    assert {"run_id", "read", "written", "seconds"} <= set(between[0])


def test_failed_run_is_told_with_its_error(shell: Shell, hooks: Install, tmp_path: Path) -> None:
    """Kind, operation and text, without a traceback."""
    path = hooks("telling", TELLING)
    shell("run", shell.workflow(make="fail_at: 7"), PYTHONPATH=path, ACME_TOLD=str(tmp_path / "told"))
    finished = told(tmp_path / "told")[-1]
    assert finished["status"] == "failed"
    assert set(finished["error"]) == {"kind", "retryable", "operation", "message"}
    assert "row 7 is broken" in finished["error"]["message"]


def test_broken_listener_harms_neither_run_nor_other_listeners(shell: Shell, hooks: Install, tmp_path: Path) -> None:
    """It is reported once, with its distribution's name; the run and the other plugin go on."""
    hooks("telling", TELLING)
    path = hooks("failing", FAILING)
    done = shell("run", shell.workflow(), "--json", PYTHONPATH=path, ACME_TOLD=str(tmp_path / "told"))
    assert done.returncode == Exit.SUCCESS
    assert last_line(done)["written"] == 10
    assert [event["event"] for event in told(tmp_path / "told") if event["event"] != "loaded"] == [
        "started",
        "finished",
    ]
    lines = [line for line in done.stderr.splitlines() if "nvisy_run_event" in line]
    assert lines == [
        "hooks `failing` of acme-hooks-failing 1.0: `nvisy_run_event` failed: ValueError: the listener is broken"
        " (tell its author)"
    ]


def test_misspelt_hook_is_listed_with_the_plugin_it_is_in(shell: Shell, hooks: Install) -> None:
    """`nvisy providers` names it, and what was meant; so does the doctor."""
    path = hooks("failing", FAILING)
    listed = shell("providers", "--json", PYTHONPATH=path)
    (problem,) = [p for p in last_line(listed)["problems"] if p["distribution"] == "acme-hooks-failing"]
    assert (problem["code"], problem["severity"], problem["entry_point"]) == ("unknown_hook", "warning", "failing")
    assert "did you mean `nvisy_run_event`?" in problem["message"]
    done = shell("doctor", "acme-hooks-failing", PYTHONPATH=path)
    assert "hooks failing (acme-hooks-failing 1.0): ok, but" in done.stdout
    assert "did you mean `nvisy_run_event`?" in done.stdout
    assert done.returncode == Exit.SUCCESS


def test_provider_that_is_ruled_out_cannot_be_used(shell: Shell, hooks: Install) -> None:
    """The listing and a workflow say who rules it out and why."""
    path = hooks("strict", STRICT)
    listed = last_line(shell("providers", "--json", PYTHONPATH=path))
    assert "factory" not in [info["name"] for info in listed["providers"]]
    (problem,) = [p for p in listed["problems"] if p["code"] == "ruled_out"]
    assert (problem["distribution"], problem["message"]) == ("acme-factory", "it is ruled out: not in this house")
    assert "acme-hooks-strict" in problem["hint"]
    done = shell("run", shell.workflow(), PYTHONPATH=path)
    assert done.returncode == Exit.BAD_INPUT
    assert "the provider `factory` of acme-factory cannot be used: it is ruled out: not in this house" in done.stderr


@pytest.mark.parametrize("off", ["*", "acme-hooks-strict", "strict"])
def test_switched_off_hooks_take_part_in_nothing(shell: Shell, hooks: Install, off: str) -> None:
    """The same variable as for providers; it is said that they are off."""
    path = hooks("strict", STRICT)
    listed = last_line(shell("providers", "--json", PYTHONPATH=path, NVISY_DISABLE_PLUGINS=off))
    assert "ruled_out" not in [p["code"] for p in listed["problems"]]
    assert "acme-hooks-strict" in [p["distribution"] for p in listed["problems"] if p["code"] == "disabled"]


def test_redactor_sees_error_texts_and_no_counts(shell: Shell, hooks: Install) -> None:
    """On standard error, tracebacks included, and in the error of the JSON result."""
    done = shell("run", shell.workflow(make="fail_at: 7"), "--json", PYTHONPATH=hooks("redacting", REDACTING))
    outcome = last_line(done)
    assert "row [hidden] is broken" in outcome["error"]["message"]
    assert "row [hidden] is broken" in done.stderr
    assert "row 7" not in done.stderr + done.stdout
    assert outcome["status"] == "failed"


LOGGING = """
import logging
from nvisy.cli._output import Output

Output(as_json=False).redact(lambda text: text.replace("zebra", "[hidden]"))
try:
    raise ValueError("a zebra in the traceback")
except ValueError:
    logging.getLogger("nvisy").exception("a %s in the log", "zebra")
"""


def test_redactor_sees_the_log_with_its_tracebacks() -> None:
    """Arguments of a record are part of its text."""
    done = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("a [hidden] in the log\nTraceback (most recent call last):\n")
    assert done.stderr.endswith("ValueError: a [hidden] in the traceback\n")


def test_nothing_is_imported_for_hooks_where_there_are_none(shell: Shell) -> None:
    """Neither pluggy nor Pydantic, for a listing; pluggy not for a run either."""
    code = "import sys; from nvisy.cli import main; main(sys.argv[1:]); print(sorted({'pluggy', 'pydantic'} & set(sys.modules)))"
    env = {"PYTHONPATH": str(shell.site), "NVISY_HOME": str(shell.home), "FACTORY_PASSWORD": CANARY}

    def loaded(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **env},
            cwd=shell.folder,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    assert loaded("providers") == "[]"
    assert loaded("run", shell.workflow()) == "['pydantic']"


@pytest.mark.parametrize("awaited", [False, True])
def test_functions_tell_of_runs_too(
    shell: Shell, hooks: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, awaited: bool
) -> None:
    """`nvisy.run` and `nvisy.run_async` in this very process."""
    for folder in hooks("telling", TELLING).split(os.pathsep):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("NVISY_HOME", str(shell.home))
    monkeypatch.setenv("FACTORY_PASSWORD", CANARY)
    monkeypatch.setenv("ACME_TOLD", str(tmp_path / "told"))
    monkeypatch.chdir(shell.folder)
    importlib.invalidate_caches()
    file = shell.workflow()
    outcome = asyncio.run(nvisy.run_async(file)) if awaited else nvisy.run(file)
    events = [event for event in told(tmp_path / "told") if event["event"] in ("started", "finished")]
    assert [(event["event"], event["run_id"]) for event in events] == [
        ("started", outcome.run_id),
        ("finished", outcome.run_id),
    ]
    assert command("providers", home=shell.home).returncode == 0
