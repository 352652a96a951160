"""The table to write into: created or evolved where the parameters allow it, refused where it would bend values."""

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import nvisy_sdk as sdk

from ._catalogue import Table, Unique, existing, load
from ._fit import Fit, declaration, fit
from .client import Database, identifier
from .config import Params

# Two writers that prepare the same table at once would collide in the catalogue: all of ours take this lock first.
LOCK: Final = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('nvisy', 0))"
_VECTORS: Final = (
    "SELECT count(*) FROM pg_catalog.pg_type WHERE typname = 'vector' AND pg_catalog.pg_type_is_visible(oid)"
)
_WRITABLE: Final = ("r", "p", "f")


class Target:
    """A table that is ready for the batches of one schema.

    Args:
        table: The table.
        schema: The columns of the batches.
        fits: How each of them enters its column.
    """

    def __init__(self, table: Table, schema: sdk.Schema) -> None:
        self.table, self.schema = table, schema
        self.fits: Mapping[str, Fit] = {field.name: _fitting(table, field) for field in schema.fields}

    def key(self, named: Sequence[str]) -> tuple[str, ...]:
        """Return the columns that tell its rows apart: those named, else its primary key."""
        if named or self.table.primary is None:
            return tuple(named)
        return tuple(part.name for part in self.table.primary.columns)

    def arbiter(self, names: Sequence[str]) -> Unique:
        """Return the unique index by which a row takes the place of another.

        Raises:
            InvalidConfigError: There is none over exactly these columns, or they are not written.
        """
        unique = self.table.unique(names)
        if unique is None or not unique.immediate:
            why = "has no unique index over exactly" if unique is None else "checks only at the end of a transaction"
            raise sdk.InvalidConfigError(
                f"table {self.table.name} {why} its key ({', '.join(names) or 'none is named'})",
                hint="create that index (not partial, not deferrable), correct `key`, or use mode append",
                context={"table": self.table.name},
            )
        _has_key(names, self.schema)
        return unique


async def ready(db: Database, params: Params, name: str, schema: sdk.Schema) -> Target:
    """Create the table or add its missing columns, inside of a transaction; refuse columns that do not fit."""
    identifier(name)  # a name that no table can bear is refused before anything else
    table = await load(db, params.schema, name)
    if table is None or _missing(table, schema):
        await db.run(LOCK)
        table = await load(db, params.schema, name)
    if table is None:
        return Target(await _create(db, params, name, schema), schema)
    if table.kind not in _WRITABLE:
        raise sdk.InvalidConfigError(f"{name} is a view; only tables are written", hint="set `table` to a table")
    missing = _missing(table, schema)
    if missing and not params.evolve:
        names = ", ".join(field.name for field in missing)
        hint = "set `evolve: true` to add what is missing, or drop it with a transform"
        raise sdk.InvalidDataError(
            f"table {name} has no column {names}", hint=hint, context={"column": missing[0].name}
        )
    given = {field.name for field in schema.fields}
    for column in table.columns.values():
        if column.required and column.name not in given:
            _refuse(column.name, name, "must have a value and is not among the columns written")
    present = sdk.Schema(fields=tuple(field for field in schema.fields if field not in missing))
    Target(table, present)  # nothing is added to a table that is refused
    if missing:
        await add_columns(db, table.sql, missing)
        table = await existing(db, table.schema, name)
    return Target(table, schema)


async def add_columns(db: Database, table: str, fields: Sequence[sdk.Field]) -> None:
    """Add columns that may be null to a table, by its quoted name; those that are there stay as they are."""
    vectors = await _has_vectors(db)
    added = [
        f"ADD COLUMN IF NOT EXISTS {identifier(field.name)} {declaration(field.type, vectors=vectors)}"
        for field in fields
    ]
    await db.run(f"ALTER TABLE {table} {', '.join(added)}")


async def _create(db: Database, params: Params, name: str, schema: sdk.Schema) -> Table:
    if not params.create:
        hint = "set `create: true`, or check `table` and `schema`"
        raise sdk.NotFoundError(f"there is no table {name}", hint=hint, context={"table": name})
    vectors = await _has_vectors(db)
    parts = [
        f"{identifier(field.name)} {declaration(field.type, vectors=vectors)}"
        + ("" if field.nullable and field.name not in params.key else " NOT NULL")
        for field in schema.fields
    ]
    _has_key(params.key, schema)
    if params.key:
        parts.append(f"PRIMARY KEY ({', '.join(map(identifier, params.key))})")
    where = "" if params.schema is None else identifier(params.schema) + "."
    await db.run(f"CREATE TABLE {where}{identifier(name)} ({', '.join(parts)})")
    return await existing(db, params.schema, name)


async def _has_vectors(db: Database) -> bool:
    return bool((await db.rows(_VECTORS))[0][0])


def _missing(table: Table, schema: sdk.Schema) -> list[sdk.Field]:
    return [field for field in schema.fields if field.name not in table.columns]


def _fitting(table: Table, field: sdk.Field) -> Fit:
    column = table.columns[field.name]
    if column.generated:
        _refuse(field.name, table.name, "is generated")
    found = fit(field.type, column.type)
    if found is None:
        _refuse(field.name, table.name, f"is {column.type.sql}, which cannot keep {field.type.name} values as they are")
    return found


def _has_key(key: Sequence[str], schema: sdk.Schema) -> None:
    for name in key:
        if schema.field(name) is None:
            raise sdk.InvalidConfigError(f"key column {name} is not among the columns written", hint="correct `key`")


def _refuse(column: str, table: str, why: str) -> NoReturn:
    hint = "add, cast or drop it with a transform, or write to another table"
    raise sdk.InvalidDataError(
        f"column {column} of table {table} {why}", hint=hint, context={"table": table, "column": column}
    )
