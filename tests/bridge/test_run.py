"""What a provider does in a run of the engine: errors come back as they are, and sessions are always closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from nvisy import _core
from nvisy_sdk import Batch, ConflictError, Context, IncomingBatch, Keyset, Receipt

from tests.bridge.runs import WORKFLOW, Both, start
from tests.bridge.support import FINGERPRINT, Base, eventually, manifest


class Source(Base):
    """Three batches, then the end."""

    log: list[str]

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        for number in range(3):
            yield Batch([{"id": number}], Keyset(("id",), FINGERPRINT))

    async def disconnect(self) -> None:
        self.log.append("source closed")


class Sink(Base):
    """Takes everything."""

    log: list[str]

    async def write(self, batch: IncomingBatch) -> Receipt:
        self.log.append(f"wrote {len(batch)}")
        return Receipt(accepted=len(batch))

    async def disconnect(self) -> None:
        self.log.append("sink closed")


def pair(source: type = Source, sink: type = Sink) -> tuple[type, type, list[str]]:
    """Both classes with one log."""
    log: list[str] = []
    return type("Source", (source,), {"log": log}), type("Sink", (sink,), {"log": log}), log


def test_run_moves_rows_and_closes_both_sessions(tmp_path: Path) -> None:
    """The straight line: read, write, close."""
    source, sink, log = pair()
    run = start(tmp_path, source, sink)
    outcome = json.loads(run.wait() or "")
    assert (outcome["status"], outcome["read"], outcome["written"]) == ("succeeded", 3, 3)
    assert run.exception() is None
    assert sorted(log)[:2] == ["sink closed", "source closed"]


FAULTS: list[Callable[[], BaseException]] = [
    lambda: ConflictError("the row is there", hint="upsert", context={"row": "7"}),
    lambda: SystemExit(3),
    lambda: KeyboardInterrupt(),
    lambda: BaseException("bare"),
]


@pytest.mark.parametrize("make", FAULTS, ids=["conflict", "exit", "interrupt", "base"])
@pytest.mark.parametrize("place", ["read", "write"])
def test_exception_fails_that_run_only_and_comes_back_as_the_same_object(
    tmp_path: Path, make: Callable[[], BaseException], place: str
) -> None:
    """The run fails with both stacks and the very object; another run beside it succeeds; both close their sessions."""
    error = make()

    class Failing(Source):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))
            raise error

    class Refusing(Sink):
        async def write(self, batch: IncomingBatch) -> Receipt:
            raise error

    source, sink, log = pair(Failing if place == "read" else Source, Refusing if place == "write" else Sink)
    good_source, good_sink, good_log = pair()
    run = start(tmp_path, source, sink)
    beside = start(tmp_path, good_source, good_sink, name="beside")
    outcome = json.loads(run.wait() or "")
    assert json.loads(beside.wait() or "")["status"] == "succeeded"
    assert outcome["status"] == "failed"
    assert run.exception() is error
    told = outcome["error"]
    assert f"in {place}" in told["traceback"]
    assert told["context"]["provider"] == ("source" if place == "read" else "sink")
    assert told["kind"] == ("conflict" if isinstance(error, ConflictError) else "internal")
    for closed in (log, good_log):
        assert {"source closed", "sink closed"} <= set(closed)


def test_cancelled_run_cancels_its_tasks_and_closes_its_sessions(tmp_path: Path) -> None:
    """Cancelling a run ends the read and the write in Python before the outcome is there."""

    class Endless(Source):
        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            try:
                yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))
                await asyncio.Event().wait()
            finally:
                self.log.append("read ended")

    source, sink, log = pair(Endless)
    run = start(tmp_path, source, sink)
    assert eventually(lambda: "wrote 1" in log)
    assert run.wait(0.05) is None
    run.cancel()
    assert json.loads(run.wait() or "")["status"] == "cancelled"
    assert {"read ended", "source closed", "sink closed"} <= set(log)


def test_workflow_that_cannot_run_raises_all_its_problems(tmp_path: Path) -> None:
    """`PlanError` has every problem as JSON."""
    source, sink, _ = pair()
    engine = _core.Engine(
        str(tmp_path), [(manifest(source, name="source").model_dump_json(), "source")], Both(source, sink)
    )
    with pytest.raises(_core.PlanError) as raised:
        engine.plan(WORKFLOW.replace("NAME", "moved").replace("read: from", "read: nowhere"), str(tmp_path), "{}")
    problems = json.loads(raised.value.args[0])["problems"]
    assert len(problems) >= 2
    assert all(problem["code"] and problem["message"] for problem in problems)
