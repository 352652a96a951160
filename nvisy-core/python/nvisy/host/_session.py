"""One open session: the object `connect` returned, and the tasks at work on it."""

import contextvars
import logging
from typing import TYPE_CHECKING

from nvisy_sdk import (
    ClosedError,
    DataInput,
    DataOutput,
    Inspectable,
    PreparedOutput,
    Provider,
    StagedOutput,
    TransactionalOutput,
)
from pydantic import BaseModel

if TYPE_CHECKING:
    from ._job import Job

_LOG = logging.getLogger("nvisy")
_ABILITIES = {
    "read": DataInput,
    "write": DataOutput,
    "inspect": Inspectable,
    "prepare": PreparedOutput,
    "transactional": TransactionalOutput,
    "staged": StagedOutput,
}


class Session:
    """What the host knows of a session. All its tasks share one context, so context variables last as long as it."""

    def __init__(self, number: int, provider: str) -> None:
        self.number = number
        self.provider = provider
        self.context = contextvars.copy_context()
        self.jobs: set[Job] = set()
        self.secrets: tuple[str, ...] = ()
        self.closing: Job | None = None
        self.close_error: BaseException | None = None
        self._object: Provider[BaseModel, BaseModel] | None = None
        self._poison: str | None = None

    def open(self, opened: Provider[BaseModel, BaseModel]) -> None:
        """Keep what `connect` returned."""
        self._object = opened

    @property
    def is_open(self) -> bool:
        """Whether `connect` has returned."""
        return self._object is not None

    @property
    def opened(self) -> Provider[BaseModel, BaseModel]:
        """What `connect` returned, whatever happened since: for `disconnect`."""
        if self._object is None:
            raise ClosedError("the session is not open")
        return self._object

    def usable(self) -> Provider[BaseModel, BaseModel]:
        """Return what `connect` returned, for anything but `disconnect`.

        Raises:
            ClosedError: The session is closing, or a task of it did not react to being cancelled.
        """
        if self.closing is not None:
            raise ClosedError("the session is closed")
        if self._poison is not None:
            raise ClosedError(
                f"the session cannot be used any more: {self._poison}", hint="disconnect it and open another"
            )
        return self.opened

    def abilities(self) -> str:
        """Return the names of what the object can do, with a space between."""
        return " ".join(name for name, protocol in _ABILITIES.items() if isinstance(self._object, protocol))

    def poison(self, reason: str, stack: str) -> None:
        """Refuse further use: a task still holds the object and cannot be stopped."""
        self._poison = reason
        _LOG.warning("provider %s: %s; it is stuck here:\n%s", self.provider, reason, stack)

    @property
    def poisoned(self) -> bool:
        """Whether a task of it did not react to being cancelled."""
        return self._poison is not None
