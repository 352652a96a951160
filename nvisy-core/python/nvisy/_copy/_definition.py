"""Two ends to the workflow that a copy is. It is an ordinary workflow: the engine knows nothing of copies."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Literal

from nvisy._copy._endpoint import Endpoint
from nvisy._copy._uri import refuse
from nvisy._errors import DefinitionProblem

__all__ = ["Copy", "Start", "StreamInfo", "compose"]

Start = Literal["continue", "full", "resume_or_full"]

_STREAM_FIELD = {
    "relational": "table",
    "vector": "collection",
    "document": "collection",
    "queue": "stream",
    "search": "index",
}
"""The parameter by which a category names one of its streams."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the source's provider says of the stream; nothing is known of a source that cannot be looked into."""

    name: str | None = None
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy ready to run."""

    definition: dict[str, object]
    notes: tuple[DefinitionProblem, ...]
    secrets: tuple[str, ...]
    info: StreamInfo


def compose(source: Endpoint, target: Endpoint, info: StreamInfo, *, start: Start) -> Copy:
    """Put the workflow of a copy together.

    Raises:
        DefinitionError: If records would have to become objects of an unknown format.
    """
    notes = [note for end in (source, target) for note in _secret_notes(end)]
    name = _name(source, target)  # before anything is inferred, so that the same two URIs always mean the same copy
    key = _key(source, target, info)
    read = {**source.params, **({"key": list(info.key)} if _needs_key(source, info) else {})}
    write, unsafe = _target_params(source, target, info, key, start)
    notes.extend(unsafe)
    nodes: list[dict[str, object]] = [{"id": "read", "read": "source", "params": read}]
    nodes.extend(_steps(source, target))
    nodes.append({"id": "write", "write": "target", "params": write})
    definition: dict[str, object] = {
        "version": 1,
        "name": name,
        "connections": {
            end.role: {"provider": end.info.name, "credentials": end.credentials} for end in (source, target)
        },
        "nodes": nodes,
    }
    return Copy(definition, tuple(notes), (*source.secrets, *target.secrets), info)


def _needs_key(source: Endpoint, info: StreamInfo) -> bool:
    return bool(info.key) and source.takes("key") and not source.params.get("key")


def _key(source: Endpoint, target: Endpoint, info: StreamInfo) -> list[str]:
    """The target's key: its own, else the source's as far as all its columns are copied."""
    chosen = target.params.get("key") or source.params.get("key") or list(info.key)
    key = [str(column) for column in chosen] if isinstance(chosen, list) else []
    selected = source.params.get("columns")
    if isinstance(selected, list):
        present: set[str] | None = {str(column) for column in selected}
    else:
        present = set(info.columns) if info.columns is not None else None
    return key if present is None or present.issuperset(key) else []


def _target_params(
    source: Endpoint, target: Endpoint, info: StreamInfo, key: list[str], start: Start
) -> tuple[dict[str, object], list[DefinitionProblem]]:
    params = dict(target.params)
    stream = _STREAM_FIELD.get(target.info.category)
    if stream and target.takes(stream) and not params.get(stream):
        named = _stream_name(source, info)
        if named:
            params[stream] = named
    if not target.takes("key"):
        return params, []
    if key:
        params["key"] = key
    if "mode" in params or not target.takes("mode"):
        return params, []
    modes = target.info.modes
    if key and "upsert" in modes:
        params["mode"] = "upsert"
    elif "replace" in modes:
        if start == "continue":
            # Appending now would put the rows of an earlier full copy there twice.
            hint = "give `key=`, or `mode=append` in the target URI for a target that only ever grows"
            raise refuse("target", "rows without a key replace the target, which cannot be done incrementally", hint)
        params["mode"] = "replace"
    elif "append" in modes:
        params["mode"] = "append"
        if start != "continue":
            message = "there is no key, so every full copy adds all rows once more"
            return params, [DefinitionProblem("appends", "target", message, "give `key=` in a URI", "warning")]
    return params, []


def _stream_name(source: Endpoint, info: StreamInfo) -> str | None:
    own = source.params.get(_STREAM_FIELD.get(source.info.category, ""))
    if isinstance(own, str):
        return own
    if not source.is_object:
        return info.name
    # Of a folder or prefix of objects the last name; of a single file its name without extensions.
    prefix = source.params.get("prefix")
    path = prefix if isinstance(prefix, str) and prefix.strip("/") else source.place or ""
    last = path.rstrip("/").rpartition("/")[2].partition(".")[0]
    return re.sub(r"\W+", "_", last) or None


def _steps(source: Endpoint, target: Endpoint) -> list[dict[str, object]]:
    """Decode where objects go to something that takes records, encode the other way round."""
    decode: dict[str, object] = {"id": "decode", "transform": "decode", "params": source.step}
    encode: dict[str, object] = {"id": "encode", "transform": "encode", "params": target.step}
    if source.is_object and target.is_object:
        if not source.step and not target.step:
            return []
        if "format" not in target.step:
            hint = "add format= to the target as well, or leave all such options out for a plain copy"
            raise refuse("target", "the source is decoded, but nothing says how to encode it again", hint)
        return [decode, encode]
    if source.is_object:
        return [decode] if "record" in target.info.kinds else []
    if target.is_object and "record" in source.info.kinds:
        if "format" not in target.step:
            hint = "add format=csv, jsonl, parquet or arrow, and compression=gzip or zstd if you like"
            raise refuse("target", "records must be encoded, and nothing says how", hint)
        return [encode]
    return []


def _secret_notes(end: Endpoint) -> list[DefinitionProblem]:
    if not end.secrets:
        return []
    message = "the password is written out in the URI, where other users of this machine may see it"
    hint = "put it into the environment and write ${env:NAME} in its place, in single quotes"
    return [DefinitionProblem("literal_secret", end.role, message, hint, "warning")]


def _name(source: Endpoint, target: Endpoint) -> str:
    """A name that the same pair of URIs always gets, and in which no secret has a part."""
    parts = []
    for end in (source, target):
        public = {name: value for name, value in end.credentials.items() if value not in end.secrets}
        parts.append([end.info.name, end.params, public, end.step])
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return f"copy-{source.info.name[:36]}-{target.info.name[:36]}-{digest}"
