"""What a guard saw."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a guard saw while a check ran.

    Args:
        check: The check that is about it, such as `LEAK-01`.
        message: What was seen.
    """

    check: str
    message: str
