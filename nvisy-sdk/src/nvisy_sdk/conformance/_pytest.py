"""The kit as items of pytest: a file `conformance.nvisy` stands for all checks of the project's provider.

The items belong to the kit and each writes its line into the ledger itself. Whether the run was complete is decided at its
end by the ledger against the catalogue, with an exit code of its own: an item that was deselected, skipped, expected to
fail, or reported otherwise than it ended changes nothing about that. What runs in the same process can still do anything,
up to ending it; `python -m nvisy_sdk conform` runs in a process of its own, and its verdict is the one to trust.

This is the one module of the kit that imports pytest, and nothing but pytest imports it.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest

from ._check import Check
from ._extra import tell
from ._outcome import HarnessFailed, Outcome, Result
from ._plan import Verdict
from ._report import make_report, reproduce, write_report
from ._settings import Settings, SettingsError, load_settings, parse_level, parse_settings
from ._subject import Subject
from ._trial import Trial, load_harness

FILE: Final = "conformance.nvisy"
RED: Final = 9
"""The exit code of a session whose conformance run was incomplete or did not reach its level; pytest uses 0 to 6."""

_OURS: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; each begins with `--nvisy-`."""
    group = parser.getgroup("nvisy", "conformance of Nvisy providers")
    group.addoption("--nvisy-provider", metavar="NAME", help="the provider to check; overrides the settings")
    group.addoption("--nvisy-level", metavar="LEVEL", help="the level to reach; overrides the settings")
    group.addoption("--nvisy-report", metavar="FILE", help="write the report of the conformance run")
    group.addoption("--nvisy-seed", metavar="N", type=int, help="what the data is made from")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty book."""
    config.stash[_BOOK] = Book()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ConformanceFile | None":
    """Collect the file by its name."""
    if file_path.name != FILE:
        return None
    collected: ConformanceFile = ConformanceFile.from_parent(parent, path=file_path)
    return collected


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge, whatever pytest thinks of the session."""
    if session.config.option.collectonly:
        return
    book = session.config.stash[_BOOK]
    book.session = session
    for path in sorted({*_due(session.config), *book.trials}):
        book.judge(path, session.config)
    _enforce(book)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print how it ended."""
    book = config.stash[_BOOK]
    if book.lines:
        terminalreporter.section("conformance", sep="=", bold=True)
        for line in book.lines:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Put the exit code back, should somebody have changed it in between."""
    _enforce(config.stash[_BOOK])


class ConformanceFile(pytest.File):
    """The file: TOML with the keys of `[tool.nvisy.conformance]`, on top of those in pyproject.toml; or empty."""

    def collect(self) -> Iterator["CheckItem"]:
        """Yield an item for each check that is about the provider."""
        if hasattr(self.config, "workerinput"):
            raise self.CollectError("the conformance checks need one process and its ledger; run them without xdist")
        try:
            trial = _trial(self.path, self.config)
            due = trial.plan.due()
        except (SettingsError, HarnessFailed, LookupError, ValueError) as err:
            raise self.CollectError(str(err)) from err
        self.config.stash[_BOOK].trials[self.path] = trial
        for check in due:
            item: CheckItem = CheckItem.from_parent(self, name=check.id)
            item.bind(check, trial, self.config.stash[_BOOK])
            yield item


class CheckItem(pytest.Item):
    """One check."""

    def bind(self, check: Check, trial: Trial, book: "Book") -> None:
        """Say which check it is, and of which run."""
        self._check = check
        self._trial = trial
        self._book = book

    def runtest(self) -> None:
        """Run the check; its line is in the ledger before pytest hears of it."""
        self._book.open(self.path)
        result = self._trial.one(self._check)
        if result is not None and not _bearable(result):
            raise NotPassedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what a person reads: the message, and the command that shows it again."""
        if isinstance(excinfo.value, NotPassedError):
            result = excinfo.value.result
            again = reproduce(self._trial.subject.name, result.id, self._trial.seed)
            return f"{result.id} {result.outcome}: {self._check.title}\n{result.message}\n{again}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it stands."""
        return self.path, 0, f"{self._check.id} {self._check.title}"


class NotPassedError(Exception):
    """A check that does not count."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"{result.id} {result.outcome}: {result.message}")
        self.result = result


@dataclass(slots=True)
class Book:
    """What one session knows: the run of each file, and what has been judged."""

    trials: dict[Path, Trial] = field(default_factory=dict)
    opened: set[Path] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    red: bool = False
    session: pytest.Session | None = None

    def open(self, path: Path) -> None:
        """Start the system of a file when its first check runs."""
        if path not in self.opened:
            self.opened.add(path)
            self.trials[path].open()

    def judge(self, path: Path, config: pytest.Config) -> None:
        """Judge the run of one file."""
        trial = self.trials.get(path)
        if trial is None:
            self.red = True
            self.lines.append(f"{path.name} in {path.parent.name} was not collected, so nothing was checked")
            return
        if path in self.opened:
            trial.close()
        verdict = trial.verdict()
        self.red |= not verdict.good
        self.lines += _told(trial, verdict)
        report = make_report(trial, verdict)
        name = config.getoption("--nvisy-report")
        if name:
            write_report(report, config.invocation_params.dir / name)
        tell(report)


_BOOK = pytest.StashKey[Book]()


def _enforce(book: Book) -> None:
    if book.red and book.session is not None and book.session.exitstatus in _OURS:
        book.session.exitstatus = RED


def _bearable(result: Result) -> bool:
    """Whether pytest shows the item as passed; the verdict alone decides what it counts."""
    return result.outcome.counts or result.outcome in (Outcome.KNOWN_FAIL, Outcome.PROVISIONAL_FAIL)


def _trial(path: Path, config: pytest.Config) -> Trial:
    settings = _settings(path, config)
    if settings.provider is None:
        raise ValueError(f'no provider is named; add `provider = "..."` to {path.name}')
    if settings.harness is None:
        raise ValueError(f'no harness is named; add `harness = "tests.harness:Harness"` to {path.name}')
    trial = Trial(Subject.installed(settings.provider), settings, load_harness(settings.harness, settings))
    seed = config.getoption("--nvisy-seed")
    if seed is not None:
        trial.seed = seed
    return trial


def _settings(path: Path, config: pytest.Config) -> Settings:
    folder = next((each for each in path.parents if (each / "pyproject.toml").is_file()), path.parent)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise SettingsError([f"{path.name} cannot be read: {err}"]) from None
    settings = parse_settings(table, folder=folder, base=load_settings(folder))
    level = config.getoption("--nvisy-level")
    return replace(
        settings,
        provider=config.getoption("--nvisy-provider") or settings.provider,
        level=parse_level(level) if level else settings.level,
    )


def _due(config: pytest.Config) -> Iterator[Path]:
    """Yield every file of ours below what the session was asked to test, also one that was told to be ignored."""
    for argument in config.args:
        place = config.invocation_params.dir / argument.split("::")[0]
        if place.is_file():
            yield from (place,) if place.name == FILE else ()
            continue
        for folder, inner, files in os.walk(place):
            inner[:] = [name for name in inner if not _left_out(Path(folder, name), config.getini("norecursedirs"))]
            if FILE in files:
                yield Path(folder, FILE)


def _left_out(folder: Path, patterns: Iterable[str]) -> bool:
    return any(fnmatch(folder.name, pattern) for pattern in patterns) or (folder / "pyvenv.cfg").is_file()


def _told(trial: Trial, verdict: Verdict) -> list[str]:
    level = verdict.level.word if verdict.level is not None else "none"
    ran, due = len(trial.results), len(trial.plan.due())
    lines = [f"{trial.subject.name}: {ran} of {due} checks ran; level {level} (wanted {verdict.wanted.word})"]
    late = [line for line in trial.results.values() if "(during " in line.message and not line.outcome.counts]
    lines += [f"{line.id} {line.outcome}: {line.message}" for line in late]
    lines += [f"objection: {text}" for text in verdict.objections]
    if verdict.next is not None:
        lacking = [text for at, texts in verdict.missing.items() if at <= verdict.next for text in texts]
        lines.append(f"missing for {verdict.next.word}: {', '.join(lacking[:8])}")
    return lines
