"""Writes the settings of Meltano's tap and target, and the catalogue that selects the one table, into a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# The dialects that the two ask for.
TAP = os.environ["BENCH_URL"].replace("postgresql:", "postgresql+psycopg2:")
TARGET = os.environ["BENCH_URL"].replace("postgresql:", "postgresql+psycopg:")
STREAM = "src-flights"


def main(folder: Path) -> None:
    """Write tap.json, catalog.json and target.json."""
    tap = {"sqlalchemy_url": TAP, "filter_schemas": ["src"], "default_replication_method": "FULL_TABLE"}
    (folder / "tap.json").write_text(json.dumps(tap))
    target = {
        "sqlalchemy_url": TARGET,
        "default_target_schema": "target",
        "activate_version": False,
        "process_activate_version_messages": False,
        "add_record_metadata": False,
        "load_method": "append-only",
        "use_copy": True,
        "validate_records": False,
        "batch_size_rows": 100_000,
    }
    (folder / "target.json").write_text(json.dumps(target))
    program = str(Path(sys.executable).with_name("tap-postgres"))
    command = [program, "--config", str(folder / "tap.json"), "--discover"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    (folder / "catalog.json").write_text(json.dumps({"streams": [selected(found["streams"])]}))


def selected(streams: list[dict[str, object]]) -> dict[str, object]:
    """The one stream, with every column."""
    (stream,) = (stream for stream in streams if stream["tap_stream_id"] == STREAM)
    entries = stream["metadata"]
    assert isinstance(entries, list)
    for entry in entries:
        entry["metadata"]["selected"] = True
    return {**stream, "replication_method": "FULL_TABLE"}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
