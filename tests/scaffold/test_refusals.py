"""Answers that would not become a package are refused, with the fix, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from tests.scaffold.baking import bake

BAD = {
    "": "the slug is empty; choose lower-case letters",
    "9lives": "begins with a digit; put a letter first, such as `x_9lives`",
    "my system": "has a space in it; use an underscore",
    "größe": "has the letter 'ö' in it; use a to z",
    "пример": "has the letter 'п' in it; use a to z",
    "Example": "has capitals; write `example`",
    "my-system": "is not made of letters, digits and single underscores between them; write it like `my_system`",
    "_private": "is not made of letters, digits and single underscores",
    "two__scores": "is not made of letters, digits and single underscores",
    "a": "has 1 characters; 2 to 41 are allowed",
    "x" * 42: "has 42 characters; 2 to 41 are allowed",
    "null": "is reserved: in a workflow it means something else; choose another, such as `null_db`",
    "on": "is reserved",
    "nvisy_more": "begins with `nvisy`, which is for Nvisy's own packages; name the system alone",
    "memory": "is the name of a provider that nvisy-sdk installs; choose another, or uninstall it",
}


@pytest.mark.parametrize(("slug", "reason"), BAD.items())
def test_slug_is_refused_with_the_fix(
    slug: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before anything is made."""
    assert reason in refused(tmp_path, capfd, slug=slug)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("system_name", 'Say "hi"', "`system_name` has the character '\"' in it; leave it out"),
        ("system_name", "back\\slash", "`system_name` has the character '\\\\' in it; leave it out"),
        ("system_name", "two\nlines", "`system_name` has the character '\\n' in it; leave it out"),
        ("system_name", " spaces ", "`system_name` is ' spaces '; give it a name without spaces around it"),
        ("system_name", "x" * 61, "`system_name` has 61 characters; 60 are enough"),
        ("author", "", "`author` is ''; give it a name without spaces around it"),
        ("author", "a {brace}", "`author` has the character '{' in it; leave it out"),
    ],
)
def test_text_is_refused_with_the_fix(
    field: str, value: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What would break the text of a file it is put into."""
    assert reason in refused(tmp_path, capfd, **{"slug": "example", field: value})


def test_refusal_names_every_reason_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Three answers are wrong, three sentences say so."""
    said = refused(tmp_path, capfd, slug="9", system_name="a\tb", author="")
    assert said.count("failed to make the provider: ") == 3


def refused(folder: Path, capfd: pytest.CaptureFixture[str], **answers: str) -> str:
    """Bake with answers that must be refused, and return what is said."""
    with pytest.raises(FailedHookException):
        bake(folder, **answers)
    left = [path.name for path in folder.iterdir() if path.name not in ("cookiecutter.yaml", "replay", "templates")]
    assert not left
    return capfd.readouterr().err
