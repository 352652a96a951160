"""The exit codes, which scripts may rely on."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """How a command ended. The text of each is what ``nvisy --help`` prints."""

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    meaning: str

    SUCCESS = 0, "success"
    INTERNAL = 1, "a fault of Nvisy itself"
    BAD_INPUT = 2, "a workflow, URI or option that cannot be used; nothing was connected"
    PROVIDER = 3, "a provider failed, or cannot be used"
    REJECTED = 4, "more items were refused than the workflow allows"
    CANCELLED = 5, "cancelled; the next start continues"
