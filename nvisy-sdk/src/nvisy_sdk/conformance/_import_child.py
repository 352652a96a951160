"""A process of its own in which a package is imported, so that what the import does can be seen and undone by its end.

Run as a script, not as a module: importing the kit here would hide what the package costs. The job comes pickled on stdin
(from the kit, which trusts itself) and the answer leaves as one line of JSON on the stream that stdout was.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

Answer = dict[str, Any]

_DEEDS = {
    "socket.connect": "connects a socket",
    "socket.bind": "binds a socket",
    "socket.sendto": "sends a datagram",
    "socket.getaddrinfo": "looks up a host name",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.fork": "forks",
    "os.putenv": "sets an environment variable",
    "os.unsetenv": "removes an environment variable",
    "os.chdir": "changes the working directory",
    "os.mkdir": "makes a folder",
    "os.remove": "deletes a file",
    "os.rename": "renames a file",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Do the one job and answer."""
    # One byte string from the parent, a file of the same kit: nothing foreign is ever unpickled.
    job: Mapping[str, Any] = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    sys.path[:] = job["path"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        answer = _JOBS[job["do"]](job)
    answer["printed"] = printed.getvalue()[:200]
    sys.__stdout__.write(json.dumps(answer) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
    os._exit(0)  # a thread or an exit handler of the package must not keep this process


def _timed(job: Mapping[str, Any]) -> Answer:
    """Import the SDK, then the package, and say how long each took."""
    begun = time.perf_counter()
    __import__("nvisy_sdk")
    between = time.perf_counter()
    __import__(job["module"])
    return {"sdk": between - begun, "package": time.perf_counter() - between}


def _watched(job: Mapping[str, Any]) -> Answer:
    """Import the package and say what that did besides."""
    __import__("nvisy_sdk")
    before, deeds, watching = _state(), list[str](), True

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if not watching:
            return
        if event in _DEEDS:
            deeds.append(f"{_DEEDS[event]} ({event}{_short(arguments)})")
        elif event == "open" and _written(arguments):
            deeds.append(f"writes the file {arguments[0]!r}")

    sys.addaudithook(audit)
    __import__(job["module"])
    watching = False
    changed = [f"changes {name}" for name, value in _state().items() if value != before[name]]
    return {"deeds": deeds + changed}


def _connected(job: Mapping[str, Any]) -> Answer:
    """Import the package without some modules, then connect; say how each ended."""
    sys.meta_path.insert(0, _Absent(frozenset(job["absent"])))
    try:
        found: Any = __import__(job["module"], fromlist=["_"])
        for part in job["attribute"].split("."):
            found = getattr(found, part)
    except Exception as err:  # noqa: BLE001 - whatever it is, the parent judges it
        return {"imported": f"{type(err).__name__}: {err}"}
    from nvisy_sdk import ProviderError, connect_models  # noqa: PLC0415 - the path is known only now

    credentials, params = connect_models(found)
    try:
        given = credentials.model_validate(job["credentials"]), params.model_validate(job["params"])
        asyncio.run(found.connect(*given))
    except ProviderError as err:
        return {"kind": str(err.kind), "text": f"{err} {err.hint or ''}"}
    except Exception as err:  # noqa: BLE001 - whatever it is, the parent judges it
        return {"kind": "", "text": f"{type(err).__name__}: {err}"}
    return {"kind": "", "text": "no error"}


def _described(job: Mapping[str, Any]) -> Answer:
    """Return what the package's code says of itself."""
    module = __import__(job["module"], fromlist=["_"])
    return {"text": module.manifest().model_dump_json()}


_JOBS = {"time": _timed, "watch": _watched, "connect": _connected, "describe": _described}


class _Absent(MetaPathFinder):
    """Makes modules look as if they were not installed."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname.split(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def _state() -> dict[str, object]:
    root = logging.getLogger()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        policy = type(asyncio.get_event_loop_policy())
    return {
        "the handlers or the level of the root logger": (
            list(map(id, root.handlers)),
            root.level,
            root.manager.disable,
        ),
        "the environment": dict(os.environ),
        "the working directory": os.getcwd(),  # noqa: PTH109 - a text to compare
        "the signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "the policy of event loops": policy,
        "the running threads": threading.active_count(),
    }


def _written(arguments: tuple[object, ...]) -> bool:
    path, mode, flags = arguments
    if "__pycache__" in str(path):
        return False
    return any(letter in str(mode or "") for letter in "wax+") or bool(isinstance(flags, int) and flags & _WRITES)


def _short(arguments: tuple[object, ...]) -> str:
    text = ", ".join(repr(one) for one in arguments if not type(one).__module__.startswith("socket"))
    return f": {text[:80]}"


if __name__ == "__main__":
    main()
