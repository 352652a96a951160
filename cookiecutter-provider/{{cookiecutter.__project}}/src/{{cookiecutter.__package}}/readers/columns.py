"""Reading a table in the order of its key, page by page.

Each page is a request of its own and sees the table as it is then: a row that is added, changed or deleted behind the
position is not seen again.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import nvisy_sdk as sdk

from .client import Session

Row = dict[str, object]
Values = tuple[sdk.KeyValue, ...]


class Reader(Session):
    """The session as a source."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the rows after `context` in the order of the key, `batch_rows` at a time."""
        info = await self.describe()
        key = self._key(info)
        schema = self._schema(info)
        after = None if context is None else self._after(context, key)
        more = True
        while more:
            rows, more = await self._page(key, after)
            if rows:
                after = _values(rows[-1], key)
                yield self._batch(rows, key, schema)

    async def _page(self, key: tuple[str, ...], after: Values | None) -> tuple[list[Row], bool]:
        """Return the next rows, the key's columns among them, and whether there are more."""
        found = await self._call(
            "page",
            stream=self._stream(),
            sort=key,
            after=after,
            limit=self._params.batch_rows,
            filter=[condition.model_dump(mode="json") for condition in self._params.filter],
            columns=self._columns(key),
        )
        return found["items"], found["more"]

    def _batch(self, rows: list[Row], key: tuple[str, ...], schema: sdk.Schema | None) -> sdk.Batch:
        """Join a page with its positions: the key is in the rows, unless the node asked for other columns."""
        wanted = self._params.columns
        if wanted is None or set(key) <= set(wanted):
            return sdk.Batch(rows, sdk.Keyset(key, self._fingerprint(key)), schema=schema)
        contexts = [self._context(row, key) for row in rows]
        return sdk.Batch([_slim(row, wanted) for row in rows], sdk.Each(contexts), schema=schema)

    def _context(self, row: Row, key: tuple[str, ...]) -> sdk.KeysetContext:
        values = tuple(sdk.typed_value(value) for value in _values(row, key))
        return sdk.KeysetContext(fingerprint=self._fingerprint(key), values=values)

    def _after(self, context: sdk.Context, key: tuple[str, ...]) -> Values:
        """Return the key's values after which a context resumes."""
        if not isinstance(context, sdk.KeysetContext) or context.fingerprint != self._fingerprint(key):
            raise sdk.InvalidContextError(
                "the context belongs to another table, key or filter",
                hint="start over, or restore the parameters it was made with",
            )
        if len(context.values) != len(key):
            raise sdk.InvalidContextError(f"the context has {len(context.values)} values, the key {len(key)}")
        return tuple(sdk.python_value(value) for value in context.values)

    def _fingerprint(self, key: tuple[str, ...]) -> str:
        return sdk.fingerprint(stream=self._stream(), filter=self._params.filter, sort=key)

    def _key(self, info: sdk.StreamInfo) -> tuple[str, ...]:
        key = self._params.key or info.key
        if not key:
            raise sdk.InvalidConfigError(f"table {info.name} has no key", hint="set `key` to columns unique in it")
        return key

    def _columns(self, key: tuple[str, ...]) -> list[str] | None:
        wanted = self._params.columns
        return None if wanted is None else [*wanted, *(name for name in key if name not in wanted)]

    def _schema(self, info: sdk.StreamInfo) -> sdk.Schema | None:
        wanted = self._params.columns
        if info.schema is None or wanted is None:
            return info.schema
        fields = {field.name: field for field in info.schema.fields}
        unknown = [name for name in wanted if name not in fields]
        if unknown:
            raise sdk.InvalidConfigError(f"table {info.name} has no column `{unknown[0]}`", hint="check `columns`")
        return sdk.Schema(fields=tuple(fields[name] for name in wanted))


def _values(row: Row, key: Sequence[str]) -> Any:
    return tuple(row[name] for name in key)


def _slim(row: Row, wanted: Sequence[str]) -> Row:
    return {name: row[name] for name in wanted}
