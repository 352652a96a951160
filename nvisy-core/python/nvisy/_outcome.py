"""How a run ended, as the engine says it."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

__all__ = ["Failure", "Outcome", "SinkOutcome"]

Status = Literal["succeeded", "failed", "rejected", "cancelled"]
Guarantee = Literal["at_least_once", "effectively_once", "exactly_once"]


@dataclass(frozen=True, slots=True)
class SinkOutcome:
    """What arrived on the way from one source to one sink."""

    node: str
    source: str
    guarantee: Guarantee
    why: str
    read: int
    written: int
    rejected: int
    filtered: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed.

    Attributes:
        kind: What went wrong, as one of the SDK's error kinds.
        retryable: Whether trying again can help.
        operation: What was tried; completes "failed to ...".
        message: What happened.
        hint: What a person can do.
        context: Where: pairs such as ``provider``, ``node``, ``item``.
        traceback: The traceback in the provider, without local variables.
        causes: The texts of the errors beneath, outermost first.
    """

    kind: str
    retryable: bool
    operation: str
    message: str
    hint: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    traceback: str | None = None
    causes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Failure:
        """The failure in the engine's JSON values."""
        known = _known(cls, values)
        return cls(**{**known, "causes": tuple(str(cause) for cause in known.get("causes") or ())})

    @classmethod
    def of(cls, error: BaseException, operation: str) -> Failure:
        """The failure that an exception of a provider is. What it knows besides its text is the SDK's."""
        hint, context = getattr(error, "hint", None), getattr(error, "context", None)
        return cls(
            kind=str(getattr(error, "kind", "internal")),
            retryable=bool(getattr(error, "retryable", False)),
            operation=operation,
            message=str(error) or type(error).__name__,
            hint=None if hint is None else str(hint),
            context=context if isinstance(context, dict) else {},
            traceback="".join(traceback.format_exception(type(error), error, _without_ours(error.__traceback__))),
        )

    def to_dict(self) -> dict[str, object]:
        """The failure as JSON values."""
        return asdict(self)

    def line(self) -> str:
        """The failure in one line."""
        return f"failed to {self.operation}: {self.message}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        run_id: Names the run; ``nvisy runs RUN_ID`` shows it again.
        workflow: The workflow's name.
        status: ``succeeded``; ``rejected`` when sinks refused more items than the workflow allows; ``failed``;
            ``cancelled``.
        read: Items read, of all sources; ``read = written + rejected + filtered`` on every path of a run that ended.
        written: Items written, of all paths.
        rejected: Items refused.
        filtered: Items taken out by steps.
        seconds: From the start to the end.
        resumed: Whether it took up an interrupted run.
        guarantee: The weakest guarantee of all paths.
        bytes: Bytes moved, as held in memory.
        sinks: The same by path.
        error: Why it failed; ``None`` when it did not.
    """

    run_id: str
    workflow: str
    status: Status
    read: int
    written: int
    rejected: int
    filtered: int
    seconds: float
    resumed: bool
    guarantee: Guarantee
    bytes: int = 0
    sinks: tuple[SinkOutcome, ...] = ()
    error: Failure | None = None

    @classmethod
    def parse(cls, text: str) -> Outcome:
        """The outcome in the engine's JSON."""
        values = _known(cls, json.loads(text))
        error = values.pop("error", None)
        sinks = tuple(SinkOutcome(**_known(SinkOutcome, sink)) for sink in values.pop("sinks", ()))
        return cls(**values, sinks=sinks, error=None if error is None else Failure.parse(error))

    def to_dict(self) -> dict[str, object]:
        """The outcome as JSON values."""
        return asdict(self)

    def summary(self) -> str:
        """The outcome in one line."""
        if self.error is not None:
            return f"{self.error.line()} [{self.error.kind}] (workflow {self.workflow}, run {self.run_id})"
        counts = f"{self.read:,} read, {self.written:,} written, {self.rejected:,} rejected, {self.filtered:,} filtered"
        return f"workflow {self.workflow} {self.status}: {counts} in {self.seconds:.1f} s (run {self.run_id})"


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins in the provider: what called it there is known from the operation."""
    ours = f"{Path(__file__).parent}{os.sep}"
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(ours):
        trace = trace.tb_next
    return trace


def _known(shape: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values `shape` has fields for: an outcome kept by a later version may tell more."""
    names = {item.name for item in fields(shape)}
    return {name: value for name, value in values.items() if name in names}
