"""`python -m nvisy_sdk manifest PACKAGE [--check | --write]`: the manifest file of a plugin, generated from its code."""

import argparse
import sys
from collections.abc import Sequence

from ._error import ProtocolError
from ._manifest_file import drift, manifest_text, write_manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when done or equal, 1 when the file differs from the code, 2 when there is no manifest to make.
    """
    parser = argparse.ArgumentParser(prog="python -m nvisy_sdk", description="Tools for authors of providers.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("manifest", help="print, write or check the manifest of a plugin's package")
    command.add_argument("package", help="import name of the package, such as nvisy_plugin_example")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare the file with the code")
    action.add_argument("--write", action="store_true", help="write the file")
    options = parser.parse_args(arguments)
    try:
        return _manifest(options.package, check=options.check, write=options.write)
    except (ImportError, ProtocolError) as err:
        print(f"failed to make the manifest of {options.package}: {err}", file=sys.stderr)
        return 2


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
