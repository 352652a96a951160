"""The report of a run, `nvisy-conformance.json`: the same run gives the same text, but for the times it took.

Its digest covers everything but those times. It shows that a report was edited by hand or cut short; it is no signature, for
whoever edits a report can compute the digest again. What proves a report is another run over the same distribution.
"""

import importlib.metadata
import json
import platform
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from .._check import ABILITY_METHODS
from ._integrity import catalogue_hash
from ._outcome import Level, Outcome, Result
from ._plan import Verdict
from ._subject import Subject
from ._trial import Trial

REPORT_FILE: Final = "nvisy-conformance.json"
FORMAT: Final = 1
SPEC: Final = "1.0"
"""Version of the clauses in SPEC.md."""


def make_report(trial: Trial, verdict: Verdict, *, partial: bool = False) -> dict[str, Any]:
    """Return the report of a run.

    Args:
        trial: The run.
        verdict: How it ended.
        partial: Whether only some checks were asked for, so that no level can be named.
    """
    manifest = trial.subject.manifest
    beside = trial.plan.out_of_scope()
    report: dict[str, Any] = {
        "format": FORMAT,
        "spec": SPEC,
        "sdk": importlib.metadata.version("nvisy-sdk"),
        "catalogue": {
            "checks": sum(not key.startswith("X-") for key in trial.checks),
            "hash": catalogue_hash(trial.checks),
        },
        "provider": _provider(trial.subject),
        "protocol": manifest.protocol.model_dump(mode="json") if manifest else None,
        "kind": trial.kind.value if trial.kind else None,
        "evidence": trial.plan.evidence.value,
        "oracle": "harness",
        "server": trial.harness.server if trial.harness else "",
        "seed": trial.seed,
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}".lower(),
        "manifest": manifest.model_dump(mode="json") if manifest else None,
        "checks": [_line(trial, key, trial.results.get(key)) for key in trial.checks if key not in beside],
        "out_of_scope": {key: beside[key] for key in trial.checks if key in beside},
        "level": None if partial or verdict.level is None else verdict.level.word,
        "wanted": verdict.wanted.word,
        "partial": partial,
        "reached": verdict.good and not partial,
        "missing": {level.word: list(texts) for level, texts in verdict.missing.items() if texts and not partial},
        "objections": list(verdict.objections),
    }
    report["totals"] = dict(sorted(Counter(line["outcome"] for line in report["checks"]).items()))
    report["results_hash"] = _results_hash(report)
    report["digest"] = digest(report)
    return report


def digest(report: Mapping[str, Any]) -> str:
    """Return the digest of everything in a report but the digest and the times."""
    body = {name: value for name, value in report.items() if name != "digest"}
    lines = body.get("checks")
    if isinstance(lines, list):
        body["checks"] = [
            {name: value for name, value in line.items() if name != "seconds"} if isinstance(line, dict) else line
            for line in lines
        ]
    return sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verify(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that does not fit in a report; an empty list when it is as it was written."""
    problems = []
    if report.get("format") != FORMAT:
        return [f"the report's format is {report.get('format')!r}, this version reads {FORMAT}"]
    if report.get("digest") != digest(report):
        problems.append("the digest does not fit: the report was edited after the run")
    if report.get("results_hash") != _results_hash(report):
        problems.append("the hash of the results does not fit the checks listed")
    level, wanted = report.get("level"), report.get("wanted")
    blocked = _blocked(report)
    if isinstance(level, str) and any(text for word, text in blocked.items() if _rank(word) <= _rank(level)):
        first = next(text for word, text in blocked.items() if _rank(word) <= _rank(level))
        problems.append(f"it claims {level}, but {first}")
    if report.get("reached") and _rank(level) < _rank(wanted):
        problems.append(f"it claims to have reached {wanted}, but its level is {level}")
    if sum(report.get("totals", {}).values()) != len(report.get("checks", [])):
        problems.append("the totals do not add up to the checks listed")
    return problems


def read_report(path: Path) -> dict[str, Any]:
    """Return the report in a file.

    Raises:
        ValueError: It is none.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ValueError(f"{path.name} cannot be read: {err}") from None
    if not isinstance(report, dict) or not isinstance(report.get("checks"), list):
        raise ValueError(f"{path.name} is no report of the conformance kit")
    return report


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write a report."""
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return what changed between two reports, line by line, and whether anything was lost."""
    before, after = _outcomes(old), _outcomes(new)
    lost = [key for key in before if before[key].counts and not (key in after and after[key].counts)]
    gained = [key for key in after if after[key].counts and not (key in before and before[key].counts)]
    lines = [f"lost: {key} ({after.get(key, 'no longer in the report')})" for key in lost]
    lines += [f"gained: {key}" for key in gained]
    lines += [
        f"changed: {key} from {before[key]} to {after[key]}"
        for key in before
        if key in after and before[key] != after[key] and key not in (*lost, *gained)
    ]
    levels = (old.get("level"), new.get("level"))
    if levels[0] != levels[1]:
        lines.append(f"level: {levels[0] or 'none'} to {levels[1] or 'none'}")
    return lines, bool(lost) or _rank(levels[1]) < _rank(levels[0])


def reproduce(name: str, key: str, seed: int) -> str:
    """Return the command that runs one check again with the same data."""
    return f"python -m nvisy_sdk conform {name} --only {key} --seed {seed}"


def _line(trial: Trial, key: str, result: Result | None) -> dict[str, Any]:
    check = trial.checks[key]
    result = result or Result(key, Outcome.NOT_RUN)
    line: dict[str, Any] = {
        "id": key,
        "level": check.level.word,
        "title": check.title,
        "outcome": result.outcome.value,
        "observations": result.observations,
        "seconds": round(result.seconds, 3),
        "message": result.message,
        "reproduce": reproduce(trial.subject.name, key, trial.seed),
    }
    known = trial.settings.known_fails.get(key)
    if known is not None:
        line["known_fail"] = {
            "kind": known.kind,
            "mechanism": known.mechanism,
            "expires": known.expires.isoformat(),
            "issue": known.issue,
        }
    return line


def _provider(subject: Subject) -> dict[str, Any]:
    found = subject.distribution
    record = found.read_text("RECORD") if found is not None else None
    origin = found.read_text("direct_url.json") if found is not None else None
    return {
        "name": subject.name,
        "entry_point": subject.reference,
        "distribution": found.metadata["Name"] if found is not None else None,
        "version": found.version if found is not None else None,
        "record_sha256": sha256(record.encode()).hexdigest() if record else None,
        "wheel_sha256": _wheel_hash(origin),
        "abilities": [
            str(ability) for ability in ABILITY_METHODS if subject.manifest and subject.manifest.can(ability)
        ],
    }


def _wheel_hash(origin: str | None) -> str | None:
    """Return the hash of the archive it was installed from, where pip has written that down."""
    try:
        archive = json.loads(origin or "{}").get("archive_info", {})
    except ValueError:
        return None
    return archive.get("hashes", {}).get("sha256") if isinstance(archive, dict) else None


def _results_hash(report: Mapping[str, Any]) -> str:
    lines = [f"{line.get('id')} {line.get('outcome')}" for line in report.get("checks", [])]
    return sha256("\n".join(lines).encode()).hexdigest()


def _outcomes(report: Mapping[str, Any]) -> dict[str, Outcome]:
    return {line["id"]: Outcome(line["outcome"]) for line in report["checks"]}


def _blocked(report: Mapping[str, Any]) -> dict[str, str]:
    """Return for each level a check that keeps from it, as the lines say."""
    found: dict[str, str] = {}
    for line in report.get("checks", []):
        outcome = Outcome(line["outcome"])
        forgiven = outcome is Outcome.PROVISIONAL_FAIL or (
            outcome is Outcome.KNOWN_FAIL and line.get("known_fail", {}).get("kind") == "service"
        )
        if not outcome.counts and not forgiven and not line["id"].startswith("X-"):
            found.setdefault(line["level"], f"{line['id']} is {outcome}")
    return found


def _rank(word: object) -> int:
    return next((int(level) for level in Level if level.word == word), -1)
