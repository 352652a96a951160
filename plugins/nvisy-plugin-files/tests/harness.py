"""For the conformance kit: a folder filled and looked into with plain file operations, not with the provider."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from nvisy_sdk import Schema
from nvisy_sdk.conformance import Endpoint, Evidence, Item, ProviderHarness


class Harness(ProviderHarness):
    """One folder for the whole run; a stream is a folder below it."""

    evidence: ClassVar[Evidence] = Evidence.CONTAINER
    server: ClassVar[str] = "a local folder"

    async def start(self) -> Endpoint:
        """Make an empty folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="nvisy-files-")
        return Endpoint(details={"root": self._folder.name})

    async def stop(self) -> None:
        """Delete it."""
        self._folder.cleanup()

    def params(self, endpoint: Endpoint, namespace: str) -> Mapping[str, object]:
        """A folder below it."""
        return {"root": str(_root(endpoint, namespace))}

    async def seed(self, endpoint: Endpoint, namespace: str, items: Sequence[Item], schema: Schema) -> None:
        """Make the folder, and a file for each object."""
        root = _root(endpoint, namespace)
        root.mkdir(parents=True, exist_ok=True)
        for item in items:
            path = root / str(item["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            data = item["data"]
            path.write_bytes(data if isinstance(data, bytes) else b"")

    async def dump(self, endpoint: Endpoint, namespace: str) -> list[Item]:
        """Return every file below the folder, as an object."""
        root = _root(endpoint, namespace)
        found: list[Item] = []
        for path in sorted(root.rglob("*")):
            if path.is_file() and ".nvisy-tmp" not in path.parts:
                data = path.read_bytes()
                found.append({"path": path.relative_to(root).as_posix(), "data": data, "size": len(data)})
        return found

    async def remove(self, endpoint: Endpoint, namespace: str, items: Sequence[Item]) -> None:
        """Delete files."""
        for item in items:
            (_root(endpoint, namespace) / str(item["path"])).unlink()

    async def sweep(self, endpoint: Endpoint, prefix: str) -> None:
        """Delete the folders of that prefix."""
        for path in _root(endpoint, "").iterdir():
            if path.name.startswith(prefix):
                shutil.rmtree(path)


def _root(endpoint: Endpoint, namespace: str) -> Path:
    return Path(str(endpoint.details["root"])) / namespace
