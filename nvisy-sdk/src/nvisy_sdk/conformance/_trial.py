"""One provider, one run, one verdict: what the command line and the pytest plugin both do."""

import importlib
import random
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from .._kind import DataKind
from ._check import Check, catalogue
from ._clauses import unchecked
from ._extra import add_checks
from ._guards import Finding
from ._harness import ProviderHarness
from ._integrity import altered, installed_seal
from ._known_fail import judge_known
from ._outcome import Evidence, HarnessFailed, Level, Outcome, Result
from ._plan import Plan, Verdict, judge
from ._runner import Run
from ._service import Service
from ._settings import Settings
from ._subject import Subject

_SEEDS = 2**31


@dataclass
class Trial:
    """A run of the kit over one provider.

    Args:
        subject: The provider.
        settings: What its author has set.
        harness: The harness's class; None when only static checks can run.
        seed: What the data is made from.
        listener: Called with each line of the ledger.
    """

    subject: Subject
    settings: Settings
    harness: type[ProviderHarness] | None
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(_SEEDS))
    listener: Callable[[Result], None] = lambda result: None
    results: dict[str, Result] = field(default_factory=dict)
    objections: list[str] = field(default_factory=list)
    today: date = field(default_factory=date.today)
    _run: Run | None = None
    _installed: dict[str, str] = field(default_factory=dict)
    _findings: list[tuple[Finding, str]] = field(default_factory=list)

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The catalogue, and what other packages add to it."""
        self.objections += add_checks()
        return catalogue()

    @property
    def kind(self) -> DataKind | None:
        """The kind of data that is checked; None when there is no valid manifest."""
        manifest = self.subject.manifest
        chosen = self.settings.kind or (self.harness.kind if self.harness else None)
        return chosen or (manifest.kinds[0] if manifest else None)

    @property
    def plan(self) -> Plan:
        """What has to be shown."""
        evidence = self.harness.evidence if self.harness else Evidence.FAKE
        return Plan(
            checks=self.checks,
            manifest=self.subject.manifest,
            kind=self.kind,
            evidence=evidence,
            known_fails=self.settings.known_fails,
            unchecked=unchecked(Level.GOLD),
        )

    def open(self) -> None:
        """Start the system behind the provider.

        Raises:
            HarnessFailed: The harness cannot start it.
        """
        self._watch_the_kit()
        # New for every run, so that neither a provider nor a stand-in can know them beforehand.
        secret = f"canary-{secrets.token_urlsafe(12)}"
        name = f"nv{secrets.token_hex(4)}"
        service = None
        if self.harness is not None:
            made = self.harness(secret)
            if self.settings.kind is not None:
                made.kind = self.settings.kind  # type: ignore[misc]  # the settings are stronger than the class
            service = Service(made)
            service.start()
        self._run = Run(self.subject, service, secret, self.seed, name)

    def run(self, checks: Iterable[Check]) -> None:
        """Run checks, one after another."""
        for check in checks:
            self.one(check)

    def one(self, check: Check) -> Result | None:
        """Run one check and return its line; None when it is out of scope."""
        if self._run is None:
            raise HarnessFailed("the trial is not open")
        if check.id in self.plan.out_of_scope():
            return None
        line, findings = self._run.one(check)
        self._run.ledger.enter(line)
        if line.outcome.counts:  # what a failed check leaves behind is the failure's, not another one
            self._findings += [(finding, check.id) for finding in findings]
        result = self.results[check.id] = self._judged(self._run.ledger.results[check.id])
        self.listener(result)
        return result

    def close(self) -> None:
        """Sweep and stop the system, and let the guards have their say: what they saw may turn any line red."""
        run, self._run = self._run, None
        if run is not None:
            self._blame(run)
            if run.service is not None:
                self._stop(run.service, run.name)
        if self._installed:
            self.objections += altered(self._installed, when="at the end")

    def verdict(self) -> Verdict:
        """Return how the run ended."""
        return judge(self.plan, self.results, wanted=self.settings.level, objections=self.objections)

    def _blame(self, run: Run) -> None:
        for finding, during in self._findings:
            run.ledger.blame(finding, during)
        for key, line in run.ledger.results.items():
            judged = self._judged(line)
            if judged.outcome is not self.results[key].outcome:
                self.results[key] = judged
                self.listener(judged)

    def _stop(self, service: Service, prefix: str) -> None:
        try:
            service.call(service.harness.sweep(service.direct, prefix))
        except HarnessFailed as err:
            self.objections.append(f"streams may be left behind: {err}")
        try:
            service.stop()
        except HarnessFailed as err:
            self.objections.append(f"the harness did not stop: {err}")

    def _watch_the_kit(self) -> None:
        try:
            self._installed = installed_seal()
        except (OSError, ValueError) as err:
            self.objections.append(str(err))
            return
        self.objections += altered(self._installed, when="before the first check")

    def _judged(self, line: Result) -> Result:
        known = self.settings.known_fails.get(line.id)
        judged = judge_known(line, known, self.today)
        check = self.checks.get(line.id)
        if check is not None and check.provisional and judged.outcome is Outcome.FAIL:
            return replace(judged, outcome=Outcome.PROVISIONAL_FAIL)
        return judged


def load_harness(reference: str, settings: Settings) -> type[ProviderHarness]:
    """Return the harness's class, imported from the project's folder.

    Raises:
        HarnessFailed: It cannot be imported, or is no harness.
    """
    module, _, name = reference.partition(":")
    folder = str(settings.folder.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    _forget_foreign(module.split(".")[0], folder)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as err:
        raise HarnessFailed(f"the harness `{reference}` cannot be imported: {type(err).__name__}: {err}") from err
    if not (isinstance(found, type) and issubclass(found, ProviderHarness)):
        raise HarnessFailed(f"the harness `{reference}` is {found!r}; write a class that extends `ProviderHarness`")
    return found


def selected(checks: Sequence[Check], only: Sequence[str]) -> list[Check]:
    """Return the checks of these ids, or of these families.

    Raises:
        LookupError: There is none of that name.
    """
    chosen = [check for check in checks if check.id in only or check.id.rsplit("-", 1)[0] in only]
    missing = [name for name in only if not any(name in (check.id, check.id.rsplit("-", 1)[0]) for check in chosen)]
    if missing:
        raise LookupError(f"there is no check {', '.join(missing)}; `--list` shows all")
    return chosen


def _forget_foreign(top: str, folder: str) -> None:
    """Drop an imported package of that name which is from elsewhere: every project calls its tests `tests`."""
    module = sys.modules.get(top)
    places = [*getattr(module, "__path__", []), getattr(module, "__file__", None) or ""]
    if module is not None and not any(str(place).startswith(folder) for place in places):
        for name in [name for name in sys.modules if name.split(".")[0] == top]:
            del sys.modules[name]
