"""Stands in for the client library of {{ cookiecutter.system_name }}: it speaks to the SDK's fake service, and has errors of its own.

Delete it once `client.py` imports the real library. Nothing here knows Nvisy.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

_LINE = 2**28  # bytes of the longest reply


class DriverError(Exception):
    """The service refused a request."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Connection:
    """One connection. Requests wait for each other; one that is cancelled leaves the connection in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._last = 0

    @classmethod
    async def open(cls, host: str, port: int, *, seconds: float, **identity: str) -> Self:
        """Connect and say who one is."""
        async with asyncio.timeout(seconds):
            connection = cls(*await asyncio.open_connection(host, port, limit=_LINE), seconds)
        try:
            await connection.call("hello", **identity)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self._writer.transport.abort()
        await asyncio.sleep(0)  # the loop closes the socket in its next turn

    async def call(self, operation: str, **request: object) -> dict[str, Any]:
        """Send a request and return the reply."""
        async with asyncio.timeout(self._seconds), self._turn:
            self._last += 1
            line = json.dumps({"id": self._last, "op": operation, **_written(request)})
            self._writer.write(line.encode() + b"\n")
            await self._writer.drain()
            reply = await self._reply(self._last)
        if "error" in reply:
            raise DriverError(**reply["error"])
        return _read(reply["ok"])

    async def _reply(self, number: int) -> dict[str, Any]:
        while True:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the service closed the connection")
            reply: dict[str, Any] = json.loads(line)
            if reply.pop("id") == number:  # an older one answers a request that was cancelled
                return reply


_VALUES = {"items", "after", "data"}
"""The parts of requests and replies that hold a stream's values: JSON, where an object with one entry names its type."""


def _written(request: Mapping[str, object]) -> dict[str, object]:
    return {name: _packed(part) if name in _VALUES else part for name, part in request.items()}


def _read(reply: Mapping[str, object]) -> dict[str, Any]:
    return {name: _unpacked(part) if name in _VALUES else part for name, part in reply.items()}


def _packed(value: object) -> object:
    match value:
        case float():
            return {"float": value.hex()}
        case bytes():
            return {"bytes": base64.b64encode(value).decode("ascii")}
        case Decimal():
            return {"decimal": str(value)}
        case UUID():
            return {"uuid": str(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat()}
        case timedelta():
            return {"duration": value // timedelta(microseconds=1)}
        case Mapping():
            return {"map": {name: _packed(each) for name, each in value.items()}}
        case list() | tuple():
            return [_packed(each) for each in value]
        case _:
            return value


def _unpacked(value: object) -> Any:
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((name, held),) = value.items()
    if name == "map":
        return {key: _unpacked(each) for key, each in held.items()}
    return _UNPACK[name](held)


_UNPACK: dict[str, Callable[..., object]] = {
    "float": float.fromhex,
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "uuid": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "duration": lambda held: timedelta(microseconds=held),
}
