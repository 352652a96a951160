"""`python -m nvisy_sdk new`: a provider that works and passes the conformance kit, to be changed into one's own.

The template is that of `cookiecutter-provider/` in the repository, which is in the SDK's wheel as `template/`. Nothing is
installed, fetched or put under version control.
"""

import argparse
import importlib
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ._error import MissingDependencyError

MADE: Final = 0
REFUSED: Final = 1
UNUSABLE: Final = 2

_ANSWERS: Final = ("slug", "kind", "directions", "auth", "author", "license", "ci")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when the project was made, 1 when an answer was refused or the folder is there, 2 when the command cannot run.
    """
    options = _parser().parse_args(argv)
    answers = {name: getattr(options, name) for name in _ANSWERS if getattr(options, name) is not None}
    if options.system_name is not None:
        answers["system_name"] = options.system_name
    strange = [name for name, value in answers.items() if "{" in value]
    if strange:  # cookiecutter would take it for a part of the template
        print(
            f"failed to make the provider: `{strange[0]}` has the character '{{' in it; leave it out", file=sys.stderr
        )
        return REFUSED
    try:
        make_project(options.output_dir, answers, ask=not options.no_input)
    except MissingDependencyError as err:
        print(f"failed to make the provider: {err}; {err.hint}", file=sys.stderr)
        return UNUSABLE
    except FileExistsError as err:
        print(f"failed to make the provider: {err}", file=sys.stderr)
        return REFUSED
    except ValueError:  # the template has said why
        return REFUSED
    return MADE


def template() -> Path:
    """Return the template's folder: the one in this package, or in the repository of an editable installation.

    Raises:
        MissingDependencyError: There is neither.
    """
    inside = Path(__file__).parent / "template"
    beside = Path(__file__).parents[3] / "cookiecutter-provider"
    for folder in (inside, beside):
        if (folder / "cookiecutter.json").is_file():
            return folder
    raise MissingDependencyError(
        "the template is missing from this installation", hint="install nvisy-sdk from its wheel"
    )


def make_project(folder: Path, answers: dict[str, str], *, ask: bool) -> Path:
    """Make a project in a folder and return its path.

    Args:
        folder: Where the project's own folder is made.
        answers: What is known already, by the names in `cookiecutter.json`.
        ask: Whether to ask for the rest; without, the template's defaults hold.

    Raises:
        MissingDependencyError: Cookiecutter is not installed.
        FileExistsError: The project's folder is there already.
        ValueError: The template refuses an answer; it has printed the reason, and nothing is left.
    """
    cookiecutter, exceptions = _cookiecutter()
    # Where a hook refuses, cookiecutter would print a traceback besides.
    logging.getLogger("cookiecutter").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as scratch:  # neither settings from nor traces in the home of whoever runs this
        settings = Path(scratch) / "settings.yaml"
        places = {"replay_dir": str(Path(scratch) / "replay"), "cookiecutters_dir": str(Path(scratch) / "templates")}
        settings.write_text(json.dumps(places), encoding="utf-8")
        try:
            made: str = cookiecutter.cookiecutter(
                str(template()),
                no_input=not ask,
                extra_context=answers,
                output_dir=str(folder),
                config_file=str(settings),
            )
        except exceptions.OutputDirExistsException as err:
            raise FileExistsError(f"{err}; choose another `--slug` or `--output-dir`") from err
        except exceptions.FailedHookException as err:
            raise ValueError(str(err)) from err
    return Path(made)


def _cookiecutter() -> tuple[Any, Any]:
    try:
        return importlib.import_module("cookiecutter.main"), importlib.import_module("cookiecutter.exceptions")
    except ImportError as err:
        raise MissingDependencyError(
            "cookiecutter is not installed", hint='run `python -m pip install "nvisy-sdk[scaffold]"`'
        ) from err


def _parser() -> argparse.ArgumentParser:
    known = json.loads((template() / "cookiecutter.json").read_text(encoding="utf-8"))
    prompts = known["__prompts__"]
    parser = argparse.ArgumentParser(prog="python -m nvisy_sdk new", description="Make a provider's project.")
    parser.add_argument("system_name", nargs="?", help=_prompt(prompts["system_name"]))
    for name in _ANSWERS:
        choices = known[name] if isinstance(known[name], list) else None
        parser.add_argument(f"--{name}", choices=choices, help=_prompt(prompts[name]))
    parser.add_argument("--output-dir", type=Path, default=Path(), metavar="DIR", help="Where to make it")
    parser.add_argument("--no-input", action="store_true", help="Ask nothing: defaults for what is not given")
    return parser


def _prompt(prompt: Any) -> str:
    return str(prompt["__prompt__"] if isinstance(prompt, dict) else prompt)
