"""Runs of the engine from one provider to another."""

from __future__ import annotations

import json
from pathlib import Path

from nvisy import _core

from tests.bridge.support import manifest

WORKFLOW = """
version: 1
name: NAME
connections:
  from: {provider: source}
  to: {provider: sink}
nodes:
  - {id: read, read: from, params: {table: t, key: [id]}}
  - {id: write, write: to, params: {table: t}}
"""


class Both:
    """A loader of two classes."""

    def __init__(self, source: type, sink: type) -> None:
        self.found = {"source": source, "sink": sink}

    def load(self, name: str) -> type:
        return self.found[name]


def start(home: Path, source: type, sink: type, *, name: str = "moved") -> _core.Run:
    """A run from the one to the other."""
    providers = [
        (manifest(found, name=kind).model_dump_json(), kind) for kind, found in [("source", source), ("sink", sink)]
    ]
    engine = _core.Engine(str(home), providers, Both(source, sink))
    return engine.start(WORKFLOW.replace("NAME", name), str(home), json.dumps({"start": "full"}))
