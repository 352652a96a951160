"""Odd sessions, odd classes, and providers that do half of it."""

from __future__ import annotations

from tests.kit.herd import member
from tests.kit.zoo._package import Parcel


@member()
def read_only(made: Parcel) -> None:
    """Cannot write."""
    made.edit("__init__.py", "class Provider(Reader, Writer):", "class Provider(Reader):")
    made.edit("__init__.py", "from .writer import Writer\n", "")
    made.edit("__init__.py", "        modes=(sdk.WriteMode.APPEND, sdk.WriteMode.UPSERT),\n", "")
    (made.package / "writer.py").unlink()


@member()
def write_only(made: Parcel) -> None:
    """Cannot read."""
    made.edit("__init__.py", "class Provider(Reader, Writer):", "class Provider(Writer):")
    made.edit("__init__.py", "from .reader import Reader\n", "")
    made.edit("__init__.py", "        contexts=(sdk.ContextKind.KEYSET,),\n", "")
    (made.package / "reader.py").unlink()


@member()
def slow_but_async(made: Parcel) -> None:
    """Takes its time for every request, without standing in anybody's way."""
    made.edit(
        "client.py",
        "            return await self._connection.call(operation, **request)",
        "            await asyncio.sleep(0.01)\n            return await self._connection.call(operation, **request)",
    ).edit("client.py", "from typing import Any", "import asyncio\nfrom typing import Any")


@member()
def with_slots(made: Parcel) -> None:
    """Has no `__dict__`."""
    made.edit(
        "client.py",
        "    def __init__(self, connection: Connection, params: Params) -> None:",
        '    __slots__ = ("__weakref__", "_closed", "_connection", "_params")\n\n'
        "    def __init__(self, connection: Connection, params: Params) -> None:",
    )
    made.edit(
        "reader.py",
        '    """The session as a source."""\n',
        '    """The session as a source."""\n\n    __slots__ = ()\n',
    )
    made.edit(
        "writer.py", '    """The session as a sink."""\n', '    """The session as a sink."""\n\n    __slots__ = ()\n'
    )
    made.edit(
        "__init__.py",
        '    """One open session with a table."""\n',
        '    """One open session with a table."""\n\n    __slots__ = ()\n',
    )


@member()
def cached_tls_context(made: Parcel) -> None:
    """Makes one TLS context for all sessions, when it first connects, and keeps it."""
    made.edit(
        "client.py",
        "        try:\n            connection = await Connection.open(",
        "        await sdk.in_thread(_tls)\n        try:\n            connection = await Connection.open(",
    ).edit("client.py", "from typing import Any", "import functools\nimport ssl\nfrom typing import Any").add(
        "client.py",
        '\n\n@functools.cache\ndef _tls() -> ssl.SSLContext:\n    """Reads the certificates of the system: slow, and once."""\n'
        "    return ssl.create_default_context()\n",
    )


@member()
def extra_public_methods(made: Parcel) -> None:
    """Offers more than the protocols know, to whoever uses the class directly."""
    made.edit(
        "__init__.py",
        '    """One open session with a table."""\n',
        '    """One open session with a table."""\n\n'
        "    retries = 0\n\n"
        "    @property\n    def table(self) -> str | None:\n"
        '        """The table of the session."""\n        return self._params.table\n\n'
        "    async def count(self) -> int | None:\n"
        '        """Return the number of rows."""\n        return (await self.describe()).rows\n\n'
        "    def __repr__(self) -> str:\n        return f'Provider(table={self.table!r})'\n\n"
        "    async def __aenter__(self) -> 'Provider':\n        return self\n\n"
        "    async def __aexit__(self, *caught: object) -> None:\n        await self.disconnect()\n",
    )
