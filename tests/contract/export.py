"""Write the JSON Schemas that Rust exports into `schemas/`: `python -m tests.contract.export`, after a change of a shape."""

import json
from pathlib import Path
from typing import Any

from nvisy._core import schemas as rust_schemas

FOLDER = Path(__file__).parent / "schemas"


def exported() -> dict[str, dict[str, Any]]:
    """Return the schema of every shape, as this build of the extension exports it."""
    schemas: dict[str, dict[str, Any]] = json.loads(rust_schemas())
    return schemas


def text(schema: dict[str, Any]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write one file for each shape and remove those of shapes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    schemas = exported()
    for name, schema in schemas.items():
        (FOLDER / f"{name}.json").write_text(text(schema), encoding="utf-8", newline="\n")
    for path in FOLDER.glob("*.json"):
        if path.stem not in schemas:
            path.unlink()


if __name__ == "__main__":
    main()
