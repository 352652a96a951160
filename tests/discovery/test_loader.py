"""Loading a provider: once, on first use, with failures that are remembered and leave nothing half-made behind."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nvisy import LoadError
from nvisy.discovery import Loader, discover

from tests.discovery.wheels import GOOD_CODE, plugin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def loader(site: Path) -> Loader:
    """A loader of what is installed there."""
    return Loader(discover(home=site / "home", paths=[str(site)]).claims)


def test_load_gives_the_class_and_the_same_at_every_call(site: Path) -> None:
    """The entry point's object is imported once."""
    plugin(site, "loads-well", "loads_well")
    loads = loader(site)
    assert loads.load("loads_well") is loads.load("loads_well")


def test_failure_names_distribution_version_and_entry_point(site: Path) -> None:
    """Who is to blame, where, and what to do, with the plugin's own exception as the cause."""
    plugin(site, "loads-never", "loads_never", code="import no_such_driver\n", version="3.1")
    with pytest.raises(LoadError, match="no_such_driver") as caught:
        loader(site).load("loads_never")
    error = caught.value
    assert (error.distribution, error.version, error.entry_point) == ("loads-never", "3.1", "loads_never")
    assert "`no_such_driver`" in (error.hint or "")
    assert isinstance(error.__cause__, ModuleNotFoundError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_failure_is_remembered(site: Path) -> None:
    """The second call fails alike without a second import."""
    code = "with open(__file__ + '.count', 'a') as file:\n    file.write('x')\nraise SystemExit(2)\n"
    plugin(site, "loads-once", "loads_once", code=code)
    loads = loader(site)
    for _ in range(2):
        with pytest.raises(LoadError, match="SystemExit: 2"):
            loads.load("loads_once")
    assert (site / "loads_once" / "__init__.py.count").read_text() == "x"


def test_half_imported_modules_are_dropped(site: Path) -> None:
    """Nobody can mistake them for whole ones."""
    plugin(site, "half-made", "half_made", code="import half_made.part\nraise ValueError('in the middle')\n")
    (site / "half_made" / "part.py").write_text("")
    with pytest.raises(LoadError, match="in the middle"):
        loader(site).load("half_made")
    assert not [name for name in sys.modules if name.startswith("half_made")]


def test_interrupt_while_loading_is_not_swallowed(site: Path) -> None:
    """Ctrl-C is the user's, not the plugin's."""
    code = "import interrupted_load.part\nraise KeyboardInterrupt\n"
    plugin(site, "interrupted-load", "interrupted_load", code=code, more_files={"interrupted_load/part.py": ""})
    with pytest.raises(KeyboardInterrupt):
        loader(site).load("interrupted_load")
    assert not [name for name in sys.modules if name.startswith("interrupted_load")]


def test_many_threads_import_a_provider_once(site: Path) -> None:
    """The others wait for the first; whoever wants to know is told once."""
    code = f"with open(__file__ + '.count', 'a') as file:\n    file.write('x')\n{GOOD_CODE}"
    plugin(site, "loads-shared", "loads_shared", code=code)
    told: list[str] = []
    claims = discover(home=site / "home", paths=[str(site)]).claims
    loads = Loader(claims, loaded=lambda claim: told.append(claim.name))
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: loads.load("loads_shared"), range(16)))
    assert len(found) == 1
    assert (site / "loads_shared" / "__init__.py.count").read_text() == "x"
    assert told == ["loads_shared"]


def test_missing_module_is_explained_by_the_requirements(site: Path) -> None:
    """The hint is the command that installs what holds it."""
    requires = ["lost-driver>=3; extra == 'fast'"]
    plugin(site, "loads-poor", "loads_poor", code="import lost_driver\n", requires=requires)
    with pytest.raises(LoadError) as caught:
        loader(site).load("loads_poor")
    assert caught.value.hint == "the module `lost_driver` is not there: pip install 'loads-poor[fast]'"


def test_all_defects_of_a_class_are_reported_at_once(site: Path) -> None:
    """A wrong class is refused with everything that is wrong with it."""
    code = "class Provider:\n    def write(self, batch): ...\n    async def read(self, context): ...\n"
    plugin(site, "wrong-class", "wrong_class", code=code)
    with pytest.raises(LoadError) as caught:
        loader(site).load("wrong_class")
    for name in ("connect", "disconnect", "write", "read"):
        assert name in str(caught.value)


def test_entry_point_that_is_no_class_is_refused(site: Path) -> None:
    """A function or a value is no provider."""
    plugin(site, "no-class", "no_class", code="Provider = 5\n")
    with pytest.raises(LoadError, match="names no class"):
        loader(site).load("no_class")


def test_unknown_name_is_refused(site: Path) -> None:
    """So is a name nobody claims."""
    with pytest.raises(LoadError, match="no provider `nothing`"):
        loader(site).load("nothing")


def test_one_failure_harms_no_other(site: Path) -> None:
    """The next provider loads."""
    plugin(site, "bad-neighbour", "bad_neighbour", code="raise ValueError\n")
    plugin(site, "good-neighbour", "good_neighbour", code=GOOD_CODE)
    loads = loader(site)
    with pytest.raises(LoadError):
        loads.load("bad_neighbour")
    assert loads.load("good_neighbour").__name__ == "Provider"
