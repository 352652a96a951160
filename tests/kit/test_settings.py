"""The settings of an author: what is read, and that every mistake is named at once with its fix."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from nvisy_sdk import DataKind
from nvisy_sdk.conformance import Level
from nvisy_sdk.conformance._settings import Settings, SettingsError, load_settings, parse_level

GOOD = """
[tool.nvisy.conformance]
harness = "tests.harness:Harness"
level = "silver"
kind = "record"
provider = "shelf"

[tool.nvisy.conformance.known-fail]
"TYP-05" = { kind = "service", mechanism = "38 digits, no scale", match = "precision", expires = 2027-03-01 }
"RES-12" = { kind = "plugin", mechanism = "not yet", match = "anchor", expires = "2027-01-01", issue = "tracker/7" }
"""


def _load(folder: Path, text: str) -> Settings:
    (folder / "pyproject.toml").write_text(text)
    return load_settings(folder)


def test_settings_are_read_when_everything_is_there(tmp_path: Path) -> None:
    """Harness, level, kind, provider and both ways to write a day."""
    settings = _load(tmp_path, GOOD)
    assert (settings.harness, settings.provider) == ("tests.harness:Harness", "shelf")
    assert (settings.level, settings.kind) == (Level.SILVER, DataKind.RECORD)
    assert {key: known.expires for key, known in settings.known_fails.items()} == {
        "TYP-05": date(2027, 3, 1),
        "RES-12": date(2027, 1, 1),
    }
    assert settings.known_fails["RES-12"].issue == "tracker/7"
    assert _load(tmp_path, GOOD.replace("silver", "loadable")).level is Level.LOADABLE


def test_settings_are_the_defaults_when_there_is_no_file_or_no_table(tmp_path: Path) -> None:
    """Bronze, and nothing else."""
    assert load_settings(tmp_path) == Settings(folder=tmp_path, level=Level.BRONZE)
    assert _load(tmp_path, '[tool.nvisy]\ntemplate = "1"\n') == Settings(folder=tmp_path)


def test_settings_name_every_mistake_at_once_with_its_fix(tmp_path: Path) -> None:
    """A typo, a wrong level, kind and harness, and four mistakes in known failures: one error with all of them."""
    text = """
    [tool.nvisy.conformance]
    harnes = "tests.harness:Harness"
    harness = "tests/harness.py"
    level = "platinum"
    kind = "rows"
    provider = 3
    colour = "red"
    [tool.nvisy.conformance.known-fail]
    "RES-01" = { kind = "system", mechanism = "", match = "(", expires = "soon", mach = "x" }
    "RES-02" = 5
    """
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    table = "[tool.nvisy.conformance]: "
    assert set(caught.value.problems) == {
        f"{table}there is no key `harnes`; did you mean `harness`?",
        f"{table}there is no key `colour`; the keys are `harness`, `kind`, `known-fail`, `level`, `provider`",
        f'{table}`harness` is "tests/harness.py"; write it as "package.module:Class"',
        f"{table}`level`: there is no level `platinum`; the levels are loadable, bronze, silver, gold",
        f"{table}`kind`: there is no kind of data `rows`; "
        "the kinds are object, record, embedding, document, message, graph",
        f"{table}`provider` is 3, not a text",
        f"{table}known-fail RES-01: there is no key `mach`; did you mean `match`?",
        f'{table}known-fail RES-01: `kind` must be "service" or "plugin"',
        f"{table}known-fail RES-01: `mechanism` is missing or no text",
        f"{table}known-fail RES-01: `match` is no regular expression: missing ), unterminated subpattern at position 0",
        f"{table}known-fail RES-01: `expires` is missing or no day; write the last day it is known, as in 2027-03-01",
        f"{table}known-fail RES-02: it is not a table",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tool = [", "pyproject.toml cannot be read: "),
        ("[tool.nvisy]\nconformance = 3\n", "[tool.nvisy.conformance] is not a table"),
        ("[tool.nvisy.conformance]\nknown-fail = 3\n", "`known-fail` is not a table of checks"),
        ('[tool.nvisy.conformance.known-fail]\n"A-01" = {kind = "plugin", mechanism = "m", match = "x"}', "no day"),
        (
            "[tool.nvisy.conformance.known-fail]\n"
            '"A-01" = {kind = "plugin", mechanism = "m", match = "x", expires = 2027-01-01, issue = 3}',
            "`issue` is no text",
        ),
    ],
)
def test_settings_are_refused_when_their_shape_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """What is no TOML, or no table, is said to be so."""
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value)


def test_level_is_found_by_its_word() -> None:
    """Each level by the word that reports use, and no other."""
    assert [parse_level(level.word) for level in Level] == list(Level)
    with pytest.raises(ValueError, match="there is no level `Gold`; the levels are loadable, bronze, silver, gold"):
        parse_level("Gold")


def test_provider_is_the_one_the_project_brings_unless_it_is_named(tmp_path: Path) -> None:
    """With one entry point it need not be said; with two it must be."""
    one = '[project.entry-points."nvisy.providers"]\nshelf = "x:Y"\n'
    assert _load(tmp_path, one).provider == "shelf"
    assert _load(tmp_path, f'{one}other = "x:Z"\n').provider is None
    assert _load(tmp_path, f'{one}[tool.nvisy.conformance]\nprovider = "other"\n').provider == "other"
