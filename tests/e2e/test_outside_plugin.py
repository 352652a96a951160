"""A plugin that this repository does not know: built elsewhere as a wheel, installed with pip, it moves data both ways."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from demo import proof
from tests.e2e.support import Nvisy, numbers, sqlite, workflow

# Planted as the plugin's token; it must not turn up anywhere.
CANARY = "canary-5f0c9d2e7b1a4c38-secret"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that sees ours and, besides, the plugin installed from its wheel."""
    folder = tmp_path_factory.mktemp("outside")
    project = folder / "nvisy-plugin-shelf"
    shutil.copytree(Path(__file__).parent / "shelf", project, ignore=shutil.ignore_patterns("__pycache__"))
    env = os.environ | {"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    run(sys.executable, "-m", "nvisy_sdk", "manifest", "nvisy_plugin_shelf", "--write", env=env)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(project))
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.rmtree(project)

    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", str(wheel))
    assert list(site.glob("nvisy_plugin_shelf-1.2.3.dist-info"))
    return python


def run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run a command that must succeed."""
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def engine() -> str:
    """A digest of the engine's binary."""
    found = importlib.util.find_spec("nvisy._core")
    assert found is not None and found.origin is not None
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()


def nvisy_of(python: Path, home: Path) -> Nvisy:
    """The command line of that environment."""
    return Nvisy(home, command=(str(python), "-m", "nvisy"), env={"SHELF_TOKEN": CANARY})


def shelf(folder: Path) -> dict[str, object]:
    """A connection to the plugin's system, the token by reference."""
    return {"provider": "shelf", "params": {"folder": str(folder)}, "credentials": {"token": "${env:SHELF_TOKEN}"}}


def test_outside_plugin_moves_data_both_ways_without_a_rebuild(tmp_path: Path, installed: Path) -> None:
    """A table goes through the plugin and back with equal checksums; the engine is the same binary as before."""
    before = engine()
    nvisy = nvisy_of(installed, tmp_path / "home")
    numbers(tmp_path / "source.db", 3_000)
    there = workflow(
        tmp_path / "there.json",
        connections={"source": sqlite(tmp_path / "source.db"), "shelf": shelf(tmp_path / "shelf")},
        nodes=[
            {"id": "rows", "read": "source", "params": {"table": "numbers", "key": ["id"], "batch_rows": 1_000}},
            {"id": "out", "write": "shelf", "params": {"table": "numbers", "key": ["id"]}},
        ],
    )
    back = workflow(
        tmp_path / "back.json",
        connections={"shelf": shelf(tmp_path / "shelf"), "copy": sqlite(tmp_path / "copy.db")},
        nodes=[
            {"id": "rows", "read": "shelf", "params": {"table": "numbers", "key": ["id"], "batch_rows": 700}},
            {"id": "copy", "write": "copy", "params": {"table": "numbers", "key": ["id"]}},
        ],
    )
    out = nvisy.run(there)
    assert (out["written"], out["guarantee"]) == (3_000, "effectively_once")
    assert nvisy.run(back)["written"] == 3_000
    assert proof.of_table(tmp_path / "copy.db", "numbers") == proof.of_table(tmp_path / "source.db", "numbers")

    numbers(tmp_path / "source.db", 5, first=3_001)
    assert nvisy.run(there)["read"] == 5
    assert nvisy.run(back)["read"] == 5
    assert engine() == before


def test_outside_plugin_is_listed_with_its_distribution(tmp_path: Path, installed: Path) -> None:
    """`nvisy providers` names it, its package and its version; our own environment does not have it."""
    listed = json.loads(nvisy_of(installed, tmp_path / "home")("providers", "--json").out.splitlines()[-1])
    (found,) = [provider for provider in listed["providers"] if provider["name"] == "shelf"]
    assert (found["distribution"], found["version"], found["category"]) == ("nvisy-plugin-shelf", "1.2.3", "relational")
    assert "shelf" not in Nvisy(tmp_path / "home")("providers", "--json").out


def test_token_of_an_outside_plugin_turns_up_nowhere(tmp_path: Path, installed: Path) -> None:
    """Neither output nor state holds the secret, be the run good or refused."""
    numbers(tmp_path / "source.db", 100)
    path = workflow(
        tmp_path / "there.json",
        connections={"source": sqlite(tmp_path / "source.db"), "shelf": shelf(tmp_path / "shelf")},
        nodes=[
            {"id": "rows", "read": "source", "params": {"table": "numbers", "key": ["id"]}},
            {"id": "out", "write": "shelf", "params": {"table": "numbers", "key": ["id"]}},
        ],
    )
    nvisy = nvisy_of(installed, tmp_path / "home")
    said = [nvisy("run", path, "--json"), nvisy("plan", path, "--json"), nvisy("runs", "--json")]
    refused = Nvisy(nvisy.home, command=nvisy.command, env={"SHELF_TOKEN": CANARY[:12]})
    said.append(refused("run", path, "--json", code=3))
    assert said[-1].outcome["error"]["kind"] == "auth"
    for ended in said:
        assert CANARY[:12] not in ended.out + ended.err
    for kept in (path for path in (tmp_path / "home").rglob("*") if path.is_file()):
        assert CANARY[:12].encode() not in kept.read_bytes()
