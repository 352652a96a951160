"""Counts the engine's inner loop and compares: `python -m tests.guard`, with `--accept` to expect what is counted.

`--repeat N` counts N times and prints how far the counts lie apart, which the slack must be above.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.guard.counting import EXPECTED, ROOT, AbsentError, Counter, accept, compiler, expected
from tests.guard.judge import End, judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, then judge, accept or print the spread; 0 when the cost is what is expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.guard", description="count the engine's inner loop")
    parser.add_argument("--accept", action="store_true", help="expect from now on what is counted now")
    parser.add_argument("--repeat", type=int, default=0, help="count so many times and print the spread")
    options = parser.parse_args(arguments)
    try:
        counter = Counter.ready()
    except AbsentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.repeat:
        return _spread(counter, options.repeat)
    counts = counter.counts()
    if options.accept:
        accept(counts, compiler())
        print(f"{counts.engine:,.0f} instructions for each batch, {counts.ratio:.3f} times the raw loop")
        print(f"written to {EXPECTED.relative_to(ROOT)}")
        return 0
    verdict = judge(counts, expected(), compiler())
    print(verdict)
    return 0 if verdict.end is End.KEPT else 1


def _spread(counter: Counter, repeats: int) -> int:
    """Print each count, and the distance between the least and the most."""
    found = [counter.counts() for _ in range(repeats)]
    for counts in found:
        print(f"{counts.engine:10,.0f} {counts.raw:10,.0f} {counts.ratio:7.3f}")
    for name, values in (("engine", [c.engine for c in found]), ("ratio", [c.ratio for c in found])):
        print(f"{name}: {max(values) / min(values) - 1:.2%} between the least and the most of {repeats}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
