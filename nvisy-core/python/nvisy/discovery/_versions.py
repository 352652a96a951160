"""Versions and what a requirement says of them, as PEP 440 and PEP 508 have it.

Only what can be judged without doubt is judged: a requirement that this does not understand is no conflict.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from functools import lru_cache, partial
from typing import NamedTuple

__all__ = ["Requirement", "applies", "parse", "satisfies"]

_VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<phase>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre>\d*))?"
    r"(?:-(?P<bare>\d+)|[-_.]?(?:post|rev|r)(?P<after>[-_.]?\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?"
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1}
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
    r"\(?(?P<clauses>[^;@()]*)\)?\s*(?P<url>@[^;]*)?(?:;(?P<marker>.*))?"
)
_CLAUSE = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([A-Za-z0-9][^\s,]*)\s*")

Key = tuple[int, tuple[int, ...], tuple[int, int], int, float]


class Requirement(NamedTuple):
    """One ``Requires-Dist``."""

    name: str
    clauses: tuple[tuple[str, str], ...]
    marker: str

    def wanted(self) -> str:
        """The clauses as their author wrote them."""
        return ",".join(f"{operator}{version}" for operator, version in self.clauses)


@lru_cache(maxsize=4096)
def parse(text: str) -> Requirement | None:
    """The requirement, or ``None`` where it is not understood."""
    match = _REQUIREMENT.fullmatch(text)
    if match is None or match["url"]:
        return None
    clauses = []
    for part in filter(str.strip, match["clauses"].split(",")):
        clause = _CLAUSE.fullmatch(part)
        if clause is None:
            return None
        clauses.append((clause[1], clause[2]))
    return Requirement(match["name"], tuple(clauses), (match["marker"] or "").strip())


@lru_cache(maxsize=4096)
def satisfies(version: str, requirement: Requirement) -> bool:
    """Whether `version` is one that the requirement allows; True also where one of them cannot be read."""
    return all(_allows(version, operator, wanted) for operator, wanted in requirement.clauses)


def _allows(version: str, operator: str, wanted: str) -> bool:
    if operator == "===":
        return version.lower() == wanted.lower()
    found, limit = _key(version), _key(wanted.removesuffix(".*"))
    if found is None or limit is None:
        return True
    same = _starts(found, limit, _count(wanted)) if wanted.endswith(".*") else found == limit
    match operator:
        case "==":
            return same
        case "!=":
            return not same
        case "~=":
            return found >= limit and _starts(found, limit, _count(wanted) - 1)
        case ">=":
            return found >= limit
        case "<=":
            return found <= limit
        case ">":  # 1.0.post1 is not `> 1.0`
            return found > limit and not (found[:3] == limit[:3] and limit[3] < 0)
        case _:  # 2.0rc1 is not `< 2.0`
            return found < limit and not (found[:2] == limit[:2] and not _early(limit))


def _key(version: str) -> Key | None:
    """What versions are ordered by; ``None`` for what is no version. A local part is left out, as in comparisons."""
    match = _VERSION.fullmatch(version.strip().lower())
    if match is None:
        return None
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    after = match["bare"] or match["after"]
    post = -1 if after is None else _number(after)
    dev = float("inf") if match["dev"] is None else float(_number(match["dev"]))
    if match["phase"]:
        pre = (_PHASES.get(match["phase"], 2), _number(match["pre"]))
    else:
        pre = (-1, 0) if match["dev"] is not None and post < 0 else (3, 0)
    return int(match["epoch"] or 0), tuple(release), pre, post, dev


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def _count(wanted: str) -> int:
    """How many numbers the release of a clause has."""
    match = _VERSION.match(wanted.lower())
    return match["release"].count(".") + 1 if match else 0


def _starts(found: Key, limit: Key, count: int) -> bool:
    """Whether both begin with the same epoch and the same `count` numbers."""
    mine, theirs = ((*key[1], *(0,) * count)[:count] for key in (found, limit))
    return found[0] == limit[0] and mine == theirs


def _early(key: Key) -> bool:
    return key[2] != (3, 0) or key[4] != float("inf")


@lru_cache(maxsize=1024)
def applies(marker: str, extra: str = "") -> bool | None:
    """Whether a requirement's marker holds on this machine; ``None`` where it is not understood.

    Args:
        marker: What stands behind the semicolon; empty for what always holds.
        extra: The extra that is asked for.
    """
    if not marker:
        return True
    try:
        # A marker is written like a condition of Python; what is not is not understood.
        return _holds(ast.parse(marker, mode="eval").body, {**_environment(), "extra": extra})
    except (SyntaxError, ValueError, KeyError, RecursionError):
        return None


def _holds(node: ast.expr, environment: dict[str, str]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            # All of them, so that a part that is not understood is never skipped.
            return all([*map(partial(_holds, environment=environment), values)])
        case ast.BoolOp(op=ast.Or(), values=values):
            return any([*map(partial(_holds, environment=environment), values)])
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compare(_text(left, environment), operator, _text(right, environment))
    raise ValueError("no marker")


def _compare(left: str, operator: ast.cmpop, right: str) -> bool:
    if isinstance(operator, ast.In | ast.NotIn):
        return (left in right) is isinstance(operator, ast.In)
    signs = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
    sign = signs.get(type(operator))
    if sign is None:
        raise ValueError("no comparison of a marker")
    if _key(left) is not None and _key(right.removesuffix(".*")) is not None:
        return _allows(left, sign, right)
    if sign in ("==", "!="):
        return (left == right) is (sign == "==")
    raise ValueError("texts are not ordered")


def _text(node: ast.expr, environment: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return environment[name]
        case ast.Constant(value=str() as text):
            return text
    raise ValueError("no value of a marker")


def _environment() -> dict[str, str]:
    system = os.uname()
    version = ".".join(str(part) for part in sys.version_info[:3])
    implementation = {"cpython": "CPython", "pypy": "PyPy"}
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": system.machine,
        "platform_system": system.sysname,
        "platform_release": system.release,
        "platform_version": system.version,
        "platform_python_implementation": implementation.get(sys.implementation.name, sys.implementation.name),
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
    }
