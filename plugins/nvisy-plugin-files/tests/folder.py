"""A real folder, and short ways to fill, read and write it through the provider."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from nvisy_plugin_files import Credentials, Params, Provider
from nvisy_sdk import (
    BinaryType,
    Context,
    DataKind,
    Field,
    Int64Type,
    JsonType,
    Prepare,
    Receipt,
    Schema,
    TextType,
    context_adapter,
)
from nvisy_sdk.testing import RowBatch, items

Row = dict[str, object]
T = TypeVar("T")

SCHEMA = Schema(
    fields=(
        Field(name="path", type=TextType(), nullable=False),
        Field(name="data", type=BinaryType(), nullable=False),
        Field(name="size", type=Int64Type(), nullable=False),
        Field(name="offset", type=Int64Type()),
        Field(name="metadata", type=JsonType()),
    )
)


def whole(path: str, data: bytes = b"x", **more: object) -> Row:
    """An object that travels in one piece."""
    return {"path": path, "data": data, "size": len(data), **more}


def parts(path: str, data: bytes, size: int) -> list[Row]:
    """The same in pieces of `size` bytes."""
    return [
        {"path": path, "data": data[at : at + size], "size": len(data), "offset": at}
        for at in range(0, len(data), size)
    ]


class Folder:
    """One folder, filled with plain files and looked at through the provider."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fill(self, files: dict[str, bytes]) -> None:
        """Make files without the provider."""
        for name, data in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def found(self) -> dict[str, bytes]:
        """Every file below the root, unfinished writes included."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def run(self, use: Callable[[Provider], Awaitable[T]], **params: object) -> T:
        """Open a session, await what `use` returns, and close it."""

        async def run() -> T:
            session = await Provider.connect(Credentials(), Params.model_validate({"root": self.root, **params}))
            try:
                return await use(session)
            finally:
                await session.disconnect()

        return asyncio.run(run())

    def read(self, context: Context | None = None, **params: object) -> list[tuple[Row, Context | None]]:
        """Return every item with its context, which goes through JSON as it does in the engine."""
        if context is not None:
            context = context_adapter.validate_json(context_adapter.dump_json(context))
        return self.run(lambda session: items(session.read(context)), **params)

    def keys(self, context: Context | None = None, **params: object) -> list[object]:
        """Return the key of every item."""
        return [row["path"] for row, _ in self.read(context, **params)]

    def write(
        self, *batches: Sequence[Row], fresh: bool = True, publish: bool = False, **params: object
    ) -> list[Receipt]:
        """Prepare and write the batches."""

        async def use(session: Provider) -> list[Receipt]:
            await prepare(session, fresh=fresh)
            receipts = [await session.write(objects(*rows)) for rows in batches]
            if publish:
                await session.publish()
            return receipts

        return self.run(use, **params)


async def prepare(session: Provider, *, fresh: bool) -> None:
    """Announce objects."""
    await session.prepare(Prepare(kind=DataKind.OBJECT, schema=SCHEMA, fresh=fresh))


def objects(*rows: Row) -> RowBatch:
    """A batch of objects."""
    return RowBatch(rows, schema=SCHEMA, kind=DataKind.OBJECT)
