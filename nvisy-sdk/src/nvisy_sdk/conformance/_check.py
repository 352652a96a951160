"""The catalogue: every check by its id, with the scope in which it applies."""

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .._kind import Ability, ContextKind, DataKind, Feature
from .._manifest import Manifest
from ._outcome import Level

Body: TypeAlias = Callable[[Any], Awaitable[None]]

_ID = re.compile(r"^(?:X-)?[A-Z]{2,5}-\d{2}$")
_checks: dict[str, "Check"] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check.

    Args:
        id: Its name in reports, such as `RES-01`; part of the public interface.
        level: The level it belongs to.
        title: What it asserts, in one sentence without a full stop.
        body: The check itself. It returns when the provider passes and raises `CheckFailed` when it does not.
        static: Needs no harness and no session, only the package and its manifest.
        needs: Abilities without which it has nothing to look at; without them, their absence is verified instead.
        features: Features it is about; when one is declared unsupported, its inverse runs instead.
        secret: It needs credentials that hold a secret.
        kinds: Kinds of data it is about; none means all.
        contexts: Kinds of context it is about; none means all.
        after: Checks that fail whenever this one must fail too: what breaks them breaks this one.
        inverse: What runs instead when a feature is declared unsupported; None means the common inverse of that feature.
        limit: Seconds after which the kit gives up: an error of the check, not a failure of the provider.
        provisional: New in this version: a failure is a warning.
    """

    id: str
    level: Level
    title: str
    body: Body
    static: bool = False
    needs: tuple[Ability, ...] = ()
    features: tuple[Feature, ...] = ()
    secret: bool = False
    kinds: frozenset[DataKind] = frozenset()
    contexts: frozenset[ContextKind] = frozenset()
    after: tuple[str, ...] = ()
    inverse: Body | None = None
    limit: float = 60.0
    provisional: bool = False

    def out_of_scope(self, manifest: Manifest, kind: DataKind) -> str | None:
        """Return why the check is not about this provider at all, or None when it is."""
        if self.kinds and kind not in self.kinds:
            return f"it is about {_listed(self.kinds)}, the provider moves {kind}"
        if self.contexts and manifest.contexts and not self.contexts & set(manifest.contexts):
            return f"it is about {_listed(self.contexts)} contexts, the provider's are {_listed(manifest.contexts)}"
        return None


def check(
    id: str,
    level: Level,
    title: str,
    *,
    static: bool = False,
    needs: tuple[Ability, ...] = (),
    features: tuple[Feature, ...] = (),
    secret: bool = False,
    kinds: tuple[DataKind, ...] = (),
    contexts: tuple[ContextKind, ...] = (),
    after: tuple[str, ...] = (),
    inverse: Body | None = None,
    limit: float = 60.0,
    provisional: bool = False,
) -> Callable[[Body], Body]:
    """Enter a coroutine function into the catalogue. See `Check` for the arguments.

    Raises:
        ValueError: The id is malformed or already taken.
    """

    def enter(body: Body) -> Body:
        if not _ID.match(id):
            raise ValueError(f"`{id}` is not the id of a check: two to five capitals, a hyphen, two digits")
        if id in _checks:
            raise ValueError(f"the check {id} is there already, in {_checks[id].body.__module__}")
        _checks[id] = Check(
            id=id,
            level=level,
            title=title,
            body=body,
            static=static,
            needs=needs,
            features=features,
            secret=secret,
            kinds=frozenset(kinds),
            contexts=frozenset(contexts),
            after=after,
            inverse=inverse,
            limit=limit,
            provisional=provisional,
        )
        return body

    return enter


def catalogue() -> dict[str, Check]:
    """Return every check of the kit, by id, in the order of the catalogue's families."""
    package = importlib.import_module(f"{__package__}.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return {key: _checks[key] for key in sorted(_checks, key=_place)}


FAMILIES = (
    *("PKG", "META", "SIG", "CON", "ERR", "READ", "RES", "INC", "WRT"),
    *("TYP", "ASY", "SEC", "LEAK", "BND", "PERF", "DOC"),
)


def _place(id: str) -> tuple[int, str]:
    family = id.removeprefix("X-").split("-")[0]
    return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), id)


def _listed(words: "frozenset[DataKind] | frozenset[ContextKind] | tuple[ContextKind, ...]") -> str:
    return ", ".join(sorted(str(word) for word in words))
