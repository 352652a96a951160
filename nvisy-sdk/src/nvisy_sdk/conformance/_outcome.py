"""What a check can end with, how far a provider has come, and one line of the ledger."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How much of the catalogue a provider fulfils: all of a level and of every level below."""

    LOADABLE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3

    @property
    def word(self) -> str:
        """The level's name as it is written in settings and reports."""
        return self.name.lower()


class Evidence(StrEnum):
    """What the harness ran the provider against."""

    FAKE = "fake"
    """A stand-in that the author wrote."""
    CONTAINER = "container"
    """A real server, started for the run."""
    LIVE = "live"
    """A real account."""


class Outcome(StrEnum):
    """How a check ended. Only `pass` and `unsupported-verified` count."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    """The kit or the harness broke: neither a failure of the provider nor a success."""
    VACUOUS = "vacuous"
    """Nothing was observed, so nothing was shown."""
    UNSUPPORTED_VERIFIED = "unsupported-verified"
    """Declared unsupported, and seen to be refused as declared."""
    KNOWN_FAIL = "known-fail"
    PROVISIONAL_FAIL = "provisional-fail"
    """A check that is new in this version failed; it will count in the next."""
    NOT_RUN = "not-run"

    @property
    def counts(self) -> bool:
        """Whether it counts towards a level."""
        return self in (Outcome.PASS, Outcome.UNSUPPORTED_VERIFIED)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the ledger.

    Args:
        id: The check.
        outcome: How it ended.
        message: Why, when it did not pass; the reason of the manifest, when it is declared unsupported.
        observations: How many things it looked at.
        seconds: How long it took.
    """

    id: str
    outcome: Outcome
    message: str = ""
    observations: int = 0
    seconds: float = 0.0


class CheckFailed(Exception):  # noqa: N818 - a verdict, not an error
    """The provider does not do what the check asserts."""


class HarnessFailed(Exception):  # noqa: N818 - its counterpart
    """The harness, or the system behind it, could not do its part; says nothing about the provider."""
