"""The child half of the probe: import one plugin, look at it and at what its import did, and say what was found.

It runs in a process of its own that may die at any moment; what a plugin prints goes to files that the parent reads.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from contextlib import suppress
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import TextIO

from nvisy.discovery._effects import Watch
from nvisy.discovery._manifest import FILE, locate, manifest_file

__all__ = ["BEGIN", "Found", "main"]

BEGIN = "nvisy: the import begins"
"""The line of standard error that divides the interpreter's own imports from the plugin's."""

Found = tuple[str, str, str]
"""A problem's code, message and detail."""

_LONGEST = 20_000
"""Characters of a traceback that are passed on."""


def main(module: str, attribute: str, kind: str, result: int) -> None:
    """Probe one plugin and write two lines of JSON to the file descriptor `result`: the beginning and the end."""
    os.set_inheritable(result, False)
    with suppress(Exception):
        importlib.import_module("nvisy_sdk")  # now, so that its time is not the plugin's
    watch = Watch()
    with os.fdopen(result, "w", encoding="utf-8") as stream:
        print(BEGIN, file=sys.stderr, flush=True)
        _say(stream, None)
        watch.begin()
        begun = time.perf_counter()
        plugin, found = _import(module, attribute)
        seconds = time.perf_counter() - begun
        watch.end()
        if not found:
            found = _look(plugin, module, kind)
        found += [("side_effect", effect, "") for effect in watch.effects]
        _say(stream, {"found": found, "seconds": seconds})
    # A plugin may have left threads that never end; they must not keep a finished probe alive.
    os._exit(0)


def _say(stream: TextIO, answer: object) -> None:
    json.dump(answer, stream)
    stream.write("\n")
    stream.flush()


def _import(module: str, attribute: str) -> tuple[object, list[Found]]:
    """The object, and why there is none."""
    try:
        __import__(module)  # and not by importlib, whose imports the interpreter does not time
        found: object = sys.modules[module]
        return reduce(getattr, attribute.split("."), found) if attribute else found, []
    except SystemExit as error:
        return None, [("exited", f"it calls sys.exit({error.code!r}) while it is imported", _trace(error))]
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the finding
        absent = _absent(error, module)
        if absent is not None:
            return None, [("missing_dependency", absent, _trace(error))]
        return None, [("import_failed", f"it cannot be imported: {_last_line(error)}", _trace(error))]


def _absent(error: BaseException, module: str) -> str | None:
    """What says that a package the plugin needs is not installed; ``None`` when the error is another one."""
    if getattr(error, "kind", None) == "missing_dependency":
        return f"it needs a package that is not installed: {error}"
    own = module.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != own:
        return f"it needs a package that is not installed: {_last_line(error)}"
    return None


def _look(plugin: object, module: str, kind: str) -> list[Found]:
    """The findings about what was imported; empty when all is well."""
    try:
        if kind == "hooks":
            from nvisy_sdk.hooks import hook_defects

            return [(code, defect, "") for code, defect in hook_defects(plugin)]
        from nvisy_sdk import load_checks

        return [("bad_signature", defect, "") for defect in load_checks(plugin)] or _drift(module)
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the finding
        return [("import_failed", f"it cannot be inspected: {_last_line(error)}", _trace(error))]


def _drift(module: str) -> list[Found]:
    """Compare the manifest in the file with the one the code of that package describes."""
    place = locate(module)
    file = manifest_file(place) if place else None
    if file is None:
        return []
    package = next((package for package in _packages(module) if file.parent in _folders(package)), None)
    if package is None or not hasattr(package, "manifest"):
        return []
    described = json.loads(package.manifest().model_dump_json())
    written = json.loads(file.read_text(encoding="utf-8"))
    if described == written:
        return []
    names = sorted(name for name in described.keys() | written.keys() if described.get(name) != written.get(name))
    return [("manifest_drift", f"its {FILE} is not what its code describes: {', '.join(names)}", "")]


def _packages(module: str) -> list[ModuleType]:
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [sys.modules[name] for name in names if name in sys.modules]


def _folders(package: ModuleType) -> list[Path]:
    return [Path(folder) for folder in getattr(package, "__path__", ())]


def _last_line(error: BaseException) -> str:
    """The last line of the traceback, with the place in the plugin that raised."""
    text = traceback.format_exception_only(error)[-1].strip()
    inner = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    return f"{text} ({inner[-1].filename}, line {inner[-1].lineno})" if inner else text


def _trace(error: BaseException) -> str:
    """The traceback without local variables and without the machinery of imports."""
    rendered = traceback.TracebackException.from_exception(error, capture_locals=False)
    level: traceback.TracebackException | None = rendered
    while level is not None:
        level.stack = traceback.StackSummary.from_list([frame for frame in level.stack if not _is_ours(frame.filename)])
        level = level.__cause__ or level.__context__
    text = "".join(rendered.format())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...\n"


def _is_ours(filename: str) -> bool:
    return filename.startswith("<frozen") or filename in (__file__, importlib.__file__)
