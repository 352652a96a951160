"""Calling hooks: every plugin in a try of its own, because with pluggy alone one that raises ends the call for all.

Nothing here raises because of a plugin. What went wrong is kept in `Hooks.problems`, under the distribution's name.
"""

import copy
import difflib
import importlib
import inspect
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import pluggy

from . import _hook_specs
from ._hook_scan import HookProblem, HookSource
from ._hook_specs import ProviderCandidate

_LOG = logging.getLogger("nvisy")
_WITHHELD = "(a text is withheld: the redactor of {} failed)"
_ORDER = "a hook is a plain function that takes the parameters of its specification, or fewer"


def _log(problem: HookProblem) -> None:
    _LOG.warning("%s", problem.line())


def _specified() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("nvisy")
    manager.add_hookspecs(_hook_specs)
    return manager


class Hooks:
    """Plugins and their hooks. Safe to use from several threads once they are loaded.

    Args:
        report: Told of each hook that fails while it is called, once for each plugin and hook. A warning of the logger
            `nvisy` by default.
    """

    def __init__(self, *, report: Callable[[HookProblem], None] = _log) -> None:
        self.problems: list[HookProblem] = []
        self._report = report
        self._manager = _specified()
        self._sources: dict[str, HookSource] = {}
        self._failed: set[tuple[str, str]] = set()
        self._heard: list[ProviderCandidate] = []
        self._lock = threading.RLock()

    def load(self, sources: Iterable[HookSource]) -> None:
        """Import what offers hooks, and register it. What cannot be imported or registered becomes a problem."""
        for source in sources:
            before = set(sys.modules)
            try:
                found: object = importlib.import_module(source.module)
                plugin = reduce(getattr, source.attribute.split("."), found) if source.attribute else found
            except (Exception, SystemExit) as err:  # noqa: BLE001 - the plugin's border
                _forget(source.module, before)
                message = f"it cannot be imported: {type(err).__name__}: {err}"
                hint = f"reinstall it (pip install --force-reinstall {source.distribution}), or tell its author"
                self._problem(source, "import_failed", message, hint, err)
            else:
                self.register(plugin, source=source)

    def register(self, plugin: object, *, source: HookSource) -> None:
        """Add a plugin. It hears at once of the providers loaded so far."""
        fatal, harmless = _examined(plugin)
        for message in harmless:
            self._problem(
                source, "unknown_hook", message, "correct its name, or mark it `@hookimpl(optionalhook=True)`"
            )
        for message in fatal:
            self._problem(source, "bad_hook", message, _ORDER)
        if fatal:
            return
        with self._lock:
            key = f"{source.distribution}/{source.name}/{len(self._sources)}"
            try:
                self._manager.register(plugin, key)
            except ValueError:  # the very same object twice: it has its say already
                return
            self._sources[key] = source
            earlier = list(self._heard)
        for impl in self._implementations("nvisy_provider_loaded"):
            for info in earlier if impl.plugin_name == key else ():
                self._call(impl, "nvisy_provider_loaded", {"info": info})

    def has(self, hook: str) -> bool:
        """Return whether any plugin implements that hook."""
        caller = getattr(self._manager.hook, hook)
        return bool(caller.get_hookimpls())

    def provider_candidates(self, infos: Sequence[ProviderCandidate]) -> dict[str, tuple[str, HookSource]]:
        """Return the name of each provider that is ruled out, with the reason and who gave it. The first reason counts."""
        refused: dict[str, tuple[str, HookSource]] = {}
        for key, answer in self._each("nvisy_provider_candidates", infos=tuple(infos)):
            if isinstance(answer, Mapping) and all(isinstance(item, str) for pair in answer.items() for item in pair):
                for name, reason in answer.items():
                    refused.setdefault(name, (reason, self._sources[key]))
            else:
                self._wrong(key, "nvisy_provider_candidates", answer, "a mapping of names to reasons, or None")
        return refused

    def resolve_secret(self, reference: str) -> str | None:
        """Return the first answer to a reference, or None."""
        for key, answer in self._each("nvisy_resolve_secret", reference=reference):
            if isinstance(answer, str):
                return answer
            self._wrong(key, "nvisy_resolve_secret", answer, "a text or None")
        return None

    def redact(self, text: str) -> str:
        """Return what may be printed of a text, after each redactor in turn. One that fails withholds all of it."""
        for impl in self._implementations("nvisy_redact"):
            well, answer = self._call(impl, "nvisy_redact", {"record": text})
            if well and not isinstance(answer, str | None):
                self._wrong(impl.plugin_name, "nvisy_redact", answer, "a text or None")
                well = False
            if not well:
                return _WITHHELD.format(self._sources[impl.plugin_name].distribution)
            text = answer if isinstance(answer, str) else text
        return text

    def provider_loaded(self, info: ProviderCandidate) -> None:
        """Tell of a provider, also whoever is registered later."""
        with self._lock:
            self._heard.append(info)
        self._tell("nvisy_provider_loaded", info=info)

    def run_event(self, event: Mapping[str, Any]) -> None:
        """Tell of a run."""
        self._tell("nvisy_run_event", event=dict(event))

    def conformance_checks(self, registry: Callable[..., Any]) -> None:
        """Let plugins add checks; `registry` is a decorator that takes an id first."""

        def enter(id: str, *arguments: Any, **more: Any) -> Any:
            if not id.startswith("X-"):
                raise ValueError(f"the id `{id}` is the kit's; the id of an added check begins with `X-`")
            return registry(id, *arguments, **more)

        self._tell("nvisy_conformance_checks", registry=enter)

    def conformance_report(self, report: Mapping[str, Any]) -> None:
        """Show a report."""
        self._tell("nvisy_conformance_report", report=dict(report))

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        """In pluggy's order: those marked `tryfirst`, then last registered first."""
        found: list[pluggy.HookImpl] = getattr(self._manager.hook, hook).get_hookimpls()
        return found[::-1]

    def _tell(self, hook: str, **arguments: object) -> None:
        """Call every plugin; what they answer means nothing."""
        for impl in self._implementations(hook):
            self._call(impl, hook, arguments)

    def _each(self, hook: str, **arguments: object) -> Iterator[tuple[str, object]]:
        """Call one plugin after the other; its key and its answer, where that is not None."""
        for impl in self._implementations(hook):
            answer = self._call(impl, hook, arguments)[1]
            if answer is not None:
                yield impl.plugin_name, answer

    def _call(self, impl: pluggy.HookImpl, hook: str, arguments: Mapping[str, object]) -> tuple[bool, object]:
        """Call one plugin. Whether that went well, and its answer."""
        try:
            answer = impl.function(*(_own(arguments[name]) for name in impl.argnames))
        except (Exception, SystemExit) as err:  # noqa: BLE001 - the plugin's border
            self._failure(
                impl.plugin_name, hook, f"`{hook}` failed: {type(err).__name__}: {err}", "tell its author", err
            )
            return False, None
        if not inspect.isawaitable(answer):
            return True, answer
        if inspect.iscoroutine(answer):
            answer.close()
        message = f"`{hook}` returned something to await, and nobody does; hooks are plain functions"
        self._failure(impl.plugin_name, hook, message, _ORDER)
        return False, None

    def _wrong(self, key: str, hook: str, answer: object, wanted: str) -> None:
        message = f"`{hook}` returned {type(answer).__name__}, not {wanted}"
        self._failure(key, hook, message, "its author returns what the specification says")

    def _failure(self, key: str, hook: str, message: str, hint: str, err: BaseException | None = None) -> None:
        """Keep and report a failure; the same hook of the same plugin is reported once and not every second."""
        with self._lock:
            if (key, hook) in self._failed:
                return
            self._failed.add((key, hook))
        self._report(self._problem(self._sources[key], "failed_hook", message, hint, err))

    def _problem(
        self, source: HookSource, code: str, message: str, hint: str, err: BaseException | None = None
    ) -> HookProblem:
        trace = "".join(traceback.format_exception(err)) if err is not None else ""
        problem = HookProblem(code, source.distribution, source.version, source.name, message, hint, trace)
        self.problems.append(problem)
        return problem


def hook_defects(plugin: object) -> list[tuple[str, str]]:
    """Return what is wrong with a plugin's hooks, as codes and texts; it is not registered anywhere.

    The code is `bad_hook` for what keeps all of it from being used and `unknown_hook` for what is merely never called.
    """
    fatal, harmless = _examined(plugin)
    return [*(("bad_hook", text) for text in fatal), *(("unknown_hook", text) for text in harmless)]


def _examined(plugin: object) -> tuple[list[str], list[str]]:
    """What keeps a plugin from being registered, and names of hooks that nothing ever calls."""
    if isinstance(plugin, type):
        return [f"`{plugin.__name__}` is a class; name a module or an object"], []
    manager = _specified()
    known = {name for name in vars(manager.hook) if name.startswith("nvisy_")}
    try:
        manager.register(plugin, "examined")
    except pluggy.PluginValidationError as err:
        return [" ".join(str(err).split())], []
    except Exception as err:  # noqa: BLE001 - pluggy looks at every attribute of a foreign object
        return [f"it cannot be looked at: {type(err).__name__}: {err}"], []
    fatal, harmless = [], []
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        for impl in caller.get_hookimpls():
            if not caller.has_spec() and not impl.optionalhook:
                close = difflib.get_close_matches(caller.name, known, 1)
                meant = f"; did you mean `{close[0]}`?" if close else ""
                harmless.append(f"there is no hook `{caller.name}`, so it is never called{meant}")
            if impl.wrapper or impl.hookwrapper:
                fatal.append(
                    f"`{caller.name}` is a wrapper; each plugin is called on its own, so there is nothing to wrap"
                )
            elif inspect.iscoroutinefunction(impl.function) or inspect.isasyncgenfunction(impl.function):
                fatal.append(f"`{caller.name}` is an `async def`; hooks are plain functions")
    if not callers:
        harmless.append("it has no hooks; mark its functions with `@hookimpl` of nvisy_sdk.hooks")
    return fatal, harmless


def _own(value: object) -> object:
    """A copy of its own of what a hook could change."""
    return copy.deepcopy(value) if isinstance(value, dict) else value


def _forget(module: str, before: set[str]) -> None:
    """Drop what a failed import left half-made."""
    top = module.partition(".")[0]
    for name in set(sys.modules) - before:
        if name == top or name.startswith(f"{top}."):
            del sys.modules[name]
