"""Medians, ratios, noise, verdicts and the order of runs."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks import figures, sections
from benchmarks.model import Contender, Goal, Nowhere, Role
from tests.benchmarks.support import entry, run, task, usual


def contender(name: str, *, slow: bool = False) -> Contender:
    """A contender that does nothing."""
    return Contender(name, Role.PEER, "", ("true",), Nowhere(), slow=slow)


def test_rounds_interleaves_and_runs_slow_ones_once() -> None:
    """A B C, A C: everyone takes a turn before anyone takes a second one."""
    order = figures.rounds([contender("a"), contender("b", slow=True), contender("c")], 2)
    assert [(number, each.name) for number, each in order] == [(1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "c")]


def test_of_takes_medians_of_equal_runs_only() -> None:
    """A run that was not equal has no part in any figure, however quick it was."""
    found = figures.of(entry("a", Role.PEER, 3.0, 1.0, 2.0), 1_000)
    assert found is not None
    assert (found.wall, found.cpu, found.server_cpu, found.rate, found.spread) == (2.0, 1.0, 0.5, 500.0, 1.0)
    some = entry("a", Role.PEER, 4.0)
    cheat = type(some)(some.name, some.role, some.about, some.command, (*some.runs, run(2, 0.1, reason="empty")))
    found = figures.of(cheat, 1_000)
    assert found is not None
    assert found.wall == 4.0


def test_of_has_no_figures_when_no_run_was_equal() -> None:
    """Failures alone are no time."""
    assert figures.of(entry("a", Role.PEER, failed=3), 1_000) is None


def test_best_is_the_fastest_of_the_roles() -> None:
    """Who failed cannot be the best, nor who has another role."""
    found = figures.best(usual(), [Role.PEER, Role.GLUE])
    assert found is not None
    assert found[0].name == "quick"
    assert figures.best(usual(), [Role.GLUE]) is None


def test_noise_compares_one_command_under_two_names() -> None:
    """2.31 s against 2.1 s are a tenth; without the second there is no noise to tell."""
    assert figures.noise(usual()) == pytest.approx(0.1)
    assert figures.noise(task(entry("nvisy", Role.OURS, 1.0))) is None


def test_judged_uses_the_default_configuration_and_leaves_open_what_has_no_measure() -> None:
    """Half the limit is missed, four times the slow one is reached, a glue that failed leaves its goal open."""
    assert [verdict.reached for verdict in figures.judged(usual())] == [False, True, None, True]
    better = entry("nvisy, large batches", Role.OURS, 0.5)
    more = task(
        entry("nvisy", Role.OURS, 2.0), better, entry("raw", Role.LIMIT, 1.0), goals=(Goal("rate", 0.85, "limit"),)
    )
    (verdict,) = figures.judged(more)
    assert (verdict.found, verdict.reached) == (0.5, False)


def test_judged_misses_every_goal_when_ours_has_failed() -> None:
    """Without an equal run of ours nothing was reached."""
    lost = task(entry("nvisy", Role.OURS, failed=3), entry("raw", Role.LIMIT, 1.0), goals=(Goal("rate", 0.1, "limit"),))
    (verdict,) = figures.judged(lost)
    assert (verdict.found, verdict.reached) == (None, False)


def test_rate_counts_what_a_contender_moves() -> None:
    """A tenth of the rows in a fifth of the time is half the rate."""
    tenth = dataclasses.replace(entry("nvisy, a tenth", Role.OURS, 0.4), items=100)
    larger = task(entry("nvisy", Role.OURS, 2.0), tenth, goals=(Goal("rate", 0.9, "nvisy, a tenth"),))
    (verdict,) = figures.judged(larger)
    assert verdict.found == pytest.approx(2.0)
    assert "at least 0.9 x nvisy, a tenth; measured: 2.00" in sections.goal(larger, verdict)


def test_goal_of_memory_is_said_in_its_unit() -> None:
    """MiB by itself, a share where it is held against somebody."""
    both = Goal("memory", 120), Goal("memory", 1.1, "other")
    one = task(entry("nvisy", Role.OURS, 2.0), entry("other", Role.OURS, 4.0), goals=both)
    assert [sections.goal(one, verdict) for verdict in figures.judged(one)] == [
        "W1: at most 120 MiB; measured: 70",
        "W1: at most 1.1 x the memory of other; measured: 1.00",
    ]


@pytest.mark.parametrize(
    ("goal", "found", "reached"),
    [
        (Goal("wall", 2.0), 2.0, True),
        (Goal("wall", 1.9), 2.0, False),
        (Goal("cpu", 1_000), 1_000.0, True),
        (Goal("cpu", 999), 1_000.0, False),
        (Goal("memory", 69), 70.0, False),
        (Goal("memory", 1.1, "other"), 1.0, True),
        (Goal("memory", 0.9, "other"), 1.0, False),
        (Goal("memory", 1.1, "nobody"), None, None),
        (Goal("rate", 1.0, "other"), 2.0, True),
        (Goal("rate", 1.0, "nobody"), None, None),
    ],
)
def test_judged_knows_each_figure(goal: Goal, found: float | None, reached: bool | None) -> None:
    """Times and memory have an upper bound, a rate a lower one; CPU is for a million items."""
    entries = entry("nvisy", Role.OURS, 2.0), entry("other", Role.PEER, 4.0)
    (verdict,) = figures.judged(task(*entries, goals=(goal,)))
    assert (verdict.found, verdict.reached) == (found, reached)
