"""What is verified instead of a check when the manifest says that something cannot be done.

Nothing is skipped: an absent ability must be absent, and a feature that is unsupported must be refused in the words of the
manifest, or be seen not to be there.
"""

import asyncio
import sys
from typing import TYPE_CHECKING

from .._check import ABILITY_METHODS
from .._kind import Ability, Feature
from .._manifest import Capability
from ._check import Body
from ._outcome import CheckFailed

if TYPE_CHECKING:
    from ._case import Case


def absent_ability(ability: Ability) -> Body:
    """Return the inverse of an ability: none of its methods is there."""

    async def verify(case: "Case") -> None:
        for name in ABILITY_METHODS[ability]:
            present = hasattr(case.subject.provider, name)
            case.expect(not present, f"the manifest says there is no `{ability}`, but the class has `{name}`")

    return verify


async def without_secret(case: "Case") -> None:
    """Verify that the credentials have no field at all."""
    fields = case.subject.models[0].model_fields
    case.expect(not fields, f"the credentials have the fields {', '.join(fields)}")


def common_inverse(feature: Feature) -> Body:
    """Return the inverse of a feature that brings no check-specific one."""
    if feature is Feature.ENDPOINT:
        return in_process
    if feature.value.startswith("types."):
        return _type_is_refused(feature)
    from ._without import WITHOUT  # noqa: PLC0415 - it needs `refused` of this module

    if feature in WITHOUT:
        return WITHOUT[feature]
    raise LookupError(f"`{feature}` has no common inverse; its check must bring one")


def _type_is_refused(feature: Feature) -> Body:
    async def verify(case: "Case") -> None:
        from ._fidelity import refuses  # noqa: PLC0415 - it needs `refused` of this module

        await refuses(case, feature)

    return verify


async def in_process(case: "Case") -> None:
    """Verify that a provider without an endpoint connects to nothing while it works."""
    case.expect(
        case.service.direct.host is None, "the harness names a host, but the manifest says there is no endpoint"
    )
    seen: list[str] = []
    _sockets.append(seen)
    try:
        stream = await case.seed(case.items(2))
        async with case.session(stream) as session:
            if case.can(Ability.READ):
                case.observe(len(await case.read(session)))
            await asyncio.sleep(0)
    finally:
        _sockets.remove(seen)
    if seen:
        raise CheckFailed(f"the manifest says there is no endpoint, but the provider connected to {seen[0]}")


_sockets: list[list[str]] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _sockets and event == "socket.connect":
        for seen in _sockets:
            seen.append(repr(arguments[1]))


sys.addaudithook(_audit)


def refused(capability: Capability, error: object) -> bool:
    """Whether an error, or a rejection's reason, says what the manifest gives as the reason, or one of its reasons (`a; b`)."""
    said = str(error).lower()
    return any(reason in said for each in (capability.mechanism or "").lower().split(";") if (reason := each.strip()))
