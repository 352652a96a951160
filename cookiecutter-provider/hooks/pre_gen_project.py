"""Refuses answers that would not become a package; every reason at once, each with its fix."""

import importlib.metadata
import re
import sys

SYSTEM_NAME = {{ cookiecutter.system_name | jsonify }}
SLUG = {{ cookiecutter.slug | jsonify }}
AUTHOR = {{ cookiecutter.author | jsonify }}
RESERVED = {"env", "false", "no", "null", "off", "on", "true", "yes"}  # a workflow reads these as something else
LONGEST = 41


def main() -> int:
    """Print what is wrong and return 1, or return 0."""
    problems = [*_slug(), *_text("system_name", SYSTEM_NAME), *_text("author", AUTHOR)]
    for problem in problems:
        print(f"failed to make the provider: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _slug() -> list[str]:
    shown = f"the slug {SLUG!r}"
    if not SLUG:
        return ["the slug is empty; choose lower-case letters, digits and underscores, such as `example`"]
    if SLUG[0].isdigit():
        return [f"{shown} begins with a digit; put a letter first, such as `{'x_' + SLUG}`"]
    if " " in SLUG:
        return [f"{shown} has a space in it; use an underscore"]
    if not SLUG.isascii():
        strange = next(letter for letter in SLUG if not letter.isascii())
        return [f"{shown} has the letter {strange!r} in it; use a to z, digits and underscores"]
    if SLUG != SLUG.lower():
        return [f"{shown} has capitals; write `{SLUG.lower()}`"]
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", SLUG):
        return [f"{shown} is not made of letters, digits and single underscores between them; write it like `my_system`"]
    if not 2 <= len(SLUG) <= LONGEST:
        return [f"{shown} has {len(SLUG)} characters; 2 to {LONGEST} are allowed"]
    if SLUG in RESERVED:
        return [f"{shown} is reserved: in a workflow it means something else; choose another, such as `{SLUG}_db`"]
    if SLUG.startswith("nvisy"):
        return [f"{shown} begins with `nvisy`, which is for Nvisy's own packages; name the system alone"]
    taken = _taken()
    return [f"{shown} is the name of a provider that {taken} installs; choose another, or uninstall it"] if taken else []


def _taken() -> str | None:
    for distribution in importlib.metadata.distributions():
        try:
            names = [entry.name for entry in distribution.entry_points if entry.group == "nvisy.providers"]
        except Exception:  # noqa: BLE001, S112  # one malformed distribution is not ours to report
            continue
        if SLUG in names:
            return distribution.metadata["Name"]
    return None


def _text(field: str, value: str) -> list[str]:
    if not value.strip() or value != value.strip():
        return [f"`{field}` is {value!r}; give it a name without spaces around it"]
    strange = [letter for letter in value if not letter.isprintable() or letter in "\"\\{}"]
    if strange:
        return [f"`{field}` has the character {strange[0]!r} in it; leave it out"]
    return [] if len(value) <= 60 else [f"`{field}` has {len(value)} characters; 60 are enough"]


sys.exit(main())
