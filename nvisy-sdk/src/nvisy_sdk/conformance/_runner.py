"""Run checks, one after another, each on an event loop of its own, and keep the ledger of how they ended.

A check that raises `CheckFailed`, or lets an exception out of the provider's code, has failed; any other exception is an
error of the kit or the harness, which counts neither for the provider nor against it.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .._check import load_checks
from .._manifest import Capability, Manifest
from ._case import PATIENCE, Case
from ._check import Body, Check
from ._guards import Finding, Watch
from ._inverse import absent_ability, common_inverse, without_secret
from ._outcome import CheckFailed, HarnessFailed, Outcome, Result
from ._service import Service
from ._static import Package
from ._subject import Subject


@dataclass(slots=True)
class Ledger:
    """What ran, and how it ended; every check of the plan has exactly one line in the end."""

    results: dict[str, Result] = field(default_factory=dict)
    out_of_scope: dict[str, str] = field(default_factory=dict)

    def enter(self, result: Result) -> None:
        """Enter a line. A line is never replaced by a better one."""
        old = self.results.get(result.id)
        if old is None or old.outcome.counts:
            self.results[result.id] = result

    def blame(self, finding: Finding, during: str) -> None:
        """Turn a passed line red, because of something an ambient guard saw during another check."""
        line = self.results.get(finding.check)
        if line is not None and line.outcome is Outcome.PASS:
            self.results[finding.check] = replace(
                line, outcome=Outcome.FAIL, message=f"{finding.message} (during {during})"
            )


@dataclass(slots=True)
class Run:
    """One run of the kit over one provider.

    Args:
        subject: The provider.
        service: Its harness, started; None when only static checks run.
        secret: The canary.
        seed: What the run's data is made from.
        name: What the names of the run's streams begin with.
        listener: Called with each line as it is entered.
        patience: Seconds for one operation that should take a fraction of one.
    """

    subject: Subject
    service: Service | None
    secret: str
    seed: int
    name: str
    listener: Callable[[Result], None] = lambda result: None
    patience: float = PATIENCE
    ledger: Ledger = field(default_factory=Ledger)

    def checks(self, checks: Iterable[Check]) -> Ledger:
        """Run the checks in the order given and return the ledger."""
        findings: list[tuple[Finding, str]] = []
        for check in checks:
            reason = self._out_of_scope(check)
            if reason is not None:
                self.ledger.out_of_scope[check.id] = reason
                continue
            result, found = self.one(check)
            self.ledger.enter(result)
            self.listener(result)
            if result.outcome.counts:  # what a failed check leaves behind is the failure's, not another one
                findings += [(finding, check.id) for finding in found]
        for finding, during in findings:
            self.ledger.blame(finding, during)
        return self.ledger

    def one(self, check: Check) -> tuple[Result, list[Finding]]:
        """Run one check and return its line, and what the guards saw meanwhile."""
        started = time.monotonic()
        if check.static:
            package = Package(self.subject)
            result = _judged(check.id, lambda: asyncio.run(_limited(check.body(package), check)), package, self.subject)
            return replace(result, seconds=time.monotonic() - started), []
        manifest = self.subject.manifest
        if manifest is None or self.service is None:
            return Result(check.id, Outcome.NOT_RUN, "there is no valid manifest, or no harness"), []
        refused = self._cannot_be_loaded()
        if refused:
            return Result(check.id, Outcome.NOT_RUN, f"the provider cannot be loaded: {refused}"), []
        case = self._case(check, manifest, self.service)
        body, mechanism = self._body(check, manifest, case)
        case.mechanism = mechanism
        watch = Watch(case)
        result = _judged(check.id, lambda: watch.run(_closing(case, _limited(body(case), check))), case, self.subject)
        if mechanism and result.outcome is Outcome.PASS:
            result = replace(result, outcome=Outcome.UNSUPPORTED_VERIFIED, message=mechanism)
        return replace(result, seconds=time.monotonic() - started), watch.findings

    def _cannot_be_loaded(self) -> str:
        """Return why the engine would not load the provider (PKG-02 and SIG-01 say it too); empty when it would."""
        try:
            return "; ".join(load_checks(self.subject.provider))
        except Exception as err:  # noqa: BLE001 - importing may raise anything
            return f"{type(err).__name__}: {err}"

    def _case(self, check: Check, manifest: Manifest, service: Service) -> Case:
        prefix = f"{self.name}_{check.id.lower().replace('-', '')}"
        return Case(check.id, self.subject, manifest, service, self.secret, self.seed, prefix, self.patience)

    def _out_of_scope(self, check: Check) -> str | None:
        manifest = self.subject.manifest
        if check.static or manifest is None or self.service is None:
            return None
        return check.out_of_scope(manifest, self.service.kind or manifest.kinds[0])

    def _body(self, check: Check, manifest: Manifest, case: Case) -> tuple[Body, str]:
        """Return what runs: the check, or the inverse of what the manifest says cannot be done, with its reason."""
        for ability in check.needs:
            if not manifest.can(ability):
                return absent_ability(ability), _reason(manifest.abilities.get(ability), f"there is no `{ability}`")
        if check.secret and not case.subject.models[0].model_fields:
            return without_secret, "the provider takes no credentials"
        for feature in check.features:
            capability = manifest.feature(feature)
            if capability.state in ("unsupported", "not_implemented"):
                body = check.inverse or common_inverse(feature)
                return body, _reason(capability, f"`{feature}` is {capability.state}")
        return check.body, ""


def _reason(capability: Capability | None, otherwise: str) -> str:
    return (capability.mechanism if capability else None) or otherwise


async def _limited(body: object, check: Check) -> None:
    async with asyncio.timeout(check.limit):
        await body  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]


async def _closing(case: Case, body: object) -> None:
    try:
        await body  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    finally:
        if case.service.proxy is not None:
            await case.service.run(case.service.proxy.heal())
        await case.close()


def _judged(id: str, run: Callable[[], None], case: "Case | Package", subject: Subject) -> Result:
    try:
        run()
    except CheckFailed as err:
        return Result(id, Outcome.FAIL, str(err), case.observations)
    except HarnessFailed as err:
        return Result(id, Outcome.ERROR, str(err), case.observations)
    except TimeoutError as err:
        return Result(id, Outcome.ERROR, f"the check did not end in time: {err}", case.observations)
    except (Exception, asyncio.CancelledError) as err:  # noqa: BLE001 - whatever it is, it is judged
        text = f"{type(err).__name__}: {err}"
        if raised_by(err, subject):
            return Result(id, Outcome.FAIL, f"the provider raised {text}", case.observations)
        where = traceback.format_exception(err)[-3:]
        return Result(id, Outcome.ERROR, f"{text}\n{''.join(where)}", case.observations)
    if case.observations == 0:
        return Result(id, Outcome.VACUOUS, "nothing was observed, so nothing was shown")
    return Result(id, Outcome.PASS, "", case.observations)


def raised_by(err: BaseException, subject: Subject) -> bool:
    """Whether an exception went through the provider's code."""
    try:
        folders = subject.folders
    except Exception:  # noqa: BLE001 - the provider cannot even be imported
        return False
    frames = traceback.extract_tb(err.__traceback__)
    return any(folder in Path(frame.filename).parents for frame in frames for folder in folders)
