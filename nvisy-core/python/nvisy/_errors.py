"""What this package raises.

::

    NvisyError
    ├── DefinitionError      a workflow, a URI or an option that cannot be used; nothing was connected
    ├── EngineError          what the engine could not do, and no run came about
    ├── LoadError            an installed provider that cannot be loaded (in `_load_error`)
    └── RunError             a run that ended otherwise than with success
        ├── RejectedError    items were refused
        └── CancelledError   somebody cancelled it

A run that fails because of an exception in a provider raises that very exception instead of a RunError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nvisy._outcome import Failure, Outcome

__all__ = [
    "CancelledError",
    "DefinitionError",
    "DefinitionProblem",
    "EngineError",
    "NvisyError",
    "RejectedError",
    "RunError",
]


class DefinitionProblem(NamedTuple):
    """One thing that is wrong, or unwise, in what the user wrote.

    Attributes:
        code: A short stable word.
        node: The node it is about; ``None`` where it is about the whole.
        message: What is wrong.
        hint: What to write instead, where that is known.
        severity: ``error`` or ``warning``.
    """

    code: str
    node: str | None
    message: str
    hint: str | None = None
    severity: str = "error"

    def line(self) -> str:
        """The problem in one line."""
        where = f"{self.node}: " if self.node else ""
        return f"{where}{self.message} [{self.code}]"


class NvisyError(Exception):
    """Base of what this package raises."""


class DefinitionError(NvisyError):
    """What the user wrote cannot be used. All its problems are known at once, and nothing was connected."""

    def __init__(self, problems: Sequence[DefinitionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [f"{p.line()}{f' ({p.hint})' if p.hint else ''}" for p in self.problems if p.severity == "error"]
        return "\n".join(lines) or "the definition cannot be used"


class EngineError(NvisyError):
    """The engine could not do what it was asked, and no run came about: the workflow runs already, for example."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return f"{self.failure.line()} [{self.failure.kind}]"


class RunError(NvisyError):
    """A run ended otherwise than with success; ``outcome`` says how far it came."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        return self.outcome.summary()


class RejectedError(RunError):
    """Sinks refused items, and the run may not lose any."""


class CancelledError(RunError):
    """The run was cancelled; its next start continues where it stopped."""
