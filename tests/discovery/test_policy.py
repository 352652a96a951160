"""What the operator decides: pins, switched-off plugins, and copies of one project that hide each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nvisy.discovery import Discovery, discover

from tests.discovery.wheels import manifest, plugin

Look = Callable[..., Discovery]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of packages, searched before all others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name in ("NVISY_PIN", "NVISY_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def look(tmp_path: Path, site: Path) -> Look:
    """Discovery of that folder alone, or of those given."""

    def look(*folders: Path) -> Discovery:
        return discover(home=tmp_path / "home", paths=[str(folder) for folder in folders or (site,)])

    return look


def rivals(site: Path) -> None:
    """Two distributions that claim one name."""
    plugin(site, "rival-one", "contested")
    plugin(site, "rival-two", "contested")


def codes(found: Discovery) -> set[tuple[str, str]]:
    """Who has which problem."""
    return {(problem.distribution, problem.code) for problem in found.problems}


def test_contested_name_belongs_to_neither(site: Path, look: Look) -> None:
    """Without a pin neither distribution provides the name."""
    rivals(site)
    found = look()
    assert found.provider("contested") is None
    assert codes(found) == {("rival-one", "ambiguous_name"), ("rival-two", "ambiguous_name")}


def test_pin_in_environment_decides(site: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """NVISY_PIN gives the name to one distribution, however its name is spelled, and nothing is reported."""
    rivals(site)
    monkeypatch.setenv("NVISY_PIN", "contested=Rival_Two")
    found = look()
    chosen = found.provider("contested")
    assert chosen is not None and chosen.distribution == "rival-two"
    assert found.problems == ()


def test_pin_in_config_decides(site: Path, look: Look, tmp_path: Path) -> None:
    """So does config.json in the home."""
    rivals(site)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.json").write_text(json.dumps({"pins": {"contested": "rival-one"}}))
    chosen = look().provider("contested")
    assert chosen is not None and chosen.distribution == "rival-one"


def test_pin_to_absent_distribution_gives_the_name_to_nobody(
    site: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pin is a promise: no other distribution slips in."""
    plugin(site, "rival-one", "contested")
    monkeypatch.setenv("NVISY_PIN", "contested=the-real-one")
    found = look()
    assert found.provider("contested") is None
    assert codes(found) == {("rival-one", "pinned_elsewhere")}


@pytest.mark.parametrize("switched_off", ["*", "rival_one", "contested, other"])
def test_plugins_can_be_switched_off(
    site: Path, look: Look, monkeypatch: pytest.MonkeyPatch, switched_off: str
) -> None:
    """By distribution, by name, or all at once; and the listing says so."""
    plugin(site, "rival-one", "contested")
    monkeypatch.setenv("NVISY_DISABLE_PLUGINS", switched_off)
    found = look()
    assert found.providers == ()
    assert codes(found) == {("rival-one", "disabled")}


@pytest.mark.parametrize("text", ["[", "[]", '{"pins": 3}', '{"deny": "all"}'])
def test_broken_config_is_a_problem_and_no_failure(site: Path, look: Look, tmp_path: Path, text: str) -> None:
    """A config.json that cannot be used is reported with what to write."""
    plugin(site, "rival-one", "contested")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.json").write_text(text)
    found = look()
    assert [info.name for info in found.providers] == ["contested"]
    assert codes(found) == {("nvisy-core", "bad_setting")}


def test_first_copy_on_the_path_counts(site: Path, look: Look, tmp_path: Path) -> None:
    """Of two copies of a project the first on the path counts; the hidden one is reported."""
    later = tmp_path / "later"
    later.mkdir()
    plugin(site, "twice", "first_name")
    plugin(later, "twice", "second_name", version="2.0")
    found = look(site, later)
    assert [info.name for info in found.providers] == ["first_name"]
    assert codes(found) == {("twice", "shadowed")}


def test_same_claims_seen_twice_are_no_problem(site: Path, look: Look, tmp_path: Path) -> None:
    """An editable install shows up as its dist-info and as the egg-info beside its source."""
    plugin(site, "twice", "twice")
    egg = tmp_path / "source" / "twice.egg-info"
    egg.mkdir(parents=True)
    (egg / "entry_points.txt").write_text("[nvisy.providers]\ntwice = twice:Provider\n")
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: twice\nVersion: 1.0\n")
    found = look(site, tmp_path / "source")
    assert [info.name for info in found.providers] == ["twice"]
    assert found.problems == ()


def test_editable_install_is_found_through_its_source(site: Path, look: Look, tmp_path: Path) -> None:
    """The package may lie elsewhere than its dist-info, wherever Python itself would find it."""
    plugin(site, "elsewhere", "elsewhere")
    source = tmp_path / "source"
    source.mkdir()
    (site / "elsewhere").rename(source / "elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(source))
        assert look().provider("elsewhere") is not None


def test_leftovers_of_an_interrupted_uninstall_mean_nothing(site: Path, look: Look) -> None:
    """The installer renames what it removes to `~name`; such folders are no distributions."""
    plugin(site, "leftover", "leftover")
    (site / "leftover-1.0.dist-info").rename(site / "~eftover-1.0.dist-info")
    assert look() == Discovery((), ())


def test_manifest_of_an_inner_package_goes_before_that_of_the_top(site: Path, look: Look) -> None:
    """A package with several providers keeps each manifest beside its module."""
    plugin(site, "many", "inner_one", entry_points="[nvisy.providers]\ninner_one = many.inner:Provider\n")
    (site / "many" / "inner").mkdir()
    (site / "many" / "nvisy_provider.json").write_text(manifest("outer_one"))
    (site / "many" / "inner" / "nvisy_provider.json").write_text(manifest("inner_one"))
    assert look().provider("inner_one") is not None


def test_discovery_imports_nothing(site: Path, look: Look) -> None:
    """Files alone are read."""
    plugin(site, "explosive", "explosive", code="raise SystemExit('imported')\n")
    assert look().provider("explosive") is not None
