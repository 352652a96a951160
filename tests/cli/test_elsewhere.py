"""`nvisy check` and `nvisy new`: the SDK's own commands, started in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Shell
from tests.discovery.wheels import environment


@pytest.mark.parametrize(("command", "theirs"), [("check", "conform"), ("new", "new")])
@pytest.mark.parametrize("arguments", [["--help"], ["no-such-thing", "--no-such-option"]])
def test_arguments_output_and_exit_code_are_passed_through(
    shell: Shell, command: str, theirs: str, arguments: list[str]
) -> None:
    """What the SDK's command says and how it ends is what this one says and how it ends."""
    done = shell(command, *arguments)
    direct = subprocess.run(
        [sys.executable, "-m", "nvisy_sdk", theirs, *arguments],
        capture_output=True,
        text=True,
        env=environment(shell.home, (shell.site,), shell.env),
        cwd=shell.folder,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (direct.stdout, direct.stderr, direct.returncode)
    assert theirs in done.stdout + done.stderr


def test_commands_are_listed_by_help(shell: Shell) -> None:
    """With what they do."""
    text = shell("--help").stdout
    assert "run the conformance kit on a provider" in text
    assert "make the package of a new provider from the template" in text
