"""Requirements as metadata states them: versions, markers and extras, judged as the standards say."""

from __future__ import annotations

import pytest
from nvisy.discovery._model import Claim
from nvisy.discovery._requires import conflicts, optional, remedy
from nvisy.discovery._versions import applies, parse, satisfies


def claim(*requires: str) -> Claim:
    """A claim of a distribution that needs these."""
    return Claim("acme", "acme", "Provider", "acme-plugin", "1.0", "acme_plugin-1.0.dist-info", requires)


@pytest.mark.parametrize(
    ("requirement", "inside", "outside"),
    [
        ("x>=1.2", ["1.2", "1.2.0", "1.10", "2!0.1", "1.2.post1"], ["1.1", "1.2rc1", "1.2.dev3"]),
        ("x>1.2", ["1.2.1", "1.3"], ["1.2", "1.2.post1", "1.2+local"]),
        ("x<2", ["1.99", "1.2.dev1"], ["2", "2.0rc1", "2.0.dev1", "2.1"]),
        ("x<=2.0", ["2", "2.0a1"], ["2.0.1", "2.0.post1"]),
        ("x==1.2.*", ["1.2", "1.2.9", "1.2rc1"], ["1.3", "1.20"]),
        ("x==1.2", ["1.2", "1.2.0", "1.2+cpu", "v1.2"], ["1.2.1"]),
        ("x!=1.5,>=1", ["1.4", "1.5.1"], ["1.5", "0.9"]),
        ("x~=1.4.2", ["1.4.2", "1.4.9"], ["1.4.1", "1.5"]),
        ("x~=1.4", ["1.4", "1.9"], ["2.0", "1.3"]),
        ("x===1.0-odd", ["1.0-ODD"], ["1.0"]),
        ("x (>=1,<2)", ["1.5"], ["2.5"]),
        ("x[fast]>=1", ["1"], ["0.9"]),
        ("x", ["0.0.1", "anything"], []),
        ("x>=1", ["not a version"], []),
    ],
)
def test_versions_are_ordered_as_the_standard_says(requirement: str, inside: list[str], outside: list[str]) -> None:
    """Pre-releases, post-releases, development releases, epochs and local parts included."""
    wanted = parse(requirement)
    assert wanted is not None
    assert [version for version in inside if not satisfies(version, wanted)] == []
    assert [version for version in outside if satisfies(version, wanted)] == []


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ("python_version >= '3.8'", True),
        ("python_version < '3.8'", False),
        ("python_version >= '3.8' and os_name == 'nt'", False),
        ("(python_version >= '3.8') or os_name == 'nt'", True),
        ("extra == 'fast'", False),
        ("sys_platform in 'linux darwin'", True),
        ("platform_machine not in 'no-such-machine'", True),
        ("no_such_variable == '1'", None),
        ("python_version ~= '3.8'", None),
        ("__import__('os').system('false') == 0", None),
    ],
)
def test_markers_are_judged_where_they_are_understood(marker: str, holds: bool | None) -> None:
    """And never executed."""
    assert applies(marker) is holds


@pytest.mark.parametrize("text", ["x @ https://example.org/x.whl", "-r file", "x >= ", ""])
def test_requirement_that_is_not_understood_is_no_conflict(text: str) -> None:
    """Only what is certain is reported."""
    assert list(conflicts(claim(text), {})) == []


def test_conflicts_name_what_is_wanted_and_what_is_there() -> None:
    """With a command that can be copied; names are compared in any spelling, requirements of extras left out."""
    requires = ("Foo_Bar<2,>=1", "absent", "elsewhere; os_name == 'nt'", "bonus; extra == 'more'")
    found = list(conflicts(claim(*requires), {"foo-bar": "2.5"}))
    assert [(p.code, p.message, p.hint, p.severity) for p in found] == [
        (
            "requirement_conflict",
            "it needs Foo_Bar<2,>=1, but Foo_Bar 2.5 is installed",
            "pip install 'Foo_Bar<2,>=1'",
            "warning",
        ),
        ("missing_requirement", "it needs absent, which is not installed", "pip install absent", "warning"),
    ]


def test_optional_requirements_are_those_of_extras_that_are_absent() -> None:
    """With the extra they belong to."""
    requires = ("driver>=2; extra == 'db'", "there; extra == 'db'", "needed", "win; extra == 'db' and os_name == 'nt'")
    assert list(optional(claim(*requires), {"there": "1"})) == [("driver>=2", "db")]


@pytest.mark.parametrize(
    ("requires", "module", "command"),
    [
        ("acme-driver>=2", "acme_driver.sync", "pip install 'acme-driver>=2'"),
        ("python-acme", "acme", "pip install python-acme"),
        ("acme; extra == 'db'", "acme", "pip install 'acme-plugin[db]'"),
    ],
)
def test_remedy_is_the_requirement_that_holds_the_module(requires: str, module: str, command: str) -> None:
    """Or the extra of the plugin it belongs to."""
    assert remedy(claim(requires), module) == command


def test_remedy_without_such_a_requirement_says_what_is_missing() -> None:
    """Nothing is guessed."""
    assert remedy(claim("other"), "acme") == (
        "install what holds the module `acme`, or pip install --force-reinstall acme-plugin"
    )
