"""Providers in a few lines, driven through the built extension."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol, Self

from nvisy import _core
from nvisy_sdk import (
    Ability,
    Batch,
    Capability,
    CapabilityState,
    Category,
    Context,
    ContextKind,
    DataKind,
    IncomingBatch,
    Keyset,
    KeysetContext,
    Manifest,
    NoCredentials,
    Receipt,
    RelationalParams,
    WriteMode,
    describe_provider,
    typed_value,
)

FINGERPRINT = "0" * 32


class Base:
    """What every provider of these tests has; each session keeps what it was opened with."""

    def __init__(self, credentials: NoCredentials, params: RelationalParams) -> None:
        self.credentials = credentials
        self.params = params

    @classmethod
    async def connect(cls, credentials: NoCredentials, params: RelationalParams) -> Self:
        return cls(credentials, params)

    async def disconnect(self) -> None:
        return None


class _Loads(Protocol):
    def load(self, name: str, /) -> type: ...


class Loader:
    """A loader of one class."""

    def __init__(self, found: type) -> None:
        self.found = found

    def load(self, name: str) -> type:
        return self.found


_ABILITIES = {
    Ability.READ: "read",
    Ability.WRITE: "write",
    Ability.INSPECT: "check",
    Ability.PREPARE: "prepare",
    Ability.TRANSACTIONAL: "write_through",
    Ability.STAGED: "publish",
}


class _Sample(Base):
    async def write(self, batch: IncomingBatch) -> Receipt:
        return Receipt(accepted=len(batch))


def manifest(found: type, *, name: str = "sample", kinds: Sequence[DataKind] = (DataKind.RECORD,)) -> Manifest:
    """A manifest that claims what the class has, without a look at whether it is right."""
    full = Capability(state=CapabilityState.FULL)
    abilities = {ability: full for ability, method in _ABILITIES.items() if hasattr(found, method)}
    update = {"name": name, "kinds": tuple(kinds), "abilities": abilities, "contexts": (ContextKind.KEYSET,)}
    return _described().model_copy(update=update)


@functools.cache
def _described() -> Manifest:
    return describe_provider(
        _Sample,
        name="sample",
        title="Sample",
        category=Category.RELATIONAL,
        kinds=(DataKind.RECORD,),
        modes=(WriteMode.APPEND,),
    )


def open_session(
    found: type,
    *,
    name: str = "sample",
    kinds: Sequence[DataKind] = (DataKind.RECORD,),
    credentials: Mapping[str, object] | None = None,
    params: Mapping[str, object] | None = None,
    loader: _Loads | None = None,
    timeout: float = 30.0,
) -> _core.Session:
    """A session of that class, opened through the bridge."""
    return _core.Session.open(
        manifest(found, name=name, kinds=kinds).model_dump_json(),
        loader or Loader(found),
        json.dumps(credentials or {}),
        json.dumps(params or {"table": "t"}),
        timeout,
    )


def close(session: _core.Session) -> None:
    """Disconnect."""
    assert session.begin("disconnect").wait() == "null"


class _OneRow(Base):
    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))


def one_batch() -> _core.IncomingBatch:
    """A batch of one row, for a sink to write."""
    session = open_session(_OneRow)
    batch = session.read().next()
    close(session)
    assert batch is not None
    return batch


def drain(stream: _core.Stream, *, timeout: float = 30.0) -> list[dict[str, object]]:
    """Every row the stream still has."""
    rows: list[dict[str, object]] = []
    while (batch := stream.next(timeout)) is not None:
        rows.extend(batch.rows())
    return rows


def after(value: int) -> KeysetContext:
    """The context after the row with that key."""
    return KeysetContext(fingerprint=FINGERPRINT, values=(typed_value(value),))


def eventually(holds: Callable[[], bool], *, timeout: float = 10.0) -> bool:
    """Whether it holds before the time is over."""
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
