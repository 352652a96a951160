"""The report and what is made from it: the digest, the difference, JUnit, the table, and the seal over the kit's code."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from nvisy_sdk import Ability, Capability, CapabilityState, Feature
from nvisy_sdk.conformance import Level, Outcome, Result, Subject, catalogue
from nvisy_sdk.conformance._integrity import altered, catalogue_hash, installed_seal, seal
from nvisy_sdk.conformance._junit import write_junit
from nvisy_sdk.conformance._report import difference, digest, make_report, read_report, verify, write_report
from nvisy_sdk.conformance._settings import Settings
from nvisy_sdk.conformance._table import (
    BEGIN,
    END,
    TableError,
    badge,
    support_rows,
    support_table,
    table_is_current,
    write_table,
)
from nvisy_sdk.conformance._trial import Trial
from nvisy_sdk.memory import Provider
from nvisy_sdk.memory import manifest as memory_manifest

Report = dict[str, Any]


def _trial(**outcomes: Outcome) -> Trial:
    """A run in which everything passed but what is named."""
    trial = Trial(Subject.of(Provider, memory_manifest()), Settings(folder=Path()), None, seed=7)
    for check in trial.plan.due():
        outcome = outcomes.get(check.id.replace("-", "_"), Outcome.PASS)
        message = "" if outcome.counts else "first line <&>\x00\nsecond line"
        trial.results[check.id] = Result(check.id, outcome, message, 3, 0.25)
    return trial


def _report(**outcomes: Outcome) -> Report:
    trial = _trial(**outcomes)
    return make_report(trial, trial.verdict())


def _edited(report: Report, id: str, outcome: str) -> Report:
    made = copy.deepcopy(report)
    next(line for line in made["checks"] if line["id"] == id)["outcome"] = outcome
    return made


# ---------------------------------------------------------------------- the digest


def test_report_is_sound_when_nobody_touched_it(tmp_path: Path) -> None:
    """Also after it was written and read."""
    report = _report(RES_01=Outcome.FAIL)
    assert verify(report) == []
    write_report(report, tmp_path / "out.json")
    assert read_report(tmp_path / "out.json") == json.loads(json.dumps(report))
    assert verify(read_report(tmp_path / "out.json")) == []


def test_digest_does_not_count_the_times_but_everything_else() -> None:
    """Two runs with the same seed have the same digest; another server has not."""
    report = _report()
    later = copy.deepcopy(report)
    for line in later["checks"]:
        line["seconds"] = 99.0
    assert digest(later) == digest(report)
    for name in ("server", "seed", "manifest", "checks", "level", "catalogue", "objections"):
        changed = copy.deepcopy(report)
        changed[name] = "another"
        assert digest(changed) != digest(report), name


def test_edited_report_is_found_out_when_only_an_outcome_was_changed() -> None:
    """By its digest, by the hash of its results, by its totals."""
    problems = verify(_edited(_report(RES_01=Outcome.FAIL), "RES-01", "pass"))
    assert problems == [
        "the digest does not fit: the report was edited after the run",
        "the hash of the results does not fit the checks listed",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "silver"}, "it claims silver, but RES-01 is fail"),
        ({"reached": True}, "it claims to have reached bronze, but its level is loadable"),
        ({"totals": {"pass": 1}}, "the totals do not add up to the checks listed"),
        ({"format": 2}, "the report's format is 2, this version reads 1"),
    ],
)
def test_report_is_found_out_when_it_contradicts_itself(change: Report, said: str) -> None:
    """Even with a digest that fits."""
    report = _report(RES_01=Outcome.FAIL) | change
    report["digest"] = digest(report)
    assert said in verify(report)


def test_known_failure_of_the_system_is_no_contradiction() -> None:
    """It blocks gold only."""
    report = _edited(_report(), "RES-01", "known-fail")
    line = next(line for line in report["checks"] if line["id"] == "RES-01")
    line["known_fail"] = {"kind": "service"}
    report["level"] = "silver"
    assert not any("it claims silver" in problem for problem in verify(report))
    line["known_fail"] = {"kind": "plugin"}
    assert "it claims silver, but RES-01 is known-fail" in verify(report)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checks": 3}'])
def test_report_cannot_be_read_when_it_is_none(tmp_path: Path, text: str) -> None:
    """And the file is named."""
    (tmp_path / "out.json").write_text(text)
    with pytest.raises(ValueError, match=r"out\.json (cannot be read|is no report of the conformance kit)"):
        read_report(tmp_path / "out.json")


def test_report_names_what_is_missing_for_each_level() -> None:
    """With what was not run at all."""
    trial = _trial(RES_01=Outcome.FAIL)
    del trial.results["READ-01"]
    report = make_report(trial, trial.verdict())
    assert (report["level"], report["wanted"], report["reached"]) == ("loadable", "bronze", False)
    assert set(report["missing"]["bronze"]) == {"READ-01 was not run", "RES-01 fail"}
    lines = {line["id"]: line for line in report["checks"]}
    assert (lines["READ-01"]["outcome"], lines["RES-01"]["message"]) == ("not-run", "first line <&>\x00\nsecond line")
    assert report["totals"]["not-run"] == 1


# ---------------------------------------------------------------------- the difference


def test_difference_is_none_between_equal_reports() -> None:
    """Nothing lost."""
    assert difference(_report(), _report()) == ([], False)


def test_difference_names_lost_gained_and_changed_checks() -> None:
    """Each in a line of its own, and the level."""
    old = _report(RES_01=Outcome.FAIL, RES_02=Outcome.FAIL)
    new = _report(RES_02=Outcome.ERROR, READ_01=Outcome.VACUOUS)
    lines, lost = difference(old, new)
    assert lost
    assert lines == ["lost: READ-01 (vacuous)", "gained: RES-01", "changed: RES-02 from fail to error"]
    assert difference(new, new | {"level": "gold"})[0] == ["level: loadable to gold"]
    assert difference(old, old | {"level": None}) == (["level: loadable to none"], True)


# ---------------------------------------------------------------------- JUnit


def test_junit_tells_failures_from_errors_and_can_be_parsed(tmp_path: Path) -> None:
    """What XML cannot hold is replaced."""
    report = _report(RES_01=Outcome.FAIL, RES_02=Outcome.ERROR, RES_03=Outcome.VACUOUS, RES_04=Outcome.KNOWN_FAIL)
    write_junit(report, tmp_path / "out.xml")
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(len(report["checks"])), "2", "1")
    (failed,) = [case for case in suite if (case.get("name") or "").startswith("RES-01 ")]
    assert (failed.get("classname"), failed.get("time")) == ("memory.RES", "0.250")
    (element,) = failed
    assert (element.tag, element.get("type"), element.get("message")) == ("failure", "fail", "first line <&>?")
    assert element.text == "first line <&>?\nsecond line\npython -m nvisy_sdk conform memory --only RES-01 --seed 7"


def test_junit_of_a_partial_run_has_what_was_run(tmp_path: Path) -> None:
    """And not everything else as an error."""
    trial = _trial()
    trial.results = {"RES-01": Result("RES-01", Outcome.PASS)}
    write_junit(make_report(trial, trial.verdict(), partial=True), tmp_path / "out.xml")
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("1", "0")


# ---------------------------------------------------------------------- the table


def test_table_shows_states_reasons_and_limits() -> None:
    """Abilities, features, types of what it moves; a bar in a reason does not break the table."""
    partial = Capability(state=CapabilityState.PARTIAL, mechanism="38 | digits", limits={"digits": 38})
    never = Capability(state=CapabilityState.UNSUPPORTED, mechanism="why\nnot")
    manifest = memory_manifest().model_copy(
        update={"features": {Feature.DECIMAL: partial}, "abilities": {Ability.READ: never}}
    )
    rows = support_rows(manifest).splitlines()
    assert "| decimal | partly | 38 \\| digits; digits 38 |" in rows
    assert "| read | no | why not |" in rows
    assert "| filter | yes |  |" in rows
    assert not any(line.startswith("| metadata ") for line in rows), "a record has none"
    assert sum(line.startswith("| ") for line in rows) == len(Ability) + len(Feature) - 1 + 3


def test_badge_names_level_evidence_and_known_failures() -> None:
    """In one line."""
    report = _report(RES_01=Outcome.KNOWN_FAIL) | {"level": "silver", "evidence": "container", "server": "shelf 3"}
    assert badge(report) == (
        "Conformance level: **silver** (container, shelf 3; specification 1.0). Known failures: RES-01."
    )


def test_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    """Written twice, it is there once; before, it was not current."""
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    report = _report()
    assert not table_is_current(report, path)
    write_table(report, path)
    write_table(report, path)
    assert path.read_text() == f"before\n{support_table(report)}\nafter\n"
    assert table_is_current(report, path)


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_table_is_refused_when_there_is_no_place_for_it(tmp_path: Path, text: str) -> None:
    """And says which lines to add."""
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(TableError, match=r"README\.md has no place for the table; add the lines"):
        write_table(_report(), path)


def test_table_is_refused_when_the_run_was_partial_or_there_is_no_manifest() -> None:
    """It would claim too much."""
    with pytest.raises(TableError, match="only some checks were run"):
        support_table(_report() | {"partial": True})
    with pytest.raises(TableError, match="no valid manifest"):
        support_table(_report() | {"manifest": None})


# ---------------------------------------------------------------------- the seal


def test_seal_is_the_same_in_a_fresh_process() -> None:
    """No digest depends on the process; every check of the kit has one."""
    installed = installed_seal()
    assert altered(installed, when="now") == []
    assert {name.removeprefix("check ") for name in installed if name.startswith("check ")} == set(catalogue())


def test_altered_names_what_is_different() -> None:
    """At most three, and how many more."""
    there = seal()
    assert altered(there | {"x.y": "1"}, when="at the end") == [
        "the kit was altered (at the end): x.y is not what is installed"
    ]
    assert "a, b, c and 2 more is not" in altered(there | dict.fromkeys("abcde", "1"), when="now")[0]


def test_catalogue_hash_changes_with_a_level() -> None:
    """A loosened check is another catalogue."""
    from dataclasses import replace

    checks = dict(catalogue())
    before = catalogue_hash(checks)
    checks["RES-01"] = replace(checks["RES-01"], level=Level.GOLD)
    assert catalogue_hash(checks) != before
