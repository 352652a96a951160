"""A small service with a real socket, for providers that have no system of their own to be tested against yet.

It keeps named streams of items of every kind, checks a secret, counts sessions and requests, and can be told to refuse.
One JSON object per line, request and reply; `_service` lists the operations. Everything is gone when it stops.
"""

from ._service import FakeService
from ._store import RefusedError, Store, Stream
from ._wire import packed, unpacked

__all__ = [
    "FakeService",
    "RefusedError",
    "Store",
    "Stream",
    "packed",
    "unpacked",
]
