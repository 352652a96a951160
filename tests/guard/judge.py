"""Whether the engine costs what it is expected to cost. Numbers in, a verdict out: nothing is counted or read here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# How far a count may be from what is expected, as a part of it. The work is the same in every run; what differs is how
# often a thread had to wait for a lock, and how often the pace looked for a commit. Twelve counts on two shared cores lay
# within 0.9 % of each other and their ratios within 1.9 %; ten counts beside eight busy processes within 1.3 % and 1.9 %.
# Another C library or processor of the same kind may add a few more. Ten parts in a hundred are above all of that, and a
# third of the slowdown that must be caught.
SLACK = 0.10

ACCEPT = "python -m tests.guard --accept"


class End(StrEnum):
    """What became of the cost."""

    KEPT = "kept"
    SLOWER = "slower"
    FASTER = "faster"


@dataclass(frozen=True)
class Counts:
    """Instructions for each batch: through the engine, and without it."""

    engine: float
    raw: float

    @property
    def ratio(self) -> float:
        """How many times the cost of the raw loop the engine costs."""
        return self.engine / self.raw


@dataclass(frozen=True)
class Expected:
    """What was accepted, and with which compiler it was counted."""

    compiler: str
    counts: Counts


@dataclass(frozen=True)
class Verdict:
    """What became of the cost, and the sentences that say so."""

    end: End
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        """Everything, a sentence to a line."""
        return "\n".join(self.sentences)


def judge(counts: Counts, expected: Expected, compiler: str) -> Verdict:
    """Compare with what is expected: the count where the compiler is the same, the ratio always.

    A cost below the slack ends as `FASTER` and is to be accepted too: otherwise a later slowdown could use up the gain unseen.
    """
    wanted = expected.counts
    sentences, changes = [], []
    if compiler == expected.compiler:
        changes.append(counts.engine / wanted.engine)
        sentences.append(_sentence("instructions of the engine for each batch", counts.engine, wanted.engine))
    else:
        sentences.append(
            f"the expectation was counted with {expected.compiler}, this is {compiler}: only the ratio is judged"
        )
    changes.append(counts.ratio / wanted.ratio)
    sentences.append(_sentence("times the raw loop", counts.ratio, wanted.ratio))
    sentences.append(
        f"(the raw loop itself: {counts.raw:,.0f} instructions for each batch, accepted {wanted.raw:,.0f})"
    )
    end = _end(changes)
    if end is End.SLOWER:
        sentences.append(f"The engine has become slower. Where that has a good reason, accept it: {ACCEPT}")
    elif end is End.FASTER:
        sentences.append(f"The engine has become faster. Accept it, so that the gain is guarded: {ACCEPT}")
    return Verdict(end, tuple(sentences))


def _end(changes: list[float]) -> End:
    """One that is slower decides; then one that is faster."""
    if max(changes) > 1 + SLACK:
        return End.SLOWER
    if min(changes) < 1 - SLACK:
        return End.FASTER
    return End.KEPT


def _sentence(what: str, counted: float, wanted: float) -> str:
    """What was expected and what was counted."""
    digits = ",.0f" if wanted >= 100 else ".3f"
    change = 100 * (counted / wanted - 1)
    return f"{what}: expected {wanted:{digits}} within {SLACK:.0%}, counted {counted:{digits}} ({change:+.1f} %)"
