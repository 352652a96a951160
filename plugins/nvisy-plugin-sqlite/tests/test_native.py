"""The native reading and the one in Python: the same rows, the same contexts, the same errors."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvisy_plugin_sqlite import Credentials, Params, Provider
from nvisy_plugin_sqlite._native import Library, Plan
from nvisy_plugin_sqlite.client import library
from nvisy_sdk import ArrowArrayExportable, Batch, InvalidDataError, ProviderError, UnavailableError
from nvisy_sdk.testing import positions_of

from .sqlite_base import Base

Outcome = list[Any] | tuple[type[ProviderError], str, str | None, dict[str, str]]

# What is stored, of any class, whatever the column is declared: each form that some column reads, and some that none does.
TEXTS = [
    "", "x", "12", "1.50", "-0.00", "007", "1e5", "\0", "\U0001f600", "2024-02-29", "2023-02-29", "0000-01-01", "20240229",
    "01:02:03", "01:02:03.000004", "24:00:00", "2024-02-29T01:02:03", "2024-02-29 01:02:03.000004", "2024-02-29T01:02:03.004",
    "2024-02-29T01:02:03Z", "2024-02-29T01:02:03.000004Z", "2024-02-29 01:02:03+02:00", "0001-01-01T00:00:00+01:00",
    "2024-02-29T01:02:03-00:00", "2024-02-29T25:02:03", "\u0662024-02-29", "12345678-9abc-def0-1234-56789abcdef0",
    "12345678-9ABC-DEF0-1234-56789ABCDEF0", "----123456789abcdef0123456789abcdef0", "null", " null ", "true", "{}", "[1, 2.50]",
    '{"a": 1, "a": 2}', '{"a":[1e400]}', "[NaN]", '"\\ud83d\\ude00\\u0041"', '"\\ud800"', "-0", "[-0, 1E2, 1e16]", "{", "1 1",
    "[" * 90 + "]" * 90, "123456789012345678901234567890",
]  # fmt: skip
NUMBERS = [0, 1, 2, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, 1.0, 1.125, -0.0, 1e22, 1e300, float("inf"), 999.99]
VALUES: list[object] = [None, *TEXTS, *NUMBERS, b"", b"\xff", b"x"]
DECLARED = [
    "INTEGER", "REAL", "TEXT", "BLOB", "BOOLEAN", "DATE", "TIME", "DATETIME", "TIMESTAMPTZ", "DURATION", "UUID", "JSON",
    "DECIMAL(5,2)", "DECIMAL TEXT(38,4)", "INTEGER NOT NULL", "JSON NOT NULL", "",
]  # fmt: skip
# Those of which most rows can be read: a table of them gets past its first page.
FITTING: dict[str, list[object]] = {
    "INTEGER": [None, *NUMBERS[:8]],
    "REAL": [None, 0, 0.5, 1.0, -0.0, 1e22, 1e300, 2**53],
    "TEXT": [None, *TEXTS],
    "BLOB": [None, b"", b"\xff", b"x"],
    "BOOLEAN": [None, 0, 1],
    "DATE": [None, "2024-02-29", "0001-01-01", "9999-12-31"],
    "TIME": [None, "01:02:03", "01:02:03.000004"],
    "DATETIME": [None, "2024-02-29T01:02:03", "2024-02-29 01:02:03.000004", "1969-12-31T23:59:59.999"],
    "TIMESTAMPTZ": [None, "2024-02-29T01:02:03Z", "2024-02-29 01:02:03+02:00", "0001-01-01T00:00:00.000001-00:01"],
    "DURATION": [None, 0, -1, 2**63 - 1, -(2**63)],
    "UUID": [None, "12345678-9abc-def0-1234-56789abcdef0", "12345678-9ABC-DEF0-1234-56789ABCDEF0"],
    "JSON": [None, 1, 0.5, 1e16, "null", "{}", "[1, 2.50]", '{"a": {"b": "\\u0041"}}', '"x"', "true", "[1e16, -0]"],
    "DECIMAL(5,2)": [None, 1, 0.5, 999.99, -0.0],
    "DECIMAL TEXT(38,4)": [None, "1.50", "-0.00", "007", "9" * 34 + ".9999"],
}


class Plain(Provider):
    """A session that reads in Python."""

    natively: ClassVar[bool] = False


def read(session_class: type[Provider], path: Path, **params: object) -> tuple[Outcome, int]:
    """Return the items with their contexts and Python types, or the error; and how many batches were native ones."""

    async def use() -> tuple[Outcome, int]:
        session = await session_class.connect(Credentials(), Params.model_validate({"path": path, **params}))
        found: list[Any] = []
        native = 0
        try:
            async for batch in session.read(None):
                assert isinstance(batch, Batch)
                native += isinstance(batch.data, ArrowArrayExportable)
                found += [(_typed(row), context) for row, context in positions_of(batch)]
        except ProviderError as err:
            return (type(err), err.message, err.hint, dict(err.context)), native
        finally:
            await session.disconnect()
        return found, native

    return asyncio.run(use())


def _typed(value: Any) -> Any:
    """The value with the classes in it, so that 1, 1.0 and True are three."""
    if isinstance(value, dict):
        return {name: _typed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    return type(value).__name__, value


def filled(folder: str, rows: Sequence[Sequence[object]], *statements: str) -> Path:
    """Make a database of those rows, which are put in by the last statement."""
    base = Base(Path(folder) / "base.db")
    base.sql(*statements, rows=rows) if rows else base.sql(*statements[:-1])
    return base.path


def same(path: Path, **params: object) -> int:
    """Check that both ways read the same; return how many batches were native ones."""
    (natively, native), (plainly, none) = read(Provider, path, **params), read(Plain, path, **params)
    assert natively == plainly
    assert none == 0
    return native


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DECLARED), st.lists(st.sampled_from(VALUES), max_size=5), st.integers(1, 4))
def test_any_value_in_any_column_is_read_alike(declared: str, values: list[object], size: int) -> None:
    """What does not fit its column ends with the same error."""
    if "NOT NULL" in declared:
        values = [value for value in values if value is not None]
    with TemporaryDirectory() as folder:
        made = f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})"
        path = filled(folder, list(enumerate(values)), made, "INSERT INTO t VALUES (?, ?)")
        same(path, table="t", batch_rows=size)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(1, 5))
def test_rows_of_every_type_are_read_alike(data: st.DataObject, size: int) -> None:
    """Twelve columns at once, in a table with a hidden row number as its key."""
    row = st.tuples(*(st.sampled_from(values) for values in FITTING.values()))
    rows = data.draw(st.lists(row, min_size=1, max_size=9))
    with TemporaryDirectory() as folder:
        names = ", ".join(f'"c{at}" {declared}' for at, declared in enumerate(FITTING))
        path = filled(
            folder, rows, f"CREATE TABLE t ({names})", f"INSERT INTO t VALUES ({', '.join('?' * len(FITTING))})"
        )
        assert same(path, table="t", batch_rows=size) > 0


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*FITTING, ""]),
    st.lists(st.sampled_from(VALUES), max_size=6),
    st.integers(1, 4),
    st.booleans(),
)
def test_any_value_as_a_key_is_read_alike(declared: str, values: list[object], size: int, narrow: bool) -> None:
    """Canonical or not, null or not; the contexts are the same."""
    if narrow:
        values = [value for value in values if value in FITTING.get(declared, VALUES) and value is not None]
    with TemporaryDirectory() as folder:
        made = f"CREATE TABLE t (k {declared} UNIQUE)"
        path = filled(folder, [(value,) for value in values], made, "INSERT OR IGNORE INTO t VALUES (?)")
        same(path, table="t", key=["k"], batch_rows=size)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 1.0, "a", "b"]), st.integers(0, 2)), max_size=7), st.integers(1, 4))
def test_view_and_its_ties_are_read_alike(rows: list[tuple[object, int]], size: int) -> None:
    """A key of two columns that nothing proves; a tie is found wherever the page ends."""
    with TemporaryDirectory() as folder:
        made = "CREATE TABLE t (a REAL, b)", "CREATE VIEW v AS SELECT a, b FROM t", "INSERT INTO t VALUES (?, ?)"
        same(filled(folder, rows, *made), table="v", key=["a", "b"], batch_rows=size)


def test_ordinary_table_is_read_natively(base: Base) -> None:
    """Page by page, also after a context and with a filter; a subclass may do without."""
    base.sql(
        "CREATE TABLE t (a TEXT NOT NULL, b INT NOT NULL, v REAL, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES (?, ?, ?)",
        rows=[(letter, number, number / 2) for letter in "abc" for number in range(4)],
    )
    params = {"table": "t", "batch_rows": 5, "filter": [{"column": "b", "op": "gt", "value": 0}]}
    assert same(base.path, **params) == 2
    assert read(Plain, base.path, **params)[1] == 0


def test_page_with_an_unusual_value_is_read_in_python(base: Base) -> None:
    """The other pages are not."""
    rows = [(number, "12345678-9abc-def0-1234-56789abcdef0") for number in range(9)]
    rows[4] = (4, "----123456789abcdef0123456789abcdef0")
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v UUID)", "INSERT INTO t VALUES (?, ?)", rows=rows)
    assert same(base.path, table="t", batch_rows=3) == 2


def test_text_of_a_database_in_utf16_is_read_alike(base: Base) -> None:
    """SQLite converts it."""
    base.sql("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)")
    base.sql("INSERT INTO t VALUES (?, ?)", rows=[("\u00e9\U0001f600", "x\0y"), ("z", None)])
    assert same(base.path, table="t") == 1


def test_library_is_the_one_that_python_uses() -> None:
    """Under Python's own version of it; a module without its functions, or of another version, gives none."""
    import _sqlite3

    path = getattr(_sqlite3, "__file__", None)
    if path is None:
        assert library() is None
        return
    assert library() is not None
    assert Library.load(path, "1.2.3") is None
    assert Library.load(__file__, sqlite3.sqlite_version) is None


def test_locked_page_says_so_at_once(base: Base) -> None:
    """With the name SQLite has for it, and not after waiting twice."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(i,) for i in range(4)])

    async def use(session: Provider) -> None:
        stream = session.read(None)
        await anext(stream)
        other = sqlite3.connect(base.path, isolation_level=None)
        try:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(UnavailableError, match=r"locked \(SQLITE_BUSY\)") as caught:
                await anext(stream)
            assert type(caught.value.__cause__).__name__ == "SqliteError"
        finally:
            other.close()

    base.run(use, table="t", batch_rows=2, busy_timeout_ms=1)


def test_interpreter_is_free_while_a_page_is_read(base: Base) -> None:
    """Another thread stops a page that would take hours, by `interrupt`."""
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0 LIMIT ?"
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    found = library()
    if found is None:
        pytest.skip("this interpreter hides its SQLite")
    connection = found.open(base.path.as_uri() + "?mode=ro", 0)
    plan = Plan.of([("i", '{"name":"int64"}', False, "")], [0], hidden=False, proven=True)
    assert connection is not None and plan is not None
    timer = threading.Timer(0.2, connection.interrupt)
    timer.start()
    with pytest.raises(Exception, match="interrupted") as caught:
        connection.page(plan, [(endless, [])], 10)
    assert caught.value.sqlite_errorname == "SQLITE_INTERRUPT"  # type: ignore[attr-defined]
    timer.join()
    connection.close()
    assert connection.page(plan, [(endless, [])], 10) is None


def test_writer_in_the_same_process_keeps_its_locks(base: Base) -> None:
    """Closing the native connection must not release the locks of `sqlite3` on the file, as another copy of SQLite would."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (?)", rows=[(1,)])
    holder = sqlite3.connect(base.path, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        assert same(base.path, table="t") == 1
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        assert _fails(script, base.path)
    finally:
        holder.close()
    assert not _fails(script, base.path)


def _fails(script: str, path: Path) -> bool:
    return subprocess.run([sys.executable, "-c", script, path], check=False, capture_output=True).returncode != 0


def test_text_that_is_not_utf8_ends_with_the_same_error(base: Base) -> None:
    """It names the column and how to read it as bytes."""
    base.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, raw TEXT)", "INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT))")
    outcome, _ = read(Provider, base.path, table="t")
    assert isinstance(outcome, tuple) and outcome[0] is InvalidDataError and "UTF-8" in outcome[1]
    same(base.path, table="t")
    assert same(base.path, table="t", types={"raw": {"name": "binary"}}) == 1
