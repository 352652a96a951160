"""A workflow file with many faults: all of them are reported at once, and nothing was touched."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.support import Nvisy

BROKEN = """\
version: 2
name: broken
connections:
  source: {provider: sqlit, params: {path: source.db}}
  target: {provider: sqlite, params: {path: target.db, pth: x}}
nodes:
  - {id: rows, read: source, params: {table: t}}
  - {id: step, transform: selekt, params: {columns: [a]}}
  - {id: copy, write: targte, params: {table: t}}
  - {id: all, write: target, from: [nowhere], params: {table: 7}}
  - {id: all, write: target, from: [rows], params: {table: t}}
"""


def test_all_problems_are_reported_at_once_and_nothing_is_touched(tmp_path: Path, nvisy: Nvisy) -> None:
    """`plan` and `run` name every fault with its node, a code and a hint; no file is made."""
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    words = ("version", "duplicate_node", "sqlit", "`sqlite`", "selekt", "select", "targte", "nowhere", "pth")
    for command in ("plan", "run"):
        said = (ended := nvisy(command, path, "--json", code=2)).out + ended.err
        for word in words:
            assert word in said, said
    assert sorted(tmp_path.glob("*.db")) == []


def test_file_that_is_missing_or_torn_is_bad_input(tmp_path: Path, nvisy: Nvisy) -> None:
    """A file that is no YAML, or is not there, is bad input: exit code 2 and one clear sentence."""
    assert "gone.yaml" in nvisy("run", tmp_path / "gone.yaml", "--json", code=2).err
    (tmp_path / "torn.yaml").write_text("version: [1\n")
    ended = nvisy("run", tmp_path / "torn.yaml", code=2)
    assert "YAML" in ended.err + ended.out
    assert "Traceback" not in ended.err
