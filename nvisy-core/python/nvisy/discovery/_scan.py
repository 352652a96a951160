"""The scan: every installed distribution on its own, so that a broken one harms no other. It imports nothing.

The order of ``sys.path`` decides which of two copies of a project counts, as it decides which one Python imports.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nvisy.discovery._entry_points import HOOKS, Line, name_defect, parse, reference_defect, split_reference
from nvisy.discovery._model import Claim, Problem, Severity

__all__ = ["Scan", "normalise", "scan"]

_SUFFIXES = (".dist-info", ".egg-info")


def normalise(project: str) -> str:
    """The form in which two spellings of one project's name are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


class Scan(NamedTuple):
    """What the distributions say of themselves.

    Attributes:
        claims: Claims of provider names whose syntax is right.
        hooks: The same for hooks.
        problems: A problem for everything else of our groups, and for every file that cannot be read.
        installed: The version of everything installed by its normalised name; empty where a folder does not say it.
    """

    claims: list[Claim]
    hooks: list[Claim]
    problems: list[Problem]
    installed: Mapping[str, str]


def scan(paths: Iterable[str]) -> Scan:
    """Look at every distribution on `paths`, folders in the order Python searches them, as ``sys.path``."""
    found = Scan([], [], [], {})
    first: dict[str, _Distribution] = {}
    for folder in _folders(paths):
        for distribution in _distributions(folder):
            try:
                winner = first.setdefault(distribution.key, distribution)
                if winner is not distribution:
                    found.problems.extend(_shadowed(distribution, winner))
                    continue
                distribution.read(found)
            except Exception as error:  # noqa: BLE001 - one distribution must never stop the scan of the others
                message = f"its metadata cannot be read: {error}"
                found.problems.append(distribution.problem("unreadable_distribution", message))
    return found._replace(installed={key: distribution.version for key, distribution in first.items()})


def _folders(paths: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        folder = os.path.realpath(path or os.curdir)
        if folder not in seen:
            seen.add(folder)
            yield folder


def _distributions(folder: str) -> list[_Distribution]:
    """The distributions of one folder; of two dist-infos of one project the newer comes first."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(_SUFFIXES)]  # noqa: PTH208 - 5 times as fast
    except OSError:
        return []
    # pip renames what it is about to remove to `~name`; after a crash such folders stay and mean nothing.
    found = [_Distribution(Path(folder, name)) for name in sorted(names) if not name.startswith("~")]
    if len({item.key for item in found}) < len(found):
        found.sort(key=lambda item: item.modified(), reverse=True)
    return found


class _Distribution:
    """A ``.dist-info`` or ``.egg-info`` folder."""

    def __init__(self, info: Path) -> None:
        self.info = info
        self.name, _, rest = info.name.rpartition(".")[0].partition("-")
        self.version = rest.partition("-py")[0] if info.name.endswith(".egg-info") else rest
        self.key = normalise(self.name)
        self.requires: tuple[str, ...] = ()

    def modified(self) -> float:
        try:
            return self.info.stat().st_mtime
        except OSError:
            return 0.0

    def problem(self, code: str, message: str, *, line: str | None = None, severity: Severity = "error") -> Problem:
        hint = f"reinstall it (pip install --force-reinstall {self.name}), uninstall it, or tell its author"
        return Problem(code, self.name, self.version, line, message, hint, severity)

    def lines(self) -> tuple[list[Line], list[str]]:
        """The lines of our groups and the file's defects; both empty when there is no such file."""
        try:
            raw = (self.info / "entry_points.txt").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        lines, defects = parse(raw.decode("utf-8-sig"))
        if raw.startswith(codecs.BOM_UTF8):
            defects.append("it begins with a byte order mark")
        return lines, defects

    def read(self, found: Scan) -> None:
        try:
            lines, defects = self.lines()
        except (UnicodeDecodeError, OSError) as error:
            self.identify()
            message = f"its entry_points.txt cannot be read: {error}"
            found.problems.append(self.problem("unreadable_entry_points", message))
            return
        if not lines and not defects:
            return
        missing = self.identify()
        if missing:
            message = f"it has no {missing}; its name and version are those of its folder"
            found.problems.append(self.problem("missing_metadata", message, severity="warning"))
        if defects:
            message = f"its entry_points.txt is malformed: {'; '.join(defects[:5])}"
            found.problems.append(self.problem("malformed_entry_points", message))
        for line in {line: line for line in lines}:
            self.claim(line, found)

    def claim(self, line: Line, found: Scan) -> None:
        defect = name_defect(line.name)
        if defect is not None:
            hint = "a name is a lower-case letter, then 1 to 40 lower-case letters, digits or underscores"
            found.problems.append(Problem("bad_name", self.name, self.version, line.name, defect, hint))
            return
        defect = reference_defect(line)
        if defect is not None:
            hint = f"write it as `{line.name} = package.module:Object` in the group {line.group}"
            found.problems.append(Problem("bad_reference", self.name, self.version, line.name, defect, hint))
            return
        module, _, attribute = split_reference(line.value)
        claim = Claim(line.name, module, attribute, self.name, self.version, str(self.info), self.requires)
        (found.hooks if line.group == HOOKS else found.claims).append(claim)

    def identify(self) -> str:
        """Take name, version and requirements from the metadata; what there is nothing to take from, else empty."""
        for name in ("METADATA", "PKG-INFO"):
            try:
                head = (self.info / name).read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
            except OSError:
                continue
            pairs = [line.split(": ", 1) for line in head.splitlines() if ": " in line]
            fields = {field: value.strip() for field, value in reversed(pairs)}
            self.name = fields.get("Name") or self.name
            self.version = fields.get("Version") or self.version
            self.requires = tuple(value for field, value in pairs if field == "Requires-Dist")
            return "" if fields.get("Name") else f"Name in its {name}"
        return "METADATA file"


def _shadowed(found: _Distribution, winner: _Distribution) -> list[Problem]:
    """A problem when a hidden copy claims something else than the copy that counts, or is left from another version.

    An editable install is often visible twice, as its dist-info and as the egg-info beside its source; the same
    claims twice are no defect then.
    """
    try:
        lines = set(found.lines()[0])
        if not lines:
            return []
        dist_infos = found.info.suffix == winner.info.suffix == ".dist-info"
        if lines == set(winner.lines()[0]) and not (dist_infos and found.version != winner.version):
            return []
    except (UnicodeDecodeError, OSError):
        return []
    found.identify()
    version = f" of version {found.version}" if found.version else ""
    message = (
        f"the copy{version} in {found.info.parent} is hidden by version {winner.version or '?'} in {winner.info.parent}"
    )
    same = found.info.parent == winner.info.parent
    hint = f"reinstall it: pip install --force-reinstall {found.name}" if same else "uninstall one of the two"
    return [Problem("shadowed", found.name, found.version, None, message, hint, "warning")]
