"""The interpreter's audit events, for whoever listens just now.

An audit hook cannot be removed, so there is one for the life of the process, and it does nothing while nobody listens.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

Listener: TypeAlias = Callable[[str, tuple[object, ...]], None]

_HEARD: Final = frozenset(
    {
        *("open", "sqlite3.connect", "subprocess.Popen", "os.system", "time.sleep"),
        *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
        *("tempfile.mkstemp", "tempfile.mkdtemp"),
        *("compile", "exec", "pickle.find_class", "marshal.loads"),
    }
)
_listeners: list[Listener] = []
_busy = threading.local()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with every event, on the thread where it happens."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _listeners and event in _HEARD and not getattr(_busy, "now", False):
        _busy.now = True
        try:
            for listener in tuple(_listeners):
                listener(event, arguments)
        finally:
            _busy.now = False


sys.addaudithook(_hook)
