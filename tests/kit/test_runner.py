"""The runner: how a check's end becomes an outcome, what runs instead when something is unsupported, and whom guards blame."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from nvisy_plugin_shelf.writer import Writer
from nvisy_sdk import Ability, Batch, Capability, CapabilityState, DataKind, Feature, Manifest, Schema, memory
from nvisy_sdk.conformance import (
    Check,
    CheckFailed,
    Endpoint,
    HarnessFailed,
    Item,
    Level,
    Outcome,
    ProviderHarness,
    Result,
    Subject,
)
from nvisy_sdk.conformance._guards import Finding
from nvisy_sdk.conformance._inverse import common_inverse, refused
from nvisy_sdk.conformance._runner import Ledger, Run
from nvisy_sdk.conformance._service import Service

from tests.kit import reference
from tests.kit.zoo._systems import SECRET, Systems

NEVER = Capability(state=CapabilityState.UNSUPPORTED, mechanism="there is no such thing")


class Raising(reference.Provider):
    """A provider whose health check raises something that is no error of the SDK."""

    async def check(self) -> None:
        raise KeyError("oops")


class WithoutRead(Writer):
    """A session that cannot read."""


class InProcess(ProviderHarness):
    """The memory provider's own store."""

    async def start(self) -> Endpoint:
        return Endpoint()

    def params(self, endpoint: Endpoint, namespace: str) -> dict[str, object]:
        return {"store": "runner", "table": namespace}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        memory.store("runner").put(namespace, [dict(item) for item in items], key=("id",), schema=schema)


def _check(body: Any, **more: Any) -> Check:
    return Check(id="AAA-01", level=Level.BRONZE, title="a check", body=body, **more)


def _run(
    systems: Systems, check: Check, *, provider: type = reference.Provider, manifest: Manifest | None = None
) -> Result:
    """Run one check over a provider and return its line."""
    subject = Subject.of(provider, manifest or reference.manifest(DataKind.RECORD))
    run = Run(subject, systems.service(DataKind.RECORD), SECRET, 1, systems.name(), patience=1.5)
    return run.checks([check]).results[check.id]


def _without(*features: Feature, abilities: tuple[Ability, ...] = ()) -> Manifest:
    manifest = reference.manifest(DataKind.RECORD)
    less = manifest.abilities | dict.fromkeys(abilities, NEVER)
    return manifest.model_copy(update={"features": dict.fromkeys(features, NEVER), "abilities": less})


# ---------------------------------------------------------------------- outcomes


def test_check_passes_when_it_looked_at_something(systems: Systems) -> None:
    """And says at how many things, and how long it took."""

    async def body(case: Any) -> None:
        case.expect(True, "never said")
        case.observe(2)

    started = time.monotonic()
    line = _run(systems, _check(body))
    assert (line.outcome, line.message, line.observations) == (Outcome.PASS, "", 3)
    assert 0 < line.seconds <= time.monotonic() - started


def test_check_is_vacuous_when_it_looked_at_nothing(systems: Systems) -> None:
    """Nothing seen is nothing shown."""

    async def body(case: Any) -> None:
        return

    line = _run(systems, _check(body))
    assert (line.outcome, line.message) == (Outcome.VACUOUS, "nothing was observed, so nothing was shown")


def test_check_fails_when_something_is_not_as_expected(systems: Systems) -> None:
    """With the message, and what had been looked at before."""

    async def body(case: Any) -> None:
        case.observe(4)
        case.expect(len("a") == 2, "one is not two")

    line = _run(systems, _check(body))
    assert (line.outcome, line.message, line.observations) == (Outcome.FAIL, "one is not two", 5)


def test_check_fails_when_the_provider_raises(systems: Systems) -> None:
    """An exception that went through the provider's code is the provider's."""

    async def body(case: Any) -> None:
        async with case.session(await case.seed(case.items(1))) as session:
            await session.check()

    line = _run(systems, _check(body), provider=Raising)
    assert (line.outcome, line.message) == (Outcome.FAIL, "the provider raised KeyError: 'oops'")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (HarnessFailed("no disk"), "no disk"),
        (TimeoutError("slow"), "the check did not end in time: slow"),
    ],
)
def test_check_is_an_error_when_the_harness_or_the_clock_gives_up(
    systems: Systems, error: Exception, said: str
) -> None:
    """It says nothing about the provider."""

    async def body(case: Any) -> None:
        raise error

    line = _run(systems, _check(body))
    assert (line.outcome, line.message) == (Outcome.ERROR, said)


def test_check_is_an_error_when_it_takes_longer_than_its_limit(systems: Systems) -> None:
    """Its own limit, not the provider's."""

    async def body(case: Any) -> None:
        await asyncio.Event().wait()

    line = _run(systems, _check(body, limit=0.05))
    assert line.outcome is Outcome.ERROR
    assert "did not end in time" in line.message


def test_check_fails_when_the_provider_does_not_end_in_time(systems: Systems) -> None:
    """That is the provider's fault: the message says what did not end."""

    async def body(case: Any) -> None:
        await case.within(0.05, asyncio.Event().wait(), "waiting for nothing")

    line = _run(systems, _check(body))
    assert (line.outcome, line.message) == (Outcome.FAIL, "waiting for nothing did not end within 0.05 s")


def test_static_check_gets_the_package(systems: Systems) -> None:
    """And needs neither a harness nor a manifest."""

    async def body(package: Any) -> None:
        package.expect(package.subject.provider is reference.Provider, "another class")

    subject = Subject.of(reference.Provider, reference.manifest(DataKind.RECORD))
    started = time.monotonic()
    line = Run(subject, None, SECRET, 1, "x").checks([_check(body, static=True)]).results["AAA-01"]
    assert line.outcome is Outcome.PASS
    assert 0 < line.seconds <= time.monotonic() - started
    assert Run(subject, None, SECRET, 1, "x").checks([_check(body)]).results["AAA-01"].outcome is Outcome.NOT_RUN


def test_check_closes_the_sessions_it_forgot(systems: Systems) -> None:
    """And heals the proxy, whatever the check did to it."""

    async def body(case: Any) -> None:
        await case.connect(await case.seed(case.items(1)))
        await case.service.run(case.service.proxy.refuse())
        case.observe()

    assert _run(systems, _check(body)).outcome is Outcome.PASS
    proxy = systems.service(DataKind.RECORD).proxy
    assert proxy is not None
    assert proxy.open == 0


# ---------------------------------------------------------------------- scope and inverses


def test_check_is_out_of_scope_when_it_is_about_another_kind(systems: Systems) -> None:
    """It has no line, but a reason."""

    async def body(case: Any) -> None:
        case.observe()

    run = Run(
        Subject.of(reference.Provider, reference.manifest(DataKind.RECORD)),
        systems.service(DataKind.RECORD),
        SECRET,
        1,
        systems.name(),
    )
    ledger = run.checks([_check(body, kinds=frozenset({DataKind.OBJECT}))])
    assert ledger.results == {}
    assert ledger.out_of_scope == {"AAA-01": "it is about object, the provider moves record"}


def test_absent_ability_is_verified_instead(systems: Systems) -> None:
    """A class that has the method all the same is found out; one without is verified, for the reason declared."""

    async def body(case: Any) -> None:
        raise CheckFailed("the check itself must not run")

    check = _check(body, needs=(Ability.READ,))
    manifest = _without(abilities=(Ability.READ,))
    line = _run(systems, check, manifest=manifest)
    assert (line.outcome, line.message) == (
        Outcome.FAIL,
        "the manifest says there is no `read`, but the class has `read`",
    )
    line = _run(systems, check, manifest=manifest, provider=WithoutRead)
    assert (line.outcome, line.message) == (Outcome.UNSUPPORTED_VERIFIED, "there is no such thing")


def test_unsupported_feature_runs_the_inverse_of_the_check(systems: Systems) -> None:
    """The check's own inverse before the common one."""

    async def body(case: Any) -> None:
        raise CheckFailed("the check itself must not run")

    async def inverse(case: Any) -> None:
        case.expect(case.mechanism == "there is no such thing", f"the mechanism is {case.mechanism!r}")

    check = _check(body, features=(Feature.ORDER,), inverse=inverse)
    line = _run(systems, check, manifest=_without(Feature.ORDER))
    assert (line.outcome, line.message) == (Outcome.UNSUPPORTED_VERIFIED, "there is no such thing")
    line = _run(systems, check)
    assert (line.outcome, line.message) == (Outcome.FAIL, "the check itself must not run")


def test_provider_that_claims_no_endpoint_is_seen_to_connect(systems: Systems) -> None:
    """The common inverse of the endpoint watches the sockets."""

    async def body(case: Any) -> None:
        raise CheckFailed("the check itself must not run")

    line = _run(systems, _check(body, features=(Feature.ENDPOINT,)), manifest=_without(Feature.ENDPOINT))
    assert line.outcome is Outcome.FAIL
    assert line.message == "the harness names a host, but the manifest says there is no endpoint"


def test_provider_without_an_endpoint_is_watched_while_it_works() -> None:
    """One that stays in the process is verified; one that connects somewhere is found out, and where to."""

    async def body(case: Any) -> None:
        raise CheckFailed("the check itself must not run")

    class CallsHome(memory.Provider):
        async def read(self, context: Any) -> AsyncIterator[Batch]:
            with socket.socket() as sock:
                sock.connect_ex(("127.0.0.1", 9))
            async for batch in super().read(context):
                yield batch

    check = _check(body, features=(Feature.ENDPOINT,))
    service = Service(InProcess(SECRET))
    service.start()
    try:
        lines = [
            Run(Subject.of(provider, memory.manifest()), service, SECRET, 1, "x").checks([check]).results["AAA-01"]
            for provider in (memory.Provider, CallsHome)
        ]
    finally:
        service.stop()
    assert lines[0].outcome is Outcome.UNSUPPORTED_VERIFIED
    assert lines[0].observations == 3  # no host, and two items
    assert lines[0].seconds < 1
    assert (lines[1].outcome, lines[1].message) == (
        Outcome.FAIL,
        "the manifest says there is no endpoint, but the provider connected to ('127.0.0.1', 9)",
    )


def test_refusal_counts_when_it_says_the_declared_reason() -> None:
    """In any case of letters; a mechanism that is missing matches nothing."""
    assert refused(NEVER, ValueError("sorry, There Is no such thing here"))
    assert not refused(NEVER, ValueError("sorry"))
    assert not refused(Capability(state=CapabilityState.FULL), ValueError(""))


def test_feature_without_an_inverse_is_an_error_of_the_kit() -> None:
    """Each check about it must bring its own."""
    with pytest.raises(LookupError, match="`tls` has no common inverse; its check must bring one"):
        common_inverse(Feature.TLS)


# ---------------------------------------------------------------------- the ledger


def test_ledger_never_takes_a_better_line_for_a_worse_one() -> None:
    """A check that is run again after it failed stays red."""
    ledger = Ledger()
    ledger.enter(Result("AAA-01", Outcome.PASS))
    ledger.enter(Result("AAA-01", Outcome.FAIL, "first"))
    ledger.enter(Result("AAA-01", Outcome.PASS))
    assert ledger.results["AAA-01"].message == "first"


def test_finding_turns_a_passed_line_red_and_no_other() -> None:
    """It says during which check it was seen; a line that is red for a reason of its own keeps it."""
    ledger = Ledger()
    ledger.enter(Result("LEAK-01", Outcome.PASS, observations=3))
    ledger.enter(Result("LEAK-02", Outcome.FAIL, "its own"))
    ledger.blame(Finding("LEAK-01", "a task is left"), "RES-01")
    ledger.blame(Finding("LEAK-02", "a thread is left"), "RES-01")
    ledger.blame(Finding("LEAK-03", "a file is left"), "RES-01")
    assert ledger.results == {
        "LEAK-01": Result("LEAK-01", Outcome.FAIL, "a task is left (during RES-01)", 3),
        "LEAK-02": Result("LEAK-02", Outcome.FAIL, "its own"),
    }


def test_guard_blames_its_own_check_for_what_it_saw_during_another(systems: Systems) -> None:
    """A secret that is printed while something else is checked turns SEC-05 red; not when that check failed itself."""

    async def prints(case: Any) -> None:
        async with case.session(await case.seed(case.items(1))) as session:
            await session.check()
        case.observe()

    async def looks(case: Any) -> None:
        case.observe()

    class Prints(reference.Provider):
        async def check(self) -> None:
            print(SECRET)

    guard = Check(id="SEC-05", level=Level.BRONZE, title="a guard", body=looks)
    subject = Subject.of(Prints, reference.manifest(DataKind.RECORD))
    run = Run(subject, systems.service(DataKind.RECORD), SECRET, 1, systems.name())
    lines = run.checks([guard, _check(prints)]).results
    assert (lines["AAA-01"].outcome, lines["SEC-05"].outcome) == (Outcome.PASS, Outcome.FAIL)
    assert "(during AAA-01)" in lines["SEC-05"].message
