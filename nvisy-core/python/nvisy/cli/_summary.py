"""The end of a run, for a person."""

from __future__ import annotations

from nvisy._outcome import Outcome
from nvisy.cli._output import Output

__all__ = ["summarise"]

_VERB = {
    "succeeded": "done",
    "rejected": "rejected",
    "failed": "failed",
    "cancelled": "cancelled",
}


def summarise(outcome: Outcome, output: Output) -> None:
    """Print the counts, each path and its guarantee, and the failure, if there is one."""
    if outcome.error is not None:
        output.failure(outcome.error)
    # Of a few rows in no time a rate says nothing.
    rate = f" ({outcome.read / outcome.seconds:,.0f} rows/s)" if outcome.seconds > 0 and outcome.read >= 1000 else ""
    output.line(f"{_VERB[outcome.status]}: {_counts(outcome)} in {outcome.seconds:.1f} s{rate}")
    if outcome.resumed:
        output.line("an interrupted run was resumed")
    for sink in outcome.sinks:
        counts = f"{sink.written:,} written, {sink.rejected:,} rejected, {sink.filtered:,} filtered"
        output.line(f"  {sink.source} -> {sink.node}: {counts}; {sink.guarantee.replace('_', ' ')}: {sink.why}")
    if outcome.status == "cancelled":
        output.line("the next start continues at the committed position")
    output.line(f"run {outcome.run_id}")


def _counts(outcome: Outcome) -> str:
    return (
        f"{outcome.read:,} read, {outcome.written:,} written,"
        f" {outcome.rejected:,} rejected, {outcome.filtered:,} filtered"
    )
