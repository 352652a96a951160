"""What goes wrong, as one tree. The class says the kind; the kind says whether trying again can help.

    ProviderError                  internal: an exception nobody translated
    +-- AuthError                  the credentials were refused
    +-- PermissionDeniedError      they were accepted, but do not allow this
    +-- ConnectionFailedError      not reached, or the connection broke       retryable
    +-- TimeoutExceededError       no answer in time                          retryable
    +-- ThrottledError             asked to slow down                         retryable
    +-- UnavailableError           there, but cannot serve just now           retryable
    +-- NotFoundError              a table, collection, bucket, item is not there
    +-- ConflictError              something else is there, or it changed meanwhile
    +-- InvalidConfigError         a parameter or credential is wrong
    +-- InvalidDataError           a value cannot be represented or does not fit
    +-- InvalidContextError        a context is not one of this stream
    +-- ContextExpiredError        a context was valid once and is forgotten
    +-- UnsupportedError           the provider cannot do this
    +-- ClosedError                the session was already closed
    +-- MissingDependencyError     a package the provider needs is not installed
    +-- ProtocolError              the provider broke the protocol

The names differ from Python's own `PermissionError`, `ConnectionError` and `TimeoutError`, so that neither hides the other.
"""

from collections.abc import Mapping
from typing import ClassVar

from ._kind import ErrorKind


class ProviderError(Exception):
    """The one error that leaves a provider.

    Args:
        message: What happened, as a lower-case fragment that completes "failed to <operation>: ...". No secret.
        hint: What a person can do about it.
        retry_after: Seconds the system asked to wait.
        context: Where: pairs such as table or column.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        context: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after
        self.context = dict(context or {})


class AuthError(ProviderError):
    """The credentials were refused."""

    kind = ErrorKind.AUTH


class PermissionDeniedError(ProviderError):
    """The credentials were accepted, but do not allow this."""

    kind = ErrorKind.PERMISSION


class ConnectionFailedError(ProviderError):
    """The system could not be reached, or the connection broke."""

    kind = ErrorKind.CONNECTION
    retryable = True


class TimeoutExceededError(ProviderError):
    """The system did not answer in time."""

    kind = ErrorKind.TIMEOUT
    retryable = True


class ThrottledError(ProviderError):
    """The system asks to slow down."""

    kind = ErrorKind.THROTTLED
    retryable = True


class UnavailableError(ProviderError):
    """The system is there but cannot serve just now."""

    kind = ErrorKind.UNAVAILABLE
    retryable = True


class NotFoundError(ProviderError):
    """A table, collection, bucket or item is not there."""

    kind = ErrorKind.NOT_FOUND


class ConflictError(ProviderError):
    """Something else is already there, or changed meanwhile."""

    kind = ErrorKind.CONFLICT


class InvalidConfigError(ProviderError):
    """A parameter or credential is wrong."""

    kind = ErrorKind.INVALID_CONFIG


class InvalidDataError(ProviderError):
    """A value cannot be represented or does not fit."""

    kind = ErrorKind.INVALID_DATA


class InvalidContextError(ProviderError):
    """A context is not one of this stream."""

    kind = ErrorKind.INVALID_CONTEXT


class ContextExpiredError(ProviderError):
    """A context was valid once and the system has forgotten it."""

    kind = ErrorKind.CONTEXT_EXPIRED


class UnsupportedError(ProviderError):
    """The provider cannot do this."""

    kind = ErrorKind.UNSUPPORTED


class ClosedError(ProviderError):
    """The session was already closed."""

    kind = ErrorKind.CLOSED


class MissingDependencyError(ProviderError):
    """A package the provider needs is not installed."""

    kind = ErrorKind.MISSING_DEPENDENCY


class ProtocolError(ProviderError):
    """The provider broke the protocol."""

    kind = ErrorKind.PROTOCOL
