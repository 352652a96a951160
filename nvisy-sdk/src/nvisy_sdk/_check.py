"""What is wrong with a provider's class, found before anything runs: all defects at once, each with its fix.

`isinstance` on a runtime protocol is not enough: it accepts `read = 5`. Only signatures are looked at; no method is called.
"""

import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel

from ._credentials import KeyPairCredentials, NoCredentials, PasswordCredentials, TokenCredentials
from ._error import ProtocolError
from ._kind import Ability, Category, CredentialShape
from ._params import (
    DocumentParams,
    GraphParams,
    ObjectParams,
    QueueParams,
    RelationalParams,
    SearchParams,
    VectorParams,
)

CREDENTIALS: dict[CredentialShape, type[BaseModel]] = {
    CredentialShape.NONE: NoCredentials,
    CredentialShape.PASSWORD: PasswordCredentials,
    CredentialShape.TOKEN: TokenCredentials,
    CredentialShape.KEY_PAIR: KeyPairCredentials,
}
PARAMS: dict[Category, type[BaseModel]] = {
    Category.RELATIONAL: RelationalParams,
    Category.OBJECT: ObjectParams,
    Category.VECTOR: VectorParams,
    Category.DOCUMENT: DocumentParams,
    Category.QUEUE: QueueParams,
    Category.SEARCH: SearchParams,
    Category.GRAPH: GraphParams,
}


class _Style(Enum):
    CONNECT = "@classmethod async def"
    CALL = "async def"
    STREAM = "async def ... yield"


@dataclass(frozen=True, slots=True)
class _Method:
    style: _Style
    parameters: tuple[str, ...]
    declaration: str


_METHODS: dict[str, _Method] = {
    "connect": _Method(
        _Style.CONNECT,
        ("credentials", "params"),
        "@classmethod async def connect(cls, credentials: C, params: P) -> Self",
    ),
    "disconnect": _Method(_Style.CALL, (), "async def disconnect(self) -> None"),
    "read": _Method(
        _Style.STREAM,
        ("context",),
        "async def read(self, context: Context | None) -> AsyncIterator[Batch], with `yield` in its body",
    ),
    "write": _Method(_Style.CALL, ("batch",), "async def write(self, batch: IncomingBatch) -> Receipt"),
    "check": _Method(_Style.CALL, (), "async def check(self) -> None"),
    "streams": _Method(_Style.CALL, (), "async def streams(self) -> list[StreamInfo]"),
    "describe": _Method(_Style.CALL, (), "async def describe(self) -> StreamInfo"),
    "prepare": _Method(_Style.CALL, ("request",), "async def prepare(self, request: Prepare) -> None"),
    "committed": _Method(_Style.CALL, ("key",), "async def committed(self, key: str) -> Mark | None"),
    "write_through": _Method(
        _Style.CALL, ("batch", "mark"), "async def write_through(self, batch: IncomingBatch, mark: Mark) -> Receipt"
    ),
    "publish": _Method(_Style.CALL, (), "async def publish(self) -> None"),
}

ABILITY_METHODS: dict[Ability, tuple[str, ...]] = {
    Ability.READ: ("read",),
    Ability.WRITE: ("write",),
    Ability.INSPECT: ("check", "streams", "describe"),
    Ability.PREPARE: ("prepare",),
    Ability.TRANSACTIONAL: ("committed", "write_through"),
    Ability.STAGED: ("publish",),
}
_SINK_ONLY = (Ability.PREPARE, Ability.TRANSACTIONAL, Ability.STAGED)


def load_checks(cls: object) -> list[str]:
    """Return every defect of a provider's class, each with its fix; an empty list when it can be loaded."""
    if not isinstance(cls, type):
        return [f"the entry point names {cls!r}, which is not a class; name the provider's class itself"]
    return [*_missing(cls), *_shapes(cls), *_incomplete(cls), *_models(cls)]


def abilities_of(cls: type) -> tuple[Ability, ...]:
    """Return what the class can do, judged by the methods that are there."""
    return tuple(ability for ability, names in ABILITY_METHODS.items() if all(hasattr(cls, name) for name in names))


def connect_models(cls: type) -> tuple[type[BaseModel], type[BaseModel]]:
    """Return the models of credentials and parameters, found in the annotations of `connect`.

    Raises:
        ProtocolError: There is no such method, or it is not annotated with two Pydantic models.
    """
    connect = getattr(cls, "connect", None)
    try:
        hints = typing.get_type_hints(getattr(connect, "__func__", connect))
    except Exception as err:
        raise ProtocolError(f"the annotations of `connect` cannot be evaluated: {err}") from err
    found = []
    for name in ("credentials", "params"):
        model = hints.get(name)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise ProtocolError(
                f"`connect` does not say which Pydantic model `{name}` is; annotate it, as in `{name}: Model`"
            )
        found.append(model)
    return found[0], found[1]


def _missing(cls: type) -> Iterator[str]:
    for name in ("connect", "disconnect"):
        if not hasattr(cls, name):
            yield f"there is no `{name}`; add `{_METHODS[name].declaration}`"
    if not hasattr(cls, "read") and not hasattr(cls, "write"):
        yield "it can neither read nor write; add `read`, `write` or both"


def _shapes(cls: type) -> Iterator[str]:
    for name, method in _METHODS.items():
        if not hasattr(cls, name):
            continue
        found = getattr(cls, name)
        if not callable(found):
            yield f"`{name}` is {found!r}, not a method; write `{method.declaration}`"
            continue
        yield from _style(cls, name, method, inspect.unwrap(getattr(found, "__func__", found)))
        yield from _parameters(cls, name, method)


def _style(cls: type, name: str, method: _Method, function: Callable[..., object]) -> Iterator[str]:
    fix = f"write `{method.declaration}`"
    coroutine = inspect.iscoroutinefunction(function)
    match method.style:
        case _Style.STREAM if coroutine:
            yield f"`{name}` is an `async def` without `yield`, so it returns a coroutine and no stream; {fix}"
        case _Style.STREAM if inspect.isgeneratorfunction(function):
            yield f"`{name}` is a plain generator, which would block the loop; {fix}"
        case _Style.CALL | _Style.CONNECT if inspect.isasyncgenfunction(function):
            yield f"`{name}` yields, so it returns a stream and no result; {fix}"
        case _Style.CALL | _Style.CONNECT if not coroutine:
            yield f"`{name}` is a plain function, which would block the loop; {fix}, and await blocking calls with `in_thread`"
        case _:
            pass
    if method.style is _Style.CONNECT and not isinstance(inspect.getattr_static(cls, name), classmethod):
        yield f"`{name}` is not a class method; {fix}"


def _parameters(cls: type, name: str, method: _Method) -> Iterator[str]:
    try:
        signature = inspect.signature(getattr(cls, name))
    except (TypeError, ValueError):
        yield f"`{name}` has no readable signature; write `{method.declaration}`"
        return
    parameters = list(signature.parameters.values())
    if method.style is not _Style.CONNECT and not isinstance(
        inspect.getattr_static(cls, name), classmethod | staticmethod
    ):
        parameters = parameters[1:]
    elif method.style is not _Style.CONNECT:
        yield f"`{name}` belongs to the class and not to the session; write `{method.declaration}`"
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = tuple(parameter.name for parameter in parameters if parameter.kind in positional)
    required = tuple(
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    )
    wanted = method.parameters
    if given[: len(wanted)] != wanted or any(extra not in wanted for extra in required):
        yield f"`{name}` takes ({', '.join(p.name for p in parameters)}); it is called with ({', '.join(wanted)}): write `{method.declaration}`"


def _incomplete(cls: type) -> Iterator[str]:
    for ability, names in ABILITY_METHODS.items():
        absent = [name for name in names if not hasattr(cls, name)]
        if absent and len(absent) < len(names):
            present = ", ".join(f"`{name}`" for name in names if name not in absent)
            fixes = "; ".join(f"`{_METHODS[name].declaration}`" for name in absent)
            yield f"{present} alone is not the ability `{ability}`; add {fixes}"
        if not absent and ability in _SINK_ONLY and not hasattr(cls, "write"):
            yield f"the ability `{ability}` belongs to a sink and there is no `write`; add `{_METHODS['write'].declaration}`"


def _models(cls: type) -> Iterator[str]:
    if not hasattr(cls, "connect"):
        return
    try:
        credentials, params = connect_models(cls)
    except ProtocolError as err:
        yield err.message
        return
    for role, model, bases in (("credentials", credentials, CREDENTIALS), ("params", params, PARAMS)):
        if not issubclass(model, tuple(bases.values())):
            names = ", ".join(base.__name__ for base in bases.values())
            yield f"`{model.__name__}`, the {role} of `connect`, extends no shape the engine knows; derive it from one of {names}"
