"""Read in another process: what a context is worth when nothing is left of the session it came from.

Run as a module, this file is that process. The job comes in through its standard input, so that no argument shows a secret.
"""

import asyncio
import importlib
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .._context import Context, context_adapter
from ..testing import items as taken_apart
from ._case import Case
from ._harness import Item
from ._outcome import HarnessFailed

_PATIENCE: Final = 60.0  # seconds for a process to start and read a few items


async def read_elsewhere(case: Case, stream: str, contexts: Sequence[Context]) -> list[list[Item]]:
    """Return what a fresh process reads from each of the contexts.

    Raises:
        CheckFailed: The provider failed there.
        HarnessFailed: There was no answer.
    """
    job = {
        "path": [entry or str(Path.cwd()) for entry in sys.path],
        "reference": case.subject.reference,
        "arguments": pickle.dumps((case.credentials(), case.params(stream))),
        "contexts": [context_adapter.dump_json(context) for context in contexts],
    }
    answer: list[list[Item]] | str = await case.service.run(_asked(pickle.dumps(job)))
    if isinstance(answer, str):
        case.fail(f"in another process, {answer}")
    return answer


async def _asked(job: bytes) -> Any:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            answer, complaint = await process.communicate(job)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise HarnessFailed(f"the other process ended with {process.returncode}: {complaint.decode(errors='replace')}")
    return pickle.loads(answer)


def main() -> None:
    """Do the job that standard input holds, and write the answer."""
    job = pickle.load(sys.stdin.buffer)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    sys.path[:] = job["path"]
    module, _, path = job["reference"].partition(":")
    provider: Any = importlib.import_module(module)
    for part in path.split("."):
        provider = getattr(provider, part)
    credentials, params = pickle.loads(job["arguments"])
    answers.write(pickle.dumps(asyncio.run(_read(provider, credentials, params, job["contexts"]))))


async def _read(
    provider: Any, credentials: object, params: object, contexts: Sequence[bytes]
) -> list[list[Item]] | str:
    try:
        session = await provider.connect(credentials, params)
        try:
            return [
                [item for item, _ in await taken_apart(session.read(context_adapter.validate_json(context)))]
                for context in contexts
            ]
        finally:
            await session.disconnect()
    except Exception as err:  # noqa: BLE001 - whatever it is, it is told to the parent
        return f"resuming raised {type(err).__name__}: {err}"


if __name__ == "__main__":
    main()
