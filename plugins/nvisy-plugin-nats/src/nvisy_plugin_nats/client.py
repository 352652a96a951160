"""The connection and its errors: the only file that knows the library, which is imported by the first connect.

The library would reconnect in silence, report some errors to a callback alone and keep one value of a header: here a
connection that breaks is over, every error reaches the call it belongs to, and the headers stay as they came.
"""

import asyncio
import base64
import calendar
import functools
import itertools
import json
import re
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import nvisy_sdk as sdk

from ._message import Outgoing, Pair, Stored
from .config import NAMES, Credentials, Params

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

T = TypeVar("T")

_CLOSING: Final = 1.0  # seconds for a farewell; after that the socket is dropped
_DROPPING: Final = 0.05  # seconds for the same on a connection that never came about
_PROBES: Final = 1  # further attempts at a server that refuses; 0 would mean for ever
_PINGS: Final = 30  # seconds between signs of life on a connection at rest

_LOGIN: Final = "{at} refuses the user or the password"
# The name of the library's (or Python's) class, what it says; our class, what we say, what helps.
_FAULTS: Final[tuple[tuple[str, str, type[sdk.ProviderError], str, str | None], ...]] = (
    (
        "SSLError",
        "",
        sdk.InvalidConfigError,
        "no encryption with {at}: {text}",
        "check `tls_ca_file` and `tls_hostname`",
    ),
    (
        "SecureConnWantedError",
        "",
        sdk.InvalidConfigError,
        "{at} does not encrypt",
        "set `tls: auto`, or have it encrypt",
    ),
    ("TimeoutError", "", sdk.TimeoutExceededError, "no answer from {at} in time", None),
    ("Error", "permissions violation", sdk.PermissionDeniedError, "the user may not do this: {text}", "grant it"),
    ("Error", "authorization violation|authentication (timeout|expired|revoked)", sdk.AuthError, _LOGIN, None),
    ("Error", "maximum.*connections", sdk.UnavailableError, "{at} takes no more connections", None),
    ("Error", "", sdk.ConnectionFailedError, "no connection to {at}: {text}", None),
    ("OSError", "", sdk.ConnectionFailedError, "no connection to {at}: {text}", None),
    ("Exception", "", sdk.ProviderError, "the library failed: {text}", None),
)
_NOBODY: Final = {"code": 503, "err_code": 0, "description": "nothing answers; is JetStream enabled?"}
_CONFLICTS: Final = {10013, 10058, 10065, 10099, 10100, 10148}  # a stream, subject or consumer that another one has
_DISABLED: Final = {10039, 10052, 10076}  # no JetStream, or a stream that cannot be


class _Headers(dict[str, str]):
    """Parsed headers that remember the bytes they came from, or the pairs that are to be sent."""

    raw = b""
    given: Sequence[Pair] = ()

    def items(self) -> Any:
        """Return the pairs, of which the library sends each."""
        return self.given


@functools.cache
def _client() -> "type[Client]":
    """Return the library's client with what it lacks. Whatever is private to the library is used here alone."""
    from nats.aio.client import Client

    class Exact(Client):
        said = ""  # the server's reason for hanging up, which the library forgets at the end of the connection

        async def _process_err(self, err_msg: str) -> None:
            self.said = "" if "permissions violation" in err_msg else err_msg
            await super()._process_err(err_msg)

        async def _process_headers(self, headers: Any) -> dict[str, str] | None:
            parsed = _Headers(await super()._process_headers(headers) or {})
            parsed.raw = bytes(headers or b"")
            return parsed

        def is_encrypted(self) -> bool:
            writer = getattr(self._transport, "_io_writer", None)
            return writer is not None and writer.get_extra_info("ssl_object") is not None

        async def shut(self) -> None:
            """Close, or drop the socket when the other side does not listen; leave no task behind."""
            tasks = [self._reading_task, self._ping_interval_task, self._flusher_task]
            tasks += [sub._wait_for_msgs_task for sub in self._subs.values()]
            try:
                with suppress(Exception):
                    async with asyncio.timeout(_CLOSING if self.is_connected else _DROPPING):
                        await self.close()
            finally:
                for name in ("_io_writer", "_bare_io_writer"):
                    if (writer := getattr(self._transport, name, None)) is not None:
                        writer.transport.abort()
                if left := [task for task in tasks if task is not None and task.cancel()]:
                    await asyncio.wait(left, timeout=_CLOSING)

    return Exact


def _load() -> "type[Client]":
    try:
        return _client()
    except ImportError as err:
        raise sdk.MissingDependencyError("the package nats-py is not installed", hint="pip install nats-py") from err


def _encryption(params: Params) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=params.tls_ca_file)
        if params.tls_cert_file is not None:
            context.load_cert_chain(params.tls_cert_file, params.tls_key_file)
    except OSError as err:
        raise sdk.InvalidConfigError(f"a certificate cannot be used: {err}", hint="check the `tls_` files") from err
    if params.tls_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Wire:
    """One connection. It never reconnects: what breaks is said at once, and the engine decides whether to try again."""

    def __init__(self, client: Any, params: Params) -> None:
        self.client = client
        self._params = params
        self._at = ", ".join(url.partition("://")[2] for url in params.urls())
        self._prefix = f"$JS.{_named(params.domain)}.API" if params.domain else "$JS.API"
        self._waiting: dict[asyncio.Future[sdk.ProviderError], Sequence[str]] = {}
        self._over: sdk.ProviderError | None = None
        self._last: Exception | None = None
        self._heard = 0.0  # when the server said something last
        self._inbox = client.new_inbox()
        self._tokens = itertools.count()  # never used twice: a late answer must not be taken for another's
        self._routes: dict[str, Callable[[Msg], None]] = {}

    @classmethod
    async def open(cls, credentials: Credentials, params: Params) -> Self:
        """Connect and log in."""
        wire = cls((await sdk.in_thread(_load))(), params)
        context = await sdk.in_thread(_encryption, params)
        try:
            await wire.call(wire._connect(credentials, context), limit=params.connect_timeout)
        except BaseException:
            await wire.close()
            raise
        return wire

    async def _connect(self, credentials: Credentials, context: ssl.SSLContext) -> None:
        from nats import errors

        def password() -> str:
            if self._params.encrypted() and not self.client.is_encrypted():
                raise errors.SecureConnWantedError
            return credentials.password.get_secret_value()

        tls = {"tls": context, "tls_hostname": self._params.tls_hostname}
        once = {"allow_reconnect": False, "max_reconnect_attempts": _PROBES, "reconnect_time_wait": 0}
        times = {"connect_timeout": self._params.connect_timeout, "ping_interval": _PINGS}
        told = {"error_cb": self._on_error, "closed_cb": self._on_closed}
        login = {"name": "nvisy", "user": credentials.username, "password": password}
        first = self._params.tls == "first"
        try:
            await self.client.connect(
                self._params.urls(), **login, **tls, tls_handshake_first=first, **once, **times, **told
            )
        except errors.NoServersError as err:
            raise self._last or err from err
        if not self.client.is_connected:
            raise errors.UnexpectedEOF
        limits = {"pending_msgs_limit": 0, "pending_bytes_limit": 0}  # nothing comes that was not asked for
        await self.client.subscribe(f"{self._inbox}.*", cb=self._on_message, **limits)
        for _ in range(2):  # the library's first ping overtakes the subscription, which it sends from another task
            await self.client.flush()
        if self._over is not None:  # the server forbids to listen, and says so before it answers the second one
            raise self._over

    def is_broken(self) -> bool:
        """Whether it is over without having been closed."""
        return self._over is not None and not isinstance(self._over, sdk.ClosedError)

    async def close(self) -> None:
        """Close the connection; whoever waits for an answer is told. It can be called twice."""
        if isinstance(self._over, sdk.ClosedError):
            return
        self._end(sdk.ClosedError("the session is closed"))
        await self.client.shut()

    async def call(self, work: Coroutine[Any, Any, T], *subjects: str, limit: float | None = None) -> T:
        """Await `work` until it ends, time is up, the connection breaks or the server refuses one of `subjects`."""
        if self._over is not None:
            work.close()
            raise self._over
        task = asyncio.ensure_future(work)  # the library swallows cancellations; one of a task of its own reaches us
        broken: asyncio.Future[sdk.ProviderError] = asyncio.get_running_loop().create_future()
        self._waiting[broken] = subjects
        try:
            await self._first_of(task, broken, limit=limit or self._params.request_timeout)
            if broken.done() and (not task.done() or task.cancelled() or task.exception() is not None):
                raise broken.result()
            return task.result()
        except Exception as err:  # noqa: BLE001 (the border to the library)
            translated = self._translated(err)
            raise translated from (translated.__cause__ if translated is err else err)
        finally:
            del self._waiting[broken]
            broken.cancel()
            while not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=0.05)
            if not task.cancelled():
                task.exception()  # seen

    async def _first_of(self, *futures: "asyncio.Future[Any]", limit: float) -> None:
        """Wait until one of them is done, or nothing was heard for so long."""
        clock = asyncio.get_running_loop().time
        self._heard = clock()
        while not any(future.done() for future in futures):
            left = self._heard + limit - clock()
            if left <= 0:
                raise sdk.TimeoutExceededError(f"no answer from {self._at} within {limit:g} s")
            await asyncio.wait(futures, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def api(self, what: str, *names: str) -> str:
        """Return the subject of a call of the JetStream API."""
        return ".".join((self._prefix, what, *map(_named, names)))

    async def ask(self, what: str, *names: str, **body: object) -> dict[str, Any]:
        """Ask the JetStream API and return its answer."""
        message = Outgoing(self.api(what, *names), (), json.dumps(body).encode(), None)
        (answer,) = await self.send([message])
        if "error" in answer:
            raise refused(answer["error"], *names)
        return answer

    async def send(self, messages: Sequence[Outgoing]) -> list[dict[str, Any]]:
        """Send messages in their order and return the answer to each, which may be an error."""
        return await self.call(self._send(messages), *(message.subject for message in messages))

    async def _send(self, messages: Iterable[Outgoing]) -> list[dict[str, Any]]:
        answers: dict[str, asyncio.Future[Msg]] = {}
        try:
            for message in messages:
                answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
                reply = self.route(functools.partial(_settle, answer))
                answers[reply] = answer
                headers = _Headers()
                headers.given = message.headers
                await self.client.publish(message.subject, message.payload, reply, headers if message.headers else None)
            found = await asyncio.gather(*answers.values())
            return [json.loads(each.data) if each.data else {"error": _NOBODY} for each in found]
        finally:
            for reply, answer in answers.items():
                self.forget(reply)
                answer.cancel()

    def route(self, receive: "Callable[[Msg], None]", *, consumer: str = "") -> str:
        """Return a subject for answers, each of which `receive` is called with, and each message of that consumer."""
        token = str(next(self._tokens))
        self._routes[token] = receive
        if consumer:
            self._routes[f"consumer {consumer}"] = receive
        return f"{self._inbox}.{token}"

    def forget(self, reply: str, *, consumer: str = "") -> None:
        """Drop whatever still comes there."""
        self._routes.pop(reply.rpartition(".")[2], None)
        self._routes.pop(f"consumer {consumer}", None)

    async def _on_message(self, message: "Msg") -> None:
        self._heard = asyncio.get_running_loop().time()
        to = message.subject.rpartition(".")[2]
        if message.reply.startswith("$JS.ACK."):  # delivered under its own subject
            tokens = message.reply.split(".")
            to = f"consumer {tokens[3 if len(tokens) == 9 else 5]}"
        receive = self._routes.get(to)
        if receive is not None:
            receive(message)

    async def _on_error(self, err: Exception) -> None:
        self._last, text = err, str(err)
        if "permissions violation" not in text:
            return
        denied = self._translated(err)
        if "subscription" in text:  # then no answer ever comes
            self._end(denied)
        for future, subjects in self._waiting.items():
            if any(f'"{subject.lower()}"' in text for subject in subjects) and not future.done():
                future.set_result(denied)

    async def _on_closed(self) -> None:
        from nats import errors

        cause = errors.Error(self.client.said) if self.client.said else self.client.last_error or errors.UnexpectedEOF()
        error = self._translated(cause)
        error.__cause__ = cause
        self._end(error)

    def _end(self, error: sdk.ProviderError) -> None:
        if self._over is None or isinstance(error, sdk.ClosedError):
            self._over = error
        for future in self._waiting:
            if not future.done():
                future.set_result(error)

    def _translated(self, err: Exception) -> sdk.ProviderError:
        if isinstance(err, sdk.ProviderError):
            return err
        text = str(err).removeprefix("nats: ").strip("'") or type(err).__name__
        names = {each.__name__ for each in type(err).__mro__}
        _, _, kind, said, hint = next(
            fault for fault in _FAULTS if fault[0] in names and re.search(fault[1], text, re.IGNORECASE)
        )
        return kind(said.format(at=self._at, text=text), hint=hint, context={"server": self._at})


def _settle(future: "asyncio.Future[Msg]", message: "Msg") -> None:
    if not future.done():
        future.set_result(message)


def _named(name: str) -> str:
    if not name or not name.isprintable() or any(character in " .*>/\\" for character in name):
        raise sdk.InvalidConfigError(f"{name!r} cannot be a name: {NAMES}", hint="check `stream` and `durable`")
    return name


def refused(error: dict[str, Any], *names: str) -> sdk.ProviderError:
    """Return the typed form of an error of the JetStream API."""
    code, number = error.get("code", 500), error.get("err_code", 0)
    where: dict[str, str] = dict(zip(("stream", "consumer"), names, strict=False))
    if code == 404 and len(names) == 1:
        hint = "set `create: true` to make it when writing, or check `stream`"
        return sdk.NotFoundError(f"there is no stream {names[0]}", hint=hint, context=where)
    kind: type[sdk.ProviderError] = sdk.NotFoundError if code == 404 else sdk.UnavailableError
    if number in _CONFLICTS:
        kind = sdk.ConflictError
    elif number in _DISABLED or code == 400:
        kind = sdk.InvalidConfigError
    return kind(f"{' '.join(('stream', *names))}: {error.get('description')} ({number})", context=where)


class Session:
    """One open session: the parameters, and a connection, which a call that begins replaces when it is broken."""

    def __init__(self, credentials: Credentials, params: Params, wire: Wire) -> None:
        self._credentials = credentials
        self._params = params
        self._wire = wire
        self._mending = asyncio.Lock()

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Connect and log in. Whether the stream is there is asked by the first read or write."""
        return cls(credentials, params, await Wire.open(credentials, params))

    async def disconnect(self) -> None:
        """Close the session; a read or write under way ends with `closed`."""
        await self._wire.close()

    @property
    def _stream(self) -> str:
        if not self._params.stream:
            raise sdk.InvalidConfigError("no stream is named", hint="set `stream`")
        return self._params.stream

    async def _mend(self) -> None:
        """Connect anew when the connection is broken: at most once for a call, so that the engine sets the pace."""
        async with self._mending:
            if self._wire.is_broken():
                fresh = await Wire.open(self._credentials, self._params)
                if not self._wire.is_broken():  # the session was closed meanwhile
                    await fresh.close()
                    return
                old, self._wire = self._wire, fresh
                await old.client.shut()

    async def _info(self) -> dict[str, Any]:
        """Return what the server says of the stream."""
        await self._mend()
        return await self._wire.ask("STREAM.INFO", self._stream)

    async def _stored(self, sequence: int, *, subject: str) -> Stored | None:
        """Return the first message from `sequence` on with that subject."""
        try:
            answer = await self._wire.ask("STREAM.MSG.GET", self._stream, seq=sequence, next_by_subj=subject)
        except sdk.NotFoundError:
            return None
        found = answer["message"]
        header, data = (base64.b64decode(found.get(name) or "") for name in ("hdrs", "data"))
        return Stored(found["seq"], found["subject"], _nanoseconds(found["time"]), header, data)


def _nanoseconds(text: str) -> int:
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000 + int(fraction.ljust(9, "0"))
