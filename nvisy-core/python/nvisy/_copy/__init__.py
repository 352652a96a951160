"""``copy``: two URIs to a workflow.

``_uri`` takes a URI apart, ``_endpoint`` maps the parts onto a provider's parameters (``_coerce`` gives them types,
``_steps`` names those of decode and encode), ``_definition`` puts the workflow together.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nvisy._copy._definition import Copy, Start, StreamInfo, compose
from nvisy._copy._endpoint import Endpoint, endpoint
from nvisy._session import Session

__all__ = ["Copy", "prepare"]


def prepare(session: Session, source_uri: str, target_uri: str, *, start: Start, base: Path) -> Copy:
    """Make the workflow of a copy. It asks the source for its key and columns, and changes nothing anywhere.

    Raises:
        DefinitionError: If a URI cannot be used.
        Exception: What the source's provider raises when it cannot be looked into.
    """
    source = endpoint(source_uri, role="source", discovery=session.discovery, base=base)
    target = endpoint(target_uri, role="target", discovery=session.discovery, base=base)
    return compose(source, target, _look_into(session, source), start=start)


def _look_into(session: Session, source: Endpoint) -> StreamInfo:
    if "inspect" not in source.info.abilities or source.is_object:
        return StreamInfo()
    try:
        found = session.describe(source.info.name, source.params, source.credentials)
    except Exception as error:
        error.add_note(f"nvisy: while looking into the source ({source.info.name})")
        with suppress(AttributeError):
            error.nvisy_operation = f"look into the source ({source.info.name})"  # type: ignore[attr-defined]
        raise
    schema = found.get("schema")
    return StreamInfo(
        name=found["name"],
        key=tuple(found["key"]),
        columns=None if schema is None else tuple(field["name"] for field in schema["fields"]),
        rows=found.get("rows"),
        bytes=found.get("bytes"),
    )
