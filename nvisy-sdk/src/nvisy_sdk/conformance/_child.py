"""The parent's side of `_import_child.py`: hand it a job, take its answer. A process that dies without one has answered too."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

Deed: TypeAlias = Literal["time", "watch", "connect", "describe"]

_SCRIPT: Final = Path(__file__).with_name("_import_child.py")
_PATIENCE: Final = 30.0  # seconds: an import takes a fraction of one, also on a busy machine


def ask(do: Deed, module: str, *, hash_seed: int = 0, bytecode: bool = True, **job: object) -> Mapping[str, Any]:
    """Let a fresh process do the job and return its answer; `died` says why there is none.

    Args:
        do: What to do.
        module: What to import.
        hash_seed: The seed of the process's hashes: what depends on it differs between two of them.
        bytecode: Whether compiled modules may be written.
        job: What the job needs besides.
    """
    path = [str(Path(entry).resolve()) if entry else str(Path.cwd()) for entry in sys.path]
    given = pickle.dumps({"do": do, "module": module, "path": path, **job})
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONDONTWRITEBYTECODE": "" if bytecode else "1"}
    try:
        ended = subprocess.run(  # noqa: S603 - this interpreter, and a script beside this file
            [sys.executable, "-W", "ignore", str(_SCRIPT)],
            input=given,
            capture_output=True,
            env=environment,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"died": f"importing `{module}` did not end within {_PATIENCE:g} s"}
    try:
        answer: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        said = ended.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["without a word"]
        return {"died": f"the process that imports `{module}` ended with code {ended.returncode}: {said[0]}"}
    return answer


async def ask_beside(do: Deed, module: str, **job: object) -> Mapping[str, Any]:
    """Do as `ask`, while the loop goes on: for a job that needs the harness, which serves it meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: ask(do, module, **job))  # type: ignore[arg-type]
