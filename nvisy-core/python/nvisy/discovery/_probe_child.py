"""The child half of the probe: import each plugin, look at it, say what happened, one JSON line each.

It runs in a process of its own that may die at any moment; whatever a plugin prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import TextIO

from nvisy.discovery._manifest import FILE, locate, manifest_file

__all__ = ["main"]


def main(tasks: Iterable[tuple[int, str, str]], result: int) -> None:
    """Probe all `tasks` (number, module, attribute) in order, writing to the file descriptor `result`."""
    os.set_inheritable(result, False)
    with suppress(ImportError):
        importlib.import_module("nvisy_sdk")  # now, so that its time is not the first plugin's
    with os.fdopen(result, "w", encoding="utf-8") as stream:
        for number, module, attribute in tasks:
            _say(stream, number, None)
            _say(stream, number, _probe(module, attribute))
    # A plugin may have left threads that never end; they must not keep a finished probe alive.
    sys.stderr.flush()
    os._exit(0)


def _say(stream: TextIO, number: int, findings: list[tuple[str, str]] | None) -> None:
    json.dump([number, findings], stream)
    stream.write("\n")
    stream.flush()


def _probe(module: str, attribute: str) -> list[tuple[str, str]]:
    """The findings (code, message); empty when all is well."""
    try:
        provider = reduce(getattr, attribute.split("."), importlib.import_module(module))
    except SystemExit as error:
        return [("exited", f"it calls sys.exit({error.code!r}) while it is imported")]
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the finding
        return [("import_failed", f"it cannot be imported: {_last_line(error)}")]
    try:
        from nvisy_sdk import load_checks

        findings = [("bad_signature", defect) for defect in load_checks(provider)]
        return findings or _drift(module)
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the finding
        return [("import_failed", f"it cannot be inspected: {_last_line(error)}")]


def _drift(module: str) -> list[tuple[str, str]]:
    """Compare the manifest in the file with the one the code of that package describes."""
    place = locate(module)
    file = manifest_file(place) if place else None
    if file is None:
        return []
    package = next((package for package in _packages(module) if file.parent in _folders(package)), None)
    if package is None or not hasattr(package, "manifest"):
        return []
    if json.loads(package.manifest().model_dump_json()) != json.loads(file.read_text(encoding="utf-8")):
        return [("manifest_drift", f"its {FILE} is not what its code describes")]
    return []


def _packages(module: str) -> list[ModuleType]:
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [sys.modules[name] for name in names if name in sys.modules]


def _folders(package: ModuleType) -> list[Path]:
    return [Path(folder) for folder in getattr(package, "__path__", ())]


def _last_line(error: BaseException) -> str:
    """The last line of the traceback, with the place in the plugin that raised."""
    text = traceback.format_exception_only(error)[-1].strip()
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    inner = [frame for frame in frames if frame.filename != __file__]
    return f"{text} ({inner[-1].filename}, line {inner[-1].lineno})" if inner else text
