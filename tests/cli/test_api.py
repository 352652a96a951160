"""The functions of ``nvisy``, called in this very process."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping
from pathlib import Path

import nvisy
import pytest
from nvisy import DefinitionError, Outcome, RejectedError, RunError

USER = "me:${env:FACTORY_PASSWORD}@"


@pytest.fixture(autouse=True)
def here(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder and home of the test's own, with the factory installed."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NVISY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FACTORY_PASSWORD", "secret")
    return tmp_path


def workflow(make: Mapping[str, object] | None = None, keep: Mapping[str, object] | None = None) -> dict[str, object]:
    """A workflow as a mapping; paths in it may be paths."""
    credentials = {"username": "me", "password": "${env:FACTORY_PASSWORD}"}
    system = {"provider": "factory", "credentials": credentials}
    return {
        "version": 1,
        "name": "flow",
        "connections": {"source": system, "target": system},
        "nodes": [
            {"id": "make", "read": "source", "params": {"batch_rows": 5, **(make or {})}},
            {"id": "keep", "write": "target", "params": {"path": Path("kept.jsonl"), **(keep or {})}},
        ],
    }


def test_run_returns_the_outcome(here: Path) -> None:
    """Of a mapping and of a file alike; the outcome is frozen."""
    outcome = nvisy.run(workflow())
    assert (outcome.status, outcome.read, outcome.written, outcome.resumed) == ("succeeded", 10, 10, False)
    assert [(sink.source, sink.node, sink.written) for sink in outcome.sinks] == [("make", "keep", 10)]
    with pytest.raises(AttributeError):
        outcome.read = 11  # type: ignore[misc]
    (here / "flow.json").write_text(json.dumps(workflow(), default=str))
    assert nvisy.run("flow.json").read == 0
    assert nvisy.run(here / "flow.json", full=True, home=here / "home").read == 10


def test_failed_run_raises_the_very_exception_of_the_provider() -> None:
    """The same object, with the outcome on it and a note that names the run."""
    with pytest.raises(Exception, match="row 7 is broken") as caught:
        nvisy.run(workflow(make={"fail_at": 7}))
    assert caught.value is importlib.import_module("acme_factory").RAISED[-1]
    outcome = vars(caught.value)["outcome"]
    assert isinstance(outcome, Outcome)
    assert outcome.error is not None and "row 7 is broken" in outcome.error.message
    assert any(outcome.run_id in note for note in caught.value.__notes__)


def test_exit_in_a_provider_does_not_end_the_caller() -> None:
    """SystemExit is the cause of a RunError, never raised itself."""
    with pytest.raises(RunError) as caught:
        nvisy.run(workflow(make={"fail_at": 3, "leave": True}))
    assert isinstance(caught.value.__cause__, SystemExit)
    assert caught.value.outcome.status == "failed"


def test_refused_rows_raise() -> None:
    """With the outcome, which counts them."""
    with pytest.raises(RejectedError, match="row 2 is not wanted") as caught:
        nvisy.run(workflow(keep={"refuse": [2]}))
    assert caught.value.outcome.rejected >= 1


def test_problems_of_a_workflow_raise_all_at_once() -> None:
    """Before anything connects."""
    with pytest.raises(DefinitionError) as caught:
        nvisy.run(workflow(make={"tabel": "t", "broken": "connect"}, keep={"batch_rows": 0}))
    assert {problem.node for problem in caught.value.problems} == {"make", "keep"}
    assert "tabel" in str(caught.value) and "did you mean `table`?" in str(caught.value)


def test_plan_needs_no_system() -> None:
    """It shows the guarantee without connecting."""
    plan = nvisy.plan(workflow(make={"broken": "connect"}))
    assert plan["guarantee"] == "at_least_once"


def test_copy_returns_the_outcome() -> None:
    """And refuses contradictions."""
    source, target = f"factory://{USER}/s.jsonl?rows=10", f"factory://{USER}/kept.jsonl"
    assert nvisy.copy(source, target).written == 10
    assert nvisy.copy(source, target, incremental=True).written == 0
    with pytest.raises(DefinitionError, match="either starts over or continues"):
        nvisy.copy(source, target, fresh=True, incremental=True)


def test_many_runs_go_on_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of an event loop do not wait for each other, however many there are."""
    monkeypatch.setenv("FACTORY_WAIT", "0.2")

    async def main() -> list[Outcome]:
        flows = [{**workflow(), "name": f"flow-{number}"} for number in range(12)]
        async with asyncio.timeout(30):
            return await asyncio.gather(*(nvisy.run_async(flow) for flow in flows))

    assert [outcome.written for outcome in asyncio.run(main())] == [10] * 12


def test_cancelled_task_cancels_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits until the run has ended, so that the next one finds it done and resumes."""
    reading = importlib.import_module("acme_factory").READING
    reading.clear()
    monkeypatch.setenv("FACTORY_WAIT", "60")

    async def main() -> None:
        task = asyncio.create_task(nvisy.run_async(workflow()))
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(reading.wait, 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    monkeypatch.delenv("FACTORY_WAIT")
    outcome = nvisy.run(workflow())
    assert (outcome.resumed, outcome.written) == (True, 10)


def test_copy_can_be_awaited() -> None:
    """The same as `copy`."""
    source, target = f"factory://{USER}/s.jsonl?rows=10", f"factory://{USER}/kept.jsonl"
    assert asyncio.run(nvisy.copy_async(source, target)).written == 10


def test_providers_are_listed_with_their_problems() -> None:
    """As by the command line."""
    assert "factory" in [info.name for info in nvisy.providers().providers]


def test_every_public_name_is_there_and_sorted() -> None:
    """Names are looked up when they are used; none is missing."""
    assert nvisy.__all__ == sorted(nvisy.__all__)
    for name in nvisy.__all__:
        assert getattr(nvisy, name).__name__ == name
        assert name in dir(nvisy)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nvisy.nothing
