"""What is refused when a provider is loaded and connected, and that it harms nothing else."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Self

import pytest
from nvisy_sdk import (
    AuthError,
    Batch,
    Context,
    IncomingBatch,
    InvalidConfigError,
    Keyset,
    PasswordCredentials,
    ProtocolError,
    Receipt,
    RelationalParams,
)

from tests.bridge.support import FINGERPRINT, Base, close, drain, open_session

CANARY = "canary-7f3a91"


class Good(Base):
    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))


def test_plain_write_is_refused_at_load_with_the_fix() -> None:
    """`def write` would block the loop; it is refused before it can."""

    class Blocking(Base):
        def write(self, batch: IncomingBatch) -> Receipt:
            return Receipt(accepted=len(batch))

    with pytest.raises(ProtocolError, match=r"`write` is a plain function.*async def write") as raised:
        open_session(Blocking)
    assert "in_thread" in str(raised.value)


def test_coroutine_read_is_refused_at_load_with_the_fix() -> None:
    """`async def read` without a `yield` returns no stream."""

    class Coroutine(Base):
        async def read(self, context: Context | None) -> list[Batch]:
            return []

    with pytest.raises(ProtocolError, match=r"`read` is an `async def` without `yield`.*with `yield`"):
        open_session(Coroutine)


def test_every_defect_is_reported_at_once() -> None:
    """An author corrects a class in one go."""

    class Broken:
        def write(self, batch: IncomingBatch) -> Receipt:
            return Receipt(accepted=len(batch))

        async def read(self, context: Context | None) -> list[Batch]:
            return []

    with pytest.raises(ProtocolError) as raised:
        open_session(Broken)
    for name in ("connect", "disconnect", "write", "read"):
        assert f"`{name}`" in str(raised.value)


def test_ability_without_a_method_is_refused_at_connect() -> None:
    """A manifest that claims more than the session has is out of date."""

    class Both(Good):
        async def write(self, batch: IncomingBatch) -> Receipt:
            return Receipt(accepted=len(batch))

    class Claims:
        def load(self, name: str) -> type:
            return Good

    from nvisy import _core

    with pytest.raises(_core.BridgeError, match="its manifest says `write`"):
        open_session(Both, loader=Claims())


def test_class_is_loaded_once_and_off_the_loop_thread() -> None:
    """A slow import blocks nothing, and happens once however many sessions open."""
    threads: list[str] = []

    class Counting:
        def load(self, name: str) -> type:
            threads.append(threading.current_thread().name)
            return Good

    loader = Counting()
    for _ in range(3):
        close(open_session(Good, loader=loader))
    assert threads == ["nvisy-load-sample"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ImportError("no such client")])
def test_failed_import_fails_that_connect_only(error: BaseException) -> None:
    """A package that calls `sys.exit` when imported ends its own connect and nothing else."""

    class Exploding:
        def load(self, name: str) -> type:
            raise error

    with pytest.raises(type(error)) as raised:
        open_session(Good, loader=Exploding())
    assert raised.value is error
    session = open_session(Good)
    assert drain(session.read()) == [{"id": 1}]
    close(session)


class Locked(Base):
    """Wants a password."""

    @classmethod
    async def connect(cls, credentials: PasswordCredentials, params: RelationalParams) -> Self:  # type: ignore[override]
        secret = credentials.password.get_secret_value()
        await asyncio.sleep(0)
        raise AuthError(f"the server said: bad password {secret}", context={"tried": secret})

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        yield Batch([{"id": 1}], Keyset(("id",), FINGERPRINT))


def test_invalid_credentials_and_params_are_refused_without_their_values() -> None:
    """The message names the field; no value, exception or cause of it holds the secret."""
    with pytest.raises(InvalidConfigError) as raised:
        open_session(Locked, credentials={"username": "u", "password": {"nested": CANARY}})
    error = raised.value
    assert "credentials.password" in str(error)
    assert CANARY not in f"{error} {error.hint} {error.context} {error.__context__} {error.__cause__}"
    with pytest.raises(InvalidConfigError, match=r"params\.batch_rows"):
        open_session(Good, params={"table": "t", "batch_rows": 0})
    with pytest.raises(InvalidConfigError, match=r"params\.unheard"):
        open_session(Good, params={"table": "t", "unheard": 1})


def test_secret_is_blotted_out_of_what_a_provider_says() -> None:
    """Even a provider that puts the password into its message does not get it into an error of ours."""
    from nvisy import _core

    class Reading(Base):
        """Opens with the password and repeats it when it fails."""

        @classmethod
        async def connect(cls, credentials: PasswordCredentials, params: RelationalParams) -> Self:  # type: ignore[override]
            opened = cls(credentials, params)  # type: ignore[arg-type]
            opened.secret = credentials.password.get_secret_value()
            return opened

        secret: str

        async def read(self, context: Context | None) -> AsyncIterator[Batch]:
            if self.secret:
                raise RuntimeError(f"cannot log in with {self.secret}")
            yield Batch([], Keyset(("id",), FINGERPRINT))

    session = open_session(Reading, credentials={"username": "u", "password": CANARY})
    stream: _core.Stream = session.read()
    with pytest.raises(RuntimeError):
        stream.next()
    told = stream.error()
    close(session)
    assert told is not None
    assert CANARY not in told
    assert "[secret]" in json.loads(told)["traceback"]
