"""Whether the kit that runs is the kit that was installed: a digest of all its code, compared with a fresh process's.

Something that is imported into the same process (a test's configuration, the provider itself) could replace a check's body or
the judging of its outcome. It cannot do so unseen, short of replacing this module as well; the command line therefore
runs in a process of its own, and its verdict is the one to trust.
"""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import Final

from ._check import Check, catalogue

_ROOT: Final = "nvisy_sdk"
# Modules whose names differ from process to process for a good reason: pytest rewrites and imports the first on its own.
_LEFT_OUT: Final = ("nvisy_sdk.conformance._pytest", "nvisy_sdk.__main__")
_PROGRAM: Final = (
    "import sys, json; sys.path[:0] = json.loads(sys.stdin.read()); "
    "from nvisy_sdk.conformance._integrity import seal; print(json.dumps(seal()))"
)
_PATIENCE = 60  # seconds; it takes one


def seal() -> dict[str, str]:
    """Return a digest for every function and class of the kit, and for every check of its own, by name."""
    checks = catalogue()
    package = importlib.import_module(f"{_ROOT}.conformance")
    names = [package.__name__, *(module.name for module in _modules(package))]
    for name in names:
        importlib.import_module(name)
    loaded = [*names, f"{_ROOT}.testing._items", f"{_ROOT}.testing._row_batch"]
    found: dict[str, str] = {}
    for name in loaded:
        found.update(_module(importlib.import_module(name)))
    for key, check in checks.items():
        if not key.startswith("X-"):
            found[f"check {key}"] = _check(check)
    return dict(sorted(found.items()))


def installed_seal() -> dict[str, str]:
    """Return what `seal` returns in a fresh process, where nothing has been replaced.

    Raises:
        OSError: The process could not be run, or its answer could not be read.
    """
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    paths = json.dumps([path for path in sys.path if path])
    done = subprocess.run(command, input=paths, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode != 0:
        raise OSError(f"the kit cannot be read in a fresh process: {done.stderr.strip()[-500:]}")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def altered(installed: dict[str, str], *, when: str) -> list[str]:
    """Return a sentence when the running kit differs from the installed one."""
    try:
        running = seal()
    except Exception as err:  # noqa: BLE001  # whatever was done to it, it is not what is installed
        return [f"the kit was altered ({when}): it cannot be read any more: {type(err).__name__}: {err}"]
    names = sorted(name for name in running.keys() | installed.keys() if running.get(name) != installed.get(name))
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"the kit was altered ({when}): {', '.join(names[:3])}{more} is not what is installed"]


def catalogue_hash(checks: dict[str, Check]) -> str:
    """Return a digest of the kit's own checks: their ids, levels, scopes and code."""
    lines = [f"{key} {_check(check)}" for key, check in sorted(checks.items()) if not key.startswith("X-")]
    return sha256("\n".join(lines).encode()).hexdigest()


def _modules(package: ModuleType) -> Iterator[pkgutil.ModuleInfo]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name not in _LEFT_OUT:
            yield module


def _module(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in vars(module).items():
        where = f"{module.__name__}.{name}"
        if inspect.isclass(value) and value.__module__ == module.__name__:
            for attribute, member in vars(value).items():
                for function in _functions(member):
                    yield f"{where}.{attribute}", _function(function)
        elif inspect.isclass(value):
            yield where, f"{value.__module__}.{value.__qualname__}"
        elif isinstance(value, FunctionType):
            own = value.__module__ == module.__name__
            yield where, _function(value) if own else f"{value.__module__}.{value.__qualname__}"


def _functions(member: object) -> Iterator[FunctionType]:
    match member:
        case FunctionType():
            yield member
        case classmethod() | staticmethod():
            yield from _functions(member.__func__)
        case property():
            for part in (member.fget, member.fset):
                yield from _functions(part)
        case cached_property():
            yield from _functions(member.func)
        case _:
            return


def _function(function: FunctionType) -> str:
    inner = inspect.unwrap(function)
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    parts = [function.__module__, _code(function.__code__), *map(_held, defaults)]
    if isinstance(inner, FunctionType) and inner is not function:
        parts.append(_function(inner))
    for cell in function.__closure__ or ():  # a check that is made by a function keeps what it is about in cells
        try:
            held = cell.cell_contents
        except ValueError:
            continue
        parts.append(_stable(held) if held is inner else _held(held))
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def _code(code: CodeType) -> str:
    parts = [code.co_name, code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), repr(code.co_freevars)]
    for constant in code.co_consts:
        parts.append(_code(constant) if isinstance(constant, CodeType) else _stable(constant))
    return sha256("\n".join(parts).encode()).hexdigest()


def _check(check: Check) -> str:
    parts = []
    for each in fields(check):
        parts.append(_held(getattr(check, each.name)))
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def _held(value: object) -> str:
    return _function(value) if isinstance(value, FunctionType) else _stable(value)


def _stable(value: object) -> str:
    """Return a text that is the same in every process."""
    match value:
        case frozenset() | set():
            return repr(sorted(_stable(each) for each in value))
        case tuple() | list():
            return repr([_stable(each) for each in value])
        case dict():
            return repr(sorted((_stable(name), _stable(each)) for name, each in value.items()))
        case None | str() | bytes() | int() | float():
            return f"{type(value).__name__} {value!r}"
        case _:
            return type(value).__qualname__
