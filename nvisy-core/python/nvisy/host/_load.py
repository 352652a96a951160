"""From a provider's name to its class, and from JSON to the models its `connect` takes.

A class is imported once, on a thread of its own, so that a slow import blocks nothing and one that calls `sys.exit`
ends nothing. What is wrong with credentials or parameters is said without repeating a value.
"""

import asyncio
import threading
import typing
from typing import Protocol

from nvisy_sdk import InvalidConfigError, ProtocolError, load_checks
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError


class Loader(Protocol):
    """What finds a provider's class by its name."""

    def load(self, name: str, /) -> type:
        """Import the class. Called once for each name, on a thread of its own."""
        ...


class Classes:
    """Every class loaded so far. A load that failed is tried again at the next connect."""

    def __init__(self) -> None:
        self._loading: dict[tuple[int, str], tuple[Loader, asyncio.Future[type]]] = {}

    async def find(self, loader: Loader, name: str) -> type:
        """Return the class `loader` finds under `name`.

        Raises:
            ProtocolError: It has defects; the message names all of them, each with its fix.
        """
        key = (id(loader), name)
        known = self._loading.get(key)
        if known is None:
            future = self._begin(loader, name)
            self._loading[key] = (loader, future)
        else:
            future = known[1]
        try:
            return await asyncio.shield(future)
        finally:
            if future.done() and (future.cancelled() or future.exception() is not None):
                self._loading.pop(key, None)

    def _begin(self, loader: Loader, name: str) -> asyncio.Future[type]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[type] = loop.create_future()

        def settle(found: type | None, error: BaseException | None) -> None:
            if future.done():
                return
            if found is not None:
                future.set_result(found)
            elif isinstance(error, StopIteration):
                future.set_exception(RuntimeError("the import raised StopIteration"))
            else:
                future.set_exception(error or RuntimeError("the import ended with nothing"))

        def load() -> None:
            found: type | None = None
            error: BaseException | None = None
            try:
                found = _checked(loader.load(name), name)
            except BaseException as raised:  # noqa: BLE001 (an import may raise anything, SystemExit included)
                error = raised
            try:
                loop.call_soon_threadsafe(settle, found, error)
            except RuntimeError:
                return  # the loop has ended meanwhile; nobody waits

        threading.Thread(target=load, name=f"nvisy-load-{name}", daemon=True).start()
        return future


def _checked(found: type, name: str) -> type:
    defects = load_checks(found)
    if defects:
        raise ProtocolError(
            f"provider `{name}` has {len(defects)} defect(s): {'; '.join(defects)}",
            hint="correct the class as each defect says; `nvisy check` finds the same",
        )
    return found


def models(provider: type, credentials: str, params: str) -> tuple[BaseModel, BaseModel, tuple[str, ...]]:
    """Return the arguments of `connect` and the secret texts among them.

    Raises:
        InvalidConfigError: They do not fit the models; the message names each field and never a value.
    """
    connect = getattr(provider, "connect", None)
    hints = typing.get_type_hints(getattr(connect, "__func__", connect))
    opened = _model(hints["credentials"], "credentials", credentials)
    asked = _model(hints["params"], "params", params)
    return opened, asked, (*_secrets(opened), *_secrets(asked))


def _model(model: type[BaseModel], role: str, text: str) -> BaseModel:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_context=False, include_url=False)
    # Raised outside the handler: the validation error holds the values and must not become this one's context.
    where = [(".".join([role, *(str(part) for part in problem["loc"])]), problem["msg"]) for problem in problems]
    raise InvalidConfigError(
        "; ".join(f"{path}: {message}" for path, message in where),
        hint=f"correct the {role} of the connection or node",
        context={"fields": ", ".join(path for path, _ in where)},
    )


def _secrets(model: BaseModel) -> list[str]:
    found: list[str] = []
    for _, value in model:
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, SecretBytes):
            found.append(value.get_secret_value().decode("utf-8", "replace"))
        elif isinstance(value, BaseModel):
            found.extend(_secrets(value))
    return [secret for secret in found if secret]
