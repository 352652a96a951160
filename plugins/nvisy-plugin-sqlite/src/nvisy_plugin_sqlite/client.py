"""The session and its connections: the only file that knows the `sqlite3` module, and the one that translates its errors.

A connection lives on the session's own thread. Reading opens the file read-only, so it can neither create nor change it.
The native module reads whole pages by a connection of its own, from the same SQLite that `sqlite3` uses: two copies of it in
one process would break each other's locks (https://sqlite.org/howtocorrupt.html, 2.2.1).
"""

import _sqlite3
import functools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import nvisy_sdk as sdk

from ._native import Batch, Connection, Library, Plan, SqliteError
from ._types import Refused
from .config import Credentials, Params

P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Any, ...]
Steps = list[tuple[str, list[object]]]

_REFUSALS = {
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_DATATYPE": "type",
    "SQLITE_MISMATCH": "type",
}
_KINDS: dict[str, tuple[type[sdk.ProviderError], str | None]] = {
    "SQLITE_BUSY": (sdk.UnavailableError, "another process holds the lock; raise busy_timeout_ms"),
    "SQLITE_LOCKED": (sdk.UnavailableError, "another process holds the lock; raise busy_timeout_ms"),
    "SQLITE_FULL": (sdk.UnavailableError, "make room on the disk"),
    "SQLITE_IOERR": (sdk.UnavailableError, None),
    "SQLITE_CANTOPEN": (sdk.PermissionDeniedError, "check the permissions of the file and its folder"),
    "SQLITE_PERM": (sdk.PermissionDeniedError, "check the permissions of the file and its folder"),
    "SQLITE_READONLY": (sdk.PermissionDeniedError, "check the permissions of the file and its folder"),
    "SQLITE_AUTH": (sdk.PermissionDeniedError, None),
    "SQLITE_NOTADB": (sdk.InvalidConfigError, "check `path`: this file is no SQLite database, or it is encrypted"),
    "SQLITE_CORRUPT": (
        sdk.InvalidDataError,
        "the database file is damaged; try the `.recover` command of the sqlite3 shell",
    ),
    "SQLITE_CONSTRAINT": (sdk.ConflictError, None),
    "SQLITE_TOOBIG": (sdk.InvalidDataError, None),
    "SQLITE_INTERRUPT": (sdk.ClosedError, None),
}


def identifier(name: str) -> str:
    """Return the name quoted, so that SQLite takes any character in it for what it is."""
    return '"' + name.replace('"', '""') + '"'


def _translated(error: sqlite3.Error | SqliteError, path: Path) -> sdk.ProviderError:
    name = str(getattr(error, "sqlite_errorname", None) or type(error).__name__)
    family = "_".join(name.split("_")[:2])
    where = {"path": str(path)}
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return sdk.ClosedError("the session is closed", context=where)
    if "decode to UTF-8" in str(error):
        bytewise = 'read that column as bytes: types: {"<column>": {"name": "binary"}}'
        what = str(error).partition("with text")[0].strip().lower()  # without the value itself
        return sdk.InvalidDataError(f"a text is not UTF-8: {what}", hint=bytewise, context=where)
    if "no such collation" in str(error):
        return sdk.UnsupportedError(
            f"{error}; it is defined by another program", hint="read a view without it", context=where
        )
    if "no such table" in str(error):
        return sdk.NotFoundError(str(error), context=where)
    kind, hint = _KINDS.get(family, (sdk.InvalidConfigError, None))
    return kind(f"SQLite says: {error} ({name})", hint=hint, context=where)


class Database:
    """One connection. Every call is made on the thread that made it."""

    def __init__(
        self, path: Path, *, busy_timeout_ms: int, writable: bool = False, library: Library | None = None
    ) -> None:
        self.path = path
        self._native: Connection | None = None
        uri = path.absolute().as_uri() + ("?mode=rwc" if writable else "?mode=ro")
        with self._translating():
            self._connection = sqlite3.connect(uri, uri=True, timeout=busy_timeout_ms / 1000, isolation_level=None)
        try:
            # A count of pages reads the header, so that a file that is no database is found out here.
            if writable and self.rows("PRAGMA page_count") == [(0,)]:
                with suppress(sdk.UnavailableError):  # another session of the new file is doing the same
                    self.run("PRAGMA journal_mode=WAL")
            self.run("PRAGMA synchronous=FULL")
            self.rows("SELECT count(*) FROM sqlite_master")
        except BaseException:
            self.close()
            raise
        self._native = None if library is None else library.open(uri, busy_timeout_ms)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, SqliteError) as err:
            raise _translated(err, self.path) from err

    def page(self, plan: Plan | None, steps: Steps, size: int) -> tuple[Batch, list[int], Row | None] | None:
        """Read a page in a transaction of its own, without an object for each value.

        Returns:
            The rows, the hidden row numbers, and the key to go on after; None where the page has to be read by `rows`,
            which finds what is unusual about it, or wrong.
        """
        if plan is None or self._native is None:
            return None
        with self._translating():
            return self._native.page(plan, steps, size)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query."""
        with self._translating():
            return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement."""
        with self._translating():
            self._connection.execute(sql, parameters)

    def put(self, sql: str, rows: Iterable[Row]) -> int:
        """Run one statement for each row, all or none; return how many rows it changed.

        Raises:
            Refused: SQLite does not take one of them.
        """
        with self._translating():
            self._connection.execute("SAVEPOINT nvisy")
            try:
                changed = self._connection.executemany(sql, rows).rowcount
                self._connection.execute("RELEASE nvisy")
                return changed
            except BaseException as err:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK TO nvisy")
                    self._connection.execute("RELEASE nvisy")
                refused = _refusal(err) if self._connection.in_transaction else None
                if refused is None:
                    raise
                raise refused from err

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[None]:
        """Commit what happens inside, or nothing of it."""
        self.run("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def interrupt(self) -> None:
        """Stop the query under way; this one may be called from any thread."""
        with suppress(sqlite3.Error):
            self._connection.interrupt()
        if self._native is not None:
            self._native.interrupt()

    def close(self) -> None:
        """Close the connection."""
        with suppress(sqlite3.Error):
            self._connection.close()
        if self._native is not None:
            self._native.close()


def _refusal(error: BaseException) -> Refused | None:
    """Return why one row was not taken; None for a failure that is not about a row."""
    match error:
        case OverflowError():
            return Refused("out_of_range", "SQLite's integers end at 2^63-1; cast the column to text")
        case UnicodeEncodeError():
            return Refused("invalid_text", "the text holds a lone surrogate, which UTF-8 cannot write")
        case sqlite3.IntegrityError():
            return Refused(_REFUSALS.get(error.sqlite_errorname, "constraint"), str(error))
        case sqlite3.DataError():
            return Refused("too_big", str(error))
        case sqlite3.InterfaceError() | sqlite3.ProgrammingError() if "type" in str(error):
            return Refused("type", str(error))
        case _:
            return None


@functools.cache
def library() -> Library | None:
    """Return the SQLite that `sqlite3` uses; None where its functions cannot be found from outside."""
    path = getattr(_sqlite3, "__file__", None)
    return Library.load(path, sqlite3.sqlite_version) if path else None


class Session:
    """One open session: a thread, and the connections it needs so far."""

    natively: ClassVar[bool] = True
    """Whether pages are read by the native module where that can be; a subclass may say no. What is read is the same."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._worker = sdk.Worker(name="nvisy-sqlite")
        self._source: Database | None = None
        self._sink: Database | None = None

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Open a session. A file that is not there yet is refused by the first read, or created by the first write."""
        if params.schema not in (None, "main"):
            raise sdk.InvalidConfigError(
                f"there is no schema `{params.schema}` in a SQLite file", hint="leave `schema` out"
            )
        session = cls(params)
        try:
            await session._run(session._probe)
        except BaseException:
            await session.disconnect()
            raise
        return session

    async def disconnect(self) -> None:
        """Close the session; a read under way ends with `closed`."""
        if self._source is not None:
            self._source.interrupt()
        with suppress(sdk.ClosedError):
            await self._worker.run(self._close)
        await self._worker.close()

    async def _run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._worker.run(function, *args, **kwargs)

    def _probe(self) -> None:
        if self._params.path.exists():
            self._reading()

    def _close(self) -> None:
        for database in (self._source, self._sink):
            if database is not None:
                database.close()
        self._source = self._sink = None

    def _reading(self) -> Database:
        path = self._params.path
        if self._source is None:
            if not path.is_file():
                raise sdk.NotFoundError(
                    f"there is no database file {path}", hint="check `path`", context={"path": str(path)}
                )
            found = library() if self.natively else None
            self._source = Database(path, busy_timeout_ms=self._params.busy_timeout_ms, library=found)
        return self._source

    def _writing(self) -> Database:
        path = self._params.path
        if self._sink is None:
            if not path.parent.is_dir():
                raise sdk.NotFoundError(f"there is no folder {path.parent}", hint="create it, or check `path`")
            if not path.exists() and not self._params.create:
                raise sdk.NotFoundError(f"there is no database file {path}", hint="set `create: true`, or check `path`")
            self._sink = Database(path, busy_timeout_ms=self._params.busy_timeout_ms, writable=True)
        return self._sink

    def _table_name(self) -> str:
        if not self._params.table:
            raise sdk.InvalidConfigError("no table is named", hint="set `table`")
        return self._params.table
