"""Writing batches into a table: one transaction for each, with the engine's mark in it.

`replace` writes into a staging table that takes the target's place in one transaction at the end.
"""

import re
from typing import Final

import nvisy_sdk as sdk
from nvisy_sdk import WriteMode

from ._insert import Insert
from ._table import Table, existing, load
from ._types import declaration, storable
from .client import Database, Session, identifier

_MARKS: Final = "_nvisy_mark"
_QUOTED: Final = r"""(?:"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`|'(?:[^']|'')*'|[^\s("]+)"""
_TABLE: Final = re.compile(rf"\s*CREATE\s+TABLE\s+{_QUOTED}", re.IGNORECASE)
_INDEX: Final = re.compile(rf"\s*CREATE\s+UNIQUE\s+INDEX\s+{_QUOTED}\s*ON\s*{_QUOTED}", re.IGNORECASE)
_BELONGINGS: Final = (
    "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql NOT NULL"
)


class Writer(Session):
    """The session as a sink."""

    _inserts: dict[str, Insert] | None = None  # by the JSON of the batches' schema; None before the first `prepare`

    async def prepare(self, request: sdk.Prepare) -> None:
        """Create the table or add its missing columns, as the parameters allow; refuse columns that do not fit."""
        if request.kind is not sdk.DataKind.RECORD:
            raise sdk.UnsupportedError(f"a table holds records, not {request.kind} items", hint="add a `decode` step")
        await self._run(self._prepare, request.schema, fresh=request.fresh)

    async def write(self, batch: sdk.IncomingBatch) -> sdk.Receipt:
        """Write one batch in one transaction."""
        return await self._run(self._write, batch, None)

    async def committed(self, key: str) -> sdk.Mark | None:
        """Return the mark stored last under `key`."""
        return await self._run(self._committed, key)

    async def write_through(self, batch: sdk.IncomingBatch, mark: sdk.Mark) -> sdk.Receipt:
        """Write one batch and its mark in one transaction."""
        return await self._run(self._write, batch, mark)

    async def publish(self) -> None:
        """Put the staging table in the place of the target; without one there is nothing to do."""
        if self._mode is WriteMode.REPLACE:
            await self._run(self._publish)

    @property
    def _mode(self) -> WriteMode:
        return self._params.mode or (WriteMode.UPSERT if self._params.key else WriteMode.APPEND)

    @property
    def _stage(self) -> str:
        return f"_nvisy_stage_{self._table_name()}"

    def _prepare(self, schema: sdk.Schema, *, fresh: bool) -> None:
        db = self._writing()
        with db.transaction():
            table = load(db, self._table_name())
            table = self._create(db, schema) if table is None else self._evolve(db, table, schema)
            key = self._params.key if self._mode is WriteMode.APPEND else self._key(table)
            insert = Insert(table, schema, self._conflict(table, schema, key), key)
            if self._mode is WriteMode.REPLACE and fresh and self._inserts is None:
                self._restage(db, table)
        self._inserts = {**(self._inserts or {}), schema.model_dump_json(): insert}

    def _create(self, db: Database, schema: sdk.Schema) -> Table:
        name, key = self._table_name(), self._params.key
        if not self._params.create:
            hint = "set `create: true`, or check `table`"
            raise sdk.NotFoundError(f"there is no table {name} in {db.path.name}", hint=hint, context={"table": name})
        columns = []
        for field in schema.fields:
            if not storable(field.type, ""):
                self._refuse(field.name, name, f"would hold {field.type.name} values, which SQLite has no form for")
            need = "" if field.nullable and field.name not in key else " NOT NULL"
            columns.append(f"{identifier(field.name)} {declaration(field.type)}{need}")
        self._has_key(key, schema)
        if key:
            columns.append(f"PRIMARY KEY ({', '.join(map(identifier, key))})")
        db.run(f"CREATE TABLE {identifier(name)} ({', '.join(columns)})")
        return existing(db, name)

    def _evolve(self, db: Database, table: Table, schema: sdk.Schema) -> Table:
        if table.is_view:
            raise sdk.InvalidConfigError(
                f"{table.name} is a view; only tables are written", hint="set `table` to a table"
            )
        known = {name.lower(): column for name, column in table.columns.items()}
        missing = [field for field in schema.fields if field.name.lower() not in known]
        if missing and not self._params.evolve:
            names = ", ".join(field.name for field in missing)
            hint = "set `evolve: true` to add what is missing, or drop it with a transform"
            raise sdk.InvalidDataError(
                f"table {table.name} has no column {names}", hint=hint, context={"column": missing[0].name}
            )
        for field in schema.fields:
            column = known.get(field.name.lower())
            if column is not None and column.generated:
                self._refuse(field.name, table.name, "is generated")
            declared = "" if column is None else column.declared
            if not storable(field.type, declared):
                self._refuse(
                    field.name,
                    table.name,
                    f"is declared {declared or 'freely'}, which cannot keep {field.type.name} values",
                )
        given = {field.name.lower() for field in schema.fields}
        for column in table.columns.values():
            if column.required and column.name.lower() not in given:
                self._refuse(column.name, table.name, "must have a value and is not among the columns written")
        for field in missing:
            db.run(
                f"ALTER TABLE {identifier(table.name)} ADD COLUMN {identifier(field.name)} {declaration(field.type)}"
            )
        return existing(db, table.name) if missing else table

    def _refuse(self, column: str, table: str, why: str) -> None:
        hint = "add, cast or drop it with a transform, or write to another table"
        raise sdk.InvalidDataError(
            f"column {column} of table {table} {why}", hint=hint, context={"table": table, "column": column}
        )

    def _has_key(self, key: tuple[str, ...], schema: sdk.Schema) -> None:
        for name in key:
            if schema.field(name) is None:
                raise sdk.InvalidConfigError(
                    f"key column {name} is not among the columns written", hint="correct `key`"
                )

    def _key(self, table: Table) -> tuple[str, ...]:
        return self._params.key or (tuple(part.name for part in table.uniques[0]) if table.has_primary else ())

    def _conflict(self, table: Table, schema: sdk.Schema, names: tuple[str, ...]) -> str:
        """Return the clause that makes an insert take the place of the row with its key; empty where rows only add up."""
        if self._mode is WriteMode.APPEND or (self._mode is WriteMode.REPLACE and not names):
            return ""
        key = table.unique(names)
        if key is None:
            raise sdk.InvalidConfigError(
                f"table {table.name} has no unique index over exactly its key ({', '.join(names) or 'none is named'})",
                hint="create that index, correct `key`, or use mode append",
            )
        self._has_key(names, schema)
        values = [field.name for field in schema.fields if field.name not in names] or names[:1]
        changes = ", ".join(f"{identifier(name)} = excluded.{identifier(name)}" for name in values)
        return f" ON CONFLICT ({', '.join(part.sql for part in key)}) DO UPDATE SET {changes}"

    def _write(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> sdk.Receipt:
        shape = batch.schema.model_dump_json()
        if self._inserts is None or shape not in self._inserts:
            self._prepare(batch.schema, fresh=self._inserts is None)
        insert, db = (self._inserts or {})[shape], self._writing()
        with db.transaction():
            receipt = insert.put(db, self._goal(db, insert.table), batch.tuples())
            if mark is not None:
                db.run(f"CREATE TABLE IF NOT EXISTS {_MARKS} (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
                db.run(f"INSERT OR REPLACE INTO {_MARKS} VALUES (?, ?)", (mark.key, mark.value))
        return receipt

    def _goal(self, db: Database, table: Table) -> str:
        if self._mode is not WriteMode.REPLACE:
            return table.name
        if load(db, self._stage) is None:  # a stream that goes on after it was published adds to what is there
            self._restage(db, table)
            names = ", ".join(identifier(column.name) for column in table.columns.values() if not column.generated)
            db.run(f"INSERT INTO {identifier(self._stage)} ({names}) SELECT {names} FROM {identifier(table.name)}")
        return self._stage

    def _committed(self, key: str) -> sdk.Mark | None:
        if not self._params.path.is_file() or load(self._reading(), _MARKS) is None:
            return None
        found = self._reading().rows(f"SELECT value FROM {_MARKS} WHERE key = ?", (key,))
        return sdk.Mark(key=key, value=found[0][0]) if found else None

    def _restage(self, db: Database, table: Table) -> None:
        """Make an empty staging table with the target's columns, constraints and unique indexes."""
        stage = identifier(self._stage)
        db.run(f"DROP TABLE IF EXISTS {stage}")
        made = db.rows("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table.name,))[0][0]
        db.run(f"CREATE TABLE {stage}{made[_end(_TABLE, made) :]}")
        for number, (_, sql) in enumerate(db.rows(_BELONGINGS, (table.name,))):
            if end := _end(_INDEX, sql):
                db.run(f"CREATE UNIQUE INDEX {identifier(f'{self._stage}_{number}')} ON {stage}{sql[end:]}")

    def _publish(self) -> None:
        db = self._writing()
        db.run("PRAGMA legacy_alter_table=ON")  # a rename must not touch the views and triggers that name the target
        with db.transaction():
            stage = load(db, self._stage)
            if stage is None:
                return
            target = existing(db, self._table_name()).name
            kept = db.rows(_BELONGINGS, (target,))
            for name, _ in db.rows(_BELONGINGS, (stage.name,)):
                db.run(f"DROP INDEX {identifier(name)}")
            db.run(f"DROP TABLE {identifier(target)}")
            db.run(f"ALTER TABLE {identifier(stage.name)} RENAME TO {identifier(target)}")
            for _, sql in kept:
                db.run(sql)


def _end(pattern: re.Pattern[str], sql: str) -> int:
    found = pattern.match(sql)
    return found.end() if found else 0
