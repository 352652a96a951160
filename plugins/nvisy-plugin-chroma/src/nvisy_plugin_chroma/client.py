"""The session and its way to Chroma: the only file that knows `chromadb`, and the one that translates its errors.

A server is spoken to on the loop, by an HTTP client of the session's own; an embedded store on a thread of the session's own. Both
have the same calls. `chromadb` takes a second to import, so that happens on a thread, when the first session opens.
"""

import functools
import re
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import nvisy_sdk as sdk

from .config import Credentials, Params

BATCH_ROWS: Final = 5_461  # what SQLite below Chroma can bind in one statement; Chroma's own limit for a request
NAMES: Final = "a name has 3 to 512 characters from [a-zA-Z0-9._-] and begins and ends with a letter or digit"
_NAME: Final = re.compile(r"[a-zA-Z0-9](?!.*\.\.)[a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]", re.ASCII)
_SILENT: Final = {"anonymized_telemetry": False, "chroma_otel_collection_endpoint": ""}
_TOLD: Final = 300  # characters of a foreign message that are shown
_CHANGES: Final = frozenset({"_add", "_modify", "_update", "_upsert", "create_collection", "delete_collection"})
# Chroma gives up what it is doing for a client that goes away: the first write to a collection, cut off in the middle, leaves a
# collection that cannot be read until it is written to again. So a change may end before a cancellation goes on, if it does at once.
GRACE: Final = 0.2  # seconds; a time-out from outside must not last longer than anybody would notice

# By the name of a class of the error, nearest class first: the classes themselves would cost the import.
_KINDS: Final[Mapping[str, tuple[type[sdk.ProviderError], str | None]]] = {
    "NotFoundError": (sdk.NotFoundError, "check `collection`, `namespace` and `tenant`"),
    "UniqueConstraintError": (sdk.ConflictError, None),
    "InternalError": (sdk.UnavailableError, "the server's log says more"),
    "ChromaError": (sdk.InvalidDataError, None),
    "TimeoutException": (sdk.TimeoutExceededError, "raise `timeout_ms`, or ask for less with `batch_rows`"),
    "TransportError": (sdk.ConnectionFailedError, "check `host`, `port` and `ssl`, and that the server is running"),
    "JSONDecodeError": (sdk.InvalidConfigError, "check `host` and `port`: what answers there is not Chroma"),
    "ValueError": (sdk.InvalidConfigError, None),
}
# Of what a proxy may answer, Chroma's client would keep the text alone.
_STATUSES: Final[Mapping[int, type[sdk.ProviderError]]] = {
    **dict.fromkeys((401, 407), sdk.AuthError),
    **dict.fromkeys((408, 504), sdk.TimeoutExceededError),
    **dict.fromkeys((502, 503), sdk.UnavailableError),
    403: sdk.PermissionDeniedError,
    413: sdk.InvalidDataError,
    429: sdk.ThrottledError,
}
_opening = threading.Lock()  # chromadb counts who uses a store's files, but not safely when two begin at once


class Session:
    """One open session. `call` is the one way to Chroma."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._place = {"tenant": params.tenant, "database": params.namespace or "default_database"}
        self._server: Any = None
        self._http: Any = None
        self._store: Any = None
        self._worker = sdk.Worker(name="nvisy-chroma")  # of a server's session, only until it is open
        self._calls = sdk.Calls()  # of a server's session
        self._closed = False

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Open a session: the database must be there and, where one is asked for, the token be right."""
        _check(params)
        session = cls(params)
        try:
            if params.path is not None:
                await session._translated(session._worker.run(session._open_store))
            else:
                await session._translated(session._worker.run(session._reach, credentials.token.get_secret_value()))
                await session._worker.close()
            await session.check()
        except BaseException:
            await session.disconnect()
            raise
        return session

    async def disconnect(self) -> None:
        """Close the session; a call under way ends with `closed`. Another session of the same store is not touched.

        The calls end first: one that has yet to connect would do so through a closed client, and nobody would close that.
        """
        self._closed = True
        try:
            await self._calls.close()
        finally:
            if self._http is not None:
                with suppress(Exception):
                    await self._http.aclose()
        with suppress(sdk.ClosedError):
            await self._worker.run(self._close_store)
        await self._worker.close()

    async def check(self) -> None:
        """Check that the database can be reached."""
        await self.call("get_database", name=self._place["database"], tenant=self._place["tenant"])

    async def call(self, verb: str, /, **arguments: object) -> Any:
        """Call Chroma's interface, which is the same for a server and an embedded store."""
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        method = functools.partial(getattr(self._server, verb), **arguments)
        if self._http is None:
            return await self._translated(self._worker.run(method))
        return await self._translated(self._calls.run(method(), grace=GRACE if verb in _CHANGES else 0))

    async def found(self, name: str) -> Any | None:
        """Return the collection of that name, or None."""
        try:
            return await self.call("get_collection", name=name, **self._place)
        except sdk.NotFoundError:
            return None

    async def collection(self) -> Any:
        """Return the collection that the parameters name.

        Raises:
            NotFoundError: There is none.
        """
        collection = await self.found(self.name())
        if collection is None:
            text = f"there is no collection {self.name()} in database {self._place['database']}"
            hint = "set `create: true` to have a sink make it, or check `collection` and `namespace`"
            raise sdk.NotFoundError(text, hint=hint, context={"collection": self.name()})
        return collection

    def name(self) -> str:
        """Return the collection's name."""
        if not self._params.collection:
            raise sdk.InvalidConfigError("no collection is named", hint="set `collection`")
        return self._params.collection

    def _reach(self, token: str) -> None:
        self._server, self._http = _client(self._params)
        header = self._params.token_header
        if token:
            self._http.headers[header] = f"Bearer {token}" if header == "Authorization" else token

    def _open_store(self) -> None:
        chromadb, path = _chromadb(), Path(self._params.path or "").resolve()
        if not self._params.create and not (path / "chroma.sqlite3").is_file():
            hint = "set `create: true` to have a sink make it, or check `path`"
            raise sdk.NotFoundError(f"there is no Chroma store in {path}", hint=hint, context={"path": str(path)})
        path.mkdir(parents=True, exist_ok=True)
        settings = chromadb.config.Settings(_env_file=None, **_SILENT)
        with _opening:  # with one spelling of the path, or two sessions would not share what they know of the files
            self._store = chromadb.PersistentClient(path=str(path), settings=settings)
        self._server = self._store._server

    def _close_store(self) -> None:
        if self._store is not None:
            with _opening:
                self._store.close()
        self._store = self._server = None

    async def _translated(self, doing: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await doing
        except sdk.ProviderError:
            raise
        except Exception as err:
            if self._closed:
                raise sdk.ClosedError("the session is closed") from err
            raise _translation(err, self._params) from err


def _check(params: Params) -> None:
    if params.path is not None and "host" in params.model_fields_set:
        hint = "set `host` for a server, or `path` for the folder of an embedded store"
        raise sdk.InvalidConfigError("both `host` and `path` say where Chroma is", hint=hint)
    names = {"collection": params.collection, "namespace": params.namespace, "tenant": params.tenant}
    for field, name in names.items():
        if name is not None and not _NAME.fullmatch(name):
            raise sdk.InvalidConfigError(f"{field} `{name}` cannot be: {NAMES}", hint=f"correct `{field}`")


def _chromadb() -> Any:
    try:
        import chromadb
    except ImportError as err:
        hint = "pip install 'chromadb>=1.5.9,<1.6'"
        raise sdk.MissingDependencyError(f"chromadb cannot be imported: {err}; run {hint}", hint=hint) from err
    return chromadb


def _client(params: Params) -> tuple[Any, Any]:
    """Return Chroma's interface to a server, and the HTTP client below it, which is this session's alone.

    Chroma would share one HTTP client, and so its headers, between all sessions of a loop.
    """
    config = _chromadb().config
    settings = config.Settings(
        _env_file=None,
        chroma_api_impl="chromadb.api.async_fastapi.AsyncFastAPI",
        chroma_server_host=params.host,
        chroma_server_http_port=params.port,
        chroma_server_ssl_enabled=params.ssl,
        chroma_server_ssl_verify=True,
        chroma_server_headers={},
        chroma_client_auth_provider=None,
        chroma_client_auth_credentials=None,
        **_SILENT,
    )
    server = config.System(settings).instance(config.get_class(settings.chroma_api_impl, object))
    server._clients = {}
    http = server._get_client()
    http.timeout = params.timeout_ms / 1_000
    http.event_hooks = {"response": [_refusal]}
    server._get_client = lambda: http
    return server, http


async def _refusal(response: Any) -> None:
    if response.status_code in _STATUSES:
        response.raise_for_status()


def _translation(err: Exception, params: Params) -> sdk.ProviderError:
    where = {"path": str(params.path)} if params.path else {"host": f"{params.host}:{params.port}"}
    if params.collection:
        where["collection"] = params.collection
    text = " ".join(str(err).split())[:_TOLD] or type(err).__name__
    response = getattr(err, "response", None) or getattr(err.__context__, "response", None)
    if response is not None:
        return _answered(int(response.status_code), response.headers, where)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        hint = "have the system trust the certificate's issuer (SSL_CERT_FILE), or check `ssl`"
        return sdk.InvalidConfigError(f"no trusted encrypted connection: {text}", hint=hint, context=where)
    names = (base.__name__ for base in type(err).__mro__)
    kind, advice = next((_KINDS[name] for name in names if name in _KINDS), (sdk.ProviderError, None))
    return kind(f"Chroma says: {text}", hint=advice, context=where)


def _answered(status: int, headers: Mapping[str, str], where: dict[str, str]) -> sdk.ProviderError:
    kind = _STATUSES.get(status, sdk.UnavailableError if status >= 500 else sdk.InvalidConfigError)
    seconds = headers.get("retry-after", "")
    after = float(seconds) if seconds.isdecimal() else None
    hint = "check `token` and `token_header`" if status in (401, 403) else None
    return kind(f"the server answers with status {status}", hint=hint, retry_after=after, context=where)
