"""The scan: every installed distribution on its own, so that a broken one harms no other. It imports nothing.

The order of ``sys.path`` decides which of two copies of a project counts, as it decides which one Python imports.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nvisy.discovery._entry_points import GROUP, Line, name_defect, parse, reference_defect, split_reference
from nvisy.discovery._model import Claim, Problem, Severity

__all__ = ["normalise", "scan"]

_SUFFIXES = (".dist-info", ".egg-info")


def normalise(project: str) -> str:
    """The form in which two spellings of one project's name are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


def scan(paths: Iterable[str]) -> tuple[list[Claim], list[Problem]]:
    """Look at every distribution on `paths`.

    Args:
        paths: Folders in the order Python searches them, as ``sys.path``.

    Returns:
        The claims whose syntax is right, and a problem for everything else of our group and for every file that
        cannot be read.
    """
    claims: list[Claim] = []
    problems: list[Problem] = []
    first: dict[str, _Distribution] = {}
    for folder in _folders(paths):
        for found in _distributions(folder):
            try:
                winner = first.setdefault(found.key, found)
                if winner is not found:
                    problems.extend(_shadowed(found, winner))
                    continue
                found.read(claims, problems)
            except Exception as error:  # noqa: BLE001 - one distribution must never stop the scan of the others
                problems.append(found.problem("unreadable_distribution", f"its metadata cannot be read: {error}"))
    return claims, problems


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

    def modified(self) -> float:
        try:
            return self.info.stat().st_mtime
        except OSError:
            return 0.0

    def problem(self, code: str, message: str, *, line: str | None = None, severity: Severity = "error") -> Problem:
        hint = f"reinstall it (pip install --force-reinstall {self.name}), uninstall it, or tell its author"
        return Problem(code, self.name, self.version, line, message, hint, severity)

    def lines(self) -> tuple[list[Line], list[str]]:
        """The lines of our group and the file's defects; both empty when there is no such file."""
        try:
            raw = (self.info / "entry_points.txt").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        lines, defects = parse(raw.decode("utf-8-sig"))
        if raw.startswith(codecs.BOM_UTF8):
            defects.append("it begins with a byte order mark")
        return lines, defects

    def read(self, claims: list[Claim], problems: list[Problem]) -> None:
        try:
            lines, defects = self.lines()
        except (UnicodeDecodeError, OSError) as error:
            self.identify()
            problems.append(self.problem("unreadable_entry_points", f"its entry_points.txt cannot be read: {error}"))
            return
        if not lines and not defects:
            return
        if not self.identify():
            message = "it has no METADATA file; its name and version are those of its folder"
            problems.append(self.problem("missing_metadata", message, severity="warning"))
        if defects:
            message = f"its entry_points.txt is malformed: {'; '.join(defects[:5])}"
            problems.append(self.problem("malformed_entry_points", message))
        for line in {(line.name, line.value): line for line in reversed(lines)}.values():
            self.claim(line, claims, problems)

    def claim(self, line: Line, claims: list[Claim], problems: list[Problem]) -> None:
        defect = name_defect(line.name)
        if defect is not None:
            hint = "a name is a lower-case letter, then 1 to 40 lower-case letters, digits or underscores"
            problems.append(Problem("bad_name", self.name, self.version, line.name, defect, hint))
            return
        defect = reference_defect(line.value)
        if defect is not None:
            hint = f"write it as `{line.name} = package.module:Provider` in the group {GROUP}"
            problems.append(Problem("bad_reference", self.name, self.version, line.name, defect, hint))
            return
        module, _, attribute = split_reference(line.value)
        claims.append(Claim(line.name, module, attribute, self.name, self.version, str(self.info)))

    def identify(self) -> bool:
        """Take name and version from the metadata; False when there is none to take them from."""
        for name in ("METADATA", "PKG-INFO"):
            try:
                head = (self.info / name).read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
            except OSError:
                continue
            fields = dict(line.split(": ", 1) for line in reversed(head.splitlines()) if ": " in line)
            self.name = fields.get("Name", "").strip() or self.name
            self.version = fields.get("Version", "").strip() or self.version
            return "Name" in fields
        return False


def _shadowed(found: _Distribution, winner: _Distribution) -> list[Problem]:
    """A problem when a hidden copy claims something else than the copy that counts.

    An editable install is often visible twice, as its dist-info and as the egg-info beside its source; the same
    claims twice are no defect.
    """
    try:
        lines = {(line.name, line.value) for line in found.lines()[0]}
        if not lines or lines == {(line.name, line.value) for line in winner.lines()[0]}:
            return []
    except (UnicodeDecodeError, OSError):
        return []
    found.identify()
    return [
        Problem(
            "shadowed",
            found.name,
            found.version,
            None,
            f"the copy in {found.info.parent} is hidden by version {winner.version or '?'} in {winner.info.parent}",
            "uninstall one of the two",
            "warning",
        )
    ]
