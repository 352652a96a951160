"""A server that pretends to be the provider's: it speaks TLS with a certificate that nobody has signed.

The key below protects nothing and is trusted by nobody; that is its purpose.
"""

import asyncio
import socket
import ssl
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

_KEY: Final = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzgn432zrkQULSaxX7TPoL49bS/s312QDkATo78YMd+mhRANCAARM"
    "r2QqtqA+LY4ZaY6eG51uEavWPG6N5fWA+gR49gHR25X2nw8bdbVwGsAb1NdnI4NgKeRfKVBoDiy/xU+yd0Ed"
)
_CERTIFICATE: Final = (
    "MIIBmjCCAUGgAwIBAgIUQoHaCaqvD2ZD7QeHHACOz2hegbcwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2"
    "MTEyMzA4Mzk0MFoYDzIxMjYxMDMwMDgzOTQwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC"
    "AARMr2QqtqA+LY4ZaY6eG51uEavWPG6N5fWA+gR49gHR25X2nw8bdbVwGsAb1NdnI4NgKeRfKVBoDiy/xU+yd0Edo28wbTAdBgNV"
    "HQ4EFgQUX1Lv8lX0zghHnr/hlJlCwy1v9eowHwYDVR0jBBgwFoAUX1Lv8lX0zghHnr/hlJlCwy1v9eowDwYDVR0TAQH/BAUwAwEB"
    "/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgb/XVnBVwEDX6Mc/COasCFt/GJxsdSdsJo7tn"
    "B3IzjqICIAZ9e8WqVbNQ8G9ymn6PjGuES/9LCBlXXX/yhCzSAhIm"
)
_HELLO: Final = 0x16
"""The first byte of every TLS connection."""
_MOST: Final = 65536
_PATIENCE: Final = 1.0
"""Seconds to wait for that byte: a client that speaks second has to be told something first, and not by an impostor."""


class Meeting(Enum):
    """How a provider met the impostor."""

    PLAIN = "plain"
    """It did not speak TLS."""
    REFUSED = "refused"
    """It began, and refused the certificate."""
    FOOLED = "fooled"
    """It took the impostor for the server."""


@dataclass(frozen=True, slots=True)
class Met:
    """One connection to the impostor.

    Args:
        how: How it ended.
        said: What the provider sent in plain.
    """

    how: Meeting
    said: bytes = b""


async def meet(client: socket.socket) -> Met:
    """Shake hands with a provider, as far as it goes."""
    loop = asyncio.get_running_loop()
    first = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            first = await loop.sock_recv(client, _MOST)
    if not first or first[0] != _HELLO:
        return Met(Meeting.PLAIN, first)
    with suppress(OSError):
        return await _shake_hands(client, first)
    return Met(Meeting.REFUSED)


async def _shake_hands(client: socket.socket, first: bytes) -> Met:
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _context().wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(first)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            await _send(client, outgoing)
            more = await loop.sock_recv(client, _MOST)
            if not more:
                return Met(Meeting.REFUSED)
            incoming.write(more)
        except ssl.SSLError:
            return Met(Meeting.REFUSED)
        else:
            await _send(client, outgoing)
            return Met(Meeting.FOOLED)


async def _send(client: socket.socket, outgoing: ssl.MemoryBIO) -> None:
    if outgoing.pending:
        await asyncio.get_running_loop().sock_sendall(client, outgoing.read())


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kinds = (("PRIVATE KEY", _KEY), ("CERTIFICATE", _CERTIFICATE))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "impostor.pem"  # the library reads it from nowhere else
        file.write_text("".join(f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n" for kind, text in kinds))
        context.load_cert_chain(file)
    return context
