"""What an author writes in `pyproject.toml` under `[tool.nvisy.conformance]`, with every mistake found at once."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .._kind import DataKind
from ._known_fail import KnownFail
from ._outcome import Level

TABLE: Final = "tool.nvisy.conformance"
_KEYS: Final = ("harness", "kind", "known-fail", "level", "provider")
_REFERENCE: Final = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


class SettingsError(ValueError):
    """The settings cannot be used; one line for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one project.

    Args:
        folder: The project's folder; harness and tests are imported from there.
        provider: Name of the entry point to check, the project's own where it has one; None where the command names it.
        harness: The harness as `package.module:Class`; None when it is not set.
        level: The level below which the run is red.
        kind: Which kind of data to check; None means the harness's, or the manifest's first.
        known_fails: Checks that are known to fail, by id.
    """

    folder: Path
    provider: str | None = None
    harness: str | None = None
    level: Level = Level.BRONZE
    kind: DataKind | None = None
    known_fails: Mapping[str, KnownFail] = field(default_factory=dict)


def load_settings(folder: Path) -> Settings:
    """Return the settings in a folder's `pyproject.toml`; the defaults when there is no such file or table.

    The provider is the project's own, unless the table names one.

    Raises:
        SettingsError: The file is no TOML, or the table has a mistake. All mistakes are named.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return Settings(folder=folder)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise SettingsError([f"{path.name} cannot be read: {err}"]) from None
    own = _inside(document, "project", "entry-points", "nvisy.providers")
    only = next(iter(own)) if isinstance(own, dict) and len(own) == 1 else None
    return parse_settings(
        _inside(document, *TABLE.split(".")), folder=folder, base=Settings(folder=folder, provider=only)
    )


def parse_settings(table: object, *, folder: Path, base: Settings | None = None) -> Settings:
    """Return the settings a table holds, on top of others.

    Raises:
        SettingsError: The table has a mistake. All mistakes are named.
    """
    base = base or Settings(folder=folder)
    if not isinstance(table, dict):
        raise SettingsError([f"[{TABLE}] is not a table"])
    problems = [_unknown(name) for name in table if name not in _KEYS]
    reader = _Reader(table, problems)
    level = reader.level()
    settings = Settings(
        folder=folder,
        provider=reader.text("provider") or base.provider,
        harness=reader.harness() or base.harness,
        level=base.level if level is None else level,
        kind=reader.kind() or base.kind,
        known_fails={**base.known_fails, **reader.known_fails()},
    )
    if problems:
        raise SettingsError(f"[{TABLE}]: {problem}" for problem in problems)
    return settings


def parse_level(text: str) -> Level:
    """Return the level of that name.

    Raises:
        ValueError: There is none.
    """
    for level in Level:
        if level.word == text:
            return level
    raise ValueError(f"there is no level `{text}`; the levels are {', '.join(level.word for level in Level)}")


@dataclass(frozen=True, slots=True)
class _Reader:
    table: Mapping[str, object]
    problems: list[str]

    def text(self, name: str) -> str | None:
        value = self.table.get(name)
        if value is None or isinstance(value, str):
            return value
        self.problems.append(f"`{name}` is {value!r}, not a text")
        return None

    def harness(self) -> str | None:
        value = self.text("harness")
        if value is not None and not _REFERENCE.match(value):
            self.problems.append(f'`harness` is "{value}"; write it as "package.module:Class"')
        return value

    def level(self) -> Level | None:
        value = self.text("level")
        try:
            return None if value is None else parse_level(value)
        except ValueError as err:
            self.problems.append(f"`level`: {err}")
            return None

    def kind(self) -> DataKind | None:
        value = self.text("kind")
        if value is None or value in set(DataKind):
            return None if value is None else DataKind(value)
        self.problems.append(f"`kind`: there is no kind of data `{value}`; the kinds are {', '.join(DataKind)}")
        return None

    def known_fails(self) -> dict[str, KnownFail]:
        value = self.table.get("known-fail", {})
        if not isinstance(value, dict):
            self.problems.append("`known-fail` is not a table of checks")
            return {}
        found = {}
        for key, entry in value.items():
            known, problems = KnownFail.read(entry)
            self.problems.extend(f"known-fail {key}: {problem}" for problem in problems)
            if known is not None:
                found[key] = known
        return found


def _inside(document: object, *parts: str) -> object:
    """Return what a document holds under these names; an empty table when it does not have one of them."""
    for part in parts:
        document = document.get(part, {}) if isinstance(document, dict) else {}
    return document


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _KEYS, n=1, cutoff=0.5)
    return f"there is no key `{name}`; " + (
        f"did you mean `{near[0]}`?" if near else f"the keys are {', '.join(f'`{key}`' for key in _KEYS)}"
    )
