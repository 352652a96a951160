"""Ways to make a red provider look green, each tried for real in a process of its own: none ends with zero.

The provider is broken in a way that a few checks find. Where a test says so it is whole, and only the run is cut short.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.author import Author, author

RED = 9
BUG = (
    "reader.py",
    "sdk.fingerprint(stream=self._stream(),",
    "sdk.fingerprint(stream=(self._stream(), self._params.batch_rows),",
)
"""A context is good for one size of pages only. RES-14 is about that, and nothing else."""

SETTINGS = """
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
addopts = ["--import-mode=importlib"]
required_plugins = ["nvisy-sdk"]

[tool.nvisy.conformance]
provider = "shelf"
harness = "tests.harness:Harness"
level = "silver"
"""
OWN_TEST = '''
"""A test of the author's own, which passes."""


def test_of_the_author():
    assert True
'''


@pytest.fixture
def whole(tmp_path: Path) -> Author:
    """A project with the unbroken provider, the file that stands for the checks, and a test of its own."""
    project = author(tmp_path)
    path = project.project / "pyproject.toml"
    path.write_text(path.read_text().split("[tool.")[0] + SETTINGS)
    (project.project / "tests" / "conformance.nvisy").write_text("")
    (project.project / "tests" / "test_own.py").write_text(OWN_TEST)
    return project


@pytest.fixture
def broken(whole: Author) -> Author:
    """The same with a broken provider."""
    whole.break_code(*BUG)
    return whole


def _pytest(project: Author, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = project.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    print(done.stdout[-3000:], done.stderr[-2000:])  # shown when the test fails
    return done


def _conftest(project: Author, text: str) -> None:
    (project.project / "conftest.py").write_text(f"import pytest\n\n{text}")


def test_honest_run_ends_with_zero(whole: Author) -> None:
    """The unbroken provider, all checks: the level is reached, the author's own test counts as ever."""
    done = _pytest(whole, "--nvisy-report=out.json", "--nvisy-seed=7")
    assert done.returncode == 0
    assert "shelf: " in done.stdout
    assert "level silver (wanted silver)" in done.stdout
    report = json.loads((whole.project / "out.json").read_text())
    assert (report["level"], report["seed"], report["reached"]) == ("silver", 7, True)


def test_broken_provider_ends_with_one_code_of_its_own(broken: Author) -> None:
    """And the failure says the clause, what was seen, and the command that shows it again."""
    done = _pytest(broken, "--nvisy-seed=7", "-k", "RES-14 or test_of_the_author")
    assert done.returncode == RED
    assert "RES-14 fail: " in done.stdout
    assert "python -m nvisy_sdk conform shelf --only RES-14 --seed 7" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "test_of_the_author"),
        ("-k", "META-01"),
        ("--ignore=tests/conformance.nvisy",),
        ("--ignore-glob=*.nvisy",),
        ("--deselect=tests/conformance.nvisy",),
        ("tests/conformance.nvisy::META-01",),
    ],
)
def test_run_is_red_when_checks_are_left_out(whole: Author, arguments: tuple[str, ...]) -> None:
    """By name, by path, by pattern: what was not run is missing, although everything that ran passed."""
    done = _pytest(whole, *arguments)
    assert done.returncode == RED
    assert "failed" not in done.stdout.splitlines()[-1]


def test_run_is_red_when_one_check_is_deselected(broken: Author) -> None:
    """The one that fails."""
    done = _pytest(broken, "--deselect=tests/conformance.nvisy::RES-14")
    assert done.returncode == RED
    assert re.search("missing for silver: .*RES-14 was not run", done.stdout)


def test_run_is_red_when_a_conftest_drops_skips_or_excuses_items(broken: Author) -> None:
    """One is taken from the list, one is skipped, one is expected to fail: each is named."""
    _conftest(
        broken,
        """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name != "RES-01"]
    for item in items:
        if item.name == "RES-14":
            item.add_marker(pytest.mark.xfail)
        if item.name == "RES-12":
            item.add_marker(pytest.mark.skip)
""",
    )
    done = _pytest(broken)
    assert done.returncode == RED
    assert "missing for bronze: RES-01 was not run" in done.stdout
    assert "1 xfailed" in done.stdout
    assert "1 skipped" in done.stdout


def test_run_is_red_when_a_hook_turns_failures_into_passes(broken: Author) -> None:
    """Pytest counts no failure, and the exit code is changed as well; the ledger knows better."""
    _conftest(
        broken,
        """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome = "passed"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    result = yield
    session.exitstatus = 0
    return result
""",
    )
    done = _pytest(broken)
    assert done.returncode == RED
    assert "failed" not in done.stdout.splitlines()[-1]
    assert re.search("missing for silver: .*RES-14 fail", done.stdout)


def test_run_is_red_when_the_kit_is_altered(broken: Author) -> None:
    """A check with another body, in the catalogue or in its module: both are named."""
    _conftest(
        broken,
        """
from dataclasses import replace

from nvisy_sdk.conformance import _check, catalogue


async def agree(case):
    case.observe()


catalogue()
_check._checks["RES-14"] = replace(_check._checks["RES-14"], body=agree)
""",
    )
    done = _pytest(broken)
    assert done.returncode == RED
    assert (
        "objection: the kit was altered (before the first check): check RES-14 is not what is installed" in done.stdout
    )


def test_command_is_red_when_the_harness_alters_the_kit(broken: Author) -> None:
    """The harness is imported into the process of the kit, and still cannot judge for it."""
    path = broken.project / "tests" / "harness.py"
    path.write_text(
        path.read_text()
        + """

from nvisy_sdk.conformance import _case

_case.Case.expect = lambda self, condition, message: self.observe()
"""
    )
    done = broken.conform("shelf", "--only", "META-01")
    assert done.returncode == 1
    assert "the kit was altered (before the first check): nvisy_sdk.conformance._case.Case.expect" in done.stdout


def test_check_cannot_be_registered_twice(whole: Author) -> None:
    """A conftest that brings its own RES-01 does not even start."""
    _conftest(
        whole,
        """
from nvisy_sdk.conformance import Level, catalogue, check

catalogue()


@check("RES-01", Level.BRONZE, "anything goes")
async def agree(case):
    case.observe()
""",
    )
    done = _pytest(whole)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the check RES-01 is there already, in nvisy_sdk.conformance.checks.res" in done.stderr


def test_run_does_not_start_when_the_plugin_is_switched_off(whole: Author) -> None:
    """The project's settings require the SDK's plugin, so pytest refuses to go on without it."""
    done = _pytest(whole, "-p", "no:nvisy_conformance")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Missing required plugins: nvisy-sdk" in done.stderr


def test_edited_report_is_seen(whole: Author) -> None:
    """A failure turned into a pass; the digest computed anew does not help when the level does not follow from the lines."""
    from nvisy_sdk.conformance._report import digest

    whole.break_code(*BUG)
    assert whole.conform("shelf", "--only", "RES-14", "--report", "out.json").returncode == 1
    path = whole.project / "out.json"
    assert whole.conform("--verify", "out.json").returncode == 0
    report = json.loads(path.read_text())
    line = next(line for line in report["checks"] if line["id"] == "RES-14")
    line["outcome"] = "pass"
    path.write_text(json.dumps(report))
    done = whole.conform("--verify", "out.json")
    assert done.returncode == 1
    assert "the digest does not fit: the report was edited after the run" in done.stdout
    report["level"] = "silver"
    report["digest"] = digest(report)
    path.write_text(json.dumps(report))
    done = whole.conform("--verify", "out.json")
    assert done.returncode == 1
    assert "it claims silver, but " in done.stdout
