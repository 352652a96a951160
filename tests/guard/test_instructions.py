"""The engine's inner loop costs what it is expected to cost, and a slowdown would be seen."""

from __future__ import annotations

import pytest

from tests.guard.counting import AbsentError, Counter, compiler, expected
from tests.guard.judge import SLACK, Counts, End, Expected, judge

# The slowdown that the guard must catch, in percent.
PLANTED = 30


@pytest.fixture(scope="module")
def counter() -> Counter:
    """The built example and valgrind."""
    try:
        return Counter.ready()
    except AbsentError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def counts(counter: Counter) -> Counts:
    """What the loops cost as they are."""
    return counter.counts()


def test_inner_loop_costs_what_is_expected(counts: Counts) -> None:
    """Instructions for each batch, and their ratio to the raw loop, are within the slack of what was accepted."""
    verdict = judge(counts, expected(), compiler())
    print(verdict)
    assert verdict.end is End.KEPT, str(verdict)


def test_guard_catches_a_planted_slowdown(counter: Counter, counts: Counts) -> None:
    """With 30 % more work in the loop both the count and the ratio alone tell a slowdown."""
    planted = Counts(counter.engine(slower=PLANTED), counts.raw)
    assert planted.engine / counts.engine == pytest.approx(1 + PLANTED / 100, abs=SLACK)
    accepted = Expected(compiler(), counts)
    assert judge(planted, accepted, compiler()).end is End.SLOWER
    assert judge(planted, accepted, "another compiler").end is End.SLOWER


def test_guard_is_quiet_when_nothing_is_planted(counter: Counter, counts: Counts) -> None:
    """Counted once more, the same loop is judged to cost the same."""
    again = Counts(counter.engine(slower=0), counts.raw)
    assert judge(again, Expected(compiler(), counts), compiler()).end is End.KEPT
