"""The calls of a session that answer once: everything but reading and writing."""

from collections.abc import Sequence
from typing import TypeVar

from nvisy_sdk import (
    Inspectable,
    Mark,
    Prepare,
    PreparedOutput,
    ProtocolError,
    StagedOutput,
    StreamInfo,
    TransactionalOutput,
    UnsupportedError,
)

T = TypeVar("T")


async def invoke(provider: object, method: str, argument: str | None) -> str | None:
    """Call `method` of a session's object; text in and out is JSON, except the key of `committed`.

    Raises:
        ProtocolError: The answer is not of the type the protocol says.
        UnsupportedError: The object has no such method.
    """
    if method == "prepare" and isinstance(provider, PreparedOutput):
        await provider.prepare(Prepare.model_validate_json(argument or ""))
        return None
    if method == "committed" and isinstance(provider, TransactionalOutput):
        mark = await provider.committed(argument or "")
        return "null" if mark is None else _expect(mark, Mark, method).model_dump_json()
    if method == "publish" and isinstance(provider, StagedOutput):
        await provider.publish()
        return None
    if isinstance(provider, Inspectable):
        return await _inspect(provider, method)
    raise UnsupportedError(f"the provider has no `{method}`")


async def _inspect(provider: Inspectable, method: str) -> str | None:
    if method == "check":
        await provider.check()
        return None
    if method == "describe":
        return _expect(await provider.describe(), StreamInfo, method).model_dump_json()
    if method == "streams":
        infos: Sequence[object] = await provider.streams()
        return f"[{','.join([_expect(info, StreamInfo, method).model_dump_json() for info in infos])}]"
    raise UnsupportedError(f"the provider has no `{method}`")


def _expect(answer: object, wanted: type[T], method: str) -> T:
    if isinstance(answer, wanted):
        return answer
    raise ProtocolError(f"`{method}` returned a {type(answer).__name__}", hint=f"return nvisy_sdk.{wanted.__name__}")
