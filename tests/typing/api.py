"""Uses the public functions as a program would. It is never run: mypy and pyright check that the types fit.

`assert_type` fails the check when a public signature changes without anybody meaning it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_type

import nvisy
import nvisy_sdk as sdk


def run_and_copy() -> None:
    """The functions of `nvisy` and what they give back."""
    outcome = nvisy.run("flights.yaml", full=True, home=Path("state"))
    assert_type(outcome, nvisy.Outcome)
    assert_type(outcome.read, int)
    assert_type([sink.why for sink in outcome.sinks], list[str])
    assert_type(nvisy.copy("sqlite:///a.db?table=t", "sqlite:///b.db", incremental=True), nvisy.Outcome)
    assert_type(nvisy.plan({"version": 1}), dict[str, object])
    assert_type([info.name for info in nvisy.providers().providers], list[str])


async def run_without_blocking() -> None:
    """The same for programs with an event loop."""
    assert_type(await nvisy.run_async(Path("flights.yaml")), nvisy.Outcome)
    try:
        await nvisy.copy_async("a://", "b://", fresh=True)
    except nvisy.DefinitionError as error:
        assert_type([problem.code for problem in error.problems], list[str])
    except nvisy.RunError as error:
        assert_type(error.outcome, nvisy.Outcome)


class Provider:
    """A provider that inherits nothing fits the protocols."""

    @classmethod
    async def connect(cls, credentials: sdk.NoCredentials, params: sdk.RelationalParams) -> Provider:
        """Open a session."""
        return cls()

    async def disconnect(self) -> None:
        """Close it."""

    async def read(self, context: sdk.Context | None) -> AsyncIterator[sdk.Batch]:
        """Read one row."""
        stream = sdk.fingerprint(stream="one")
        yield sdk.Batch([{"id": 1}], sdk.Keyset(("id",), stream))

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Take everything."""
        return sdk.Receipt(accepted=len(batch))


def fits(session: Provider) -> tuple[sdk.DataInput, sdk.DataOutput]:
    """The structural protocols accept it."""
    return session, session
