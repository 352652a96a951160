"""What a plugin's metadata says it needs, compared with what is installed, before anything of it is imported.

pip only warns when it breaks a requirement of something installed already, and later nobody remembers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nvisy.discovery._model import Claim, Problem
from nvisy.discovery._scan import normalise
from nvisy.discovery._versions import Requirement, applies, parse, satisfies

__all__ = ["conflicts", "optional", "remedy"]

_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def conflicts(claim: Claim, installed: Mapping[str, str]) -> Iterator[Problem]:
    """A warning for each requirement that is not met: the import may work all the same, and decides.

    Args:
        claim: A claim.
        installed: Versions by normalised name.
    """
    for text in claim.requires:
        requirement = parse(text)
        if requirement is None or applies(requirement.marker) is not True:
            continue
        wanted = f"{requirement.name}{requirement.wanted()}"
        hint = f"pip install {_quoted(wanted)}"
        version = installed.get(normalise(requirement.name))
        if version is None:
            message = f"it needs {wanted}, which is not installed"
            yield claim.problem("missing_requirement", message, hint, severity="warning")
        elif version and not satisfies(version, requirement):
            message = f"it needs {wanted}, but {requirement.name} {version} is installed"
            yield claim.problem("requirement_conflict", message, hint, severity="warning")


def optional(claim: Claim, installed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each requirement of an extra that is not installed, with the extra's name."""
    for text in claim.requires:
        requirement = parse(text)
        extra = _extra_of(requirement)
        if requirement is None or extra is None or normalise(requirement.name) in installed:
            continue
        if applies(requirement.marker, extra) is True:
            yield f"{requirement.name}{requirement.wanted()}", extra


def remedy(claim: Claim, module: str) -> str:
    """The command that installs the distribution which most likely holds `module`."""
    wanted = normalise(module.partition(".")[0])
    for text in claim.requires:
        requirement = parse(text)
        name = normalise(requirement.name) if requirement else ""
        if requirement is None or wanted not in (name, *name.split("-")):
            continue
        extra = _extra_of(requirement)
        if extra is not None:
            return f"pip install {_quoted(f'{claim.distribution}[{extra}]')}"
        return f"pip install {_quoted(requirement.name + requirement.wanted())}"
    return f"install what holds the module `{module}`, or pip install --force-reinstall {normalise(claim.distribution)}"


def _extra_of(requirement: Requirement | None) -> str | None:
    match = _EXTRA.search(requirement.marker) if requirement else None
    return match[1] if match else None


def _quoted(text: str) -> str:
    """The text as one word of a shell."""
    return text if re.fullmatch(r"[\w.@+-]+", text) else f"'{text}'"
