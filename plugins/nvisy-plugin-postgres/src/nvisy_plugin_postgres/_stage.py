"""How the batches of one schema enter one table, and how the rows that it refuses are told apart.

A batch is put in one go, straight into the table where that can be. Only when the table refuses it does it go, in a new
transaction, into a temporary table from which it is put in halves until each refused row is alone.
"""

from collections.abc import Sequence
from typing import Final

import nvisy_sdk as sdk

from ._native import CopyError, Encoder, Stream
from ._target import Target
from .client import Database, identifier, rejection_code

_BATCH: Final = "_nvisy_batch"
_ROW: Final = "r"  # the staging table's columns are r, c0, c1 ..., so that no name of a column can be in the way
_TWICE: Final = "21000"  # ON CONFLICT met a second row of the same key
_NO_COPY: Final = "0A000"  # policies for rows, and some foreign tables, are for INSERT alone
_UNIQUE: Final = "unique"
_IGNORED: Final = "a trigger or a rule of the table ignored it"


class Refused(Exception):  # noqa: N818 - not an error of the provider: the batch is put once more, carefully
    """The table does not take the batch as a whole."""


class Entry:
    """The way of the batches of one schema into one table.

    Args:
        target: The table.
        key: The columns by which a row takes the place of another; empty where rows only add up.
    """

    def __init__(self, target: Target, key: Sequence[str]) -> None:
        self.target = target
        self._key = tuple(key)
        self._repeats = False  # whether a batch held a key twice: then the later ones are looked through for such
        columns, names = target.table.columns, list(target.fits)
        self._places = {name: f"c{place}" for place, name in enumerate(names)}
        self._names = names
        fits = list(target.fits.values())
        wires = [(name, fit.direct) for name, fit in target.fits.items() if fit.direct is not None]
        nullable = any(not columns[name].not_null for name in key)
        self._straight = Encoder(wires) if len(wires) == len(fits) and not nullable else None
        self._staged = Encoder([(name, fit.staged) for name, fit in target.fits.items()], ordinal=True)
        made = [f"{place} {fit.staged}" for place, fit in zip(self._places.values(), fits, strict=True)]
        self._make = f"CREATE TEMPORARY TABLE {_BATCH} ({', '.join([f'{_ROW} int4', *made])}) ON COMMIT DROP"
        self._values = [
            f"{self._places[name]}::{fit.cast}" if fit.cast else self._places[name] for name, fit in target.fits.items()
        ]
        self._guards = _guards(target, self._key, self._places)
        self._conflict = _conflict(target, self._key)
        always = any(columns[name].identity == "a" for name in names)
        self._overriding = " OVERRIDING SYSTEM VALUE" if always else ""

    async def put(
        self, db: Database, schema: str, table: str, batch: sdk.IncomingBatch, *, careful: bool
    ) -> sdk.Receipt:
        """Put a batch into the table of that name, inside of a transaction.

        Raises:
            Refused: Some row was refused, and `careful` is not set; the transaction must be undone.
        """
        if not len(batch):
            return sdk.Receipt(accepted=0)
        try:
            if self._straight is not None and not careful:
                rejected = await self._copy(self._straight, db, schema, table, batch)
            else:
                goal = f"{identifier(schema)}.{identifier(table)}"
                rejected = await self._through_stage(db, goal, batch, careful=careful)
        except sdk.ProviderError as err:
            if careful or not self._is_about_rows(err):
                raise
            raise Refused from err
        return sdk.Receipt(accepted=len(batch) - len(rejected), rejected=tuple(sorted(rejected, key=lambda r: r.index)))

    def _is_about_rows(self, error: sdk.ProviderError) -> bool:
        code, state = rejection_code(error), error.context.get("sqlstate")
        if state == _NO_COPY and self._straight is not None:
            self._straight, code = None, "unsupported"
        if code == _UNIQUE and self._key:
            self._straight = None  # some rows take the place of others: the next batch will hold such as well
        self._repeats = self._repeats or state == _TWICE
        return code is not None

    async def _copy(
        self, encoder: Encoder, db: Database, schema: str, table: str, batch: sdk.IncomingBatch
    ) -> list[sdk.Rejection]:
        stream = await _begun(encoder, batch)
        arrived = await db.copy_in(table, self._names, stream.piece, schema=schema)
        if arrived != len(batch) - len(stream.rejected):
            raise Refused
        return _rejections(stream.rejected)

    async def _through_stage(
        self, db: Database, goal: str, batch: sdk.IncomingBatch, *, careful: bool
    ) -> list[sdk.Rejection]:
        stream = await _begun(self._staged, batch)
        await db.run(self._make)
        await db.copy_in(_BATCH, [_ROW, *self._places.values()], stream.piece, schema="pg_temp")
        rejected = [*_rejections(stream.rejected), *await self._guarded(db)]
        gone = {each.index for each in rejected}
        rows = [row for row in range(len(batch)) if row not in gone]
        if careful:
            await db.run(f"CREATE INDEX ON {_BATCH} ({_ROW})")
            return [*rejected, *await self._divide(db, goal, rows)]
        if rows and not await self._insert(db, goal, rows):
            raise Refused
        return rejected

    async def _guarded(self, db: Database) -> list[sdk.Rejection]:
        """Take out the rows that the table would change, or take several times."""
        if not self._guards:
            return []
        which = " ".join(f"WHEN {bad} THEN {place}" for place, (bad, _, _) in enumerate(self._guards))
        found = await db.rows(
            f"DELETE FROM pg_temp.{_BATCH} WHERE {' OR '.join(bad for bad, _, _ in self._guards)} "
            f"RETURNING {_ROW}, CASE {which} END"
        )
        return _rejections([(row, *self._guards[place][1:]) for row, place in found])

    async def _divide(self, db: Database, goal: str, rows: Sequence[int]) -> list[sdk.Rejection]:
        """Put these rows, in halves where they are refused together."""
        if not rows:
            return []
        code, reason = "ignored", _IGNORED
        try:
            async with db.savepoint():
                if await self._insert(db, goal, rows):
                    return []
                raise sdk.InvalidDataError(_IGNORED)
        except sdk.ProviderError as err:
            if err.message != _IGNORED:
                if not self._is_about_rows(err):
                    raise
                code, reason = rejection_code(err) or code, _without_values(err.message)
        if len(rows) == 1:
            return [sdk.Rejection(index=rows[0], code=code, reason=reason)]
        middle = len(rows) // 2
        return [*await self._divide(db, goal, rows[:middle]), *await self._divide(db, goal, rows[middle:])]

    async def _insert(self, db: Database, goal: str, rows: Sequence[int]) -> bool:
        """Put the staged rows from the first to the last of these; return whether all of them arrived."""
        into = f"INSERT INTO {goal} ({', '.join(map(identifier, self._names))}){self._overriding} SELECT "
        among = f" FROM pg_temp.{_BATCH} WHERE {_ROW} BETWEEN {rows[0]} AND {rows[-1]}"
        if not (self._repeats and self._key):
            word = await db.run(f"{into}{', '.join(self._values)}{among}{self._conflict}")
            return int(word.rpartition(" ")[2]) == len(rows)
        # As a sequence of upserts would leave it: of the rows of one key, the last.
        keys = ", ".join(self._values[self._names.index(name)] for name in self._key)
        chosen = f"SELECT DISTINCT ON ({keys}) *{among} ORDER BY {keys}, {_ROW} DESC"
        counted = await db.rows(
            f"WITH chosen AS MATERIALIZED ({chosen}), "
            f"put AS ({into}{', '.join(self._values)} FROM chosen WHERE true{self._conflict} RETURNING 1) "
            "SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM put)"
        )
        return bool(counted[0][0] == counted[0][1])


async def _begun(encoder: Encoder, batch: sdk.IncomingBatch) -> Stream:
    try:
        return await sdk.in_thread(encoder.begin, batch)
    except CopyError as err:
        raise sdk.InvalidDataError(str(err)) from err


def _without_values(text: str) -> str:
    """Return what the server says of a row up to where it may quote from it."""
    return text.partition("\n")[0].partition(': "')[0]


def _rejections(refused: Sequence[tuple[int, str, str]]) -> list[sdk.Rejection]:
    return [sdk.Rejection(index=index, code=code, reason=reason) for index, code, reason in refused]


def _guards(target: Target, key: Sequence[str], places: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return what must not hold of a staged row, each with the code and the reason of the rejection."""
    guards = [
        (f"{places[name]} IS NULL", "not_null", f"{name}, which is part of its key, is null")
        for name in key
        if not target.table.columns[name].not_null
    ]
    for name, fit in target.fits.items():
        if fit.size is not None:
            sign, word = ("<>", "exactly") if fit.fixed else (">", "at most")
            reason = f"{name} is {fit.cast} and takes {word} {fit.size} characters; others would be cut or padded"
            guards.append((f"char_length({places[name]}) {sign} {fit.size}", "length", reason))
    return guards


def _conflict(target: Target, key: Sequence[str]) -> str:
    """Return the clause that makes a row take the place of the one with its key; empty where rows only add up."""
    if not key:
        return ""
    columns = target.table.columns
    changed = [name for name in target.fits if name not in key and columns[name].identity != "a"] or list(key[:1])
    changes = ", ".join(f"{identifier(name)} = EXCLUDED.{identifier(name)}" for name in changed)
    index = ", ".join(part.sql for part in target.arbiter(key).columns)
    return f" ON CONFLICT ({index}) DO UPDATE SET {changes}"
