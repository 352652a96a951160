"""What a table is, as PostgreSQL's own catalogue says: its columns, their types, and which of them are unique together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nvisy_sdk import InvalidConfigError, NotFoundError

from .client import Database, Row, identifier

_OWN: Final = ("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "bytea", "date", "time")
_OWN_TOO: Final = ("timestamp", "timestamptz", "interval", "uuid", "json", "jsonb")
_WIRES: Final = {name: name for name in (*_OWN, *_OWN_TOO)} | dict.fromkeys(("varchar", "bpchar", "name"), "text")
_RELATIONS: Final = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text,
    EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""
_RELATION: Final = f"""{_RELATIONS}
WHERE c.relname = $1::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND CASE WHEN $2::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $2::text END
"""
_LISTED: Final = f"""{_RELATIONS}
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND NOT pg_catalog.starts_with(c.relname, '_nvisy_')
    AND CASE WHEN $1::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') ELSE n.nspname = $1::text END
ORDER BY c.relname
"""
_COLUMNS: Final = """
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attgenerated <> '', a.attidentity::text, a.atthasdef,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname), c.collisdeterministic
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_TYPES: Final = """
WITH RECURSIVE used (oid) AS (
    SELECT unnest($1::oid[])
    UNION SELECT x.oid FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid
    CROSS JOIN LATERAL (VALUES (t.typbasetype), (CASE t.typcategory WHEN 'A' THEN t.typelem ELSE 0 END)) AS x (oid)
    WHERE x.oid <> 0
)
SELECT t.oid, t.typname, n.nspname = 'pg_catalog', t.typtype::text, t.typbasetype, t.typtypmod,
    CASE t.typcategory WHEN 'A' THEN t.typelem ELSE 0 END, pg_catalog.format_type(t.oid, -1), t.typsend::text
FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
"""
_UNIQUES: Final = """
SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indimmediate, a.attname,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indcollation::oid[]) WITH ORDINALITY AS k (place, coll, number)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.place
LEFT JOIN pg_catalog.pg_collation c ON c.oid = k.coll
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE i.indrelid = ANY($1::oid[]) AND i.indisunique AND i.indisvalid AND NOT i.indisexclusion
    AND i.indpred IS NULL AND i.indexprs IS NULL AND k.number <= i.indnkeyatts
ORDER BY i.indisprimary DESC, i.indexrelid, k.number
"""


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column; a domain is its base type.

    Args:
        sql: The column's own type as SQL, with its modifier.
        oid: Of the base type.
        modifier: Such as the digits of a numeric; -1 where there is none.
        name: The base type's name in the catalogue.
        plain: The base type as SQL without its modifier, safe to put into a statement.
        kind: `b` base, `c` composite, `e` enum, `r` range, `m` multirange.
        builtin: Whether it is one of PostgreSQL's own.
        send: The function that writes it in binary.
        item: The type of an array's items; None for what is no array.
        is_domain: Whether the column's own type is a domain over it.
    """

    sql: str
    oid: int
    modifier: int
    name: str
    plain: str
    kind: str
    builtin: bool
    send: str
    item: "Type | None"
    is_domain: bool = False

    @property
    def base(self) -> str:
        """The catalogue's name of the type, or of the items of an array."""
        return self.name if self.item is None else self.item.name

    @property
    def is_array(self) -> bool:
        """Whether it is an array."""
        return self.item is not None

    @property
    def wire(self) -> str | None:
        """The name of its binary form as the native module knows it; None where it knows none."""
        if self.item is not None:
            found = self.item.wire
            return None if found is None or self.item.item is not None or self.item.is_domain else f"{found}[]"
        if not self.builtin:
            return "vector" if self.name == "vector" and self.send.endswith("vector_send") else None
        return _WIRES.get(self.name)


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it was declared."""

    name: str
    type: Type
    not_null: bool
    generated: bool
    """Whether it is computed from others and cannot be written."""
    identity: str
    """`a` numbered always, `d` numbered by default, empty otherwise."""
    has_default: bool
    collation: str | None
    """As quoted SQL; None for a type without one."""
    deterministic: bool
    """Whether texts are equal only when their bytes are."""

    @property
    def required(self) -> bool:
        """Whether an insert must give it a value."""
        return self.not_null and not (self.has_default or self.identity or self.generated)


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of a key, with the collation its uniqueness is by; None for a type without one."""

    name: str
    collation: str | None = None

    @property
    def sql(self) -> str:
        """The column as an expression to compare and to order by."""
        name = identifier(self.name)
        return name if self.collation is None else f"{name} COLLATE {self.collation}"


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns that are unique together."""

    columns: tuple[KeyColumn, ...]
    primary: bool
    immediate: bool
    """Whether each row is checked when it is put; ON CONFLICT takes no other."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or anything else that can be selected from."""

    oid: int
    schema: str
    name: str
    kind: str
    """`r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table."""
    columns: dict[str, Column]
    uniques: tuple[Unique, ...]
    """The primary key, if any, comes first. None of them holds for the rows of inheriting tables."""
    inherited: bool
    """Whether a select from it also yields the rows of tables that inherit from it."""

    @property
    def sql(self) -> str:
        """Its quoted name."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            InvalidConfigError: There is none.
        """
        try:
            return self.columns[name]
        except KeyError:
            hint = "it has " + ", ".join(self.columns)
            raise InvalidConfigError(
                f"{self.name} has no column {name}", hint=hint, context={"table": self.name, "column": name}
            ) from None

    @property
    def primary(self) -> Unique | None:
        """Its primary key."""
        return self.uniques[0] if self.uniques and self.uniques[0].primary else None

    def unique(self, names: Sequence[str]) -> Unique | None:
        """Return the unique key of exactly those columns, one that is checked at once if there are several."""
        found = [key for key in self.uniques if {part.name for part in key.columns} == set(names)]
        return min(found, key=lambda key: not key.immediate, default=None)


async def load(db: Database, schema: str | None, name: str) -> Table | None:
    """Return the table or view of that name, in the search path when no schema is named; None if there is none."""
    found = await db.rows(_RELATION, name, schema)
    return (await _tables(db, found))[0] if found else None


async def load_all(db: Database, schema: str | None) -> list[Table]:
    """Return the tables and views of a schema, or of the search path, by name; without partitions and what is ours."""
    return await _tables(db, await db.rows(_LISTED, schema))


async def existing(db: Database, schema: str | None, name: str) -> Table:
    """Return the table or view of that name.

    Raises:
        NotFoundError: There is none.
    """
    table = await load(db, schema, name)
    if table is None:
        where = "the search path" if schema is None else f"schema {schema}"
        raise NotFoundError(
            f"there is no table {name} in {where}", hint="check `table` and `schema`", context={"table": name}
        )
    return table


async def _tables(db: Database, found: Sequence[Row]) -> list[Table]:
    """Return what the catalogue says of these relations, in as many questions as for one."""
    oids = [row[0] for row in found]
    listed = await db.rows(_COLUMNS, oids)
    known = {row[0]: row for row in await db.rows(_TYPES, list({row[2] for row in listed}))}
    columns: dict[int, dict[str, Column]] = {oid: {} for oid in oids}
    for relation, name, *row in listed:
        columns[relation][name] = Column(
            name=name,
            type=_type(known, row[0], row[1], row[2]),
            not_null=row[3],
            generated=row[4],
            identity=row[5],
            has_default=row[6],
            collation=row[7],
            deterministic=row[8] is not False,
        )
    keys: dict[int, dict[int, Unique]] = {oid: {} for oid in oids}
    for relation, index, primary, immediate, column, collation in await db.rows(_UNIQUES, oids):
        before = keys[relation][index].columns if index in keys[relation] else ()
        keys[relation][index] = Unique((*before, KeyColumn(column, collation)), primary, immediate)
    return [
        Table(oid, schema, name, kind, columns[oid], tuple(keys[oid].values()), has_children and kind != "p")
        for oid, schema, name, kind, has_children in found
    ]


def _type(known: Mapping[int, Row], oid: int, modifier: int, declared: str, *, is_domain: bool = False) -> Type:
    _, name, builtin, kind, base, base_modifier, item, plain, send = known[oid]
    if base:
        return _type(known, base, base_modifier, declared, is_domain=True)
    of = _type(known, item, modifier, known[item][7]) if item else None
    return Type(declared, oid, modifier, name, plain, kind, builtin, send, of, is_domain)
