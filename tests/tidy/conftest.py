"""Soft findings of the tidy rules: no test fails by them, but the run's summary lists them."""

from __future__ import annotations

import pytest

SOFT = pytest.StashKey[list[str]]()


@pytest.fixture
def soft(request: pytest.FixtureRequest) -> list[str]:
    """Where a rule puts what should be better but need not be."""
    return request.config.stash.setdefault(SOFT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the soft findings."""
    findings = config.stash.get(SOFT, [])
    if findings:
        terminalreporter.section("sizes above the soft limit")
        for finding in sorted(findings):
            terminalreporter.line(finding)
