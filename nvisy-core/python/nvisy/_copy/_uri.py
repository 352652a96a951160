"""A URI as text to its parts, percent-decoded. Which part means what is the provider's manifest's to say.

The split is RFC 3986's, with one liberty: `{`, `}` and `$` may stand for themselves, so that a reference such as
``${env:NAME}`` can be written where a password goes. A `+` is a plus, never a space.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from nvisy._errors import DefinitionError, DefinitionProblem

__all__ = ["Uri", "passwords", "refuse", "split"]

_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Uri:
    """The decoded parts of a URI; a part that is not there is ``None``."""

    scheme: str
    username: str | None
    password: str | None
    host: str | None
    port: str | None
    path: str | None
    """What follows the slash after the authority."""
    query: tuple[tuple[str, str], ...]


def refuse(role: str, message: str, hint: str) -> DefinitionError:
    """The error of a URI that cannot be used; `role` says which: ``source`` or ``target``."""
    return DefinitionError([DefinitionProblem("bad_uri", f"{role} URI", message, hint)])


def split(text: str, *, role: str) -> Uri:
    """Take a URI apart.

    Args:
        text: The URI.
        role: ``source`` or ``target``, for error texts.

    Raises:
        DefinitionError: If it is not a URI; the message names the part.
    """
    match = _URI.fullmatch(text)
    if match is None:
        hint = "write scheme://host/path?parameter=value; `nvisy providers` lists the schemes"
        raise refuse(role, "it is not a URI: there is no `scheme://`", hint)
    if match["fragment"]:
        raise refuse(role, "it has a `#`, which ends a URI", "write %23 for a `#` that belongs to a name")
    userinfo, _, address = match["authority"].rpartition("@")
    username, colon, password = userinfo.partition(":")
    host, port = _address(address, role)

    def decode(part: str, value: str | None) -> str | None:
        return _decode(part, value, role) if value else None

    return Uri(
        scheme=match["scheme"].lower(),
        username=decode("user", username),
        password=_decode("password", password, role) if colon else None,
        host=decode("host", host),
        port=port,
        path=decode("path", match["path"][1:]),
        query=tuple(_query(match["query"] or "", role)),
    )


def _address(address: str, role: str) -> tuple[str, str | None]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", address)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    else:
        host, _, port = address.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise refuse(role, f"the port is `{port}`", "a port is a number below 65536; write an IPv6 address in brackets")
    return host, port or None


def _query(query: str, role: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for item in filter(None, query.split("&")):
        name, equals, value = item.partition("=")
        if not equals:
            raise refuse(role, f"the parameter `{name}` has no value", f"write {name}=value; join several with `&`")
        pairs.append((_decode("parameter", name, role), _decode(f"parameter `{name}`", value, role)))
    return pairs


def _decode(part: str, value: str, role: str) -> str:
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(role, f"its {part} is not UTF-8 after percent-decoding", "encode it as UTF-8") from error


def passwords(text: str) -> list[str]:
    """What must not be printed of a URI, also of a text that is no proper one.

    That is what stands where a password goes, as written and decoded, and what references to the environment stand for.
    """
    found = [os.environ.get(name, "") for name in re.findall(r"\$\{env:([^}]*)\}", text)]
    match = re.search(r"://[^/?#@:]*:([^/?#]*)@", text)
    if match is not None and not (match[1].startswith("${") and match[1].endswith("}")):
        found += [match[1], unquote_to_bytes(match[1]).decode("utf-8", errors="replace")]
    return [secret for secret in found if secret]
