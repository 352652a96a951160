"""The judgement itself: what passes, what does not, and what is said."""

from __future__ import annotations

import pytest

from tests.guard.judge import ACCEPT, SLACK, Counts, End, Expected, judge

COMPILER = "rustc 1.2.3 for a-machine"
ACCEPTED = Expected(COMPILER, Counts(engine=100_000, raw=25_000))


@pytest.mark.parametrize(
    ("engine", "raw", "end"),
    [
        (100_000, 25_000, End.KEPT),
        (100_000 * (1 + SLACK), 25_000, End.KEPT),
        (100_000 * (1 + SLACK) + 1, 25_000, End.SLOWER),
        (100_000 * (1 - SLACK), 25_000, End.KEPT),
        (100_000 * (1 - SLACK) - 1, 25_000, End.FASTER),
        (130_000, 25_000, End.SLOWER),
        (130_000, 32_500, End.SLOWER),
        (100_000, 20_000, End.SLOWER),
        (100_000, 30_000, End.FASTER),
    ],
)
def test_judge_compares_count_and_ratio_with_the_same_compiler(engine: float, raw: float, end: End) -> None:
    """Both must be within the slack, on both sides."""
    assert judge(Counts(engine, raw), ACCEPTED, COMPILER).end is end


@pytest.mark.parametrize(
    ("engine", "raw", "end"),
    [
        (200_000, 50_000, End.KEPT),
        (50_000, 12_500, End.KEPT),
        (130_000, 25_000, End.SLOWER),
        (60_000, 12_500, End.SLOWER),
        (140_000, 50_000, End.FASTER),
    ],
)
def test_judge_compares_the_ratio_alone_with_another_compiler(engine: float, raw: float, end: End) -> None:
    """A count of another compiler says nothing, and the verdict says that it was not used."""
    verdict = judge(Counts(engine, raw), ACCEPTED, "rustc 4.5.6 for a-machine")
    assert verdict.end is end
    assert "only the ratio is judged" in str(verdict)


def test_judge_says_what_was_expected_what_was_counted_and_what_to_do() -> None:
    """A slower and a faster engine are told apart, and each is told how to be accepted."""
    slower = judge(Counts(131_000, 25_000), ACCEPTED, COMPILER)
    assert "expected 100,000 within 10%, counted 131,000 (+31.0 %)" in str(slower)
    assert "expected 4.000 within 10%, counted 5.240 (+31.0 %)" in str(slower)
    assert "slower" in slower.sentences[-1]
    assert ACCEPT in slower.sentences[-1]
    faster = judge(Counts(70_000, 25_000), ACCEPTED, COMPILER)
    assert "faster" in faster.sentences[-1]
    assert ACCEPT in faster.sentences[-1]
    assert ACCEPT not in str(judge(ACCEPTED.counts, ACCEPTED, COMPILER))
