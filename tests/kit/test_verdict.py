"""The verdict: known failures are strict, and a level is reached when all of it and of those below counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from nvisy_sdk import Ability, Capability, CapabilityState, DataKind, Manifest
from nvisy_sdk.conformance import Check, Evidence, Level, Outcome, Result, catalogue
from nvisy_sdk.conformance._clauses import unchecked
from nvisy_sdk.conformance._known_fail import KnownFail, judge_known
from nvisy_sdk.conformance._plan import Plan, Verdict, judge
from nvisy_sdk.memory import manifest as memory_manifest

TODAY = date(2026, 11, 23)
LEVELS = {
    "AAA-01": Level.LOADABLE,
    "BBB-01": Level.BRONZE,
    "BBB-02": Level.BRONZE,
    "CCC-01": Level.SILVER,
    "DDD-01": Level.GOLD,
}


async def _body(case: object) -> None:
    """Stand in for a check that is not run here."""


def _check(id: str, level: Level, **more: object) -> Check:
    return Check(id=id, level=level, title=f"title of {id}", body=_body, **more)  # type: ignore[arg-type]


def _known(kind: str = "plugin", match: str = "item 3", expires: date = TODAY) -> KnownFail:
    return KnownFail(kind=kind, mechanism="why", match=match, expires=expires)  # type: ignore[arg-type]


def _plan(
    *,
    manifest: Manifest | None = None,
    evidence: Evidence = Evidence.CONTAINER,
    known: Mapping[str, KnownFail] | None = None,
    more: tuple[Check, ...] = (),
    without_manifest: bool = False,
    without: tuple[str, ...] = (),
) -> Plan:
    checks = {key: _check(key, level) for key, level in LEVELS.items()} | {check.id: check for check in more}
    described = None if without_manifest else manifest or memory_manifest()
    return Plan(
        checks=checks,
        manifest=described,
        kind=DataKind.RECORD,
        evidence=evidence,
        known_fails=known or {},
        unchecked=without,
    )


def _judge(plan: Plan, *, wanted: Level = Level.BRONZE, **outcomes: Outcome) -> Verdict:
    results = {key: Result(key, Outcome.PASS) for key in LEVELS}
    for name, outcome in outcomes.items():
        key = name.replace("_", "-")
        results[key] = Result(key, outcome)
        if outcome is Outcome.NOT_RUN:
            del results[key]
    return judge(plan, results, wanted=wanted)


# ---------------------------------------------------------------------- known failures


def test_known_fail_is_forgiven_when_its_message_matches() -> None:
    """On its last day, too."""
    line = judge_known(Result("RES-01", Outcome.FAIL, "resuming after item 3 fails"), _known(), TODAY)
    assert (line.outcome, line.message) == (Outcome.KNOWN_FAIL, "resuming after item 3 fails")


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.UNSUPPORTED_VERIFIED])
def test_known_fail_is_a_failure_when_it_passes(outcome: Outcome) -> None:
    """What works again must be taken off the list."""
    line = judge_known(Result("RES-01", outcome), _known(), TODAY)
    assert (line.outcome, line.message) == (Outcome.FAIL, "it is listed as known-fail but passes; remove the entry")


def test_known_fail_is_a_failure_when_the_message_is_another() -> None:
    """A new bug does not hide behind a known one."""
    line = judge_known(Result("RES-01", Outcome.FAIL, "no connection"), _known(), TODAY)
    assert line.outcome is Outcome.FAIL
    assert line.message == "it fails otherwise than its known-fail says (`item 3`): no connection"


def test_known_fail_is_a_failure_when_it_has_expired() -> None:
    """The day after its last day."""
    line = judge_known(Result("RES-01", Outcome.FAIL, "item 3"), _known(expires=date(2026, 11, 22)), TODAY)
    assert (line.outcome, line.message) == (Outcome.FAIL, "its known-fail expired on 2026-11-22: item 3")


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.VACUOUS, Outcome.NOT_RUN])
def test_known_fail_forgives_failures_only(outcome: Outcome) -> None:
    """That the kit broke, or saw nothing, is not what was known."""
    assert judge_known(Result("RES-01", outcome, "item 3"), _known(), TODAY).outcome is outcome


def test_line_stays_as_it_is_when_nothing_is_known() -> None:
    """Without an entry, nothing changes."""
    line = Result("RES-01", Outcome.FAIL, "item 3")
    assert judge_known(line, None, TODAY) is line


# ---------------------------------------------------------------------- levels


def test_level_is_gold_when_everything_counts() -> None:
    """All of the catalogue, against a real system."""
    verdict = _judge(_plan(), wanted=Level.GOLD, CCC_01=Outcome.UNSUPPORTED_VERIFIED)
    assert (verdict.level, verdict.good, verdict.next) == (Level.GOLD, True, None)


def test_gold_needs_a_real_system() -> None:
    """Against a stand-in it is silver, whatever passes."""
    verdict = _judge(_plan(evidence=Evidence.FAKE), wanted=Level.GOLD)
    assert (verdict.level, verdict.good) == (Level.SILVER, False)
    assert verdict.missing[Level.GOLD] == ("a run against a real system; the harness's evidence is `fake`",)


def test_gold_is_not_given_while_clauses_of_it_have_no_check() -> None:
    """What nobody looked at was not shown; the clauses are named."""
    verdict = _judge(_plan(without=("RES-16", "ASY-10")), wanted=Level.GOLD)
    assert (verdict.level, verdict.good) == (Level.SILVER, False)
    assert verdict.missing[Level.GOLD] == ("clauses without a check so far: RES-16, ASY-10",)


def test_specification_names_the_clauses_without_a_check() -> None:
    """They are read from the specification, and none of them is in the catalogue."""
    without = [clause for level in Level for clause in unchecked(level)]
    assert without
    assert not set(without) & set(catalogue())


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.ERROR, Outcome.VACUOUS, Outcome.NOT_RUN, Outcome.KNOWN_FAIL])
@pytest.mark.parametrize(
    ("check", "level"),
    [("AAA_01", None), ("BBB_02", Level.LOADABLE), ("CCC_01", Level.BRONZE), ("DDD_01", Level.SILVER)],
)
def test_level_ends_below_the_first_check_that_does_not_count(
    check: str, level: Level | None, outcome: Outcome
) -> None:
    """What is red, broken, vacuous or was not run keeps from its level and from all above."""
    outcomes: dict[str, Any] = {check: outcome}
    verdict = _judge(_plan(), **outcomes)
    assert verdict.level is level
    assert verdict.good is (level is not None and level >= Level.BRONZE)
    assert verdict.next is (Level.LOADABLE if level is None else Level(level + 1))
    said = "was not run" if outcome is Outcome.NOT_RUN else str(outcome)
    assert verdict.next is not None
    assert verdict.missing[verdict.next] == (f"{check.replace('_', '-')} {said}",)


def test_level_is_not_reached_when_there_is_no_line_at_all() -> None:
    """An empty ledger is no success."""
    verdict = judge(_plan(), {}, wanted=Level.LOADABLE)
    assert (verdict.level, verdict.good) == (None, False)
    assert verdict.missing[Level.BRONZE] == ("BBB-01 was not run", "BBB-02 was not run")


@pytest.mark.parametrize(("kind", "level"), [("service", Level.SILVER), ("plugin", Level.LOADABLE)])
def test_known_fail_of_the_system_blocks_gold_only(kind: str, level: Level) -> None:
    """What the system cannot do keeps from gold; what the provider does not do keeps from the check's level."""
    verdict = _judge(_plan(known={"BBB-01": _known(kind)}), BBB_01=Outcome.KNOWN_FAIL)
    assert verdict.level is level


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.ERROR, Outcome.VACUOUS])
def test_known_fail_of_the_system_forgives_nothing_but_itself(outcome: Outcome) -> None:
    """One that has expired, or fails otherwise, is an ordinary failure, although it is still listed."""
    verdict = _judge(_plan(known={"BBB-01": _known("service")}), BBB_01=outcome)
    assert (verdict.level, verdict.missing[Level.BRONZE]) == (Level.LOADABLE, (f"BBB-01 {outcome}",))


def test_known_fail_of_the_system_blocks_gold_once() -> None:
    """A check of gold itself is named as any other."""
    verdict = _judge(_plan(known={"DDD-01": _known("service")}), DDD_01=Outcome.KNOWN_FAIL)
    assert verdict.level is Level.SILVER
    assert verdict.missing[Level.GOLD] == ("DDD-01 known-fail", "known failures of the system: DDD-01")


def test_provisional_failure_blocks_nothing() -> None:
    """A check that is new in this version warns."""
    assert _judge(_plan(), BBB_01=Outcome.PROVISIONAL_FAIL).level is Level.GOLD


def test_check_that_is_out_of_scope_is_not_due() -> None:
    """A check about objects is not about a provider of records; a static check always is about it."""
    more = (
        _check("EEE-01", Level.BRONZE, kinds=frozenset({DataKind.OBJECT})),
        _check("EEE-02", Level.BRONZE, kinds=frozenset({DataKind.OBJECT}), static=True),
    )
    verdict = _judge(_plan(more=more))
    assert verdict.missing[Level.BRONZE] == ("EEE-02 was not run",)


def test_kind_is_the_manifests_first_when_none_is_chosen() -> None:
    """And the chosen one where there is one."""
    check = _check("EEE-01", Level.BRONZE, kinds=frozenset({DataKind.OBJECT}))
    plan = _plan(more=(check,))
    assert "EEE-01" in replace(plan, kind=None).out_of_scope()
    assert "EEE-01" not in replace(plan, kind=DataKind.OBJECT).out_of_scope()


# ---------------------------------------------------------------------- least abilities


def test_level_is_none_when_there_is_no_valid_manifest() -> None:
    """Whatever passes."""
    verdict = _judge(_plan(without_manifest=True))
    assert (verdict.level, verdict.missing[Level.LOADABLE]) == (None, ("a valid manifest",))


def test_level_is_none_when_it_can_neither_read_nor_write() -> None:
    """Declaring everything unsupported reaches nothing."""
    nothing = Capability(state=CapabilityState.UNSUPPORTED, mechanism="no")
    manifest = memory_manifest().model_copy(update={"abilities": dict.fromkeys(Ability, nothing)})
    verdict = _judge(_plan(manifest=manifest))
    assert (verdict.level, verdict.missing[Level.LOADABLE]) == (None, ("the ability to read or to write",))


@pytest.mark.parametrize(
    ("field", "said"),
    [("contexts", "a kind of context for what it reads"), ("modes", "a mode for what it writes")],
)
def test_level_is_loadable_when_reads_have_no_context_or_writes_no_mode(field: str, said: str) -> None:
    """Bronze asks for one of each."""
    verdict = _judge(_plan(manifest=memory_manifest().model_copy(update={field: ()})))
    assert (verdict.level, verdict.missing[Level.BRONZE]) == (Level.LOADABLE, (said,))


# ---------------------------------------------------------------------- objections


def test_run_is_red_when_an_added_check_fails_but_its_level_stays() -> None:
    """Somebody else's checks are no part of the levels."""
    more = (_check("X-01", Level.LOADABLE), _check("X-02", Level.LOADABLE))
    results = {key: Result(key, Outcome.PASS) for key in LEVELS} | {"X-01": Result("X-01", Outcome.FAIL)}
    verdict = judge(_plan(more=more), results, wanted=Level.BRONZE)
    assert (verdict.level, verdict.good) == (Level.GOLD, False)
    assert verdict.objections == ("X-01 fail", "X-02 not-run")


def test_run_is_red_when_the_ledger_knows_a_check_that_nobody_else_does() -> None:
    """A line that was slipped in does not go unseen."""
    verdict = _judge(_plan(), ZZZ_01=Outcome.PASS)
    assert (verdict.good, verdict.objections) == (False, ("ZZZ-01 is in the ledger but not in the catalogue",))


def test_run_is_red_when_a_known_fail_names_no_check_that_is_due() -> None:
    """A misspelt key, or one that is out of scope, is not kept for ever."""
    more = (_check("EEE-01", Level.BRONZE, kinds=frozenset({DataKind.OBJECT})),)
    verdict = _judge(_plan(more=more, known={"EEE-01": _known(), "EEE-99": _known()}))
    assert verdict.objections == (
        "known-fail EEE-01: the check is out of scope "
        "(it is about object, the provider moves record); remove the entry",
        "known-fail EEE-99: there is no such check; remove the entry",
    )


def test_objections_make_a_run_red_whatever_its_level() -> None:
    """Such as an altered kit."""
    results = {key: Result(key, Outcome.PASS) for key in LEVELS}
    verdict = judge(_plan(), results, wanted=Level.BRONZE, objections=["the kit was altered"])
    assert (verdict.level, verdict.good, verdict.objections) == (Level.GOLD, False, ("the kit was altered",))
