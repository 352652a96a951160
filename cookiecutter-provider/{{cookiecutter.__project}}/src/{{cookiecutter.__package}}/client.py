"""The session: the only file that knows the system's client library, and the one that translates its errors."""

from typing import Any, Self

import nvisy_sdk as sdk

from ._driver import Connection, DriverError
from .config import Credentials, Params

_KINDS: dict[str, type[sdk.ProviderError]] = {
    "auth": sdk.AuthError,
    "forbidden": sdk.PermissionDeniedError,
    "not_found": sdk.NotFoundError,
    "conflict": sdk.ConflictError,
    "throttled": sdk.ThrottledError,
    "unavailable": sdk.UnavailableError,
    "invalid_query": sdk.InvalidConfigError,
    "invalid_data": sdk.InvalidDataError,
    "invalid_cursor": sdk.InvalidContextError,
    "gone": sdk.ContextExpiredError,
}


class Session:
    """One open session with the {{ cookiecutter.__thing }} that the parameters name."""

    def __init__(self, connection: Connection, params: Params) -> None:
        self._connection = connection
        self._params = params
        self._closed = False

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Open a session. A wrong secret or an unreachable service fails here; a missing {{ cookiecutter.__thing }} does not."""
{% if cookiecutter.kind == "record" %}
        if params.schema is not None:
            raise sdk.InvalidConfigError("the service has no schemas", hint="leave `schema` out")
{% elif cookiecutter.kind == "embedding" %}
        if params.namespace is not None:
            raise sdk.InvalidConfigError("the service has no namespaces", hint="leave `namespace` out")
{% elif cookiecutter.kind == "document" %}
        if params.database is not None:
            raise sdk.InvalidConfigError("the service has no databases", hint="leave `database` out")
{% endif %}
        try:
            connection = await Connection.open(
                params.host,
                params.port,
                seconds=params.timeout_ms / 1000,
{% if cookiecutter.auth == "token" %}
                secret=credentials.token.get_secret_value(),
{% elif cookiecutter.auth == "password" %}
                user=credentials.username,
                secret=credentials.password.get_secret_value(),
{% elif cookiecutter.auth == "key_pair" %}
                user=credentials.key_id,
                secret=credentials.secret.get_secret_value(),
{% endif %}
            )
        except (DriverError, OSError) as err:
            raise _translated(err, "connect", params) from err
        return cls(connection, params)

    async def disconnect(self) -> None:
        """Close the session; a read under way ends with `closed`."""
        self._closed = True
        await self._connection.close()

    async def check(self) -> None:
        """Check that the service answers."""
        await self._call("streams")

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the {{ cookiecutter.__thing }}s there are, by name."""
        found = await self._call("streams")
        return [stream_info(stream) for stream in found["streams"]]

    async def describe(self) -> sdk.StreamInfo:
        """Return the {{ cookiecutter.__thing }} that the parameters name."""
        found = await self._call("describe", stream=self._stream())
        return stream_info(found["stream"])

    def _stream(self) -> str:
{% if cookiecutter.kind == "object" %}
        return self._params.bucket
{% else %}
        if self._params.{{ cookiecutter.__thing }} is None:
            raise sdk.InvalidConfigError("no {{ cookiecutter.__thing }} is named", hint="set `{{ cookiecutter.__thing }}`")
        return self._params.{{ cookiecutter.__thing }}
{% endif %}

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        """Ask the service for something, and put the SDK's words for what goes wrong."""
        if self._closed:
            raise sdk.ClosedError("the session is closed", hint="open a new one")
        try:
            return await self._connection.call(operation, **request)
        except (DriverError, OSError) as err:
            if self._closed:
                raise sdk.ClosedError(f"the session was closed during `{operation}`") from err
            raise _translated(err, operation, self._params) from err


def _translated(error: DriverError | OSError, operation: str, params: Params) -> sdk.ProviderError:
    where = {"host": f"{params.host}:{params.port}", "operation": operation}
    if isinstance(error, DriverError):
        kind = _KINDS.get(error.code, sdk.ProviderError)
        return kind(f"the service says: {error}", retry_after=error.retry_after, context=where)
    if isinstance(error, TimeoutError):
        return sdk.TimeoutExceededError(
            f"no answer within {params.timeout_ms} ms from {params.host}:{params.port}",
            hint="raise `timeout_ms`, or look at the service",
            context=where,
        )
    return sdk.ConnectionFailedError(
        f"cannot reach {params.host}:{params.port}: {error}", hint="check `host` and `port`", context=where
    )


def stream_info(stream: dict[str, Any]) -> sdk.StreamInfo:
    """Return what the service says of a {{ cookiecutter.__thing }} in the words of the SDK."""
    schema = sdk.Schema.model_validate({"fields": stream["columns"]})
    return sdk.StreamInfo(name=stream["name"], schema=schema, key=tuple(stream["key"]), rows=stream["count"])
