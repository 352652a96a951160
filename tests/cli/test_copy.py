"""``nvisy copy`` from end to end, as a user types it."""

from __future__ import annotations

from nvisy.cli._exit import Exit

from tests.cli.conftest import CANARY, Shell, last_line

USER = "me:${env:FACTORY_PASSWORD}@"
SOURCE = f"factory://{USER}/source.jsonl?rows=10&batch_rows=5"
TARGET = f"factory://{USER}/kept.jsonl"


def test_copy_is_a_full_copy_each_time(shell: Shell) -> None:
    """Unless it is asked to continue."""
    assert last_line(shell("copy", SOURCE, TARGET, "--json"))["written"] == 10
    assert last_line(shell("copy", SOURCE, TARGET, "--json"))["written"] == 10
    assert last_line(shell("copy", SOURCE, TARGET, "--incremental", "--json"))["written"] == 0
    assert shell.kept() == [*range(10), *range(10)]


def test_interrupted_copy_is_resumed_and_says_so(shell: Shell) -> None:
    """The next copy of the same pair continues where the failed one stopped; --fresh would not."""
    failing = f"{TARGET}?refuse=7"
    assert shell("copy", SOURCE, failing).returncode == Exit.REJECTED
    resumed = shell("copy", SOURCE, failing)
    assert "an interrupted run was resumed" in resumed.stdout
    fresh = last_line(shell("copy", SOURCE, failing, "--fresh", "--json"))
    assert (fresh["resumed"], fresh["read"]) == (False, 10)


def test_copy_takes_key_and_name_from_the_source(shell: Shell) -> None:
    """The engine's plan shows an upsert into a table of the same name."""
    done = shell("copy", SOURCE, TARGET, "--json")
    outcome = last_line(done)
    assert outcome["guarantee"] == "effectively_once"
    assert outcome["workflow"].startswith("copy-factory-factory-")


def test_password_in_a_uri_works_with_a_warning_and_is_never_printed(shell: Shell) -> None:
    """Not in the warning, not in an error, not in a traceback, not in the state."""
    source = f"factory://me:{CANARY}@/source.jsonl?rows=10&fail_at=3"
    done = shell("copy", source, TARGET)
    assert done.returncode == Exit.PROVIDER
    assert "[literal_secret]" in done.stderr
    assert "row 3 is broken; the password is [secret]" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    printed = shell("copy", source, TARGET, "--json")
    assert CANARY not in printed.stdout + printed.stderr


def test_percent_encoded_password_is_hidden_in_both_spellings(shell: Shell) -> None:
    """As it was typed, and as the provider saw it."""
    done = shell("copy", "factory://me:se%40cret%21@/s.jsonl?fail_at=0", TARGET)
    assert "se@cret!" not in done.stderr and "se%40cret" not in done.stderr
    assert "the password is [secret]" in done.stderr


def test_password_is_hidden_even_when_the_uri_is_refused(shell: Shell) -> None:
    """Before anything is understood."""
    done = shell("copy", f"factroy://me:{CANARY}@/s.jsonl", f"factory://me:{CANARY}@/t?password={CANARY}", "--json")
    assert done.returncode == Exit.BAD_INPUT
    assert CANARY not in done.stdout + done.stderr
    assert "did you mean `factory`?" in done.stderr


def test_source_that_cannot_be_described_is_a_providers_failure(shell: Shell) -> None:
    """Exit code 3, with the provider's message, hint and traceback, and an object for programs."""
    done = shell("copy", f"{SOURCE}&broken=describe", TARGET, "--json")
    assert done.returncode == Exit.PROVIDER
    assert "hint: make one" in done.stderr
    outcome = last_line(done)
    assert (outcome["run_id"], outcome["status"]) == (None, "failed")
    assert (outcome["error"]["kind"], outcome["error"]["hint"]) == ("not_found", "make one")
    assert done.stderr.startswith("error: failed to look into the source (factory): there is no table")
    assert CANARY not in done.stdout + done.stderr, "what a reference stands for is hidden as well"
    assert "cli/_dispatch.py" not in done.stderr, "the traceback begins in the provider"


def test_plugin_that_leaves_the_process_fails_its_run_only(shell: Shell) -> None:
    """SystemExit in a provider is a failure like any other."""
    done = shell("copy", f"{SOURCE}&fail_at=3&leave=true", TARGET, "--json")
    assert done.returncode == Exit.PROVIDER
    assert last_line(done)["status"] == "failed"
