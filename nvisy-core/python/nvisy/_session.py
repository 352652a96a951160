"""The engine of this process, with the installed providers, and what it answers turned into Python.

One engine serves a home for as long as the same providers are installed; runs may go on in it side by side.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nvisy import _core
from nvisy._errors import DefinitionError, DefinitionProblem, EngineError
from nvisy._home import home_folder
from nvisy._hooks import Hooks, with_hooks
from nvisy._outcome import Failure
from nvisy._shield import shield
from nvisy.discovery import Discovery, Loader, discover

__all__ = ["Session", "open_session", "problems_of"]

Start = Literal["continue", "full", "resume_or_full"]
Values = dict[str, Any]
"""JSON values of the engine, at the edge where they become ours."""

_lock = threading.Lock()
_engines: dict[tuple[object, ...], _core.Engine] = {}


@dataclass(frozen=True, slots=True)
class Session:
    """An engine and the providers it was given."""

    engine: _core.Engine
    discovery: Discovery
    hooks: Hooks

    def plan(self, text: str, base: Path, *, start: Start = "continue") -> Values:
        """The plan of a workflow, as JSON values; nothing connects.

        Raises:
            DefinitionError: With every problem of the workflow.
        """
        with self._translated():
            return dict(json.loads(self.engine.plan(text, str(base), _options(start))))

    def start(self, text: str, base: Path, *, start: Start = "continue") -> _core.Run:
        """Start a workflow.

        Raises:
            DefinitionError: With every problem of the workflow.
            EngineError: If it is running already, or the state cannot be used.
        """
        with self._translated():
            return self.engine.start(text, str(base), _options(start))

    def describe(self, provider: str, params: Mapping[str, object], credentials: Mapping[str, object]) -> Values:
        """What a provider says of the stream that `params` name.

        Raises:
            EngineError: If the engine itself refuses.
            Exception: What the provider raises.
        """
        request = {"provider": provider, "params": params, "credentials": credentials}
        with self._translated():
            return dict(json.loads(self.engine.describe(json.dumps(request))))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The engine's own exceptions as those of this package; a provider's pass as they are."""
        try:
            yield
        except _core.PlanError as error:
            raise self._refused(error) from None
        except _core.BridgeError as error:
            raise _engine_error(error) from None

    def _refused(self, error: _core.PlanError) -> DefinitionError:
        problems = problems_of(json.loads(error.args[0])["problems"])
        return DefinitionError([self._explained(problem) for problem in problems])

    def _explained(self, problem: DefinitionProblem) -> DefinitionProblem:
        """Say of an unknown provider that it is there but broken, when that is so."""
        if problem.code != "unknown_provider":
            return problem
        name = problem.message.partition("`")[2].partition("`")[0]
        for known in self.discovery.problems:
            if known.entry_point == name and known.severity == "error":
                message = f"the provider `{name}` of {known.distribution} cannot be used: {known.message}"
                return problem._replace(message=message, hint=known.hint)
        return problem


def open_session(home: str | Path | None = None, *, providers: bool = True) -> Session:
    """The session of a home.

    Args:
        home: Where state lives.
        providers: False for what needs the state alone, such as the list of past runs.
    """
    folder = home_folder(home)
    discovery = discover(home=folder) if providers else Discovery((), ())
    shield(discovery.problems)
    discovery, hooks = with_hooks(discovery)
    manifests = [(info.manifest_text, info.name) for info in discovery.providers]
    key = (
        str(folder),
        *sorted((info.name, info.version, info.reference, info.manifest_text) for info in discovery.providers),
    )
    with _lock:
        engine = _engines.get(key)
        if engine is None:
            engine = _engines[key] = _open(folder, manifests, Loader(discovery.claims, loaded=hooks.loaded))
    return Session(engine, discovery, hooks)


def _open(folder: Path, manifests: list[tuple[str, str]], loader: Loader) -> _core.Engine:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _core.Engine(str(folder), manifests, loader)
    except _core.BridgeError as error:
        raise _engine_error(error) from None
    except OSError as error:
        message, hint = (
            f"the state folder {folder} cannot be used: {error.strerror}",
            "set NVISY_HOME to another folder",
        )
        raise DefinitionError([DefinitionProblem("home", None, message, hint)]) from error


def problems_of(items: Iterable[Mapping[str, object]]) -> list[DefinitionProblem]:
    """The engine's problems."""
    return [
        DefinitionProblem(
            code=str(item["code"]),
            node=None if item.get("node") is None else str(item["node"]),
            message=str(item["message"]),
            hint=str(item["hint"]) if item.get("hint") else None,
            severity=str(item.get("severity", "error")),
        )
        for item in items
    ]


def _engine_error(error: _core.BridgeError) -> EngineError:
    return EngineError(Failure.parse(json.loads(error.args[1])))


def _options(start: Start) -> str:
    return json.dumps({"start": start})
