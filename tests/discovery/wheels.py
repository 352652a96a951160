"""Wheels as an author would publish them, and as nobody should; installed by unpacking, which is all pip does with them.

pip itself refuses some of the broken ones, but they reach machines all the same: by other installers, by hand, by crashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GOOD_CODE = '"""A provider that works."""\nfrom nvisy_sdk.memory import Provider as Provider\n'


def manifest(name: str, **changes: object) -> str:
    """A manifest that is right but for `changes`."""
    spec = find_spec("nvisy_sdk")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    values = json.loads((folder / "memory" / "nvisy_provider.json").read_text(encoding="utf-8"))
    return json.dumps({**values, "name": name, "uri": None, **changes})


def build(
    folder: Path,
    project: str,
    *,
    files: Mapping[str, str],
    entry_points: str | bytes,
    version: str = "1.0",
    metadata: bool | bytes = True,
    requires: Sequence[str] = (),
) -> Path:
    """A wheel of `project` with these files and this ``entry_points.txt``."""
    info = f"{project.replace('-', '_')}-{version}.dist-info"
    contents: dict[str, bytes] = {name: text.encode() for name, text in files.items()}
    points = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
    contents[f"{info}/entry_points.txt"] = points
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    about = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{needs}\nText.\n".encode()
    if metadata:
        contents[f"{info}/METADATA"] = about if metadata is True else metadata
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return wheel


def install(wheel: Path, target: Path) -> None:
    """Unpack `wheel` into `target`."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)


def plugin(
    target: Path,
    project: str,
    name: str,
    *,
    code: str = GOOD_CODE,
    manifest_text: str | None = None,
    package: str | None = None,
    **more: Any,
) -> None:
    """Install a plugin that claims `name`; without a manifest when `manifest_text` is empty."""
    package = package or project.replace("-", "_")
    files = {f"{package}/__init__.py": code, **more.pop("more_files", {})}
    text = manifest(name) if manifest_text is None else manifest_text
    if text:
        files[f"{package}/nvisy_provider.json"] = text
    points = more.pop("entry_points", f"[nvisy.providers]\n{name} = {package}:Provider\n")
    wheels = target.parent / f"{target.name}-wheels"
    wheels.mkdir(exist_ok=True)
    install(build(wheels, project, files=files, entry_points=points, **more), target)


def nvisy(*arguments: str, home: Path, targets: tuple[Path, ...] = (), **more: Any) -> subprocess.CompletedProcess[str]:
    """The real command line in a process of its own, with `targets` before everything else on ``sys.path``."""
    return subprocess.run(
        [sys.executable, "-m", "nvisy", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(home, targets, more.pop("env", {})),
        check=False,
        **more,
    )


def environment(home: Path, targets: tuple[Path, ...] = (), more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of such a process: nothing of Nvisy's from outside the test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NVISY_")}
    path = os.pathsep.join([*map(str, targets), *filter(None, [inherited.get("PYTHONPATH")])])
    return {**inherited, "NVISY_HOME": str(home), "PYTHONPATH": path, **(more or {})}


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
