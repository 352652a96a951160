"""Modes: any plugin, listed ones, or pinned ones with their version and their very files. And names nobody may take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nvisy.discovery import Discovery, Problem, discover

from tests.discovery.wheels import manifest, plugin

Look = Callable[..., Discovery]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of packages, searched before all others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name in ("NVISY_PIN", "NVISY_DISABLE_PLUGINS", "NVISY_ALLOW_PLUGINS", "NVISY_PLUGIN_MODE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def look(tmp_path: Path, site: Path) -> Look:
    """Discovery of that folder with this config.json."""

    def look(config: dict[str, Any] | None = None) -> Discovery:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        if config is not None:
            (home / "config.json").write_text(json.dumps(config))
        return discover(home=home, paths=[str(site)])

    return look


def only(found: Discovery) -> Problem:
    """The one problem there is."""
    (problem,) = found.problems
    return problem


def pinned(hint: str) -> dict[str, Any]:
    """The pin that a hint says to write."""
    line = hint.partition("write ")[2].partition(" under `pins`")[0]
    pins: dict[str, Any] = json.loads(f"{{{line}}}")
    return pins


def test_listed_mode_uses_only_what_is_on_the_list(site: Path, look: Look, tmp_path: Path) -> None:
    """A plugin that is not on it is reported with the line to write."""
    plugin(site, "known-plugin", "known")
    plugin(site, "new-plugin", "fresh")
    found = look({"mode": "listed", "allow": ["Known_Plugin"]})
    assert [info.name for info in found.providers] == ["known"]
    problem = only(found)
    assert (problem.code, problem.distribution, problem.severity) == ("not_listed", "new-plugin", "warning")
    assert f'write "new-plugin" under `allow` in {tmp_path / "home" / "config.json"}' in problem.hint


def test_environment_adds_to_the_list_and_chooses_the_mode(
    site: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one process."""
    plugin(site, "known-plugin", "known")
    plugin(site, "new-plugin", "fresh")
    monkeypatch.setenv("NVISY_PLUGIN_MODE", "listed")
    monkeypatch.setenv("NVISY_ALLOW_PLUGINS", "fresh")
    assert [info.name for info in look({"allow": ["known-plugin"]}).providers] == ["fresh", "known"]
    assert [info.name for info in look({}).providers] == ["fresh"]


def test_pinned_mode_says_the_pin_to_write_and_takes_it(site: Path, look: Look) -> None:
    """The hint holds distribution, version and hash; written into the file, the plugin can be used."""
    plugin(site, "vault-plugin", "vaulted", version="2.3")
    problem = only(look({"mode": "pinned"}))
    assert (problem.code, problem.severity) == ("not_pinned", "warning")
    pins = pinned(problem.hint)
    assert (pins["vaulted"]["distribution"], pins["vaulted"]["version"]) == ("vault-plugin", "2.3")
    found = look({"mode": "pinned", "pins": pins})
    assert ([info.name for info in found.providers], found.problems) == (["vaulted"], ())


def test_pin_without_a_hash_is_not_enough_in_pinned_mode(site: Path, look: Look) -> None:
    """The mode promises that nothing changes unseen."""
    plugin(site, "vault-plugin", "vaulted")
    assert only(look({"mode": "pinned", "pins": {"vaulted": "vault-plugin"}})).code == "not_pinned"


@pytest.mark.parametrize("changed", ["vault_plugin/__init__.py", "vault_plugin/added.py", "beside.py"])
def test_changed_file_breaks_the_pin(site: Path, look: Look, changed: str) -> None:
    """An edited or added file of the package, and one that the installation lists beside it."""
    plugin(site, "vault-plugin", "vaulted", more_files={"beside.py": "X = 1\n"})
    pins = pinned(only(look({"mode": "pinned"})).hint)
    (site / changed).write_text("raise SystemExit('not what was pinned')\n")
    problem = only(look({"mode": "any", "pins": pins}))
    assert (problem.code, problem.severity) == ("pin_mismatch", "error")
    assert problem.message == "its files are not those that were pinned"
    assert pinned(problem.hint)["vaulted"]["hash"] != pins["vaulted"]["hash"]


def test_generated_bytecode_does_not_break_the_pin(site: Path, look: Look) -> None:
    """What Python writes when it imports is no change."""
    plugin(site, "vault-plugin", "vaulted")
    pins = pinned(only(look({"mode": "pinned"})).hint)
    (site / "vault_plugin" / "__pycache__").mkdir()
    (site / "vault_plugin" / "__pycache__" / "x.pyc").write_text("x")
    assert look({"mode": "pinned", "pins": pins}).provider("vaulted") is not None


def test_other_version_breaks_the_pin(site: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment it is written after two equals signs."""
    plugin(site, "vault-plugin", "vaulted", version="2.3")
    monkeypatch.setenv("NVISY_PIN", "vaulted=vault-plugin==2.2")
    problem = only(look())
    assert (problem.code, problem.message) == ("pin_mismatch", "version 2.2 is pinned, 2.3 is installed")
    monkeypatch.setenv("NVISY_PIN", "vaulted=vault-plugin==2.3")
    assert look().problems == ()


def test_misspelt_mode_is_the_strictest(site: Path, look: Look) -> None:
    """Somebody wanted a restriction; to allow everything would be the opposite."""
    plugin(site, "vault-plugin", "vaulted")
    found = look({"mode": "lsited"})
    assert found.providers == ()
    assert [problem.code for problem in found.problems] == ["bad_setting", "not_pinned"]
    assert "write one of any, listed, pinned" in found.problems[0].hint


@pytest.mark.parametrize(
    "config", [{"pin": {}}, {"allow": "all"}, {"pins": {"a": {"version": "1"}}}, {"pins": {"a": 3}}]
)
def test_setting_that_means_nothing_is_reported(site: Path, look: Look, config: dict[str, Any]) -> None:
    """With what to write."""
    problem = only(look(config))
    assert (problem.code, problem.severity) == ("bad_setting", "warning")
    assert "write" in problem.hint


def test_pin_of_the_environment_that_is_none_is_reported(
    site: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the form it has."""
    monkeypatch.setenv("NVISY_PIN", "vaulted")
    assert only(look()).message == "NVISY_PIN has `vaulted`, which is no pin"


@pytest.mark.parametrize("name", ["true", "null", "on", "env", "nvisy_special"])
def test_reserved_name_is_refused(site: Path, look: Look, name: str) -> None:
    """Names that mean something else in a workflow, and those of Nvisy's own packages."""
    plugin(site, "greedy-plugin", name)
    found = look()
    assert (found.providers, only(found).code) == ((), "reserved_name")
    assert f"the name `{name}` is reserved" in only(found).message


def test_provider_of_nvisy_itself_cannot_be_taken(site: Path, tmp_path: Path) -> None:
    """A rival of the reference provider makes nothing ambiguous: it is refused, and the reference stays."""
    plugin(site, "greedy-plugin", "memory")
    found = discover(home=tmp_path)
    kept = found.provider("memory")
    assert kept is not None and kept.distribution == "nvisy-sdk"
    assert ("greedy-plugin", "reserved_name") in {(p.distribution, p.code) for p in found.problems}


def test_two_dist_infos_of_one_project_are_reported(site: Path, look: Look) -> None:
    """What an interrupted upgrade leaves: the newer one counts, the other is named with the fix."""
    plugin(site, "upgraded", "upgraded", version="1.0")
    plugin(site, "upgraded", "upgraded", version="2.0")
    found = look()
    assert [info.version for info in found.providers] == ["2.0"]
    problem = only(found)
    assert (problem.code, problem.version) == ("shadowed", "1.0")
    assert problem.hint == "reinstall it: pip install --force-reinstall upgraded"


def test_negotiated_protocol_is_the_highest_common(site: Path, look: Look) -> None:
    """A provider that speaks more than this engine is used with what both speak."""
    plugin(site, "wide-plugin", "wide", manifest_text=manifest("wide", protocol={"min": 1, "max": 9}))
    info = look().provider("wide")
    assert info is not None and info.protocol == 1


def test_hooks_are_ruled_by_the_same_modes(site: Path, look: Look) -> None:
    """A distribution with a provider and hooks is pinned once for both; hooks alone under the distribution's name."""
    points = "[nvisy.providers]\nboth = both_plugin:Provider\n[nvisy.hooks]\nboth = both_hooks\n"
    plugin(site, "both-plugin", "both", entry_points=points, more_files={"both_hooks.py": "X = 1\n"})
    plugin(site, "lone-hooks", "unused", entry_points="[nvisy.hooks]\nlone = lone_hooks\n", manifest_text="")
    found = look({"mode": "listed", "allow": ["both-plugin"]})
    assert [claim.distribution for claim in found.hooks] == ["both-plugin"]
    assert [(p.distribution, p.code) for p in found.problems] == [("lone-hooks", "not_listed")]
    found = look({"mode": "pinned"})
    assert found.hooks == ()
    hints = {(p.distribution, p.hint.partition(" under `pins`")[0]) for p in found.problems}
    pins = {name: pin for _, hint in hints for name, pin in pinned(f"{hint} under `pins`").items()}
    assert set(pins) == {"both", "both-plugin", "lone-hooks"}
    assert pins["both"] == pins.pop("both-plugin")
    found = look({"mode": "pinned", "pins": pins})
    assert [claim.distribution for claim in found.hooks] == ["both-plugin", "lone-hooks"]
    (site / "both_hooks.py").write_text("X = 2\n")
    found = look({"mode": "pinned", "pins": pins})
    assert [(p.distribution, p.code) for p in found.problems] == [("both-plugin", "pin_mismatch")] * 2


def test_entry_point_that_leads_elsewhere_breaks_the_pin(site: Path, look: Look) -> None:
    """The files may be the same: what is called in them is pinned too."""
    plugin(site, "vault-plugin", "vaulted")
    pins = pinned(only(look({"mode": "pinned"})).hint)
    points = site / "vault_plugin-1.0.dist-info" / "entry_points.txt"
    points.write_text("[nvisy.providers]\nvaulted = json:JSONDecoder\n")
    assert "pin_mismatch" in {problem.code for problem in look({"mode": "pinned", "pins": pins}).problems}
