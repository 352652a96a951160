"""One installation with every kind of broken plugin in it: each is reported with its fix, and none harms another.

The commands run once, as a user runs them: `providers` before anything was tried, `doctor`, and `providers` after it. Each
test looks at another plugin in what they printed.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.wheels import manifest, nvisy, plugin

Listing = dict[str, Any]
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


SOCKET = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
client.close()
listener.close()
"""
RUDE = f"""
import asyncio, logging, os, pathlib, signal, subprocess, sys, threading
print("hello from acme")
{SOCKET}
os.environ["ACME_TOKEN"] = "very-secret"
os.chdir(pathlib.Path(__file__).parent)
pathlib.Path(__file__).with_name("written.txt").write_text("x")
logging.basicConfig()
signal.signal(signal.SIGUSR1, lambda *_: None)
subprocess.run([sys.executable, "-c", "pass"])
threading.Thread(target=threading.Event().wait, name="acme-thread", daemon=True).start()
class AcmePolicy(asyncio.DefaultEventLoopPolicy): ...
asyncio.set_event_loop_policy(AcmePolicy())
from nvisy_sdk.memory import Provider as Provider
"""
UNHEALTHY = """
from nvisy_sdk import MissingDependencyError
raise MissingDependencyError("the package acme-driver is not installed", hint="pip install 'acme-typed[driver]'")
"""


def install_all(target: Path) -> None:
    """The gallery."""
    plugin(target, "acme-good", "good")
    plugin(target, "acme-asserts", "asserts", code="def check():\n    assert 1 == 2, 'sums'\ncheck()\n")
    plugin(target, "acme-killed", "killed", code="import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    plugin(target, "acme-rude", "rude", code=RUDE)
    plugin(target, "acme-typed", "typed", code=UNHEALTHY, requires=["acme-driver>=2; extra == 'driver'"])
    plugin(target, "acme-extra", "extra", code="import acme_driver\n", requires=["acme-driver; extra == 'driver'"])
    plugin(target, "acme-newer", "newer", requires=["nvisy-sdk>=99", "acme-absent<2"])
    plugin(target, "acme-nameless", "nameless", metadata=b"Metadata-Version: 2.1\nSummary: \xff\xfe\n\n")
    plugin(target, "acme-reserved", "memory")
    plugin(target, "acme-yaml", "yes")
    plugin(target, "acme-raises", "raises", code="import missing_driver\n")
    plugin(target, "acme-fails", "fails", code="def connect():\n    raise ValueError('too early')\nconnect()\n")
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


class Gallery:
    """What the commands printed."""

    def __init__(self, folder: Path) -> None:
        (folder / "site").mkdir()
        install_all(folder / "site")
        self.folder = folder
        self.before = self("providers", "--json")
        self.doctor = self("doctor", "--json", "--timeout", "2")
        self.after = self("providers", "--json")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return nvisy(*arguments, home=self.folder / "home", targets=(self.folder / "site",))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """The gallery, visited once."""
    return Gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def before(gallery: Gallery) -> Listing:
    """The listing before anything was tried."""
    parsed: Listing = json.loads(gallery.before.stdout)
    return parsed


@pytest.fixture(scope="module")
def listing(gallery: Gallery) -> Listing:
    """The listing after the doctor."""
    parsed: Listing = json.loads(gallery.after.stdout)
    return parsed


@pytest.fixture(scope="module")
def report(gallery: Gallery) -> Listing:
    """What the doctor printed."""
    parsed: Listing = json.loads(gallery.doctor.stdout)
    return parsed


def problems(listing: Listing, distribution: str) -> dict[str, dict[str, Any]]:
    """The problems of one distribution by code."""
    return {p["code"]: p for p in listing["problems"] if p["distribution"] == distribution}


def diagnosis(report: Listing, name: str) -> dict[str, Any]:
    """What the doctor says of one plugin."""
    return next(plugin for plugin in report["plugins"] if plugin["name"] == name)


def test_listing_succeeds_among_broken_plugins(gallery: Gallery, listing: Listing) -> None:
    """The command ends with 0 and says nothing on standard error."""
    assert (gallery.after.returncode, gallery.after.stderr) == (0, "")
    assert set(listing) == {"providers", "problems"}


def test_doctor_fails_among_broken_plugins(gallery: Gallery, report: Listing) -> None:
    """Exit code 3, one JSON object, nothing on standard error; and nothing that a plugin printed among ours."""
    assert (gallery.doctor.returncode, gallery.doctor.stderr) == (3, "")
    assert set(report) == {"healthy", "environment", "plugins", "problems"}
    assert report["healthy"] is False


def test_working_provider_is_listed_with_what_it_can_do(listing: Listing) -> None:
    """A plugin that works is there, with all the fields that programs rely on."""
    good = next(p for p in listing["providers"] if p["name"] == "good")
    assert (good["distribution"], good["version"], good["category"]) == ("acme-good", "1.0", "relational")
    assert {"read", "write"} <= set(good["abilities"])
    assert (good["protocol"], good["tried"]) == (1, True)
    assert not problems(listing, "acme-good")


def test_listing_before_the_doctor_judges_by_files_alone(before: Listing) -> None:
    """What only an import can show is not known yet, and says so; nothing was imported."""
    tried = {p["name"]: p["tried"] for p in before["providers"] if p["distribution"].startswith("acme")}
    assert {"good", "fails", "exits", "crashes", "hangs", "rude"} <= set(tried)
    assert not any(tried.values())
    assert not {"import_failed", "crashed", "hung", "side_effect"} & {p["code"] for p in before["problems"]}
    assert problems(before, "acme-future")["unsupported_protocol"]


def test_only_usable_providers_are_listed_after_the_doctor(listing: Listing) -> None:
    """What cannot be used is not listed; what only deserves a warning is."""
    names = {p["name"] for p in listing["providers"] if p["distribution"].startswith("acme")}
    assert names == {"good", "drifted", "anonymous", "rude", "newer", "nameless"}


@pytest.mark.parametrize(
    ("distribution", "code", "message"),
    [
        ("acme-raises", "missing_dependency", "No module named 'missing_driver'"),
        ("acme-fails", "import_failed", "ValueError: too early"),
        ("acme-asserts", "import_failed", "AssertionError: sums"),
        ("acme-killed", "crashed", "SIGSEGV"),
        ("acme-typed", "missing_dependency", "acme-driver is not installed"),
        ("acme-extra", "missing_dependency", "No module named 'acme_driver'"),
        ("acme-newer", "requirement_conflict", "it needs nvisy-sdk>=99, but nvisy-sdk 0.1.0 is installed"),
        ("acme-newer", "missing_requirement", "it needs acme-absent<2, which is not installed"),
        ("acme_nameless", "missing_metadata", "no Name in its METADATA"),
        ("acme-reserved", "reserved_name", "the name `memory` is reserved: it comes with Nvisy"),
        ("acme-yaml", "reserved_name", "the name `yes` is reserved"),
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


def test_import_failure_names_the_place_in_the_plugin(listing: Listing, report: Listing) -> None:
    """The line of the plugin that raised is part of the message; the doctor has the whole traceback, without ours."""
    message = problems(listing, "acme-fails")["import_failed"]["message"]
    assert "acme_fails" in message and "line 2" in message
    (found,) = diagnosis(report, "fails")["problems"]
    assert found["detail"].startswith("Traceback (most recent call last):\n  File ")
    assert "in connect" in found["detail"] and "nvisy" not in found["detail"].replace("nvisy doctor", "")


def test_hang_names_the_place_in_the_plugin(listing: Listing) -> None:
    """So is the line that never ended, and the one that crashed: the plugin's own, not that of the standard library."""
    assert 'acme_hangs/__init__.py", line 2' in problems(listing, "acme-hangs")["hung"]["message"]
    assert 'acme_crashes/__init__.py", line 2' in problems(listing, "acme-crashes")["crashed"]["message"]


def test_missing_package_is_explained_by_the_requirements(listing: Listing, report: Listing) -> None:
    """The fix is the extra that would install it; what an extra lacks is listed too."""
    hint = problems(listing, "acme-extra")["missing_dependency"]["hint"]
    assert hint == "pip install 'acme-extra[driver]'"
    assert diagnosis(report, "extra")["optional"] == [{"requirement": "acme-driver", "extra": "driver"}]


@pytest.mark.parametrize(
    "effect",
    [
        "it uses the network: bind(('127.0.0.1', 0)) (",
        "it uses the network: connect(('127.0.0.1', ",
        "it starts a process: ",
        "written.txt (",
        "it changes the environment: ACME_TOKEN",
        "it changes the current folder to ",
        "it configures logging for everybody: the root logger has StreamHandler",
        "it handles signals: SIGUSR1",
        "it changes the event loop policy to AcmePolicy",
        "it leaves 1 thread(s) running: acme-thread",
        "it prints to standard output",
    ],
)
def test_side_effect_of_an_import_is_reported(report: Listing, effect: str) -> None:
    """Each with the line of the plugin, where there is one; the provider can be used all the same."""
    rude = diagnosis(report, "rude")
    (found,) = [problem for problem in rude["problems"] if effect in problem["message"]]
    assert (found["code"], found["severity"]) == ("side_effect", "warning")
    if effect.endswith("("):
        assert "acme_rude/__init__.py, line " in found["message"]
    assert rude["usable"] is True
    assert rude["printed"] == "hello from acme\n"


def test_doctor_prints_no_value_of_the_environment(gallery: Gallery) -> None:
    """Only names: a value may be a secret."""
    assert "very-secret" not in gallery.doctor.stdout + gallery.after.stdout


def test_import_time_is_reported_with_its_heaviest_packages(report: Listing) -> None:
    """Of an import that ended; the SDK's own time is not the plugin's."""
    good = diagnosis(report, "good")
    assert good["import_seconds"] > 0
    assert "pydantic" not in [item["package"] for item in good["heaviest"]]
    assert "acme_good" in [item["package"] for item in good["heaviest"]]
    assert diagnosis(report, "hangs")["import_seconds"] is None


def test_healthy_plugin_has_no_problem(report: Listing) -> None:
    """And a plugin that merely exists has no side effects."""
    assert diagnosis(report, "good")["problems"] == []


@pytest.mark.parametrize(("distribution", "fix"), [("acme-future", "nvisy-core"), ("acme-past", "acme-past")])
def test_protocol_problem_names_what_to_upgrade(before: Listing, distribution: str, fix: str) -> None:
    """A plugin of a later protocol needs a later engine, one of an earlier protocol a later plugin."""
    assert problems(before, distribution)["unsupported_protocol"]["hint"] == f"pip install --upgrade {fix}"


def test_ambiguous_name_says_how_to_pin(gallery: Gallery, before: Listing) -> None:
    """The fix can be copied from the hint: the line of the file, or the variable."""
    hint = problems(before, "acme-one")["ambiguous_name"]["hint"]
    assert f'{{"pins": {{"contested": "acme-two"}}}} into {gallery.folder / "home" / "config.json"}' in hint
    assert "NVISY_PIN=contested=acme-two" in hint


def test_listing_for_a_person_names_the_distribution(gallery: Gallery) -> None:
    """Without --json the same is there for a person."""
    done = gallery("providers")
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if "acme-fails" in line)
    assert line.startswith("error: acme-fails 1.0, entry point fails: it cannot be imported: ValueError: too early")
    assert line.endswith("[import_failed]")


def test_doctor_for_a_person_shows_the_traceback(gallery: Gallery) -> None:
    """Of the plugins that were asked for, by the provider's name or the distribution's; exit code 3 for a broken one."""
    done = gallery("doctor", "fails", "acme-good")
    assert done.returncode == 3
    assert "fails (acme-fails 1.0): cannot be used" in done.stdout
    assert "good (acme-good 1.0): ok" in done.stdout
    assert "  | Traceback (most recent call last):" in done.stdout
    assert done.stdout.endswith("2 plugins, 1 cannot be used\n")
    assert "state folder" in done.stdout


def test_doctor_of_a_healthy_plugin_succeeds(gallery: Gallery) -> None:
    """However broken its neighbours are; a warning is no failure."""
    assert gallery("doctor", "good").returncode == 0
    done = gallery("doctor", "drifted")
    assert done.returncode == 0
    assert "drifted (acme-drifted 1.0): ok, but" in done.stdout
    assert "is not what its code describes: title" in done.stdout


def test_doctor_of_a_plugin_known_by_its_problems_alone_shows_them(gallery: Gallery) -> None:
    """There is nothing to import, and the reason is said."""
    done = gallery("doctor", "future")
    assert done.returncode == 3
    assert "speaks protocol 7 to 9" in done.stdout


def test_doctor_of_an_unknown_name_is_bad_input(gallery: Gallery) -> None:
    """Exit code 2, with the command that lists what is there."""
    done = gallery("doctor", "nobody", "--json")
    assert done.returncode == 2
    assert "nothing installed is called `nobody`" in done.stderr
    assert json.loads(done.stdout)["status"] == "invalid"
