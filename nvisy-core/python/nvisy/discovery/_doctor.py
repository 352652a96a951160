"""The doctor: what is installed, tried out in processes of its own, and everything that can be said about it.

Nothing here imports a plugin into this process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nvisy import _core
from nvisy.discovery import discover, order
from nvisy.discovery._model import Claim, Discovery, Problem
from nvisy.discovery._pin import pin_of
from nvisy.discovery._probe import Examination, Task, probe
from nvisy.discovery._requires import optional
from nvisy.discovery._scan import normalise, scan
from nvisy.discovery._settings import Settings
from nvisy.discovery._verdicts import problems_of, remember

__all__ = ["Diagnosis", "Report", "diagnose"]

_HOPELESS = {"missing_package", "unsupported_protocol"}
"""Problems after which an import could tell nothing new."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of one plugin.

    Attributes:
        name: Its name in workflows, or that of its hooks.
        kind: ``provider`` or ``hooks``.
        distribution: The project.
        version: Its version.
        reference: The entry point.
        problems: Everything that is wrong, each with its detail, such as a traceback.
        seconds: How long its import took; ``None`` when it did not end or was not tried.
        heaviest: The packages that took most of it.
        printed: What it printed while it was imported.
        optional: Requirements of its extras that are not installed, with the extra of each.
        pin: The line of ``config.json`` that pins it as it is.
    """

    name: str
    kind: str
    distribution: str
    version: str
    reference: str
    problems: tuple[tuple[Problem, str], ...]
    seconds: float | None = None
    heaviest: tuple[tuple[str, float], ...] = ()
    printed: str = ""
    optional: tuple[tuple[str, str], ...] = ()
    pin: str = ""

    @property
    def usable(self) -> bool:
        """Whether nothing keeps it from being used."""
        return not any(problem.severity == "error" for problem, _ in self.problems)


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor says.

    Attributes:
        environment: Versions and folders, by what they are.
        plugins: The plugins that were asked for, by name.
        problems: Those of distributions and settings, which belong to no plugin.
        unknown: Names that were asked for and that nothing installed has.
    """

    environment: dict[str, str]
    plugins: tuple[Diagnosis, ...]
    problems: tuple[Problem, ...]
    unknown: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that was asked for can be used."""
        return all(plugin.usable for plugin in self.plugins) and all(p.severity != "error" for p in self.problems)


def diagnose(
    names: Sequence[str],
    *,
    home: Path,
    limit: float,
    paths: Iterable[str] | None = None,
    ended: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Try plugins out, and remember for later listings what came of it.

    Args:
        names: Names of providers, hooks or distributions; all of them when empty.
        home: Where settings and verdicts lie.
        limit: Seconds that one import may take.
        paths: Folders to look into; ``sys.path`` when ``None``.
        ended: Told after each import how many are done, and of how many.
    """
    environment = _environment(home)  # first, because remembering verdicts makes the folder
    folders = list(sys.path if paths is None else paths)
    found = discover(home=home, paths=folders)
    tasks = _tasks(found, names)
    examinations: dict[Claim, Examination] = {}
    try:
        for examination in probe(tasks, limit=limit):
            examinations[examination.claim] = examination
            ended(len(examinations), len(tasks))
    finally:
        remember(examinations.values(), home)
    installed = scan(folders).installed
    plugins = [_diagnosis(task, found, examinations[task.claim], installed) for task in tasks]
    tried = {(task.claim.distribution, task.claim.name) for task in tasks}
    rest = [problem for problem in found.problems if (problem.distribution, problem.entry_point) not in tried]
    lost, general = _lost(rest, names)
    everything = {spelling for plugin in (*plugins, *lost) for spelling in _spellings(plugin.name, plugin.distribution)}
    everything |= {normalise(problem.distribution) for problem in general}
    unknown = tuple(name for name in names if everything.isdisjoint({name, normalise(name)}))
    listed = sorted([*plugins, *lost], key=lambda plugin: (plugin.name, plugin.distribution))
    return Report(environment, tuple(listed), order(general), unknown)


def _tasks(found: Discovery, names: Sequence[str]) -> list[Task]:
    hopeless = {(p.distribution, p.entry_point) for p in found.problems if p.code in _HOPELESS}
    providers = [Task(claim) for claim in found.claims if (claim.distribution, claim.name) not in hopeless]
    tasks = [*providers, *(Task(claim, "hooks") for claim in found.hooks)]
    return [task for task in tasks if _asked(task.claim.name, task.claim.distribution, names)]


def _asked(name: str, distribution: str, names: Sequence[str]) -> bool:
    return not names or not _spellings(name, distribution).isdisjoint({*names, *map(normalise, names)})


def _spellings(name: str, distribution: str) -> set[str]:
    return {name, distribution, normalise(distribution)}


def _diagnosis(task: Task, found: Discovery, seen: Examination, installed: Mapping[str, str]) -> Diagnosis:
    claim = task.claim
    known = [p for p in found.problems if (p.distribution, p.entry_point) == (claim.distribution, claim.name)]
    shown = problems_of(claim, [(finding.code, finding.message) for finding in seen.findings])
    details = [finding.detail for finding in seen.findings]
    return Diagnosis(
        name=claim.name,
        kind=task.kind,
        distribution=claim.distribution,
        version=claim.version,
        reference=claim.reference,
        problems=(*((problem, "") for problem in known), *zip(shown, details, strict=True)),
        seconds=seen.seconds,
        heaviest=seen.heaviest,
        printed=seen.printed,
        optional=tuple(optional(claim, installed)),
        pin=pin_of(claim, hooks=task.kind == "hooks"),
    )


def _lost(rest: Iterable[Problem], names: Sequence[str]) -> tuple[list[Diagnosis], list[Problem]]:
    """Plugins that are known from their problems alone, and the problems that belong to none."""
    lost: dict[tuple[str, str, str], list[Problem]] = {}
    general: list[Problem] = []
    for problem in rest:
        if not _asked(problem.entry_point or "", problem.distribution, names):
            continue
        if problem.entry_point is None:
            general.append(problem)
        else:
            lost.setdefault((problem.entry_point, problem.distribution, problem.version), []).append(problem)
    plugins = [
        Diagnosis(name, "provider", distribution, version, "", tuple((problem, "") for problem in problems))
        for (name, distribution, version), problems in lost.items()
    ]
    return plugins, general


def _environment(home: Path) -> dict[str, str]:
    system = os.uname()
    facts = {
        "nvisy": _core.version(),
        "python": f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})",
        "system": f"{system.sysname} {system.release} {system.machine}",
        "state folder": f"{home} ({_condition(home)})",
        "mode": Settings.load(home, os.environ).mode,
    }
    installed = scan(sys.path).installed
    facts.update({name: installed[name] for name in ("nvisy-sdk", "pydantic", "pluggy", "uvloop") if name in installed})
    return facts


def _condition(home: Path) -> str:
    if home.is_dir():
        return "there" if os.access(home, os.W_OK | os.X_OK) else "not writable"
    if home.exists():
        return "not a folder"
    return "not made yet"
