"""Animals whose sessions begin, end or live wrongly."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, ClassVar, Self, cast

import nvisy_sdk as sdk
from nvisy_plugin_shelf._driver import Connection
from nvisy_plugin_shelf.config import Credentials, Params

from tests.kit import reference
from tests.kit.zoo._animal import animal


@animal(breaks="CON-01", pattern=r"connect (took|did not end within)", also={"CON-13", "CON-14"})
class SlowConnect(reference.Provider):
    """It waits for a cluster to warm up."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        await asyncio.sleep(60)
        return await super().connect(credentials, params)


@animal(
    breaks="CON-02",
    pattern=r"connect succeeded although the system refuses",
    also={"CON-14", "CON-08", "SEC-09"},
)
class LazyConnect(reference.Provider):
    """It connects at the first use."""

    _credentials: Credentials
    _opened = False

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = cls(cast(Connection, None), params)
        session._credentials = credentials
        return session

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if not self._opened and not self._closed:
            opened = await reference.Provider.connect(self._credentials, self._params)
            self._connection, self._opened = opened._connection, True
        return await super()._call(operation, **request)

    async def disconnect(self) -> None:
        self._closed = True
        if self._opened:
            await self._connection.close()


@animal(breaks="CON-03", pattern=r"wrong secret raised `connection`", also={"ERR-03"})
class AuthAsConnection(reference.Provider):
    """It takes a refusal for a broken connection, so the engine tries it for ever."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            return await super().connect(credentials, params)
        except sdk.AuthError as err:
            raise sdk.ConnectionFailedError(str(err)) from err


@animal(breaks="CON-04", pattern=r"refuses connections raised `auth`", also={"CON-08", "ERR-03", "CON-17"})
class RefusedAsAuth(reference.Provider):
    """Whatever goes wrong in connect is the user's fault."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            return await super().connect(credentials, params)
        except sdk.ProviderError as err:
            raise sdk.AuthError(str(err)) from err


@animal(breaks="CON-06", pattern=r"not there succeeded", also={"READ-04"})
class NotFoundAsEmpty(reference.Provider):
    """A table that is not there has no rows, has it?"""

    async def read(self, context: sdk.Context | None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            async for batch in super().read(context):
                yield batch
        except sdk.NotFoundError:
            return


@animal(breaks="CON-08", pattern=r"never answers did not end within")
class IgnoresTimeout(reference.Provider):
    """It has a time-out among its parameters, and does not use it to connect."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        return await super().connect(credentials, params.model_copy(update={"timeout_ms": 3_600_000}))


@animal(breaks="CON-09", pattern=r"a connect .* leaves behind .*open", also={"CON-08", "LEAK-04", "LEAK-03", "ASY-03"})
class LeakOnFailedConnect(reference.Provider):
    """It forgets the connection it has when what comes after fails."""

    _forgotten: ClassVar[list[object]] = []

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        _, writer = await cls._socket(params)
        cls._forgotten.append(writer)
        session = await super().connect(credentials, params)
        writer.transport.abort()
        return session

    @classmethod
    async def _socket(cls, params: Params) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(params.host, params.port)
        except OSError as err:
            raise sdk.ConnectionFailedError(str(err)) from err


@animal(
    breaks="CON-10",
    pattern=r"disconnect leaves behind 2 open connections",
    also={"CON-15", "CON-16", "ASY-14", "ASY-03"},
)
class NoopDisconnect(reference.Provider):
    """It marks the session as closed, and leaves the rest to the garbage collector."""

    _kept: ClassVar[list[object]] = []

    async def disconnect(self) -> None:
        self._closed = True
        self._kept.append(self._connection)


@animal(breaks="CON-11", pattern=r"second disconnect raised ClosedError", also={"ASY-03", "CON-14"})
class DoubleCloseRaises(reference.Provider):
    """It treats a second disconnect as a mistake."""

    async def disconnect(self) -> None:
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        await super().disconnect()


@animal(
    breaks="CON-12",
    pattern=r"after disconnect (succeeded|opened a new connection)",
    also={"CON-15", "SEC-12", "LEAK-04"},
)
class ZombieReconnect(reference.Provider):
    """It connects again when somebody uses it after its end."""

    _credentials: Credentials

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._credentials = credentials
        return session

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if self._closed:
            again = await reference.Provider.connect(self._credentials, self._params)
            try:
                return await again._call(operation, **request)
            finally:
                await again.disconnect()
        return await super()._call(operation, **request)


@animal(breaks="CON-13", pattern=r"second connect with the same credentials raised AuthError")
class ConsumesCredentials(reference.Provider):
    """It takes the token out of the credentials, so that nobody can steal it: nor use it again."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        vars(credentials)["token"] = type(credentials.token)("")
        return session


@animal(
    breaks="CON-14",
    pattern=r"wrong secret succeeded while|after another session was closed",
    also={"CON-10", "CON-12", "ASY-09", "SIG-05"},
)
class GlobalClient(reference.Provider):
    """All sessions share one client, opened with the credentials of the first."""

    _clients: ClassVar[dict[tuple[str, int, int], tuple[Connection, int]]] = {}

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        place = (params.host, params.port, id(asyncio.get_running_loop()))
        if place not in cls._clients:
            opened = await super().connect(credentials, params)
            cls._clients[place] = (opened._connection, 0)
        connection, users = cls._clients[place]
        cls._clients[place] = (connection, users + 1)
        return cls(connection, params)

    async def disconnect(self) -> None:
        if self._closed:
            return
        self._closed = True
        place = (self._params.host, self._params.port, id(asyncio.get_running_loop()))
        connection, users = self._clients[place]
        self._clients[place] = (connection, users - 1)
        if users == 1:
            del self._clients[place]
            await connection.close()


@animal(breaks="CON-15", pattern=r"disconnect while a read waits for an answer did not end", also={"CON-16"})
class HangsOnDisconnect(reference.Provider):
    """It waits for its turn on the connection before it closes it."""

    async def disconnect(self) -> None:
        if not self._closed:
            async with self._connection._turn:
                await super().disconnect()


@animal(
    breaks="CON-16",
    pattern=r"disconnect .*(raised|did not end).*after the connection|disconnect after the connection .* did not end",
    also={"CON-15"},
)
class CloseRaisesOnDead(reference.Provider):
    """It says goodbye, and insists on an answer."""

    async def disconnect(self) -> None:
        if not self._closed:
            try:
                await self._call("streams")
            finally:
                await super().disconnect()


@animal(breaks="CON-17", pattern=r"after the server was away raised", also={"ERR-03", "ERR-02"})
class PoisonedPool(reference.Provider):
    """After a broken connection it refuses for ever, and says that trying again cannot help."""

    _broken = False

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if self._broken:
            raise sdk.ProviderError("the pool is broken")
        try:
            return await super()._call(operation, **request)
        except sdk.ConnectionFailedError:
            self._broken = True
            raise


@animal(breaks="CON-18", pattern=r"looking into a stream that is not there made it|has other items", also={"CON-06"})
class WritingCheck(reference.Provider):
    """Its health check writes something, to be sure."""

    async def check(self) -> None:
        columns = [{"name": "id", "type": {"name": "int64"}, "nullable": False}]
        await self._call(
            "create", stream=self._stream(), columns=columns, key=["id"], strict=True, create=True, evolve=True
        )


class Encrypted(reference.Provider):
    """Connects with TLS, as the manifest of these animals says; correct as it stands."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            _, writer = await asyncio.open_connection(params.host, params.port, ssl=cls._tls())
        except ssl.SSLError as err:
            return await cls._untrusted(err, credentials, params)
        writer.transport.abort()
        return await super().connect(credentials, params)

    @classmethod
    def _tls(cls) -> ssl.SSLContext:
        return ssl.create_default_context()

    @classmethod
    async def _untrusted(cls, err: ssl.SSLError, credentials: Credentials, params: Params) -> Self:
        raise sdk.InvalidConfigError(f"the server cannot be trusted: {err.reason}") from err


def claims_tls(manifest: sdk.Manifest) -> sdk.Manifest:
    """Return the manifest with TLS claimed in full."""
    features = {name: each for name, each in manifest.features.items() if name is not sdk.Feature.TLS}
    return manifest.model_copy(update={"features": features})


@animal(breaks="CON-05", pattern=r"tried again without encryption", manifest=claims_tls)
class TlsDowngrade(Encrypted):
    """If encryption does not work, it does without."""

    @classmethod
    async def _untrusted(cls, err: ssl.SSLError, credentials: Credentials, params: Params) -> Self:
        try:
            return await super(Encrypted, cls).connect(credentials, params)
        except sdk.ProviderError as again:
            raise sdk.InvalidConfigError("no connection, with or without encryption") from again


@animal(breaks="CON-05", pattern=r"says that trying again can help", manifest=claims_tls)
class RetriesUntrusted(Encrypted):
    """A server that cannot be trusted is a broken connection to it."""

    @classmethod
    async def _untrusted(cls, err: ssl.SSLError, credentials: Credentials, params: Params) -> Self:
        raise sdk.ConnectionFailedError(str(err)) from err


@animal(breaks="CON-05", pattern=r"connect does not begin with it", manifest=claims_tls, also={"SEC-08"})
class ClaimsTls(reference.Provider):
    """It claims what it does not have."""


@animal(breaks="CON-05", pattern=r"says there is no TLS, but connect begins with it", also={"SEC-08"})
class HidesTls(Encrypted):
    """It has TLS, and its manifest says otherwise."""
