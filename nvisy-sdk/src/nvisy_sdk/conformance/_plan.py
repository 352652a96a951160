"""The verdict: which level was reached, judged by the ledger against the whole catalogue.

What pytest or anybody else thinks of a run does not enter here. A check without a line in the ledger was not run, and a
check that was not run is missing, whatever the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .._kind import Ability, DataKind
from .._manifest import Manifest
from ._check import Check
from ._known_fail import KnownFail
from ._outcome import Evidence, Level, Outcome, Result

EXTRA: Final = "X-"
"""What the ids of checks begin with that are not the kit's own: they can make a run red, but are no part of a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be shown.

    Args:
        checks: The whole catalogue, and what others have added to it.
        manifest: The provider's manifest; None when it has no valid one.
        kind: The kind of data that is checked.
        evidence: What the provider runs against.
        known_fails: Checks that are known to fail.
        unchecked: Clauses of gold that have no check yet: nobody reaches gold until they have one.
    """

    checks: Mapping[str, Check]
    manifest: Manifest | None
    kind: DataKind | None
    evidence: Evidence = Evidence.FAKE
    known_fails: Mapping[str, KnownFail]
    unchecked: Sequence[str] = ()

    def out_of_scope(self) -> dict[str, str]:
        """Return the checks that are not about this provider, each with the reason."""
        manifest = self.manifest
        if manifest is None:
            return {}
        kind = self.kind or manifest.kinds[0]
        reasons = {key: check.out_of_scope(manifest, kind) for key, check in self.checks.items() if not check.static}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    def due(self) -> list[Check]:
        """Return the checks that need a line in the ledger."""
        beside = self.out_of_scope()
        return [check for key, check in self.checks.items() if key not in beside]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run ended.

    Args:
        wanted: The level it had to reach.
        level: The highest level of which nothing is missing; None when not even the lowest is complete.
        missing: For each level, a sentence for everything that keeps the provider from it.
        objections: What makes the run worthless or red, whatever the level.
    """

    wanted: Level
    level: Level | None
    missing: Mapping[Level, tuple[str, ...]]
    objections: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the wanted level was reached, and nothing speaks against the run."""
        return self.level is not None and self.level >= self.wanted and not self.objections

    @property
    def next(self) -> Level | None:
        """The level to work for; None when there is none left."""
        if self.level is None:
            return Level.LOADABLE
        return None if self.level is Level.GOLD else Level(self.level + 1)


def judge(plan: Plan, results: Mapping[str, Result], *, wanted: Level, objections: Sequence[str] = ()) -> Verdict:
    """Return the verdict over a ledger whose known failures have been judged already."""
    missing: dict[Level, tuple[str, ...]] = {}
    reached: Level | None = None
    for level in Level:
        lacking = [_lacking(plan, check, level, results.get(check.id)) for check in plan.due() if check.level is level]
        missing[level] = (*(text for text in lacking if text), *_capabilities(plan, level))
    for level in Level:
        below = any(missing[lower] for lower in Level if lower < level)
        # A failure of the system is forgiven up to silver, so what blocks gold may belong to a lower level.
        forgiven = [
            key for key, line in results.items() if line.outcome is Outcome.KNOWN_FAIL and not _blocks(plan, key)
        ]
        if level is Level.GOLD and forgiven:
            missing[level] = (*missing[level], f"known failures of the system: {', '.join(sorted(forgiven))}")
        if not below and not missing[level]:
            reached = level
    return Verdict(wanted=wanted, level=reached, missing=missing, objections=(*objections, *_objections(plan, results)))


def _lacking(plan: Plan, check: Check, level: Level, line: Result | None) -> str | None:
    """Return what a check lacks, or None when it counts or does not belong to a level."""
    if check.id.startswith(EXTRA):
        return None
    if line is None:
        return f"{check.id} was not run"
    if line.outcome.counts or line.outcome is Outcome.PROVISIONAL_FAIL:
        return None
    if line.outcome is Outcome.KNOWN_FAIL and not _blocks(plan, check.id) and level is not Level.GOLD:
        return None
    return f"{check.id} {line.outcome}"


def _blocks(plan: Plan, key: str) -> bool:
    known = plan.known_fails.get(key)
    return known is None or known.kind != "service"


def _capabilities(plan: Plan, level: Level) -> list[str]:
    """Return what a provider must be able to do for a level, whatever its checks say: not everything may be unsupported."""
    manifest = plan.manifest
    if manifest is None:
        return ["a valid manifest"] if level is Level.LOADABLE else []
    reads, writes = manifest.can(Ability.READ), manifest.can(Ability.WRITE)
    rules = (
        (Level.LOADABLE, reads or writes, "the ability to read or to write"),
        (Level.BRONZE, not reads or bool(manifest.contexts), "a kind of context for what it reads"),
        (Level.BRONZE, not writes or bool(manifest.modes), "a mode for what it writes"),
        (
            Level.GOLD,
            plan.evidence is not Evidence.FAKE,
            "a run against a real system; the harness's evidence is `fake`",
        ),
        (Level.GOLD, not plan.unchecked, f"clauses without a check so far: {', '.join(plan.unchecked)}"),
    )
    return [text for of, holds, text in rules if of is level and not holds]


def _objections(plan: Plan, results: Mapping[str, Result]) -> list[str]:
    beside = plan.out_of_scope()
    sentences = [f"{key} is in the ledger but not in the catalogue" for key in results if key not in plan.checks]
    for key in plan.known_fails:
        if key not in plan.checks:
            sentences.append(f"known-fail {key}: there is no such check; remove the entry")
        elif key in beside:
            sentences.append(f"known-fail {key}: the check is out of scope ({beside[key]}); remove the entry")
    for check in plan.due():
        line = results.get(check.id)
        if check.id.startswith(EXTRA) and (line is None or not line.outcome.counts):
            sentences.append(f"{check.id} {line.outcome if line else Outcome.NOT_RUN}")
    return sentences
