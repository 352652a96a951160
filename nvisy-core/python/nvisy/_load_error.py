"""The error of a provider that cannot be loaded. It is of both trees: this package's and the SDK's.

It has a module of its own because the SDK, and Pydantic with it, is imported only when there is something to load.
"""

from __future__ import annotations

from nvisy_sdk import ProtocolError

from nvisy._errors import NvisyError

__all__ = ["LoadError"]


class LoadError(NvisyError, ProtocolError):
    """An installed provider cannot be loaded. The cause is its own exception, where there is one."""

    def __init__(self, message: str, *, distribution: str, version: str, entry_point: str, hint: str) -> None:
        where = {"distribution": distribution, "version": version, "entry_point": entry_point}
        super().__init__(message, hint=hint, context={name: value for name, value in where.items() if value})
        self.distribution = distribution
        self.version = version
        self.entry_point = entry_point

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (str(self), self.distribution, self.version, self.entry_point, self.hint or "")


def _again(message: str, distribution: str, version: str, entry_point: str, hint: str) -> LoadError:
    return LoadError(message, distribution=distribution, version=version, entry_point=entry_point, hint=hint)
