"""One installation with every kind of broken plugin in it: each is reported with its fix, and none harms another.

The command runs once, as a user runs it, and each test looks at another plugin in what it printed.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.wheels import manifest, nvisy, plugin

Listing = dict[str, list[dict[str, Any]]]
FUTURE = {"protocol": {"min": 7, "max": 9}, "shape_of_things_to_come": True}
PAST = {"protocol": {"min": 0, "max": 0}}
CRASH = "import ctypes\nctypes.string_at(0)\n"
SYNC_WRITE = """
from nvisy_sdk import NoCredentials, RelationalParams

class Provider:
    @classmethod
    async def connect(cls, credentials: NoCredentials, params: RelationalParams) -> "Provider":
        return cls()

    async def disconnect(self) -> None:
        pass

    def write(self, batch):
        pass
"""
DRIFTED = """
from nvisy_sdk import Manifest
from nvisy_sdk.memory import Provider as Provider, manifest as _manifest

def manifest() -> Manifest:
    return _manifest().model_copy(update={"name": "drifted", "title": "Another title"})
"""


def install_all(target: Path) -> None:
    """The gallery."""
    plugin(target, "acme-good", "good")
    plugin(target, "acme-raises", "raises", code="import missing_driver\n")
    plugin(target, "acme-exits", "exits", code="import sys\nsys.exit(3)\n")
    plugin(target, "acme-leaves", "leaves", code="import os\nos._exit(7)\n")
    plugin(target, "acme-crashes", "crashes", code=CRASH)
    plugin(target, "acme-hangs", "hangs", code="import threading\nthreading.Event().wait()\n")
    plugin(target, "acme-one", "contested")
    plugin(target, "acme-two", "contested")
    plugin(target, "acme-bytes", "bytes", entry_points=b"[nvisy.providers]\nbytes = acme_bytes:Provider \xff\xfe\n")
    plugin(target, "acme-malformed", "malformed", entry_points="[nvisy.providers\nmalformed\n= :")
    plugin(target, "acme-bare", "bare", manifest_text="")
    plugin(target, "acme-hopeless", "hopeless", manifest_text="", code="raise ValueError('no luck')\n")
    plugin(target, "acme-future", "future", manifest_text=manifest("future", **FUTURE))
    plugin(target, "acme-past", "past", manifest_text=manifest("past", **PAST))
    plugin(target, "acme-sync", "sync", code=SYNC_WRITE)
    plugin(target, "acme-drifted", "drifted", code=DRIFTED)
    plugin(target, "acme-alias", "alias", manifest_text=manifest("other"))
    plugin(target, "acme-json", "json_broken", manifest_text="{")
    plugin(target, "acme-shape", "shape", manifest_text=manifest("shape", category="sandwich"))
    plugin(target, "acme-names", "Bad-Name")
    plugin(target, "acme-points", "points", entry_points="[nvisy.providers]\npoints = acme_points\n")
    plugin(target, "acme-gone", "gone", entry_points="[nvisy.providers]\ngone = acme_not_there:Provider\n")
    plugin(target, "acme-anonymous", "anonymous", metadata=False)
    # An unrelated package that would make the standard entry-point call raise for everybody.
    plugin(target, "unrelated", "unused", entry_points="[console_scripts]\nthis is no entry point\n")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What the command printed."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "site").mkdir()
    install_all(folder / "site")
    env = {"NVISY_PROBE_SECONDS": "2"}
    return nvisy("providers", "--json", home=folder / "home", targets=(folder / "site",), env=env)


@pytest.fixture(scope="module")
def listing(result: subprocess.CompletedProcess[str]) -> Listing:
    """The printed JSON."""
    parsed: Listing = json.loads(result.stdout)
    return parsed


def problems(listing: Listing, distribution: str) -> dict[str, dict[str, Any]]:
    """The problems of one distribution by code."""
    return {p["code"]: p for p in listing["problems"] if p["distribution"] == distribution}


def test_listing_succeeds_among_broken_plugins(result: subprocess.CompletedProcess[str], listing: Listing) -> None:
    """The command ends with 0 and says nothing on standard error."""
    assert (result.returncode, result.stderr) == (0, "")
    assert set(listing) == {"providers", "problems"}


def test_working_provider_is_listed_with_what_it_can_do(listing: Listing) -> None:
    """A plugin that works is there, with all the fields that programs rely on."""
    good = next(p for p in listing["providers"] if p["name"] == "good")
    assert (good["distribution"], good["version"], good["category"]) == ("acme-good", "1.0", "relational")
    assert {"read", "write"} <= set(good["abilities"])
    assert not problems(listing, "acme-good")


def test_only_usable_providers_are_listed(listing: Listing) -> None:
    """What cannot be used is not listed; what only deserves a warning is."""
    names = {p["name"] for p in listing["providers"] if p["distribution"].startswith("acme")}
    assert names == {"good", "drifted", "anonymous"}


@pytest.mark.parametrize(
    ("distribution", "code", "message"),
    [
        ("acme-raises", "import_failed", "No module named 'missing_driver'"),
        ("acme-exits", "exited", "sys.exit(3)"),
        ("acme-leaves", "exited", "exit code 7"),
        ("acme-crashes", "crashed", "SIGSEGV"),
        ("acme-hangs", "hung", "after 2 s"),
        ("acme-one", "ambiguous_name", "acme-two"),
        ("acme-two", "ambiguous_name", "acme-one"),
        ("acme-bytes", "unreadable_entry_points", "utf-8"),
        ("acme-malformed", "malformed_entry_points", "line 1 is `[nvisy.providers`"),
        ("acme-bare", "no_manifest", "has no nvisy_provider.json"),
        ("acme-hopeless", "no_manifest", "has no nvisy_provider.json"),
        ("acme-hopeless", "import_failed", "ValueError: no luck"),
        ("acme-future", "unsupported_protocol", "speaks protocol 7 to 9"),
        ("acme-past", "unsupported_protocol", "speaks protocol 0 to 0"),
        ("acme-sync", "bad_signature", "write"),
        ("acme-drifted", "manifest_drift", "not what its code describes"),
        ("acme-alias", "name_mismatch", "`other`"),
        ("acme-json", "bad_manifest", "not JSON"),
        ("acme-shape", "bad_manifest", "sandwich"),
        ("acme-names", "bad_name", "`Bad-Name`"),
        ("acme-points", "bad_reference", "names no object"),
        ("acme-gone", "missing_package", "`acme_not_there`"),
        ("acme_anonymous", "missing_metadata", "no METADATA"),
        ("unrelated", "malformed_entry_points", "this is no entry point"),
    ],
)
def test_broken_plugin_is_reported_with_its_fix(listing: Listing, distribution: str, code: str, message: str) -> None:
    """Each broken plugin is reported under its own name, with what is wrong and what to do."""
    found = problems(listing, distribution)
    assert code in found
    assert message in found[code]["message"]
    assert found[code]["hint"]


def test_import_failure_names_the_place_in_the_plugin(listing: Listing) -> None:
    """The line of the plugin that raised is part of the message."""
    message = problems(listing, "acme-raises")["import_failed"]["message"]
    assert "acme_raises" in message and "line 1" in message


def test_hang_names_the_place_in_the_plugin(listing: Listing) -> None:
    """So is the line that never ended, and the one that crashed: the plugin's own, not that of the standard library."""
    assert 'acme_hangs/__init__.py", line 2' in problems(listing, "acme-hangs")["hung"]["message"]
    assert 'acme_crashes/__init__.py", line 2' in problems(listing, "acme-crashes")["crashed"]["message"]


@pytest.mark.parametrize(("distribution", "fix"), [("acme-future", "nvisy-core"), ("acme-past", "acme-past")])
def test_protocol_problem_names_what_to_upgrade(listing: Listing, distribution: str, fix: str) -> None:
    """A plugin of a later protocol needs a later engine, one of an earlier protocol a later plugin."""
    assert problems(listing, distribution)["unsupported_protocol"]["hint"] == f"pip install --upgrade {fix}"


def test_ambiguous_name_says_how_to_pin(listing: Listing) -> None:
    """The fix can be copied from the hint."""
    assert "NVISY_PIN=contested=acme-two" in problems(listing, "acme-one")["ambiguous_name"]["hint"]


def test_printed_listing_names_every_distribution(tmp_path: Path) -> None:
    """Without --json the same is there for a person."""
    (tmp_path / "site").mkdir()
    plugin(tmp_path / "site", "acme-raises", "raises", code="import missing_driver\n")
    done = nvisy("providers", home=tmp_path / "home", targets=(tmp_path / "site",))
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("error: "))
    assert line.startswith("error: acme-raises 1.0, entry point raises: it cannot be imported: ModuleNotFoundError")
    assert line.endswith("[import_failed]")
