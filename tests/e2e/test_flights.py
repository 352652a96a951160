"""The main job: 336,776 real rows through one run into two sinks."""

from __future__ import annotations

import json
from pathlib import Path

from demo import data, proof
from tests.e2e.support import Nvisy, query


def test_flights_arrive_in_both_sinks_with_equal_checksums(
    tmp_path: Path, nvisy: Nvisy, flights: Path, repository: Path
) -> None:
    """The demo's committed workflow moves every row into the database and into the objects, each exactly once."""
    text = (repository / "demo" / "flights.yaml").read_text().replace("../.demo/flights.db", str(flights))
    (tmp_path / "demo").mkdir()
    (tmp_path / ".demo").mkdir()
    (tmp_path / "demo" / "flights.yaml").write_text(text)

    outcome = nvisy.run(tmp_path / "demo" / "flights.yaml")

    source = proof.of_table(flights, "flights")
    assert source.rows == source.keys == data.FLIGHTS
    assert proof.of_table(tmp_path / ".demo" / "copy.db", "flights") == source
    assert proof.of_objects(tmp_path / ".demo" / "objects") == source
    assert {sink["node"]: sink["written"] for sink in outcome["sinks"]} == {
        "copy": data.FLIGHTS,
        "objects": data.FLIGHTS,
    }
    assert (outcome["rejected"], outcome["filtered"], outcome["resumed"]) == (0, 0, False)


def test_flights_keep_their_key_and_types_when_the_target_is_created(
    tmp_path: Path, nvisy: Nvisy, flights: Path
) -> None:
    """`copy` creates each of five real tables with the key and the types of its source."""
    target = tmp_path / "copy.db"
    for table in data.TABLES:
        nvisy.copy(f"sqlite:///{flights}?table={table}", f"sqlite:///{target}?table={table}")
        assert proof.of_table(target, table) == proof.of_table(flights, table)
        shape = f"SELECT name, type, \"notnull\" OR pk, pk FROM pragma_table_info('{table}')"
        assert query(target, shape) == query(flights, shape)


def test_runs_lists_what_ran(tmp_path: Path, nvisy: Nvisy, flights: Path) -> None:
    """`nvisy runs` lists the run with its numbers, `nvisy runs ID` shows it."""
    outcome = nvisy.copy(f"sqlite:///{flights}?table=airlines", f"sqlite:///{tmp_path / 'copy.db'}?table=airlines")
    assert outcome["run_id"] in nvisy("runs", "--json").out
    shown = json.loads(nvisy("runs", outcome["run_id"], "--json").out.splitlines()[-1])
    assert outcome["run_id"] in json.dumps(shown)
