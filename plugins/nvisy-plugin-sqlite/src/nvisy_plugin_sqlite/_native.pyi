"""The Rust half of the plugin: pages of a table as Arrow, read with the SQLite that Python has. The interpreter is free meanwhile."""

from collections.abc import Sequence
from typing import Any, final

class SqliteError(Exception):
    """SQLite holds a lock or was interrupted."""

    sqlite_errorname: str
    """The name of the result code, as the errors of `sqlite3` have it."""

@final
class Library:
    """The functions of the SQLite that Python's own `sqlite3` uses."""

    @staticmethod
    def load(path: str, version: str) -> Library | None:
        """Find them behind the extension module at `path`.

        Returns:
            None where that SQLite is hidden, of another version, not made for threads, or not surely the one in use.
        """

    def open(self, uri: str, busy_timeout_ms: int) -> Connection | None:
        """Open a database; None where that fails."""

@final
class Connection:
    """An open database, whose pages are read one after another."""

    def page(
        self, plan: Plan, steps: Sequence[tuple[str, Sequence[object]]], size: int
    ) -> tuple[Batch, list[int], tuple[Any, ...] | None] | None:
        """Read at most `size` rows in a transaction.

        Args:
            plan: What the columns are.
            steps: Queries, tried one after another until there are enough rows, and what each is bound to. A LIMIT comes last.
            size: The rows wanted.

        Returns:
            The rows, the row numbers that are hidden, and the stored key to go on after (None at the end). None in all
            where a value has no simple form, or SQLite has failed: then the page has to be read in another way.

        Raises:
            SqliteError: Another connection holds a lock, or `interrupt` was called.
        """

    def interrupt(self) -> None:
        """Stop the page under way; any thread may ask for it."""

    def close(self) -> None:
        """Close it, after the page under way. It can be called twice."""

@final
class Plan:
    """The columns of a stream, and which of them are its key."""

    @staticmethod
    def of(
        columns: Sequence[tuple[str, str, bool, str | None]], keys: Sequence[int], *, hidden: bool, proven: bool
    ) -> Plan | None:
        """Decide how to read.

        Args:
            columns: Of each its name, the JSON of its `ColumnType`, whether it may be null, and, for a key column, an
                example of the form in which it is stored (empty where there is one only).
            keys: The places of the key.
            hidden: Whether the last column is a row number that is no part of the batch.
            proven: Whether the key is unique; else two rows of one key are looked for.

        Returns:
            None where a column is of a type that is not read here.
        """

@final
class Batch:
    """An Arrow record batch."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
