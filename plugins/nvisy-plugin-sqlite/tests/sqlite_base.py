"""A real database file, and short ways to fill, read and write it through the provider."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from nvisy_plugin_sqlite import Credentials, Params, Provider
from nvisy_sdk import Context, DataKind, Mark, Prepare, Receipt, Schema, context_adapter
from nvisy_sdk.testing import RowBatch, items

Row = dict[str, object]
T = TypeVar("T")


class Base:
    """One database file, filled with plain SQL and looked at through the provider."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sql(self, *statements: str, rows: Sequence[Sequence[object]] = ()) -> list[tuple[object, ...]]:
        """Run statements without the provider; `rows` are for the last one. Return what the last one gives."""
        connection = sqlite3.connect(self.path)
        try:
            for statement in statements[:-1]:
                connection.execute(statement)
            if rows:
                connection.executemany(statements[-1], rows)
                found: list[tuple[object, ...]] = []
            else:
                found = connection.execute(statements[-1]).fetchall()
            connection.commit()
            return found
        finally:
            connection.close()

    def run(self, use: Callable[[Provider], Awaitable[T]], **params: object) -> T:
        """Open a session, await what `use` returns, and close it."""

        async def whole() -> T:
            session = await Provider.connect(Credentials(), Params.model_validate({"path": self.path, **params}))
            try:
                return await use(session)
            finally:
                await session.disconnect()

        return asyncio.run(whole())

    def read(self, context: Context | None = None, **params: object) -> list[tuple[Row, Context | None]]:
        """Return every item with its context, which goes through JSON as it does in the engine."""
        if context is not None:
            context = context_adapter.validate_json(context_adapter.dump_json(context))
        return self.run(lambda session: items(session.read(context)), **params)

    def rows(self, **params: object) -> list[Row]:
        """Return every item."""
        return [row for row, _ in self.read(None, **params)]

    def schema(self, **params: object) -> Schema:
        """Return the columns a read yields."""
        found = self.run(lambda session: session.describe(), **params).schema
        assert found is not None
        return found

    def write(
        self,
        rows: Sequence[Mapping[str, object]],
        *,
        schema: Schema | None = None,
        mark: Mark | None = None,
        fresh: bool = True,
        publish: bool = False,
        **params: object,
    ) -> Receipt:
        """Prepare and write one batch."""
        batch = RowBatch(rows, schema=schema)

        async def use(session: Provider) -> Receipt:
            await session.prepare(Prepare(kind=DataKind.RECORD, schema=batch.schema, fresh=fresh))
            receipt = await (session.write(batch) if mark is None else session.write_through(batch, mark))
            if publish:
                await session.publish()
            return receipt

        return self.run(use, **params)
