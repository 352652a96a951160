"""The shelf as a source: rows in key order."""

from collections.abc import AsyncIterator

from nvisy_sdk import (
    Batch,
    Context,
    InvalidContextError,
    Keyset,
    KeysetContext,
    NotFoundError,
    StreamInfo,
    fingerprint,
    in_thread,
    python_value,
)

from .client import Session


class Reader(Session):
    """An open shelf that can be read and looked into."""

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        """Yield the rows after `context`."""
        mark = fingerprint(stream=self.table, sort=self.key)
        rows = await in_thread(self.load)
        if context is not None:
            if not isinstance(context, KeysetContext) or context.fingerprint != mark:
                raise InvalidContextError("the context is one of another table or key")
            after = tuple(python_value(value) for value in context.values)
            rows = [row for row in rows if tuple(row[name] for name in self.key) > after]
        size = self.params.batch_rows
        for first in range(0, len(rows), size):
            yield Batch(rows[first : first + size], Keyset(tuple(self.key), mark))

    async def check(self) -> None:
        """The folder is there since `connect`."""

    async def streams(self) -> list[StreamInfo]:
        """Return the tables on the shelf."""
        names = await in_thread(lambda: sorted(path.stem for path in self.params.folder.glob("*.json")))
        return [StreamInfo(name=name, key=tuple(self.key)) for name in names]

    async def describe(self) -> StreamInfo:
        """Return the session's table."""
        if not self.path().exists():
            raise NotFoundError(f"there is no table {self.table}")
        rows = await in_thread(self.load)
        return StreamInfo(name=self.table, key=tuple(self.key), rows=len(rows))
