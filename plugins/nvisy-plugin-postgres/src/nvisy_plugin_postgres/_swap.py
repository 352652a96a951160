"""Replacing what a table holds, all at once: a staging table next to it is filled, and its rows take the place of the old.

The rows move, the table stays: its views, indexes, grants, triggers, policies, foreign keys and numbering belong to it and
not to a copy. Triggers do not fire.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import nvisy_sdk as sdk

from ._catalogue import Table, load
from .client import Database, identifier, literal

_LONGEST: Final = 63  # bytes of a name
_PREFIX: Final = "_nvisy_stage_"
_NUMBERED: Final = """
SELECT a.attname, pg_catalog.pg_get_serial_sequence($1::text, a.attname) FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::text::regclass AND a.attidentity <> '' AND NOT a.attisdropped
"""
_PLAIN_INDEXES: Final = """
SELECT indexrelid::regclass::text FROM pg_catalog.pg_index
WHERE indrelid = $1::text::regclass AND NOT indisunique AND NOT indisexclusion
"""
_FOREIGN_KEYS: Final = """
SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint
WHERE conrelid = $1::text::regclass AND contype = 'f' AND confrelid <> conrelid AND conparentid = 0
"""
_REFERRING: Final = """
SELECT DISTINCT conrelid::regclass::text FROM pg_catalog.pg_constraint
WHERE confrelid = $1::text::regclass AND contype = 'f' AND conrelid <> confrelid
"""
_TRIGGERS: Final = """
SELECT tgname, CASE tgenabled WHEN 'A' THEN ' ALWAYS' ELSE '' END FROM pg_catalog.pg_trigger
WHERE tgrelid = $1::text::regclass AND NOT tgisinternal AND tgenabled IN ('O', 'A')
"""


def stage_name(table: str) -> str:
    """Return the name of the staging table, cut where a name may be no longer."""
    name = _PREFIX + table
    if len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.sha256(table.encode()).hexdigest()[:12]
    return f"{name.encode()[: _LONGEST - 13].decode(errors='ignore')}_{digest}"


def stage_of(table: Table) -> str:
    """Return the quoted name of its staging table."""
    return f"{identifier(table.schema)}.{identifier(stage_name(table.name))}"


async def is_staged(db: Database, table: Table) -> bool:
    """Return whether it has a staging table."""
    return bool((await db.rows("SELECT pg_catalog.to_regclass($1::text) IS NOT NULL", stage_of(table)))[0][0])


async def restage(db: Database, table: Table) -> None:
    """Make an empty staging table that refuses the rows that the table would refuse, inside of a transaction."""
    if table.kind == "f":
        raise sdk.UnsupportedError(
            f"{table.name} is a foreign table, whose rows cannot be replaced at once", hint="use mode upsert or append"
        )
    stage = stage_of(table)
    await db.run(f"DROP TABLE IF EXISTS {stage}")
    await db.run(f"CREATE TABLE {stage} (LIKE {table.sql} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING STATISTICS)")
    changes = [
        f"ALTER TABLE {stage} ALTER {identifier(column)} SET DEFAULT pg_catalog.nextval({literal(sequence)}::regclass)"
        for column, sequence in await db.rows(_NUMBERED, table.sql)
    ]
    changes += [f"DROP INDEX {index}" for (index,) in await db.rows(_PLAIN_INDEXES, stage)]
    changes += [f"ALTER TABLE {stage} ADD {key}" for (key,) in await db.rows(_FOREIGN_KEYS, table.sql)]
    for change in changes:
        await db.run(change)


async def resume(db: Database, table: Table) -> None:
    """Make a staging table that holds what the table holds, unless there is one, inside of a transaction."""
    if not await is_staged(db, table):
        await restage(db, table)
        await _move(db, table.sql, stage_of(table), _names(table))


async def publish(db: Database, table: Table, key: Sequence[str]) -> None:
    """Put the staged rows in the place of the table's and drop the staging table, inside of a transaction."""
    stage = await load(db, table.schema, stage_name(table.name))
    if stage is None:
        return
    names = [name for name in _names(table) if name in stage.columns]
    referring = [other for (other,) in await db.rows(_REFERRING, table.sql)]
    triggers = await db.rows(_TRIGGERS, table.sql)
    await db.run(f"LOCK TABLE {table.sql} IN {'SHARE ROW EXCLUSIVE' if referring else 'ACCESS EXCLUSIVE'} MODE")
    for trigger, _ in triggers:
        await db.run(f"ALTER TABLE {table.sql} DISABLE TRIGGER {identifier(trigger)}")
    if referring:
        await _exchange(db, table, stage.sql, names, key, referring)
    else:
        await db.run(f"TRUNCATE TABLE {'' if table.kind == 'p' else 'ONLY '}{table.sql}")
        await _move(db, stage.sql, table.sql, names)
    for trigger, state in triggers:
        await db.run(f"ALTER TABLE {table.sql} ENABLE{state} TRIGGER {identifier(trigger)}")
    await db.run(f"DROP TABLE {stage.sql}")


async def _move(db: Database, source: str, target: str, names: Sequence[str], conflict: str = "") -> None:
    listed = ", ".join(map(identifier, names))
    await db.run(
        f"INSERT INTO {target} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM ONLY {source} WHERE true{conflict}"
    )


async def _exchange(
    db: Database, table: Table, stage: str, names: Sequence[str], key: Sequence[str], referring: Sequence[str]
) -> None:
    """Delete the rows whose key is not among the staged ones and put the others: what foreign keys refer to stays."""
    unique = table.unique(key) if key else None
    if unique is None or not unique.immediate:
        raise sdk.ConflictError(
            f"{', '.join(referring)} refers to rows of {table.name}, and no `key` says which of them stay",
            hint="set `key` to columns with a unique index, or use mode upsert",
            context={"table": table.name},
        )
    same = " AND ".join(f"old.{identifier(name)} = new.{identifier(name)}" for name in key)
    await db.run(f"DELETE FROM {table.sql} old WHERE NOT EXISTS (SELECT FROM {stage} new WHERE {same})")
    changed = [name for name in names if name not in key and table.columns[name].identity != "a"] or list(key[:1])
    changes = ", ".join(f"{identifier(name)} = EXCLUDED.{identifier(name)}" for name in changed)
    index = ", ".join(part.sql for part in unique.columns)
    await _move(db, stage, table.sql, names, f" ON CONFLICT ({index}) DO UPDATE SET {changes}")


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns.values() if not column.generated]
