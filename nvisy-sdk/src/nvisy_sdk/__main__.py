"""`python -m nvisy_sdk`: tools for authors of providers. Each command is imported when it is asked for.

manifest    print, write or check the manifest file of a plugin, generated from its code
conform     check that an installed provider keeps what the protocols promise
new         write a new provider's project
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from ._error import ProtocolError
from ._manifest_file import drift, manifest_text, write_manifest

# Commands with modules of their own, which read their own arguments.
_ELSEWHERE = {"conform": "nvisy_sdk.conformance._main", "new": "nvisy_sdk.scaffold"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Returns:
        For `manifest`: 0 when done or equal, 1 when the file differs from the code, 2 when there is no manifest to make.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in _ELSEWHERE:
        code: int = importlib.import_module(_ELSEWHERE[given[0]]).main(given[1:])
        return code
    options = _parser().parse_args(given)
    try:
        return _manifest(options.package, check=options.check, write=options.write)
    except (ImportError, ProtocolError) as err:
        print(f"failed to make the manifest of {options.package}: {err}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nvisy_sdk", description="Tools for authors of providers.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("manifest", help="print, write or check the manifest of a plugin's package")
    command.add_argument("package", help="import name of the package, such as nvisy_plugin_example")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare the file with the code")
    action.add_argument("--write", action="store_true", help="write the file")
    # Listed for the help alone: what follows these words is read by the command itself.
    commands.add_parser("conform", help="check that an installed provider keeps what the protocols promise")
    commands.add_parser("new", help="write a new provider's project")
    return parser


def _manifest(package: str, *, check: bool, write: bool) -> int:
    if write:
        print(write_manifest(package))
        return 0
    if check:
        difference = drift(package)
        if difference:
            print(difference, file=sys.stderr)
            print(f"run `python -m nvisy_sdk manifest {package} --write`", file=sys.stderr)
        return 1 if difference else 0
    sys.stdout.write(manifest_text(package))
    return 0


if __name__ == "__main__":
    sys.exit(main())
