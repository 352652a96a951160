"""Builds our own wheels as a release and installs them into an environment of their own, as a user would have them.

The development environment holds a build with less optimisation; nobody runs that, so nothing is measured with it unless it is
asked for, and then the result says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import environments
from benchmarks.settings import ROOT, Folder

# What the works need. The first ones hold Rust; the others are Python alone.
NATIVE = ("nvisy-core", "plugins/nvisy-plugin-postgres", "plugins/nvisy-plugin-sqlite")
PURE = ("nvisy-sdk", "plugins/nvisy-plugin-files")


def install(folder: Folder) -> Path:
    """The environment with our release wheels; built and installed anew when a source has changed."""
    environment = folder.environments / "ours"
    stamp, wanted = environment / ".installed", _fingerprint()
    if not stamp.exists() or stamp.read_text() != wanted:
        wheels = _build(folder)
        python = environments.create(environment)
        pinned = ("--constraint", str(ROOT / "requirements-dev.txt"), "--only-binary", ":all:")
        _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned, *wheels)
        stamp.write_text(wanted)
    return environment


def _build(folder: Folder) -> list[str]:
    """Build every wheel into an empty folder."""
    shutil.rmtree(folder.wheels, ignore_errors=True)
    tool = str(Path(sys.executable).with_name("maturin"))
    for name in NATIVE:
        target = folder.root / "target" / Path(name).name
        arguments = ("--release", "--locked", "--interpreter", sys.executable)
        _run(tool, "build", *arguments, "--out", str(folder.wheels), "--target-dir", str(target), cwd=ROOT / name)
    for name in PURE:
        _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder.wheels), name)
    return [str(path) for path in sorted(folder.wheels.glob("*.whl"))]


def _run(*command: str, cwd: Path = ROOT) -> None:
    """Run a build step, whose output is shown: it takes minutes."""
    cargo = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path.home() / ".cargo" / "bin")])
    subprocess.run(command, cwd=cwd, env=os.environ | {"PATH": cargo}, check=True)


def _fingerprint() -> str:
    """A digest of every file the wheels are made of."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", *NATIVE, *PURE]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(ROOT / name for name in listed if name):
        if path.is_file() and "tests" not in path.relative_to(ROOT).parts:
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()
