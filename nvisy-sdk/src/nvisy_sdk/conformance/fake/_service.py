"""The fake service's socket: sessions, the secret, the operations and the meters.

A session begins with `hello`. Then, in any order: `streams`, `describe`, `create`, `put`, `mark` for all kinds of data, and
to read `page` (by key), `list` and `get` (objects), `scroll` (by token), `log` (by sequence number).
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ..._schema import Schema
from ._read import by_key, by_number, by_path, part
from ._store import PARTITIONS, Column, RefusedError, Store, Stream
from ._wire import packed, unpacked

Request: TypeAlias = Mapping[str, Any]
Reply: TypeAlias = dict[str, object]

_LINE = 2**28  # bytes of the longest request: an item of 100 MiB in base64
_SEAL: Final = 8  # bytes of a token that only this service can have made


class FakeService:
    """One server with its streams.

    Args:
        secret: What a session has to know; None when there is nothing to know.
    """

    def __init__(self, *, secret: str | None = None) -> None:
        self.secret = secret
        self.store = Store()
        self.host, self.port = "127.0.0.1", 0
        self.sessions = 0
        """Sessions that are open."""
        self.accepted = 0
        """Connections since the start."""
        self.requests = 0
        """Requests since the start."""
        self.circles = False
        """Whether a request for a further page by token is answered with the first one."""
        self._refusals: list[RefusedError] = []
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1, on the running loop."""
        self._server = await asyncio.start_server(self._session, self.host, self.port, limit=_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every session and stop listening; the streams stay, and `start` listens on the same port again."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        tasks = [task for task in self._open.values() if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def seed(
        self,
        name: str,
        items: Sequence[Mapping[str, object]],
        schema: Schema,
        *,
        key: Sequence[str] = (),
        strict: bool = True,
    ) -> None:
        """Put items into a stream, which is made when it is not there; one with a key that was there takes its place.

        Args:
            name: The stream.
            items: What to put.
            schema: The columns.
            key: Those that are unique together; without them, items are only ever added.
            strict: Whether a column has to be there before something else can write it.
        """
        columns = {field.name: Column(field.type.model_dump(), field.nullable) for field in schema.fields}
        known = tuple(key) if set(key) <= set(columns) else ()
        stream = self.store.streams.setdefault(name, Stream(name, {}, known, strict))
        stream.columns.update(columns)
        for item in items:
            stream.put({column: item.get(column) for column in stream.columns})

    def dump(self, name: str) -> list[dict[str, object]]:
        """Return all items of a stream; none when it is not there."""
        stream = self.store.streams.get(name)
        return [dict(stored.item) for stored in stream.items] if stream else []

    def remove(self, name: str, items: Sequence[Mapping[str, object]]) -> None:
        """Delete items from a stream."""
        stream = self.store.stream(name)
        gone = [stored for item in items for stored in ([stream.get(item)] if stream.key else stream.alike(item))]
        stream.drop(stored.number for stored in gone if stored is not None)

    def sweep(self, prefix: str) -> None:
        """Delete every stream whose name begins so."""
        for name in [name for name in self.store.streams if name.startswith(prefix)]:
            del self.store.streams[name]

    def refuse(self, code: str, message: str, *, times: int = 1, retry_after: float | None = None) -> None:
        """Answer the next requests with a refusal."""
        self._refusals += [RefusedError(code, message, retry_after=retry_after)] * times

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        self.accepted += 1
        self.sessions += 1
        known = False
        try:
            while line := await reader.readline():
                request = json.loads(line)
                self.requests += 1
                reply, known = self._reply(request, known=known)
                writer.write(json.dumps({"id": request["id"], **reply}).encode() + b"\n")
                await writer.drain()
        except OSError:  # the other side is gone
            pass
        finally:
            self.sessions -= 1
            del self._open[writer]
            writer.close()

    def _reply(self, request: Request, *, known: bool) -> tuple[Reply, bool]:
        try:
            if self._refusals:
                raise self._refusals.pop(0)
            if request["op"] == "hello":
                self._hello(request)
                return {"ok": {}}, True
            if not known:
                raise RefusedError("auth", "say hello first")
            return {"ok": _OPERATIONS[request["op"]](self, request)}, known
        except RefusedError as refusal:
            error = {"code": refusal.code, "message": refusal.message, "retry_after": refusal.retry_after}
            return {"error": error}, known

    def _hello(self, request: Request) -> None:
        given = str(request.get("secret") or "").encode(errors="replace")
        if self.secret is not None and not hmac.compare_digest(given, self.secret.encode()):
            raise RefusedError("auth", "the secret is not the right one")

    # ------------------------------------------------------------------ all kinds of data

    def _streams(self, request: Request) -> Reply:
        return {"streams": [_described(self.store, name) for name in sorted(self.store.streams)]}

    def _describe(self, request: Request) -> Reply:
        return {"stream": _described(self.store, request["stream"])}

    def _create(self, request: Request) -> Reply:
        self.store.create(
            request["stream"],
            _columns(request),
            key=tuple(request["key"]),
            strict=request["strict"],
            create=request["create"],
            evolve=request["evolve"],
        )
        return {}

    def _put(self, request: Request) -> Reply:
        items: Any = unpacked(request["items"])
        rejected = []
        if items:
            key = tuple(request["key"])
            rejected = self.store.put(request["stream"], _columns(request), items, mode=request["mode"], key=key)
        if request.get("mark") is not None:
            self.store.marks[request["mark"]["key"]] = request["mark"]["value"]
        return {"accepted": len(items) - len(rejected), "rejected": rejected}

    def _mark(self, request: Request) -> Reply:
        return {"value": self.store.marks.get(request["key"])}

    # ------------------------------------------------------------------ reading, one operation for each kind of position

    def _page(self, request: Request) -> Reply:
        stream, after = self.store.stream(request["stream"]), _cursor(request["after"])
        conditions, labels = request.get("filter") or [], request.get("labels") or []
        items, more = by_key(stream, request["sort"], after, request["limit"], conditions, labels)
        wanted = request.get("columns")
        if wanted is not None:
            items = [{name: item.get(name) for name in wanted} for item in items]
        return {"items": [packed(item) for item in items], "more": more}

    def _list(self, request: Request) -> Reply:
        stream = self.store.stream(request["stream"])
        items, more = by_path(stream, request["prefix"], request["glob"], request["after"], request["limit"])
        return {"items": [packed(item) for item in items], "more": more}

    def _get(self, request: Request) -> Reply:
        stream = self.store.stream(request["stream"])
        found, data = part(stream, request["path"], request["offset"], request["length"])
        return {"items": [packed(found)], "data": packed(data)}

    def _scroll(self, request: Request) -> Reply:
        stream, token = self.store.stream(request["stream"]), request["token"]
        after = 0 if token is None or self.circles else _opened(stream.name, token)
        items, more = by_number(stream, after, request["limit"])
        tokens = [_sealed(stream.name, stored.number) for stored in items]
        return {"items": [packed(stored.item) for stored in items], "tokens": tokens, "more": more or self.circles}

    def _log(self, request: Request) -> Reply:
        stream, partition = self.store.stream(request["stream"]), int(request["partition"])
        items, more = by_number(stream, request["after"], request["limit"], partition, request.get("subject"))
        numbers = [stored.number for stored in items]
        return {"items": [packed(stored.item) for stored in items], "numbers": numbers, "more": more}


_OPERATIONS: Final[dict[str, Callable[[FakeService, Request], Reply]]] = {
    "streams": FakeService._streams,
    "describe": FakeService._describe,
    "create": FakeService._create,
    "put": FakeService._put,
    "mark": FakeService._mark,
    "page": FakeService._page,
    "list": FakeService._list,
    "get": FakeService._get,
    "scroll": FakeService._scroll,
    "log": FakeService._log,
}


def _described(store: Store, name: str) -> Reply:
    stream = store.stream(name)
    columns = [
        {"name": column, "type": each.type, "nullable": each.nullable} for column, each in stream.columns.items()
    ]
    partitions = [str(number) for number in range(PARTITIONS)]
    return {"name": name, "columns": columns, "key": stream.key, "count": len(stream.items), "partitions": partitions}


def _columns(request: Request) -> dict[str, Column]:
    return {column["name"]: Column(column["type"], column["nullable"]) for column in request["columns"]}


def _cursor(after: object) -> list[object] | None:
    values = unpacked(after)
    return values if isinstance(values, list) else None


def _sealed(stream: str, number: int) -> str:
    return f"{number:x}.{hashlib.blake2b(f'{stream}/{number}'.encode(), digest_size=_SEAL).hexdigest()}"


def _opened(stream: str, token: str) -> int:
    number, _, _ = token.partition(".")
    try:
        if _sealed(stream, int(number, 16)) == token:
            return int(number, 16)
    except ValueError:
        pass
    raise RefusedError("gone", f"the token is not, or no longer, one of stream `{stream}`")
