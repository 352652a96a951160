"""Animals that let the secret slip, or take data for instructions."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import tempfile
import warnings
from pathlib import Path
from typing import Any, Self

import nvisy_sdk as sdk
from nvisy_plugin_shelf.config import Credentials, Params
from nvisy_sdk import DataKind
from pydantic import ConfigDict

from tests.kit import reference
from tests.kit.zoo._animal import animal
from tests.kit.zoo.con import Encrypted, claims_tls

_log = logging.getLogger("shelf.driver")


class _Knowing(reference.Provider):
    _token: str

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._token = credentials.token.get_secret_value()
        return session


@animal(breaks="SEC-01", pattern=r"the secret is in the repr of the session")
class ReprLeak(_Knowing):
    """It shows all its fields to whoever debugs it."""

    def __repr__(self) -> str:
        return f"Session({vars(self)})"


@animal(breaks="SEC-02", pattern=r"in a record of the logger `shelf.driver`")
class SecretInLog(_Knowing):
    """It logs what it sends, where nobody looks: at the level DEBUG."""

    async def check(self) -> None:
        _log.debug("checking with %s", {"authorization": self._token})
        await super().check()


@animal(breaks="SEC-03", pattern=r"the wrong secret is in the text of AuthError", also={"SEC-02", "SEC-05"})
class SecretInError(reference.Provider):
    """It says which token was refused."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            return await super().connect(credentials, params)
        except sdk.AuthError as err:
            raise sdk.AuthError(f"the token {credentials.token.get_secret_value()} was refused") from err


@animal(
    breaks="SEC-03",
    pattern=r"the (wrong )?secret is in the text of the cause ConnectionError",
    also={"ERR-03", "CON-03"},
)
class SecretInCause(reference.Provider):
    """The cause of its errors has the whole address, with the token in it."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        try:
            return await super().connect(credentials, params)
        except sdk.ProviderError as err:
            token = credentials.token.get_secret_value()
            raise err from ConnectionError(f"shelf://:{token}@{params.host}:{params.port} is not there")


class _Talkative(sdk.TokenCredentials):
    model_config = ConfigDict(hide_input_in_errors=False)


@animal(
    breaks="SEC-04",
    pattern=r"the error of credentials with .* shows the secret",
    also={"META-02", "META-04", "META-07", "META-08"},
)
class EchoesInput(reference.Provider):
    """The errors of its credentials show what was given."""

    @classmethod
    async def connect(cls, credentials: _Talkative, params: Params) -> Self:  # type: ignore[override]
        return await super().connect(Credentials(token=credentials.token), params)


@animal(breaks="SEC-05", pattern=r"the secret was written to the standard output")
class PrintsDsn(_Knowing):
    """Somebody forgot a print."""

    async def describe(self) -> sdk.StreamInfo:
        print(f"shelf://{self._token}@{self._params.host}")
        return await super().describe()


@animal(breaks="SEC-05", pattern=r"the secret is in a warning", also={"META-01"})
class WarnsWithToken(_Knowing):
    """It warns of an old token, and names it."""

    async def describe(self) -> sdk.StreamInfo:
        warnings.warn(f"the token {self._token} is old", DeprecationWarning, stacklevel=2)
        return await super().describe()


@animal(breaks="SEC-06", pattern=r"an argument of a process")
class SecretInArgv(_Knowing):
    """It asks a command line tool, and passes the token as an argument."""

    async def check(self) -> None:
        process = await asyncio.create_subprocess_exec("true", f"--token={self._token}")
        await process.wait()
        await super().check()


@animal(breaks="SEC-06", pattern=r"was written to the file", also={"ASY-01", "LEAK-07"})
class SecretInFile(_Knowing):
    """It writes a file of settings for its driver."""

    async def describe(self) -> sdk.StreamInfo:
        await asyncio.to_thread(self._write)
        return await super().describe()

    def _write(self) -> None:
        (Path(tempfile.mkdtemp()) / "driver.ini").write_text(f"token = {self._token}\n")


@animal(
    breaks="SEC-09", pattern=r"connect with (a wrong|an empty) secret succeeded while the environment", also={"META-08"}
)
class AmbientCredentials(reference.Provider):
    """Where no token is given, it takes one from the environment."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        token = credentials.token.get_secret_value() or os.environ.get("SHELF_TOKEN", "")
        return await super().connect(Credentials.model_validate({"token": token}), params)


@animal(breaks="SEC-10", pattern=r"narrowed to `name` = .* yields 7 of 7 items", also={"READ-18"})
class Injection(reference.Provider):
    """It puts the values of conditions into the text of a query, where a quote ends them."""

    async def _page(self, key: Any, after: Any) -> Any:
        params = self._params
        try:
            kept = [each for each in params.filter if not (isinstance(each.value, str) and "' OR '" in each.value)]
            self._params = params.model_copy(update={"filter": tuple(kept)})
            return await super()._page(key, after)
        finally:
            self._params = params


_Objects: Any = reference.provider(DataKind.OBJECT)


@animal(
    breaks="SEC-11",
    pattern=r"the object .* was accepted, but the stream has it 0 times",
    kind=DataKind.OBJECT,
    also={"TYP-14", "WRT-16"},
)
class Traversal(_Objects):  # type: ignore[misc]
    """It follows the dots."""

    def _items(self, batch: sdk.IncomingBatch) -> list[dict[str, object]]:
        return [{**item, "path": os.path.normpath(str(item["path"]))} for item in batch.rows()]


@animal(breaks="SEC-12", pattern=r"connected to \('127.0.0.1', 9\)", also={"LEAK-06"})
class PhonesHome(reference.Provider):
    """It counts its users."""

    async def check(self) -> None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", 9)
            writer.close()
        except OSError:
            pass
        await super().check()


@animal(breaks="SEC-08", pattern=r"whose certificate nobody has signed", manifest=claims_tls, also={"CON-05"})
class VerifyOff(Encrypted):
    """It encrypts, for whoever answers."""

    @classmethod
    def _tls(cls) -> ssl.SSLContext:
        context = super()._tls()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


@animal(breaks="SEC-13", pattern=r"reading runs what it reads: `compile` at sec.py")
class EvaluatesRows(reference.Provider):
    """It turns text into values in the shortest way there is."""

    async def _page(self, key: Any, after: Any) -> Any:
        rows, more = await super()._page(key, after)
        return [{name: eval(repr(value)) for name, value in row.items()} for row in rows], more
