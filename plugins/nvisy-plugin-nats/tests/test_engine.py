"""Through the real command line: one stream into another, killed at seeded moments, and acknowledged only after the commit."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from nats.aio.client import Client
from nvisy_sdk.testing import held_when, kill_when

from .nats_base import Base, Server

MESSAGES = 4_000
BATCH = 100
KILLS = 6
PATIENCE = 120


def fill(base: Base, stream: str, count: int, *, first: int = 0) -> list[bytes]:
    """Publish so many messages, every other one with an id of its own."""
    payloads = [f"message {number}".encode() + b"." * 200 for number in range(first, first + count)]

    async def one(client: Client, number: int, payload: bytes) -> None:
        headers = {"Nats-Msg-Id": f"own-{number}", "Number": str(number)} if number % 2 else None
        answer = await client.request(f"{stream}.{number % 3}", payload, timeout=30, headers=headers)
        assert "error" not in json.loads(answer.data)

    async def publish(client: Client) -> None:
        for start in range(0, count, 500):
            part = list(enumerate(payloads, first))[start : start + 500]
            await asyncio.gather(*(one(client, number, payload) for number, payload in part))

    base.native(publish)
    return payloads


class Copy:
    """A workflow from one stream into another, with a state folder of its own."""

    def __init__(self, base: Base, folder: Path, source: str, target: str, **reading: object) -> None:
        self.base, self.folder = base, folder
        where = {"host": base.server.host, "port": base.server.port}
        login = {"username": base.server.user, "password": "${env:NATS_PASSWORD}"}
        connection = {"provider": "nats", "params": where, "credentials": login}
        nodes = [
            {"id": "source", "read": "server", "params": {"stream": source, "batch_rows": BATCH, **reading}},
            {"id": "target", "write": "server", "params": {"stream": target, "subject_prefix": f"{target}."}},
        ]
        self.workflow = folder / "copy.json"
        self.workflow.write_text(
            json.dumps({"version": 1, "name": "copy", "connections": {"server": connection}, "nodes": nodes})
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command and do not wait."""
        command = [str(Path(sys.executable).parent / "nvisy"), *arguments]
        more = {"NVISY_HOME": str(self.folder / "home"), "NATS_PASSWORD": self.base.server.password}
        return subprocess.Popen(
            command, env=os.environ | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self) -> dict[str, Any]:
        """Run to the end and return the outcome, whose ledger balances."""
        process = self.start("run", str(self.workflow), "--json")
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"{out}\n{err}"
        assert self.base.server.password not in out + err
        found = json.loads(out.splitlines()[-1])
        assert isinstance(found, dict)
        assert found["read"] == found["written"] + found["rejected"] + found["filtered"]
        return found

    def killed(self, target: str, goal: int) -> bool:
        """Start a run and send SIGKILL once the target holds so many messages; whether it was still running."""
        started = self.start("run", str(self.workflow), "--json")
        return kill_when(started, lambda: self.base.state(target)["messages"] >= goal)


def numbers(base: Base, stream: str, *, prefix: str = "") -> list[tuple[str, bytes, str | None]]:
    """Return subject, payload and header of every message of a stream."""
    return [(each.subject.removeprefix(prefix), each.payload, each.header("Number")) for each in base.seen(stream)]


def test_copy_keeps_messages_ids_headers_and_order(base: Base, tmp_path: Path) -> None:
    """A run, a run over what came since, and a run over nothing."""
    source, target = base.stream(), base.stream()
    fill(base, source, 500)
    copy = Copy(base, tmp_path, source, target)
    assert copy.run()["written"] == 500
    assert numbers(base, target, prefix=f"{target}.") == numbers(base, source)
    ids = [each.header("Nats-Msg-Id") for each in base.seen(target)]
    assert ids[:4] == [f"{source}:1", "own-1", f"{source}:3", "own-3"]
    fill(base, source, 50, first=500)
    assert copy.run()["written"] == 50
    assert copy.run()["read"] == 0
    assert numbers(base, target, prefix=f"{target}.") == numbers(base, source)


@pytest.mark.parametrize("retention", ["limits", "workqueue"])
def test_killed_copies_lose_nothing_and_repeat_nothing(base: Base, tmp_path: Path, retention: str) -> None:
    """SIGKILL at random moments: at each of them every message is in the source or in the target, at the end each is there once."""
    source = base.stream(retention=retention, storage="file")
    target = base.stream(storage="file", duplicate_window=600 * 10**9)
    sent = fill(base, source, MESSAGES)
    original = numbers(base, source)
    moments = random.Random(f"20261123 {retention}")
    copy = Copy(base, tmp_path, source, target, **({"durable": "mover"} if retention == "workqueue" else {}))
    for _ in range(KILLS):
        there = base.state(target)["messages"]
        goal = there + moments.randint(1, (MESSAGES - there) // 4)
        assert copy.killed(target, goal), "the run ended before it could be killed"
        there = {each.payload for each in base.seen(source)} | {each.payload for each in base.seen(target)}
        assert there == set(sent)
    outcome = copy.run()
    assert numbers(base, target, prefix=f"{target}.") == original
    assert outcome["guarantee"] == "at_least_once", (
        "the plan does not know of the ids; they make it better than it says"
    )
    assert base.state(source)["messages"] > 0, "what was committed last is acknowledged by the next read"
    assert copy.run()["read"] == 0
    assert base.state(source)["messages"] == (MESSAGES if retention == "limits" else 0)


@pytest.mark.parametrize("back", [True, False])
def test_server_that_dies_under_a_run_costs_no_message(
    tmp_path: Path, start: Callable[..., Server], *, back: bool
) -> None:
    """Back at once, the run goes on; otherwise it says what happened, and the next one ends with each message once."""
    base = Base(start())
    source = base.stream(retention="workqueue", storage="file")
    target = base.stream(storage="file", duplicate_window=600 * 10**9)
    fill(base, source, MESSAGES)
    original = numbers(base, source)
    copy = Copy(base, tmp_path, source, target, durable="mover")
    process = copy.start("run", str(copy.workflow), "--json")
    with held_when(process, lambda: base.state(target)["messages"] >= MESSAGES // 4) as running:
        assert running
        base.server.stop()
    if back:
        base.server.again()
    out, err = process.communicate(timeout=PATIENCE)
    outcome = json.loads(out.splitlines()[-1])
    assert outcome["status"] == ("succeeded" if back else "failed"), f"{out}\n{err}"
    if not back:
        assert (outcome["error"]["kind"], outcome["error"]["retryable"]) == ("connection", True)
        base.server.again()
    assert copy.run()["resumed"] is not back
    assert numbers(base, target, prefix=f"{target}.") == original


def test_one_line_copies_a_stream(base: Base, tmp_path: Path) -> None:
    """By URIs, with the password in them; it is shown nowhere."""
    source, target = base.stream(), base.stream()
    fill(base, source, 30)
    copy = Copy(base, tmp_path, source, target)
    login = f"{quote(base.server.user, safe='')}:{quote(base.server.password, safe='')}"
    where = f"nats://{login}@{base.server.host}:{base.server.port}"
    process = copy.start("copy", f"{where}/{source}", f"{where}/{target}?subject_prefix={target}.", "--json")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, f"{out}\n{err}"
    assert base.server.password not in out + err
    assert numbers(base, target, prefix=f"{target}.") == numbers(base, source)
