"""Hooks: each plugin is called on its own, and one that fails harms neither the others nor whoever calls."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nvisy_sdk.hooks
import pytest
from nvisy_sdk.hooks import (
    HookProblem,
    Hooks,
    HookSource,
    ProviderCandidate,
    hook_defects,
    hook_sources,
    hookimpl,
)

from tests.discovery.wheels import build, install

INFO = ProviderCandidate("good", "acme-good", "1.0", "acme_good:Provider", {"category": "relational"})


class Registered:
    """Hooks with plugins whose distributions are called one, two, three."""

    def __init__(self, *plugins: object) -> None:
        self.reported: list[HookProblem] = []
        self.hooks = Hooks(report=self.reported.append)
        for plugin, name in zip(plugins, ("one", "two", "three"), strict=False):
            self.hooks.register(plugin, source=HookSource(name, f"acme_{name}", "", f"acme-{name}", "1.0"))

    def problems(self) -> list[tuple[str, str]]:
        """Who has which problem."""
        return [(problem.distribution, problem.code) for problem in self.hooks.problems]


class Listener:
    """Hears of everything."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    @hookimpl
    def nvisy_run_event(self, event: dict[str, Any]) -> None:
        self.heard.append(event["event"])
        event.clear()

    @hookimpl
    def nvisy_provider_loaded(self, info: ProviderCandidate) -> None:
        self.heard.append(info.name)

    @hookimpl
    def nvisy_conformance_report(self, report: dict[str, Any]) -> None:
        self.heard.append(report.pop("level"))


class Failing:
    """Raises wherever it is called."""

    @hookimpl(tryfirst=True)
    def nvisy_run_event(self) -> None:
        raise SystemExit("acme is gone")

    @hookimpl(tryfirst=True)
    def nvisy_provider_candidates(self) -> Mapping[str, str]:
        raise ValueError("no opinion")

    @hookimpl(tryfirst=True)
    def nvisy_resolve_secret(self, reference: str) -> str:
        raise KeyError(reference)


class Policy:
    """Rules out one provider and knows one secret."""

    @hookimpl
    def nvisy_provider_candidates(self, infos: Sequence[ProviderCandidate]) -> Mapping[str, str]:
        return {info.name: "not here" for info in infos if info.manifest["category"] == "relational"}

    @hookimpl
    def nvisy_resolve_secret(self, reference: str) -> str | None:
        return "s3cret" if reference.startswith("vault:") else None

    @hookimpl
    def nvisy_redact(self, record: str) -> str | None:
        return record.replace("s3cret", "***") if "s3cret" in record else None


def test_failing_plugin_harms_no_other_when_it_is_called_first() -> None:
    """The other plugin hears of the event; the failure is reported with the distribution's name."""
    listener = Listener()
    registered = Registered(Failing(), listener)
    registered.hooks.run_event({"event": "started"})
    assert listener.heard == ["started"]
    (problem,) = registered.reported
    assert (problem.distribution, problem.code) == ("acme-one", "failed_hook")
    assert problem.message == "`nvisy_run_event` failed: SystemExit: acme is gone"
    assert "acme is gone" in problem.traceback


def test_failure_is_reported_once_when_it_happens_again_and_again() -> None:
    """A run has an event each second."""
    registered = Registered(Failing())
    for _ in range(3):
        registered.hooks.run_event({"event": "progress"})
    assert len(registered.reported) == 1


def test_interrupt_in_a_hook_is_not_swallowed() -> None:
    """Ctrl-C is the user's."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    plugin = SimpleNamespace(nvisy_run_event=hookimpl(interrupted))
    with pytest.raises(KeyboardInterrupt):
        Registered(plugin).hooks.run_event({"event": "started"})


def test_event_cannot_be_changed_for_others() -> None:
    """Each gets a copy of its own, and so does whoever sent it."""
    one, two = Listener(), Listener()
    event = {"event": "started", "run_id": "r"}
    Registered(one, two).hooks.run_event(event)
    assert one.heard == two.heard == ["started"]
    assert event == {"event": "started", "run_id": "r"}


def test_candidates_are_ruled_out_with_the_reason_and_who_gave_it() -> None:
    """A plugin that fails has no opinion."""
    registered = Registered(Policy(), Failing())
    refused = registered.hooks.provider_candidates([INFO])
    assert {name: (reason, source.distribution) for name, (reason, source) in refused.items()} == {
        "good": ("not here", "acme-one")
    }
    assert registered.problems() == [("acme-two", "failed_hook")]


def test_first_answer_to_a_reference_counts() -> None:
    """An unknown scheme has no answer; a resolver that fails does not hide the next."""
    hooks = Registered(Policy(), Failing()).hooks
    assert hooks.resolve_secret("vault:database") == "s3cret"
    assert hooks.resolve_secret("other:database") is None


def test_redactors_work_one_after_the_other() -> None:
    """Each gets what the one before left; None leaves it as it is."""

    def starred(record: str) -> str:
        return record.replace("***", "[hidden]")

    hooks = Registered(SimpleNamespace(nvisy_redact=hookimpl(starred)), Policy()).hooks
    assert hooks.redact("the password is s3cret") == "the password is [hidden]"
    assert hooks.redact("nothing to see") == "nothing to see"


def test_text_is_withheld_when_a_redactor_fails() -> None:
    """What it would have taken out is not known; the next text has its chance."""

    def moody(record: str) -> str:
        if "bad" in record:
            raise ValueError("cannot")
        return record.upper()

    registered = Registered(SimpleNamespace(nvisy_redact=hookimpl(moody)))
    assert registered.hooks.redact("bad text") == "(a text is withheld: the redactor of acme-one failed)"
    assert registered.hooks.redact("good text") == "GOOD TEXT"
    assert registered.problems() == [("acme-one", "failed_hook")]


def test_loaded_provider_is_told_also_to_who_comes_later() -> None:
    """The hook is historic."""
    early, late = Listener(), Listener()
    registered = Registered(early)
    registered.hooks.provider_loaded(INFO)
    registered.hooks.register(late, source=HookSource("late", "late", "", "acme-late", "1.0"))
    assert early.heard == late.heard == ["good"]
    registered.hooks.provider_loaded(INFO)
    assert early.heard == late.heard == ["good", "good"]


def test_added_check_has_an_id_of_its_own() -> None:
    """The ids of the kit belong to the kit; a plugin that takes one is reported, the next is called."""
    ids: list[str] = []

    def registry(id: str, title: str) -> Any:
        ids.append(id)
        return lambda body: body

    def good(registry: Any) -> None:
        registry("X-ACME-01", "it is ours")(lambda case: None)

    def bad(registry: Any) -> None:
        registry("RES-01", "it is not")(lambda case: None)

    plugins = [SimpleNamespace(nvisy_conformance_checks=hookimpl(function)) for function in (good, bad)]
    registered = Registered(*plugins)
    registered.hooks.conformance_checks(registry)
    assert ids == ["X-ACME-01"]
    assert "begins with `X-`" in registered.reported[0].message


def test_report_is_shown_to_everybody_as_it_was() -> None:
    """Nobody can change it."""
    one, two = Listener(), Listener()
    report = {"level": "silver"}
    Registered(one, two).hooks.conformance_report(report)
    assert (one.heard, two.heard, report) == (["silver"], ["silver"], {"level": "silver"})


@pytest.mark.parametrize(
    ("hook", "answer", "text"),
    [
        ("nvisy_provider_candidates", ["good"], "returned list, not a mapping of names to reasons, or None"),
        ("nvisy_provider_candidates", {"good": 5}, "returned dict, not a mapping of names to reasons, or None"),
        ("nvisy_resolve_secret", 5, "returned int, not a text or None"),
        ("nvisy_redact", b"x", "returned bytes, not a text or None"),
    ],
)
def test_answer_of_a_wrong_type_is_refused(hook: str, answer: object, text: str) -> None:
    """And named, with the plugin's distribution."""
    registered = Registered(SimpleNamespace(**{hook: hookimpl(lambda: answer)}))
    hooks = registered.hooks
    assert hooks.provider_candidates([INFO]) == {}
    assert hooks.resolve_secret("x:y") is None
    assert hooks.redact("text") in ("text", "(a text is withheld: the redactor of acme-one failed)")
    assert [problem.message for problem in registered.reported] == [f"`{hook}` {text}"]


def test_answer_that_must_be_awaited_is_refused() -> None:
    """It is closed, so that Python has nothing to warn of."""

    async def later() -> None:
        """Never runs."""

    plugin = SimpleNamespace(nvisy_run_event=hookimpl(lambda: later()))
    registered = Registered(plugin)
    registered.hooks.run_event({"event": "started"})
    assert "returned something to await" in registered.reported[0].message


async def _asynchronous(event: dict[str, Any]) -> None:
    """Never runs."""


def _wrapping(event: dict[str, Any]) -> Any:
    return (yield)


def _asking_too_much(event: dict[str, Any], run: object) -> None:
    """Never runs."""


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        (SimpleNamespace(nvisy_run_event=hookimpl(_asynchronous)), "`nvisy_run_event` is an `async def`"),
        (SimpleNamespace(nvisy_run_event=hookimpl(wrapper=True)(_wrapping)), "`nvisy_run_event` is a wrapper"),
        (SimpleNamespace(nvisy_run_event=hookimpl(_asking_too_much)), "run"),
        (Listener, "`Listener` is a class; name a module or an object"),
    ],
)
def test_plugin_that_cannot_be_called_is_not_registered(plugin: object, text: str) -> None:
    """Its defect is a problem; the doctor finds the same."""
    registered = Registered(plugin)
    assert registered.problems() == [("acme-one", "bad_hook")]
    assert text in registered.hooks.problems[0].message
    assert [(code, text in defect) for code, defect in hook_defects(plugin)] == [("bad_hook", True)]
    assert not registered.hooks.has("nvisy_run_event")


def test_misspelt_hook_is_reported_with_the_name_that_was_meant() -> None:
    """The rest of the plugin is used; a hook of a later version may be marked as optional."""

    class Misspelt(Listener):
        @hookimpl
        def nvisy_run_evnt(self, event: dict[str, Any]) -> None: ...

        @hookimpl(optionalhook=True)
        def nvisy_of_tomorrow(self) -> None: ...

    plugin = Misspelt()
    registered = Registered(plugin)
    assert registered.problems() == [("acme-one", "unknown_hook")]
    text = "there is no hook `nvisy_run_evnt`, so it is never called; did you mean `nvisy_run_event`?"
    assert registered.hooks.problems[0].message == text
    registered.hooks.run_event({"event": "started"})
    assert plugin.heard == ["started"]


def test_plugin_without_a_hook_is_reported() -> None:
    """Somebody forgot the marker."""
    assert hook_defects(SimpleNamespace(nvisy_run_event=print)) == [
        ("unknown_hook", "it has no hooks; mark its functions with `@hookimpl` of nvisy_sdk.hooks")
    ]


def test_failure_is_a_warning_of_the_log_when_nobody_else_wants_it(caplog: pytest.LogCaptureFixture) -> None:
    """With name, version and distribution."""
    hooks = Hooks()
    hooks.register(Failing(), source=HookSource("fails", "acme_fails", "", "acme-fails", "2.1"))
    with caplog.at_level(logging.WARNING, "nvisy"):
        hooks.run_event({"event": "started"})
    assert "hooks `fails` of acme-fails 2.1: `nvisy_run_event` failed: SystemExit" in caplog.text


def wheel(site: Path, project: str, code: str, points: str | bytes) -> None:
    """Install a distribution that offers hooks."""
    package = project.replace("-", "_")
    wheels = site.parent / "wheels"
    wheels.mkdir(exist_ok=True)
    install(build(wheels, project, files={f"{package}/__init__.py": code}, entry_points=points), site)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("NVISY_DISABLE_PLUGINS", raising=False)
    return folder


def test_installed_hooks_are_found_among_broken_distributions(site: Path) -> None:
    """Nothing is imported by looking; what cannot be read is named and hides nothing."""
    wheel(site, "hooks-good", "raise SystemExit('imported')", "[nvisy.hooks]\ngood = hooks_good.part : plugin\n")
    wheel(site, "hooks-bytes", "", b"[nvisy.hooks]\nbytes = hooks_bytes \xff\n")
    wheel(site, "hooks-odd", "", "[nvisy.hooks]\nodd = not a reference\n")
    sources, problems = hook_sources({})
    ours = [source for source in sources if source.distribution.startswith("hooks-")]
    assert [(s.name, s.module, s.attribute, s.version) for s in ours] == [("good", "hooks_good.part", "plugin", "1.0")]
    found = {problem.distribution: problem.code for problem in problems}
    assert (found["hooks-bytes"], found["hooks-odd"]) == ("unreadable_distribution", "bad_hook")
    assert "hooks_good" not in sys.modules


@pytest.mark.parametrize("off", ["*", "hooks_quiet", "quiet"])
def test_switched_off_hooks_are_not_found(site: Path, off: str) -> None:
    """By distribution, by name, or all at once."""
    wheel(site, "hooks-quiet", "", "[nvisy.hooks]\nquiet = hooks_quiet\n")
    assert "hooks-quiet" in [source.distribution for source in hook_sources({})[0]]
    assert "hooks-quiet" not in [source.distribution for source in hook_sources({"NVISY_DISABLE_PLUGINS": off})[0]]


def test_hooks_that_cannot_be_imported_harm_no_other(site: Path) -> None:
    """The failure is a problem with its traceback, and nothing half-made is left."""
    listening = "from nvisy_sdk.hooks import hookimpl\nheard = []\n\n@hookimpl\ndef nvisy_run_event(event):\n"
    wheel(site, "hooks-works", f"{listening}    heard.append(event['event'])\n", "")
    wheel(site, "hooks-fails", "import hooks_fails.part\nraise SystemExit(3)\n", "")
    (site / "hooks_fails" / "part.py").write_text("")
    hooks = Hooks()
    hooks.load(HookSource(name, f"hooks_{name}", "", f"hooks-{name}", "1.0") for name in ("fails", "works"))
    (problem,) = hooks.problems
    assert (problem.distribution, problem.code) == ("hooks-fails", "import_failed")
    assert "SystemExit: 3" in problem.message and "hooks_fails" in problem.traceback
    assert not [name for name in sys.modules if name.startswith("hooks_fails")]
    hooks.run_event({"event": "started"})
    assert sys.modules["hooks_works"].heard == ["started"]


def test_public_face_of_hooks_is_sorted_and_complete() -> None:
    """Every specification is public, under its own name, with a text of its own."""
    assert nvisy_sdk.hooks.__all__ == sorted(nvisy_sdk.hooks.__all__)
    specified = {name for name in vars(nvisy_sdk.hooks) if name.startswith("nvisy_")}
    assert specified < set(nvisy_sdk.hooks.__all__)
    assert all(getattr(nvisy_sdk.hooks, name).__doc__ for name in specified)
