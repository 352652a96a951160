"""The result file, the document and the charts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import chart, document, result, sections
from benchmarks.model import Role
from tests.benchmarks.support import entry, outcome, task, usual


def test_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every field of every run survives the file."""
    result.write(outcome(), tmp_path / "new" / "r.json")
    assert result.read(tmp_path / "new" / "r.json") == outcome()


def test_result_of_another_format_is_refused() -> None:
    """A file that a later version wrote is not guessed at."""
    other = json.dumps({**json.loads(result.text(outcome())), "format": result.FORMAT + 1})
    with pytest.raises(ValueError, match="format"):
        result.parse(other)


def test_machine_says_what_it_is_and_not_its_name() -> None:
    """Processor, cores, memory, kernel, load; nothing that names a host."""
    assert result.machine().keys() == {"cpu", "cores", "memory", "kernel", "load before"}
    assert all(result.machine().values())


def test_document_names_missed_goals_losses_failures_and_the_absent() -> None:
    """What is bad for us, or for a contender, is written out."""
    text = document.render(outcome(), "r.json")[document.NAME]
    missed, reached = text.split("**Missed: 1**")[1].split("**Reached: 2**")
    assert "at least 0.85 x the limit; measured: 0.52" in missed
    assert "at least 2 x slow; measured: 3.81" in reached
    assert "- W1: quick is 1.31 times as fast as ours" in text
    assert "- **broken: failed** in 3 of 3 runs: exit code 1" in text
    assert "- **slow: failed** in 1 of 2 runs: exit code 1" in text
    assert "**nvisy, sideways: not there yet.** nobody has written it." in text
    assert "gone could not be installed: no such package" in text
    assert "A/A control: 10.0% apart." in text


def test_document_says_how_it_was_made() -> None:
    """The file, the command, the machine, the versions."""
    text = document.render(outcome(), "r.json")[document.NAME]
    for said in (
        "benchmarks/results/r.json",
        "python -m benchmarks run --short",
        "a processor",
        "postgresql 18.6",
        "fsync = on",
    ):
        assert said in text


def test_table_has_as_many_cells_in_every_line() -> None:
    """A name or a failure never breaks the table."""
    lines = sections.table(task(*usual().entries, entry("a | b", Role.PEER, 1.0))).splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines} == {11}
    assert lines[2].startswith("| a \\| b (peer) | 1,000 |")
    assert lines[-1].startswith("| broken (glue) | failed |")


def test_charts_are_drawn_for_every_work_and_hold_who_has_a_time(tmp_path: Path) -> None:
    """A chart is well-formed, has a bar for each with a time, and an old one is removed."""
    result.write(outcome(), tmp_path / "r.json")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "gone.svg").touch()
    files = document.write(tmp_path / "r.json", tmp_path)
    assert [path.name for path in files] == ["benchmarks.md", "w1.svg"]
    assert [path.name for path in (tmp_path / "benchmarks").iterdir()] == ["w1.svg"]
    drawn = ElementTree.parse(files[1])
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert "quick" in texts
    assert "broken" not in texts


def test_chart_bars_are_in_proportion_and_names_are_escaped() -> None:
    """Half the value is half the bar."""
    drawn = chart.draw("a < b", [chart.Bar("x & y", "ours", 1.0, "1"), chart.Bar("z", "peer", 2.0, "2")])
    bars = [element for element in ElementTree.fromstring(drawn).iter() if element.get("height") == str(chart.ROW - 8)]
    longer, shorter = (int(bar.get("width") or 0) for bar in bars)
    assert longer == 2 * shorter
    assert chart.draw("empty", []).count("<rect") == 1


def test_document_is_what_the_newest_committed_result_renders_to(repository: Path) -> None:
    """docs/ holds exactly what is made from the newest result, and nothing when there is none."""
    committed = document.committed()
    made = document.render(result.read(committed[-1]), committed[-1].name) if committed else {}
    docs = repository / "docs"
    there = [docs / document.NAME, *(docs / document.CHARTS).glob("*")]
    assert {str(path.relative_to(docs)): path.read_text() for path in there if path.exists()} == made


def test_committed_results_are_of_release_builds_and_as_the_harness_writes_them() -> None:
    """No committed result was made with a development build or changed by hand in its form, or holds a password."""
    for path in document.committed():
        found, text = result.read(path), path.read_text()
        assert found.build.startswith("a release"), path
        assert text == result.text(found), path
        assert not re.search(r"://\w+:[0-9a-f]{32}@", text), path
