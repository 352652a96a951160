"""The command line, in processes of its own: exit codes, what a person reads, and the files that are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from nvisy_sdk.conformance import catalogue

from tests.kit.author import Author, author

MARKERS = "# Shelf\n\n<!-- nvisy:support -->\nwhat was there\n<!-- /nvisy:support -->\n\nAfter.\n"
BUG = (
    "reader.py",
    "sdk.fingerprint(stream=self._stream(),",
    "sdk.fingerprint(stream=(self._stream(), self._params.batch_rows),",
)
"""A context is good for one size of pages only: one bug, found by one check."""


class Ran(NamedTuple):
    """A run of the command, and its report."""

    author: Author
    code: int
    out: str
    err: str
    report: dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Author:
    """An author's project, new for each test."""
    return author(tmp_path)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run over the unbroken provider with everything written."""
    project = author(tmp_path_factory.mktemp("honest"))
    (project.project / "README.md").write_text(MARKERS)
    files = ("--report", "out.json", "--junit", "out.xml", "--table", "README.md")
    return _ran(project, *files)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run over a provider with a bug, and with a table that is not current."""
    project = author(tmp_path_factory.mktemp("broken"))
    project.break_code(*BUG)
    (project.project / "README.md").write_text(MARKERS)
    return _ran(project, "--report", "out.json", "--junit", "out.xml", "--table", "README.md", "--check")


def _ran(project: Author, *arguments: str) -> Ran:
    done = project.conform("shelf", "--seed", "7", *arguments)
    path = project.project / "out.json"
    assert path.is_file(), done.stdout + done.stderr
    return Ran(project, done.returncode, done.stdout, done.stderr, json.loads(path.read_text()))


def test_command_ends_with_zero_when_the_level_is_reached(honest: Ran) -> None:
    """And says in three lines how many checks ran, the level, and what the next one lacks."""
    lines = honest.out.splitlines()
    assert (honest.code, len(lines)) == (0, 3), honest.out
    assert re.fullmatch(r"\d+ checks in [\d.]+ s: .*\d+ pass.*", lines[0])
    assert lines[1] == "level: silver (wanted bronze; evidence fake, fake service)"
    assert lines[2].startswith("missing for gold: ")
    assert "a run against a real system; the harness's evidence is `fake`" in lines[2]
    assert (honest.report["level"], honest.report["reached"]) == ("silver", True)


def test_report_says_everything_about_the_run(honest: Ran) -> None:
    """What was checked, with what, and how each check ended."""
    report = honest.report
    assert report["provider"] | {"record_sha256": ""} == {
        "name": "shelf",
        "entry_point": "nvisy_plugin_shelf:Provider",
        "distribution": "nvisy-plugin-shelf",
        "version": "0.1.0",
        "record_sha256": "",
        "wheel_sha256": None,
        "abilities": ["read", "write", "inspect", "prepare", "transactional"],
    }
    assert re.fullmatch(r"[0-9a-f]{64}", report["provider"]["record_sha256"])
    assert (report["evidence"], report["server"], report["seed"], report["kind"]) == (
        "fake",
        "fake service",
        7,
        "record",
    )
    assert report["manifest"]["name"] == "shelf"
    keys = [line["id"] for line in report["checks"]]
    assert set(keys) | set(report["out_of_scope"]) == set(catalogue())
    assert keys == [key for key in catalogue() if key in keys]
    assert sum(report["totals"].values()) == len(keys)
    line = report["checks"][keys.index("RES-01")]
    assert (line["outcome"], line["level"], line["message"]) == ("pass", "bronze", "")
    assert line["observations"] > 10
    assert line["reproduce"] == "python -m nvisy_sdk conform shelf --only RES-01 --seed 7"


def test_report_is_the_same_when_the_run_is_repeated(honest: Ran) -> None:
    """With the same seed everything but the times is equal, and the table that the first run wrote is current."""
    project = honest.author
    done = project.conform("shelf", "--seed", "7", "--report", "again.json", "--table", "README.md", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    again = json.loads((project.project / "again.json").read_text())
    assert again["digest"] == honest.report["digest"]
    assert project.conform("--diff", "out.json", "again.json").stdout == "no difference\n"


def test_junit_has_a_case_for_each_check(honest: Ran) -> None:
    """As many as the report, none skipped."""
    suite = ElementTree.parse(honest.author.project / "out.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(honest.report["checks"])),
        "failures": "0",
        "errors": "0",
        "skipped": "0",
    }
    assert {case.get("name", "").split()[0] for case in suite} == {line["id"] for line in honest.report["checks"]}


def test_table_is_written_between_the_markers(honest: Ran) -> None:
    """The badge line, abilities with their reason, and the text around stays."""
    text = (honest.author.project / "README.md").read_text()
    assert text.startswith("# Shelf\n\n<!-- nvisy:support -->\nConformance level: **silver** (fake, fake service; ")
    assert text.endswith("<!-- /nvisy:support -->\n\nAfter.\n")
    assert "| read | yes |  |\n" in text
    assert "| staged | not yet |  |\n" in text
    assert "| tls | no | the fake service has no TLS |\n" in text
    assert "| decimal | yes |  |\n" in text
    assert "what was there" not in text


def test_command_ends_with_one_when_a_check_fails(broken: Ran) -> None:
    """One line for the failing check with its message, one with the command that shows it again."""
    assert broken.code == 1
    assert re.search(
        r"^RES-14 fail: .+\n    python -m nvisy_sdk conform shelf --only RES-14 --seed 7$", broken.out, re.M
    )
    assert re.search(r"^level: \w+ \(wanted bronze;", broken.out, re.M)
    assert re.search(r"^missing for \w+: .*RES-14 fail", broken.out, re.M)
    assert broken.report["level"] != "silver"
    assert "RES-14 fail" in broken.report["missing"]["silver"]
    suite = ElementTree.parse(broken.author.project / "out.xml").getroot()
    assert int(suite.get("failures") or 0) == broken.report["totals"]["fail"]


def test_table_that_is_not_current_is_named_and_not_written(broken: Ran) -> None:
    """`--check` compares."""
    assert (broken.author.project / "README.md").read_text() == MARKERS
    assert "the support table of README.md is not current; run the same command without --check" in broken.err


def test_known_fails_of_the_system_leave_the_level(broken: Ran) -> None:
    """When each failure is listed with its message, the level is reached; listed otherwise, it is red as before."""
    project = broken.author
    failed = [line for line in broken.report["checks"] if line["outcome"] == "fail"]
    entry = '{{ kind = "service", mechanism = "pages have one size", match = \'{}\', expires = 2099-01-01 }}'
    known = {line["id"]: entry.format(re.escape(line["message"].split("\n")[0][:12])) for line in failed}
    _known(project, known)
    done = project.conform("shelf", "--seed", "7")
    assert done.returncode == 0, done.stdout
    assert "RES-14 known-fail: " in done.stdout
    _known(project, {**known, "RES-14": entry.format("zzz"), "META-01": entry.format("x")})
    done = project.conform("shelf", "--only", "RES-14", "META-01", "--seed", "7")
    assert done.returncode == 1
    assert "RES-14 fail: it fails otherwise than its known-fail says (`zzz`): " in done.stdout
    assert "META-01 fail: it is listed as known-fail but passes; remove the entry" in done.stdout


def _known(project: Author, entries: dict[str, str]) -> None:
    table = "\n".join(f'"{key}" = {text}' for key, text in entries.items())
    project.settings(
        '[tool.nvisy.conformance]\nharness = "tests.harness:Harness"\nlevel = "silver"\n'
        f"[tool.nvisy.conformance.known-fail]\n{table}\n"
    )


def test_partial_run_has_no_verdict(project: Author) -> None:
    """3 when what was asked for passes, 1 when it does not; never 0."""
    done = project.conform("shelf", "--only", "RES-14", "META", "--report", "out.json")
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "no level: only some checks were run"
    report = json.loads((project.project / "out.json").read_text())
    assert (report["level"], report["reached"], report["partial"]) == (None, False, True)
    project.break_code(*BUG)
    assert project.conform("shelf", "--only", "RES-14").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--project", "tests"), "no provider is named; write its name behind `conform`"),
        (("absent",), "no installed package has an entry point `absent` in the group `nvisy.providers`"),
        (("shelf", "--level", "platinum"), "there is no level `platinum`"),
        (("shelf", "--harness", "tests.absent:Harness"), "the harness `tests.absent:Harness` cannot be imported"),
        (("shelf", "--harness", "tests.harness:Endpoint"), "write a class that extends `ProviderHarness`"),
        (("shelf", "--only", "RES-99"), "there is no check RES-99; `--list` shows all"),
        (("--verify", "absent.json"), "absent.json cannot be read"),
        (("--diff", "pyproject.toml", "pyproject.toml"), "pyproject.toml cannot be read"),
    ],
)
def test_command_ends_with_two_when_it_cannot_be_used(project: Author, arguments: tuple[str, ...], said: str) -> None:
    """And says what to change."""
    project.settings('[tool.nvisy.conformance]\nharness = "tests.harness:Harness"\n')
    done = project.conform(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("failed to check the provider: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_command_names_every_mistake_in_the_settings(project: Author) -> None:
    """Each on a line of its own."""
    project.settings('[tool.nvisy.conformance]\nharnes = "x:Y"\nlevel = "tin"\n')
    done = project.conform("shelf")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert "did you mean `harness`?" in done.stderr


def test_command_ends_with_two_when_the_harness_cannot_start(project: Author) -> None:
    """A broken harness says nothing about the provider."""
    path = project.project / "tests" / "harness.py"
    path.write_text(path.read_text().replace("await self.service.start()", 'raise OSError("no port")'))
    done = project.conform("shelf")
    assert done.returncode == 2
    assert "the harness failed in `start`" in done.stderr
    assert "OSError: no port" in done.stderr


def test_list_prints_every_check() -> None:
    """One line for each, in the catalogue's order."""
    from nvisy_sdk.conformance._console import listed

    lines = listed(catalogue()).splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue())


def test_difference_names_what_was_lost(honest: Ran, tmp_path: Path) -> None:
    """1 when something is lost, 0 when it is only gained."""
    worse = json.loads(json.dumps(honest.report))
    worse["level"] = "loadable"
    worse["checks"] = [line for line in worse["checks"] if line["id"] != "READ-01"]
    for line in worse["checks"]:
        if line["id"] == "RES-12":
            line["outcome"] = "fail"
    (tmp_path / "worse.json").write_text(json.dumps(worse))
    old, new = str(honest.author.project / "out.json"), str(tmp_path / "worse.json")
    done = honest.author.conform("--diff", old, new)
    assert done.returncode == 1
    assert set(done.stdout.splitlines()) == {
        "lost: RES-12 (fail)",
        "lost: READ-01 (no longer in the report)",
        "level: silver to loadable",
    }
    back = honest.author.conform("--diff", new, old)
    assert (back.returncode, "gained: RES-12" in back.stdout) == (0, True)
