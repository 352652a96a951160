"""The guards around a check: what each sees, on whom it is blamed, and what it leaves alone."""

from __future__ import annotations

import asyncio
import base64
import gc
import importlib
import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from nvisy_sdk import DataKind, ProviderError, Receipt
from nvisy_sdk.conformance import CheckFailed, Subject
from nvisy_sdk.conformance._case import Case
from nvisy_sdk.conformance._guards import Finding, Watch
from nvisy_sdk.conformance._guards._secrets import Canary
from nvisy_sdk.conformance._guards._stall import measured_stall
from nvisy_sdk.conformance._service import Service

from tests.kit import reference

SECRET = "canary-7Tq9w2LmX4zB"

# A test lets things leak on purpose: the guard has to see it, pytest must not complain about it.
pytestmark = pytest.mark.filterwarnings("ignore")


class Mine(reference.Provider):
    """Makes the code in this folder the provider's."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The system behind the reference provider."""
    service = Service(reference.harness(DataKind.RECORD)(SECRET))
    service.start()
    yield service
    service.stop()


def case_of(service: Service, *, provider: type | None = None) -> Case:
    """Return a case in which the code of this folder is the provider's, unless another provider is given."""

    class Fresh(Mine):
        """One for each case: what a guard remembers of a provider is not remembered of the next."""

    subject = Subject.of(provider or Fresh, reference.manifest(DataKind.RECORD))
    return Case("CON-01", subject, reference.manifest(DataKind.RECORD), service, SECRET, 1, "guards")


def watched(case: Case, doing: Coroutine[Any, Any, None]) -> list[Finding]:
    """Run something under the guards and return what they saw."""
    watch = Watch(case)
    watch.run(doing)
    return watch.findings


def checks_of(case: Case, doing: Coroutine[Any, Any, None]) -> list[str]:
    """Run something under the guards and return the checks that are blamed."""
    return [finding.check for finding in watched(case, doing)]


async def nothing() -> None:
    """Do nothing."""
    await asyncio.sleep(0)


def test_watch_finds_nothing_when_a_session_is_used_well(service: Service) -> None:
    """The reference's whole life leaves no finding."""
    case = case_of(service)

    async def use() -> None:
        stream = await case.seed(case.items(7))
        async with case.session(stream) as session:
            await case.read(session)
            await case.write(session, case.items(2, first=10))

    assert watched(case, use()) == []


def test_watch_raises_what_the_check_raises(service: Service) -> None:
    """A failed check is no finding of a guard."""

    async def fail() -> None:
        raise CheckFailed("seen")

    with pytest.raises(CheckFailed, match="seen"):
        Watch(case_of(service)).run(fail())


def test_watch_turns_the_end_of_the_process_into_a_failure(service: Service) -> None:
    """A provider that exits does not take the kit with it."""

    async def leave() -> None:
        sys.exit(3)

    with pytest.raises(CheckFailed, match="raised SystemExit"):
        Watch(case_of(service)).run(leave())


def test_watch_puts_everything_back_when_it_is_done(service: Service) -> None:
    """Functions, streams, hooks, handlers and levels are the old ones."""
    root = logging.getLogger()
    before = (time.sleep, sys.stdout, sys.stderr, sys.unraisablehook, root.handlers, root.level, warnings.filters[:])
    watched(case_of(service), nothing())
    after = (time.sleep, sys.stdout, sys.stderr, sys.unraisablehook, root.handlers, root.level, warnings.filters[:])
    assert before == after
    assert gc.get_freeze_count() == 0


# ---------------------------------------------------------------------- what is left


def test_watch_blames_a_task_that_still_runs(service: Service) -> None:
    """LEAK-01 names the task's coroutine."""

    async def forget() -> None:
        asyncio.ensure_future(asyncio.sleep(60))  # noqa: RUF006

    (finding,) = watched(case_of(service), forget())
    assert finding == Finding("LEAK-01", "the task of `sleep` still runs after the session was closed")


def test_watch_allows_a_task_time_to_end(service: Service) -> None:
    """What ends by itself within a second is no leak."""

    async def soon() -> None:
        asyncio.ensure_future(asyncio.sleep(0.05))  # noqa: RUF006

    assert watched(case_of(service), soon()) == []


def test_watch_ends_when_a_task_cannot_be_cancelled(service: Service) -> None:
    """A task that swallows every cancellation is a finding, not a hang."""

    async def stubborn() -> None:
        for _ in range(200):
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    async def start() -> None:
        asyncio.ensure_future(stubborn())  # noqa: RUF006

    assert checks_of(case_of(service), start()) == ["LEAK-01"]


def test_watch_blames_a_thread_that_comes_again(service: Service) -> None:
    """LEAK-02 lets a library start one thread for the process, and no more."""
    case, end = case_of(service), threading.Event()

    async def start() -> None:
        threading.Thread(target=end.wait, name="beat", daemon=True).start()

    try:
        assert checks_of(case, start()) == []
        assert watched(case, start()) == [
            Finding("LEAK-02", "the thread `beat` still runs after the session was closed"),
        ]
    finally:
        end.set()


def test_watch_leaves_threads_of_the_harness_alone(service: Service) -> None:
    """What the harness starts, and what those start, is none of the provider's."""
    case, end = case_of(service), threading.Event()

    async def of_the_harness() -> None:
        threading.Thread(target=end.wait, name="server", daemon=True).start()

    async def ask() -> None:
        await case.service.run(of_the_harness())

    try:
        assert [checks_of(case, ask()) for _ in range(2)] == [[], []]
    finally:
        end.set()


def test_watch_allows_threads_of_the_loop(service: Service) -> None:
    """`asyncio.to_thread` is the loop's own pool, which ends with it."""

    async def work() -> None:
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.01) for _ in range(5)))

    case = case_of(service)
    assert [checks_of(case, work()) for _ in range(2)] == [[], []]


def test_watch_blames_a_file_that_comes_again(service: Service, tmp_path: Path) -> None:
    """LEAK-03 lets a library keep one file for the process, and no more."""
    case, kept = case_of(service), []

    async def open_one() -> None:
        kept.append(os.open(tmp_path / "log", os.O_CREAT | os.O_RDWR))

    try:
        assert "LEAK-03" not in checks_of(case, open_one())
        assert "LEAK-03" in checks_of(case, open_one())
    finally:
        for number in kept:
            os.close(number)


def test_watch_blames_a_connection_at_once(service: Service) -> None:
    """LEAK-04 counts at the proxy, and LEAK-03 sees the socket, the first time already."""
    case, kept = case_of(service), []

    async def connect() -> None:
        kept.append(socket.socket())
        kept[0].setblocking(False)
        await asyncio.get_running_loop().sock_connect(kept[0], (case.endpoint.host, case.endpoint.port))

    assert sorted(checks_of(case, connect())) == ["LEAK-03", "LEAK-04"]
    kept[0].close()


def test_watch_leaves_connections_of_the_harness_alone(service: Service) -> None:
    """A client that the harness keeps is not the provider's."""
    case, kept = case_of(service), []

    async def of_the_harness() -> None:
        kept.append(socket.create_connection((case.service.direct.host, case.service.direct.port)))
        kept.append(socket.socket())

    async def ask() -> None:
        await case.service.run(of_the_harness())

    try:
        assert [checks_of(case, ask()) for _ in range(2)] == [[], []]
    finally:
        for each in kept:
            each.close()


def test_watch_blames_a_changed_environment(service: Service) -> None:
    """LEAK-08 names what was changed."""

    async def change() -> None:
        os.environ["GUARDS_TEST"] = "1"

    try:
        (finding,) = watched(case_of(service), change())
    finally:
        del os.environ["GUARDS_TEST"]
    assert finding == Finding("LEAK-08", "the provider changed the environment variable `GUARDS_TEST`")


def test_watch_blames_logging_that_was_configured(service: Service) -> None:
    """LEAK-08 sees `basicConfig`, although the test's own handlers are there; they come back."""
    before = logging.getLogger().handlers

    async def configure() -> None:
        logging.basicConfig()

    messages = [finding.message for finding in watched(case_of(service), configure())]
    assert messages == ["the provider changed the root logger's handlers"]
    assert logging.getLogger().handlers is before


def test_watch_blames_a_batch_that_was_changed(service: Service) -> None:
    """WRT-11 compares what a sink was given with what it leaves."""
    case = case_of(service)

    class Careless:
        async def write(self, batch: Any) -> Receipt:
            batch._rows[0]["id"] = -1
            return Receipt(accepted=1)

    async def write() -> None:
        await case.send(Careless(), case.batch(case.items(1)))

    assert watched(case, write()) == [Finding("WRT-11", "`write` changed the items of a batch of 1")]


# ---------------------------------------------------------------------- what blocks


def test_watch_blames_sleeping_on_the_loop(service: Service) -> None:
    """ASY-01 says how long, and where."""

    async def sleep() -> None:
        time.sleep(0.001)  # noqa: ASYNC251

    (finding,) = watched(case_of(service), sleep())
    assert finding.check == "ASY-01"
    assert finding.message.startswith("sleeping 0.001 s blocks the event loop, at test_guards.py:")


def test_watch_blames_blocking_calls_of_each_kind(service: Service, tmp_path: Path) -> None:
    """Files, databases, names and sockets are all seen."""
    import sqlite3

    async def block() -> None:
        (tmp_path / "a.txt").write_text("a")
        sqlite3.connect(":memory:").close()
        socket.getaddrinfo("localhost", 80)
        with socket.socket() as plain:
            plain.connect_ex(("127.0.0.1", 9))

    messages = [finding.message.partition(" blocks")[0] for finding in watched(case_of(service), block())]
    assert messages == [
        "opening the file `a.txt`",
        "opening a database file",
        "looking up a host's name",
        "connecting a blocking socket",
    ]


def test_watch_allows_blocking_calls_off_the_loop(service: Service, tmp_path: Path) -> None:
    """What a thread does, and what asyncio does itself, blocks nobody."""

    def block() -> None:
        time.sleep(0.001)
        (tmp_path / "a.txt").write_text("a")

    async def work() -> None:
        await asyncio.to_thread(block)
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", 9)

    assert watched(case_of(service), work()) == []


def test_watch_allows_an_import_on_the_loop(service: Service) -> None:
    """A driver is imported on first use; that reads files, once."""
    sys.modules.pop("this_is_not_loaded", None)

    async def load() -> None:
        for name in ("wave", "colorsys"):
            sys.modules.pop(name, None)
            importlib.import_module(name)

    assert watched(case_of(service), load()) == []


def test_watch_leaves_code_of_others_alone(service: Service) -> None:
    """What code outside of the provider's folders blocks is not the provider's."""

    async def sleep() -> None:
        time.sleep(0.001)  # noqa: ASYNC251

    assert watched(case_of(service, provider=reference.Provider), sleep()) == []


# ---------------------------------------------------------------------- what is said


def test_watch_finds_the_secret_in_any_record(service: Service) -> None:
    """SEC-02 hears every level, whatever is configured, and sees the secret in disguise."""
    logger = logging.getLogger("some.driver")
    logger.setLevel(logging.ERROR)
    header = base64.b64encode(f"user:{SECRET}".encode()).decode()

    async def log() -> None:
        logger.debug("sending %s", {"authorization": f"Basic {header}"})

    assert watched(case_of(service), log()) == [
        Finding("SEC-02", "the secret is in a record of the logger `some.driver`")
    ]
    assert logger.level == logging.ERROR


def test_watch_ignores_records_of_the_harness(service: Service) -> None:
    """The harness knows the secret, and may log what it likes."""
    case = case_of(service)

    async def of_the_harness() -> None:
        logging.getLogger("server").warning("the secret is %s", SECRET)
        print(SECRET)

    async def ask() -> None:
        await case.service.run(of_the_harness())

    assert watched(case, ask()) == []


def test_watch_finds_the_secret_in_what_is_printed(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """SEC-05 reads what goes to the standard streams, and lets it pass."""

    async def show() -> None:
        print(f"token={SECRET}")
        print("harmless", file=sys.stderr)

    assert watched(case_of(service), show()) == [
        Finding("SEC-05", "the secret was written to the standard output"),
    ]
    assert capsys.readouterr() == (f"token={SECRET}\n", "harmless\n")


def test_watch_finds_the_secret_in_a_warning(service: Service) -> None:
    """A warning is shown to the world too."""

    async def warn() -> None:
        warnings.warn(f"old token {SECRET}", DeprecationWarning, stacklevel=1)

    assert watched(case_of(service), warn()) == [Finding("SEC-05", "the secret is in a warning")]


def test_watch_finds_the_secret_in_an_error_that_was_handled(service: Service) -> None:
    """SEC-03 looks at whatever the provider raises, also where a check expects an error."""
    case = case_of(service)

    async def connect() -> None:
        raise ProviderError("refused") from ValueError(f"shelf://:{SECRET}@host")

    async def provoke() -> None:
        await case.expect_error(connect(), what="connect")

    assert watched(case, provoke()) == [Finding("SEC-03", "the secret is in the text of the cause ValueError")]


def test_watch_hears_what_the_interpreter_complains_about(service: Service) -> None:
    """LEAK-06 collects what was not awaited, not closed and could not be raised."""

    class Broken:
        def __del__(self) -> None:
            raise ValueError("in a destructor")

    async def complain() -> None:
        nothing()  # type: ignore[unused-coroutine]
        socket.socket()
        Broken()

    messages = [finding.message for finding in watched(case_of(service), complain())]
    assert [message.partition(":")[0] for message in messages] == [
        "a RuntimeWarning",
        "a ResourceWarning",
        "an exception that could not be raised",
    ]


def test_watch_hears_errors_that_nobody_retrieved(service: Service) -> None:
    """ASY-12 blames the provider for its own tasks."""

    async def fail() -> None:
        raise ValueError("lost")

    async def forget() -> None:
        asyncio.ensure_future(fail())  # noqa: RUF006
        await asyncio.sleep(0)

    (finding,) = watched(case_of(service), forget())
    assert (finding.check, finding.message) == ("ASY-12", "task exception was never retrieved: ValueError: lost")


def test_watch_ignores_noise_of_foreign_code(service: Service) -> None:
    """A library's own lost error is not the provider's, when the provider did not make it."""

    async def forget() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        future.set_exception(ValueError("lost by a library"))
        del future
        gc.collect()

    assert watched(case_of(service, provider=reference.Provider), forget()) == []


def test_canary_sings_in_each_form_and_in_nothing_else() -> None:
    """The secret is found as it is, quoted, as hexadecimal digits and in base64 at any offset."""
    canary = Canary("p@ss word/1234")
    texts = ["x p@ss word/1234 y", "p%40ss%20word%2F1234", "70407373 20776f72642f31323334".replace(" ", "")]
    texts += [base64.b64encode(b"u" * shift + b"p@ss word/1234" + b":x").decode() for shift in range(6)]
    assert [canary.sings_in(text) for text in texts] == [True] * len(texts)
    assert not canary.sings_in("p@ss word/123 and some more text that is long enough")
    assert canary.found_in_error(ValueError("harmless")) is None


def test_canary_is_found_deep_in_an_error() -> None:
    """Notes, attributes, causes of causes and members of groups are looked at."""
    canary = Canary(SECRET)
    noted = ValueError("x")
    noted.add_note(f"with {SECRET}")
    held = ProviderError("x", context={"dsn": SECRET})
    group = ExceptionGroup("x", [KeyError("y"), held])
    assert canary.found_in_error(noted) == "the notes of ValueError"
    assert canary.found_in_error(held) == "the attribute `context` of ProviderError"
    assert "ProviderError" in str(canary.found_in_error(group))


# ---------------------------------------------------------------------- the stall


def test_stall_is_measured_when_the_loop_stands_still() -> None:
    """A blocked loop shows as a stall of that length; one that waits properly does not."""

    async def measure() -> tuple[float, float]:
        async with measured_stall() as blocked:
            await asyncio.sleep(0.01)
            time.sleep(0.2)  # noqa: ASYNC251
            await asyncio.sleep(0.01)
        async with measured_stall() as free:
            await asyncio.sleep(0.1)
        return blocked.seconds, free.seconds

    results = [asyncio.run(measure()) for _ in range(3)]
    assert min(blocked for blocked, _ in results) > 0.15
    assert min(free for _, free in results) < 0.1
