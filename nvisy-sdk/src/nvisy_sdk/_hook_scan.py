"""Which installed distributions offer hooks, found without importing any of them, or pluggy.

Each distribution is read in a try of its own: one malformed file must not hide the others.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

GROUP = "nvisy.hooks"
"""The group of entry points whose lines are `name = package.module` or `name = package.module:object`."""

DISABLE = "NVISY_DISABLE_PLUGINS"

_REFERENCE = re.compile(r"(?P<module>[A-Za-z_][\w.]*)\s*(?::\s*(?P<attribute>[A-Za-z_][\w.]*))?\s*(?:\[.*\])?")


@dataclass(frozen=True, slots=True)
class HookSource:
    """An entry point of the group."""

    name: str
    module: str
    attribute: str
    """Empty where the module itself has the hooks."""
    distribution: str
    version: str

    @property
    def reference(self) -> str:
        """The entry point's value."""
        return f"{self.module}:{self.attribute}" if self.attribute else self.module


@dataclass(frozen=True, slots=True)
class HookProblem:
    """Something that is wrong with a plugin's hooks. It harmed nobody else."""

    code: str
    """`unreadable_distribution`, `import_failed`, `bad_hook`, `unknown_hook` or `failed_hook`."""
    distribution: str
    version: str
    entry_point: str
    message: str
    hint: str
    traceback: str = ""

    def line(self) -> str:
        """The problem in one line."""
        version = f" {self.version}" if self.version else ""
        return f"hooks `{self.entry_point}` of {self.distribution}{version}: {self.message} ({self.hint})"


def hook_sources(environment: Mapping[str, str] = os.environ) -> tuple[list[HookSource], list[HookProblem]]:
    """Return what offers hooks, without what `NVISY_DISABLE_PLUGINS` switches off, and what cannot be read."""
    off = {_normalise(item) for item in environment.get(DISABLE, "").split(",") if item.strip()}
    sources: list[HookSource] = []
    problems: list[HookProblem] = []
    seen: set[str] = set()
    for distribution in _distributions():
        name, version = _identity(distribution)
        if _normalise(name) in seen:
            continue
        seen.add(_normalise(name))
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
        except Exception as err:  # noqa: BLE001 - a broken file of anybody's
            hint = f"reinstall it: pip install --force-reinstall {name}"
            message = f"its entry points cannot be read: {err}"
            problems.append(HookProblem("unreadable_distribution", name, version, "", message, hint))
            continue
        for point in points:
            if off.isdisjoint({"*", _normalise(point.name), _normalise(name)}):
                _take(point, name, version, sources, problems)
    return sources, problems


def _take(
    point: metadata.EntryPoint, name: str, version: str, sources: list[HookSource], problems: list[HookProblem]
) -> None:
    match = _REFERENCE.fullmatch(point.value.strip())
    if match is None:
        hint = f"write it as `{point.name} = package.module` or `{point.name} = package.module:object`"
        message = f"`{point.value}` is not an object reference"
        problems.append(HookProblem("bad_hook", name, version, point.name, message, hint))
        return
    sources.append(HookSource(point.name, match["module"], match["attribute"] or "", name, version))


def _distributions() -> Iterable[metadata.Distribution]:
    found = metadata.distributions()
    while True:
        try:
            yield next(found)  # type: ignore[call-overload]  # an iterator, typed as an iterable
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 - a finder that fails ends the search, and nothing else
            return


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version; those of its folder where its metadata has none."""
    name: str | None
    version: str | None
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    except Exception:  # noqa: BLE001 - no metadata, or none that can be read
        name = version = None
    folder = getattr(getattr(distribution, "_path", None), "stem", "") or "a distribution without a name"
    return name or folder.partition("-")[0], version or folder.partition("-")[2]


def _normalise(project: str) -> str:
    return re.sub(r"[-_.]+", "-", project.strip()).lower()
