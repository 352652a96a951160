"""The system the memory provider talks to: named stores of tables in this process, and one session's way to its table.

A store's lock is held for whole operations, so a reader or a second session sees a write entirely or not at all.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nvisy_sdk import ClosedError, InvalidConfigError, Mark, NotFoundError, Schema, StreamInfo

from .config import Params


@dataclass(slots=True)
class Table:
    """Rows in the order they came. `key` names columns that are unique together; empty when there are none."""

    key: tuple[str, ...] = ()
    schema: Schema | None = None
    rows: list[dict[str, object]] = field(default_factory=list)
    places: dict[tuple[object, ...], int] = field(default_factory=dict)

    def key_of(self, row: Mapping[str, object]) -> tuple[object, ...]:
        """Return the row's key."""
        return tuple(row[name] for name in self.key)

    def put(self, row: dict[str, object]) -> None:
        """Add a row, or put it in the place of the one with its key."""
        if not self.key:
            self.rows.append(row)
            return
        place = self.places.setdefault(self.key_of(row), len(self.rows))
        if place == len(self.rows):
            self.rows.append(row)
        else:
            self.rows[place] = row


@dataclass(slots=True)
class Store:
    """Tables by name, the replacements being staged for them, and the engine's marks."""

    tables: dict[str, Table] = field(default_factory=dict)
    staged: dict[str, Table] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(
        self,
        name: str,
        rows: Iterable[Mapping[str, object]],
        *,
        key: tuple[str, ...] = (),
        schema: Schema | None = None,
    ) -> None:
        """Make the table `name` hold exactly these rows."""
        table = Table(key=key, schema=schema)
        for row in rows:
            table.put(dict(row))
        with self.lock:
            self.tables[name] = table

    def rows(self, name: str) -> list[dict[str, object]]:
        """Return a copy of a table's rows; empty when there is no such table."""
        with self.lock:
            table = self.tables.get(name)
            return [dict(row) for row in table.rows] if table else []


_stores: dict[str, Store] = {}
_opening = threading.Lock()


def store(name: str = "default") -> Store:
    """Return the store of that name, a new one when there is none yet."""
    with _opening:
        return _stores.setdefault(name, Store())


def forget(name: str = "default") -> None:
    """Drop the store of that name; sessions that are open keep theirs."""
    with _opening:
        _stores.pop(name, None)


class Session:
    """What reading and writing have in common: the store, the table's name, and looking into both."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.store = store(params.store)
        self.closed = False

    @property
    def table_name(self) -> str:
        """The table's name, with its namespace where one is given.

        Raises:
            ClosedError: The session is closed.
            InvalidConfigError: The parameters name no table.
        """
        if self.closed:
            raise ClosedError("the session is closed")
        if self.params.table is None:
            raise InvalidConfigError("no table is named", hint="set `table`")
        return self.params.table if self.params.schema is None else f"{self.params.schema}.{self.params.table}"

    def table(self) -> Table:
        """Return the table.

        Raises:
            NotFoundError: There is none of that name.
        """
        name = self.table_name
        found = self.store.tables.get(name)
        if found is None:
            raise NotFoundError(f"store `{self.params.store}` has no table `{name}`", context={"table": name})
        return found

    async def check(self) -> None:
        """Check that the session is open."""
        if self.closed:
            raise ClosedError("the session is closed")

    async def streams(self) -> list[StreamInfo]:
        """Return the tables of the store."""
        await self.check()
        with self.store.lock:
            return [_info(name, table) for name, table in sorted(self.store.tables.items())]

    async def describe(self) -> StreamInfo:
        """Return the table that the parameters name."""
        with self.store.lock:
            return _info(self.table_name, self.table())


def _info(name: str, table: Table) -> StreamInfo:
    return StreamInfo(name=name, schema=table.schema, key=table.key, rows=len(table.rows))
