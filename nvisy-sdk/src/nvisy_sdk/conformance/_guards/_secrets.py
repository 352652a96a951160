"""The canary: the secret of the run, in any form in which it may slip out."""

import base64
import io
import logging
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from .._threads import is_harness

_DEPTH: Final = 8


class Canary:
    """Finds the secret in texts and in errors, as it is, quoted for a URL or in base64.

    Args:
        secret: The secret.
    """

    def __init__(self, secret: str) -> None:
        forms = {secret, urllib.parse.quote(secret, safe=""), secret.encode().hex()}
        for shift in range(3):  # it may stand at any place in what is encoded
            whole = base64.b64encode(b"\0" * shift + secret.encode()).decode().rstrip("=")
            forms.add(whole[2 * shift if shift < 2 else 3 : -2])
        self._forms = tuple(form for form in forms if len(form) >= 6)

    def sings_in(self, text: object) -> bool:
        """Whether the secret is in a text."""
        words = text if isinstance(text, str) else shown(text)
        return any(form in words for form in self._forms)

    def found_in_error(self, error: BaseException) -> str | None:
        """Return where in an error, its notes, attributes and causes the secret is, or None."""
        seen: set[int] = set()
        waiting: list[tuple[BaseException, str]] = [(error, "")]
        while waiting:
            each, path = waiting.pop()
            if id(each) in seen or len(seen) > 50:
                continue
            seen.add(id(each))
            for name, text in _texts(each):
                if self.sings_in(text):
                    return f"the {name} of {path}{type(each).__name__}"
            for link, next_ in (("cause", each.__cause__), ("context", each.__context__)):
                if next_ is not None:
                    waiting.append((next_, f"the {link} {path}"))
            if isinstance(each, BaseExceptionGroup):
                waiting += [(inner, f"a member {path}") for inner in each.exceptions]
        return None


def shown(value: object) -> str:
    """Return the repr of anything; of something whose repr fails, that of its type."""
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception:  # noqa: BLE001  # a repr may raise anything
        return repr(type(value))


def _texts(error: BaseException) -> Iterator[tuple[str, str]]:
    try:
        yield "text", str(error)
    except Exception:  # noqa: BLE001  # so may a text
        yield "text", ""
    yield "repr", shown(error)
    yield "arguments", shown(error.args)
    yield "notes", shown(getattr(error, "__notes__", []))
    for name, value in vars(error).items():
        yield f"attribute `{name}`", shown(value)


@contextmanager
def logged(found: Callable[[logging.LogRecord, str], None]) -> Iterator[None]:
    """Report every record of every logger, at every level, with its whole text. Nothing is shown meanwhile."""
    make = logging.getLogRecordFactory()
    busy = threading.local()

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made: logging.LogRecord = make(*args, **kwargs)
        if not is_harness() and not getattr(busy, "now", False):
            busy.now = True
            try:
                found(made, _whole(made))
            finally:
                busy.now = False
        return made

    root = logging.getLogger()
    everyone = [root, *(each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger))]
    levels = [(each, each.level, each.handlers) for each in everyone]
    disabled, last = root.manager.disable, logging.lastResort
    logging.disable(logging.NOTSET)
    logging.lastResort = logging.NullHandler()  # pyright: ignore[reportAttributeAccessIssue]
    for each, _, _ in levels:
        each.setLevel(logging.DEBUG)
        each.handlers = []  # the root's too: so a provider that configures logging is seen to do so
    logging.setLogRecordFactory(record)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)
        for each, level, handlers in levels:
            each.setLevel(level)
            each.handlers = handlers
        logging.lastResort = last
        logging.disable(disabled)


def _whole(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  # arguments that do not fit the format
        text = ""
    rest = {name: value for name, value in vars(record).items() if name not in ("msg", "pathname", "module")}
    if record.exc_info and record.exc_info[1] is not None:
        text += "".join(words for _, words in _texts(record.exc_info[1]))
    return f"{text} {record.msg!s} {shown(rest)}"


class _Ear(io.TextIOBase):
    def __init__(self, real: TextIO, name: str, found: Callable[[str, str], None]) -> None:
        self._real = real
        self._name = name
        self._found = found

    def write(self, text: str, /) -> int:
        if not is_harness():
            self._found(self._name, text)
        return self._real.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def flush(self) -> None:
        self._real.flush()

    def fileno(self) -> int:
        return self._real.fileno()

    def isatty(self) -> bool:
        return self._real.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._real.encoding

    @property
    def buffer(self) -> Any:
        return self._real.buffer


@contextmanager
def printed(found: Callable[[str, str], None]) -> Iterator[None]:
    """Report what is written to the standard output and error, and pass it on."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Ear(out, "standard output", found), _Ear(err, "standard error", found)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
