"""The session, its connections and their errors: the only file that knows asyncpg, which the first connect imports.

A connection serves one operation at a time and goes back to the session afterwards; one whose operation was cut off, and
that does not come to rest within a moment, is dropped. Nothing is taken from the environment.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

import nvisy_sdk as sdk

from .config import Credentials, Params

if TYPE_CHECKING:
    from asyncpg import Connection  # type: ignore[import-untyped]  # its stubs are not marked as such

Row = tuple[Any, ...]

_RESTING: Final = 0.1  # seconds for a cancelled statement to end; after that its connection is dropped
_CLOSING: Final = 1.0  # seconds for a farewell; after that the socket is dropped
_CHUNK: Final = 256 * 1024  # bytes of COPY data sent at once: the socket sets the pace
_LONGEST_NAME: Final = 63  # bytes; PostgreSQL cuts longer names off without a word

# Values are written as text in some places: it must not depend on the settings of a role or database.
_SETTINGS: Final = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; "
    "SET extra_float_digits = 1; SET lc_monetary = 'C'; SET standard_conforming_strings = on; SET jit = off"
)
# So that the server ends a statement, within a second, when who asked for it is gone (since version 14, not on Windows).
_NOTICE: Final = "SET client_connection_check_interval = 1000"

# By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), the longest prefix first.
_KINDS: Final[tuple[tuple[str, type[sdk.ProviderError], str | None], ...]] = (
    ("08", sdk.ConnectionFailedError, None),
    ("0A", sdk.UnsupportedError, None),
    ("22", sdk.InvalidDataError, None),
    ("23", sdk.ConflictError, None),
    ("25006", sdk.PermissionDeniedError, "connect to the primary server; this one or this role only reads"),
    ("28000", sdk.AuthError, "check the user, and what pg_hba.conf of the server says about it"),
    ("28", sdk.AuthError, "check the user and the password"),
    ("3D000", sdk.NotFoundError, "check `database`"),
    ("3F000", sdk.NotFoundError, "check `schema`"),
    ("40", sdk.UnavailableError, None),
    ("42501", sdk.PermissionDeniedError, "grant the user what it needs"),
    ("42P01", sdk.NotFoundError, "check `table` and `schema`"),
    ("42", sdk.InvalidConfigError, None),
    ("53", sdk.UnavailableError, None),
    ("54", sdk.InvalidDataError, None),
    ("55", sdk.UnavailableError, "something else holds the table; try again later"),
    ("57014", sdk.TimeoutExceededError, "raise `statement_timeout` of the role, if that is what ended it"),
    ("57", sdk.UnavailableError, None),
    ("58", sdk.UnavailableError, None),
    ("", sdk.ProviderError, None),
)
_REJECTIONS: Final = {
    "21000": "repeated",
    "22001": "too_long",
    "22003": "out_of_range",
    "22008": "out_of_range",
    "22021": "invalid_text",
    "22P05": "invalid_text",
    "23502": "not_null",
    "23503": "foreign_key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
    "54000": "too_big",
    "P0001": "trigger",
}


def identifier(name: str) -> str:
    """Return the name quoted, so that PostgreSQL takes any character in it for what it is.

    Raises:
        InvalidConfigError: No table or column can bear the name.
    """
    if not name or "\0" in name or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise sdk.InvalidConfigError(
            f"{name[:80]!r} cannot be a name: one has 1 to {_LONGEST_NAME} bytes and no NUL",
            hint="rename it with a transform, or correct the parameter",
        )
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return the text quoted as a value.

    Raises:
        InvalidDataError: PostgreSQL cannot hold the text.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise sdk.InvalidDataError("a text with NUL or a lone surrogate cannot be a value of PostgreSQL")
    return "'" + text.replace("'", "''") + "'"


def rejection_code(error: sdk.ProviderError) -> str | None:
    """Return the short word for why the server refused a row; None for an error that is not about a row."""
    state = error.context.get("sqlstate", "")
    return _REJECTIONS.get(state) or ("invalid" if state[:2] in ("22", "23", "44") else None)


def _translated(error: Exception, where: str) -> sdk.ProviderError:
    text, at = str(error) or type(error).__name__, {"server": where}
    state = str(getattr(error, "sqlstate", None) or "")
    if state:
        _, kind, hint = next(row for row in _KINDS if state.startswith(row[0]))
        for key in ("schema_name", "table_name", "column_name", "constraint_name"):
            if found := getattr(error, key, None):
                at[key.removesuffix("_name")] = str(found)
        said = str(getattr(error, "hint", None) or "") or hint
        return kind(f"PostgreSQL says: {text} ({state})", hint=said or None, context={**at, "sqlstate": state})
    match error:
        case ssl.SSLError():
            hint = "check `tls_ca_file`, and that `host` is a name of the certificate"
            return sdk.InvalidConfigError(f"no encryption with {where}: {text}", hint=hint, context=at)
        case TimeoutError():
            return sdk.TimeoutExceededError(f"no answer from {where} in time", context=at)
        case OSError():
            return sdk.ConnectionFailedError(f"no connection to {where}: {text}", context=at)
        case _ if "closed" in text or "released" in text:
            return sdk.ConnectionFailedError(f"the connection to {where} is gone: {text}", context=at)
        case _:
            return sdk.ProviderError(f"the library failed: {text}", context=at)


def _load() -> None:
    try:
        import asyncpg as asyncpg
    except ImportError as err:
        raise sdk.MissingDependencyError("the package asyncpg is not installed", hint="pip install asyncpg") from err


def _encryption(params: Params) -> ssl.SSLContext | None:
    """Return how to encrypt; None when that is not wanted."""
    if params.tls == "disable" or params.host.startswith("/"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = params.tls == "verify-full"
    if not params.tls.startswith("verify"):
        context.verify_mode = ssl.CERT_NONE
    else:
        try:
            context.load_verify_locations(params.tls_ca_file) if params.tls_ca_file else context.load_default_certs()
        except OSError as err:
            raise sdk.InvalidConfigError(f"the certificates cannot be used: {err}", hint="check `tls_ca_file`") from err
    context.set_alpn_protocols(["postgresql"])
    return context


class Database:
    """One connection, used by one task at a time."""

    def __init__(self, connection: "Connection", where: str) -> None:
        self._connection, self._where = connection, where
        self.is_closed = False

    @classmethod
    async def open(cls, credentials: Credentials, params: Params) -> Self:
        """Connect and log in."""
        where = f"{params.host}:{params.port}"
        await sdk.in_thread(_load)
        context = await sdk.in_thread(_encryption, params)
        try:
            async with asyncio.timeout(params.connect_timeout):
                connection = await _connect(credentials, params, context)
        except Exception as err:
            if isinstance(err, sdk.ProviderError):
                raise
            raise _translated(err, where) from err
        db = cls(connection, where)
        try:
            async with asyncio.timeout(params.connect_timeout):
                await db.run(_SETTINGS)
                with suppress(sdk.InvalidConfigError, sdk.InvalidDataError):
                    await db.run(_NOTICE)
        except BaseException:
            db.drop()
            raise
        return db

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sdk.ProviderError:
            raise
        except Exception as err:
            if self.is_closed:
                raise sdk.ClosedError("the session is closed") from err
            raise _translated(err, self._where) from err

    async def rows(self, sql: str, *values: object) -> list[Row]:
        """Return all rows of a query. The types of `values` are those that the server finds for `$1`, `$2` ..."""
        with self._translating():
            return [tuple(record) for record in await self._connection.fetch(sql, *values)]

    async def run(self, sql: str, *values: object) -> str:
        """Run one statement, or several without values; return the server's word for what the last one did."""
        with self._translating():
            return str(await self._connection.execute(sql, *values))

    async def copy_out(self, select: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Run a query and hand over its rows in the binary format of COPY, in pieces of any size.

        An exception of `take` ends the query and is raised again.
        """

        async def output(data: bytearray) -> None:
            await take(bytes(data))

        with self._translating():
            await self._connection.copy_from_query(select, output=output, format="binary")

    async def copy_in(
        self, table: str, columns: Sequence[str], piece: Callable[[int], bytes], *, schema: str | None = None
    ) -> int:
        """Put rows in the binary format of COPY into a table, all or none; a temporary one is in schema `pg_temp`.

        `piece` is called in a thread for about so many bytes, until there are none. Return how many rows arrived: a
        trigger may drop some.
        """

        async def pieces() -> AsyncIterator[bytes]:
            while data := await sdk.in_thread(piece, _CHUNK):
                yield data

        with self._translating():
            word = await self._connection.copy_to_table(
                table, schema_name=schema, columns=list(columns), source=pieces(), format="binary"
            )
            return int(word.rpartition(" ")[2])

    @asynccontextmanager
    async def transaction(self, *, write: bool = True, keep: bool = True) -> AsyncIterator[None]:
        """Commit what happens inside, or nothing of it; nothing without `keep`.

        Without `write`, all inside sees one state of the database.
        """
        await self.run("BEGIN READ WRITE" if write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
            end = "COMMIT" if keep else "ROLLBACK"
            if await self.run(end) != end:
                raise sdk.ProviderError("the server rolled the transaction back")
        except BaseException as err:
            await self.rest(within=_CLOSING if isinstance(err, Exception) else _RESTING)
            raise

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happened inside when it ends with an error of the server; the transaction goes on."""
        await self.run("SAVEPOINT nvisy")
        try:
            yield
        except sdk.ProviderError:
            await self.run("ROLLBACK TO SAVEPOINT nvisy; RELEASE SAVEPOINT nvisy")
            raise
        await self.run("RELEASE SAVEPOINT nvisy")

    async def rest(self, *, within: float = _RESTING) -> None:
        """End the transaction, whatever was interrupted; a connection that does not come to rest is dropped."""
        if self.is_broken():
            return
        resting = False
        try:
            async with asyncio.timeout(within):
                await self._connection.execute("ROLLBACK")
            resting = True
        except Exception:  # noqa: BLE001 (whatever it is, the connection is of no more use)
            return
        finally:
            if not resting:
                self.drop()

    def is_broken(self) -> bool:
        """Whether it is over, closed or not."""
        return bool(self._connection.is_closed())

    def drop(self) -> None:
        """Close the socket without a word."""
        self._connection.terminate()

    async def close(self, *, at_rest: bool) -> None:
        """Close the connection, with a farewell when it is at rest; else whoever waits for an answer is told."""
        self.is_closed = True
        try:
            if at_rest:
                with suppress(Exception):
                    await self._connection.close(timeout=_CLOSING)
        finally:
            self.drop()


async def _connect(credentials: Credentials, params: Params, context: ssl.SSLContext | None) -> Any:
    """Connect, without encryption where `prefer` finds none."""
    import asyncpg

    login: dict[str, Any] = {
        "host": params.host,
        "port": params.port,
        "user": credentials.username,
        "password": credentials.password.get_secret_value(),
        "database": params.database or credentials.username,
        "timeout": params.connect_timeout,
        "statement_cache_size": 0,  # behind a pooler, and after a table has changed, a kept statement fails
        "server_settings": {"application_name": "nvisy"},
    }
    # The library would look for what is not given in the environment.
    given: dict[str, Any] = {"target_session_attrs": "any", "krbsrvname": "-", "gsslib": "gssapi"}

    async def attempt(encryption: ssl.SSLContext | bool) -> Any:
        return await asyncpg.connect(**login, **given, ssl=encryption, direct_tls=params.tls_first)

    try:
        return await attempt(context or False)
    except ConnectionError as err:
        if "rejected SSL upgrade" not in str(err):
            raise
        if params.tls != "prefer":
            hint = "set `tls: prefer`, or have the server encrypt"
            raise sdk.InvalidConfigError(f"{params.host}:{params.port} does not encrypt", hint=hint) from err
    return await attempt(False)


class Session:
    """One open session: the parameters, and as many connections as there are operations at once."""

    def __init__(self, credentials: Credentials, params: Params) -> None:
        self._credentials = credentials
        self._params = params
        self._open: list[Database] = []  # the oldest first
        self._idle: Database | None = None
        self._closed = False

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Connect and log in. Whether the table is there is asked by the first read or write."""
        session = cls(credentials, params)
        async with session._using():
            return session

    async def disconnect(self) -> None:
        """Close the session; a read or write under way ends with `closed`."""
        self._closed = True
        while self._open:
            db = self._open.pop()
            await db.close(at_rest=db is self._idle)

    @asynccontextmanager
    async def _using(self) -> AsyncIterator[Database]:
        """Lend a connection that nobody else uses: one that is at rest, or a new one."""
        db = await self._taken()
        try:
            yield db
        except Exception:
            raise
        except BaseException:  # cancelled in the middle of a statement
            await db.rest()
            raise
        finally:
            self._give_back(db)

    def _give_back(self, db: Database) -> None:
        """Keep one connection at rest, the oldest there is."""
        leaving = db
        if not self._closed and not db.is_broken():
            if self._idle is None:
                self._idle = db
                return
            self._idle, leaving = sorted((self._idle, db), key=self._open.index)
        leaving.drop()
        if leaving in self._open:
            self._open.remove(leaving)

    async def _taken(self) -> Database:
        if self._closed:
            raise sdk.ClosedError("the session is closed")
        db, self._idle = self._idle, None
        if db is not None:
            if not db.is_broken():
                return db
            self._open.remove(db)
        db = await Database.open(self._credentials, self._params)
        if self._ended():  # meanwhile
            await db.close(at_rest=True)
            raise sdk.ClosedError("the session is closed")
        self._open.append(db)
        return db

    def _ended(self) -> bool:
        return self._closed

    def _table_name(self) -> str:
        if not self._params.table:
            raise sdk.InvalidConfigError("no table is named", hint="set `table`")
        return self._params.table
