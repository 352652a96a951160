"""Keeps of the alternatives the one that was asked for, and writes the manifest where the SDK is installed.

No network, no git, no pip. Run again, it changes nothing.
"""

import importlib
import shutil
import sys
from pathlib import Path

PACKAGE = {{ cookiecutter.__package | jsonify }}
SLUG = {{ cookiecutter.slug | jsonify }}
READER = {{ cookiecutter.__reader | jsonify }}
LICENSE = {{ cookiecutter.license | jsonify }}
CI = {{ cookiecutter.ci | jsonify }}
READS = {{ cookiecutter.directions in ("both", "read") }}
WRITES = {{ cookiecutter.directions in ("both", "write") }}

ROOT = Path.cwd()
SOURCE = ROOT / "src" / PACKAGE


def main() -> None:
    """Do it all."""
    _choose()
    written = _manifest()
    print(f"made {ROOT.name}. Next:")
    print(f"  cd {ROOT.name}")
    print('  python -m pip install -e ".[dev]"')
    if not written:
        print(f"  python -m nvisy_sdk manifest {PACKAGE} --write")
    print(f"  python -m nvisy_sdk conform {SLUG}")


def _choose() -> None:
    readers, licenses = SOURCE / "readers", ROOT / "licenses"
    if READS and readers.is_dir():
        (readers / f"{READER}.py").replace(SOURCE / "reader.py")
    if licenses.is_dir():
        (licenses / LICENSE).replace(ROOT / "LICENSE")
    for folder in (readers, licenses, *([] if CI == "github" else [ROOT / ".github"])):
        shutil.rmtree(folder, ignore_errors=True)
    if not WRITES:
        (SOURCE / "writer.py").unlink(missing_ok=True)


def _manifest() -> bool:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT / "src"))
    try:
        sdk = importlib.import_module("nvisy_sdk")
    except ImportError:
        return False
    sdk.write_manifest(PACKAGE)
    return True


main()
