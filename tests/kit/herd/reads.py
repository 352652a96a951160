"""Odd ways to read."""

from __future__ import annotations

from pathlib import Path

from nvisy_sdk import DataKind
from nvisy_sdk.testing import _arrow

from tests.kit.herd import member
from tests.kit.zoo._package import Parcel


@member()
def one_item_batches(made: Parcel) -> None:
    """Yields each row of a page as a batch of its own."""
    made.edit(
        "reader.py",
        "                yield self._batch(rows, key, schema)",
        "                for row in rows:\n                    yield self._batch([row], key, schema)",
    )


@member()
def pages_of_two_batches(made: Parcel) -> None:
    """Asks for twice as much as a batch may hold, and cuts it."""
    made.edit("reader.py", "limit=self._params.batch_rows", "limit=self._params.batch_rows * 2").edit(
        "reader.py",
        "                yield self._batch(rows, key, schema)",
        "                size = self._params.batch_rows\n"
        "                for first in range(0, len(rows), size):\n"
        "                    yield self._batch(rows[first : first + size], key, schema)",
    )


@member()
def speaks_arrow(made: Parcel) -> None:
    """Yields Arrow of another library, and takes batches as Arrow."""
    code = Path(_arrow.__file__).read_text(encoding="utf-8")
    modules = "_batch", "_error", "_schema"
    for module in modules:
        code = code.replace(f"from ..{module} import", "from nvisy_sdk import")
    (made.package / "_arrow.py").write_text(code, encoding="utf-8")
    made.meta("Requires-Dist: nvisy-sdk", "Requires-Dist: pyarrow>=17\nRequires-Dist: nvisy-sdk")
    made.edit(
        "reader.py",
        "        if wanted is None or set(key) <= set(wanted):\n            return sdk.Batch(rows, ",
        "        if schema is not None and set(key) <= {field.name for field in schema.fields}:\n"
        "            return sdk.Batch(to_arrow(rows, schema), ",
    ).edit("reader.py", "import nvisy_sdk as sdk\n", "import nvisy_sdk as sdk\n\nfrom ._arrow import to_arrow\n")
    made.edit("writer.py", "        return batch.rows()\n", "        return from_arrow(batch)\n").edit(
        "writer.py", "import nvisy_sdk as sdk\n", "import nvisy_sdk as sdk\n\nfrom ._arrow import from_arrow\n"
    )
    made.edit(
        "client.py",
        "        try:\n            connection =",
        "        await sdk.in_thread(pyarrow)\n        try:\n            connection =",
    ).edit("client.py", "import nvisy_sdk as sdk\n", "import nvisy_sdk as sdk\n\nfrom ._arrow import pyarrow\n")


@member()
def contexts_written_out(made: Parcel) -> None:
    """Writes the context of each row out, although it could be taken from the row's columns."""
    made.edit("reader.py", "if wanted is None or set(key) <= set(wanted):", "if wanted is not None and not wanted:")
    made.edit("reader.py", "[_slim(row, wanted) for row in rows]", "[_slim(row, wanted or list(row)) for row in rows]")


@member()
def class_based_iterator(made: Parcel) -> None:
    """Returns an object with `__anext__` from a plain `read`, and no generator."""
    made.edit(
        "reader.py",
        "    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:",
        "    def read(self, context: sdk.Context | None) -> 'Rows':\n"
        '        """Return an iterator over the rows after `context`."""\n'
        "        return Rows(self._read(context))\n\n"
        "    async def _read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:",
    ).add(
        "reader.py",
        '''

class Rows:
    """An iterator of one read."""

    def __init__(self, inner: AsyncGenerator[sdk.Batch, None]) -> None:
        self._inner = inner

    def __aiter__(self) -> "Rows":
        return self

    async def __anext__(self) -> sdk.Batch:
        return await anext(self._inner)

    async def aclose(self) -> None:
        """End the read."""
        await self._inner.aclose()
''',
    )


@member(kind=DataKind.EMBEDDING)
def opaque_token(made: Parcel) -> None:
    """Wraps the service's token so that no two contexts look alike, not even for the same place."""
    made.edit("reader.py", "token=token, offset=0)", "token=_sealed(token), offset=0)").edit(
        "reader.py", "        return context.token\n", "        return _opened(context.token)\n"
    ).edit(
        "reader.py",
        "import nvisy_sdk as sdk\n",
        "import base64\nimport os\nimport zlib\n\nimport nvisy_sdk as sdk\n",
    ).add(
        "reader.py",
        """

def _sealed(token: str) -> str:
    pad = os.urandom(16)
    body = token.encode() + zlib.crc32(token.encode()).to_bytes(4, "big")
    mixed = bytes(byte ^ pad[place % len(pad)] for place, byte in enumerate(body))
    return base64.urlsafe_b64encode(pad + mixed).decode()


def _opened(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        data = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
        pad, mixed = data[:16], data[16:]
        body = bytes(byte ^ pad[place % len(pad)] for place, byte in enumerate(mixed))
        token = body[:-4].decode()
    except ValueError:
        token, body = "", b""
    if not token or zlib.crc32(token.encode()).to_bytes(4, "big") != body[-4:]:
        raise sdk.InvalidContextError("the token is damaged", hint="start over")
    return token
""",
    )
