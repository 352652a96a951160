"""An exception described once, on the loop thread, for the other side of the bridge.

The traceback has the chain and the notes and never a local variable. Known secrets of the session are blotted out.
"""

import asyncio
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nvisy_sdk import ErrorKind, ProviderError

_TRACEBACK_CHARS: Final = 32_768  # of either end; a recursion error alone prints megabytes
_MESSAGE_CHARS: Final = 8_192


@dataclass(frozen=True, slots=True)
class Fault:
    """What Rust keeps of an exception, and the object itself."""

    exception: BaseException
    name: str
    kind: str
    retryable: bool
    retry_after: float | None
    message: str
    hint: str | None
    context: list[tuple[str, str]]
    traceback: str


def describe(exception: BaseException, *, secrets: Iterable[str] = ()) -> Fault:
    """Describe `exception`; nothing an exception's own methods do can make this fail."""
    hidden = tuple(secrets)

    def clean(text: object, limit: int = _MESSAGE_CHARS) -> str:
        return _clean(text, hidden, limit)

    name = f"{type(exception).__module__}.{type(exception).__qualname__}".removeprefix("builtins.")
    rendered = clean(_render(exception), _TRACEBACK_CHARS)
    if isinstance(exception, ProviderError):
        hint, after = getattr(exception, "hint", None), getattr(exception, "retry_after", None)
        return Fault(
            exception=exception,
            name=name,
            kind=str(exception.kind),
            retryable=bool(exception.retryable),
            retry_after=float(after) if isinstance(after, int | float) and after >= 0 else None,
            message=clean(getattr(exception, "message", exception)),
            hint=None if hint is None else clean(hint),
            context=[(clean(key), clean(value)) for key, value in _pairs(exception)],
            traceback=rendered,
        )
    message = f"{type(exception).__name__}: {_text(exception)}".removesuffix(": ")
    hint = "report this to the provider's author: exceptions of its client belong into the SDK's taxonomy"
    if isinstance(exception, asyncio.CancelledError):
        message = "the provider cancelled its own task"
    return Fault(
        exception=exception,
        name=name,
        kind=str(ErrorKind.INTERNAL),
        retryable=False,
        retry_after=None,
        message=clean(message),
        hint=hint,
        context=[],
        traceback=rendered,
    )


def _pairs(exception: ProviderError) -> Iterable[tuple[object, object]]:
    context = getattr(exception, "context", None)
    return list(context.items()) if isinstance(context, dict) else []


def _text(value: object) -> str:
    try:
        return str(value)
    except BaseException as error:  # noqa: BLE001 (a class may do anything in __str__)
        return f"<its text cannot be had: {type(error).__name__}>"


def _render(exception: BaseException) -> str:
    try:
        return "".join(traceback.TracebackException.from_exception(exception, capture_locals=False).format())
    except BaseException as error:  # noqa: BLE001 (a class may do anything in __str__ or __notes__)
        return f"<the traceback cannot be rendered: {type(error).__name__}>\n"


def _clean(value: object, secrets: tuple[str, ...], limit: int) -> str:
    text = _text(value).encode("utf-8", "backslashreplace").decode()
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    if len(text) <= 2 * limit:
        return text
    return f"{text[:limit]}\n... {len(text) - 2 * limit} characters left out ...\n{text[-limit:]}"
