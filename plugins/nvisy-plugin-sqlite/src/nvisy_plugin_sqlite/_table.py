"""What a table is, as SQLite's own catalogue says: its columns, and which of them are unique together."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvisy_sdk import InvalidConfigError, NotFoundError

from .client import Database, identifier

_ROWIDS = ("rowid", "_rowid_", "oid")
_UNIQUE = """
SELECT i.name, i.origin = 'pk', x.name, x.coll, x.cid
FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
WHERE i."unique" AND NOT i.partial AND x.key ORDER BY 2 DESC, 1, x.seqno
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it was declared."""

    name: str
    declared: str
    not_null: bool
    required: bool
    """Whether an insert must give it a value."""
    generated: bool
    numbered: bool = False
    """Whether it is the row's number, which SQLite makes up where there is none."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of a key, with the collation its uniqueness is by; None means the column's own."""

    name: str
    collation: str | None = None

    @property
    def sql(self) -> str:
        """The column as an expression to compare and to order by."""
        name = self.name if self.name in _ROWIDS else identifier(self.name)
        return name if self.collation is None else f"{name} COLLATE {identifier(self.collation)}"


Key = tuple[KeyColumn, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    name: str
    is_view: bool
    columns: dict[str, Column]
    uniques: tuple[Key, ...]
    """Columns that are unique together; the primary key, if any, comes first."""
    has_primary: bool
    rowid: str | None
    """The name its hidden row number answers to; None where there is none."""

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        try:
            return self.columns[name]
        except KeyError:
            hint = "it has " + ", ".join(self.columns)
            raise InvalidConfigError(
                f"table {self.name} has no column {name}", hint=hint, context={"column": name}
            ) from None

    def unique(self, names: Sequence[str]) -> Key | None:
        """Return the unique key of exactly those columns."""
        return next((key for key in self.uniques if {part.name for part in key} == set(names)), None)

    def reading_key(self, names: Sequence[str]) -> Key:
        """Return the key to read in order of: the columns asked for, or the best there is.

        Raises:
            InvalidConfigError: They are not there, or not proven to be unique.
        """
        if names:
            return self._proven(names)
        for place, key in enumerate(self.uniques):
            if (self.has_primary and place == 0) or all(self.columns[part.name].not_null for part in key):
                return key
        if self.rowid is None:
            raise InvalidConfigError(
                f"view {self.name} has no key of its own", hint="set `key` to columns that are unique in it"
            )
        return (KeyColumn(self.rowid),)

    def _proven(self, names: Sequence[str]) -> Key:
        for name in names:
            if name != self.rowid:
                self.column(name)
        if self.is_view:  # duplicates are looked for while reading, where only bytewise equality can be seen
            return tuple(KeyColumn(name, "BINARY") for name in names)
        proofs = [key for key in self.uniques if {part.name for part in key} <= set(names)]
        if not proofs and self.rowid not in names:
            raise InvalidConfigError(
                f"the key ({', '.join(names)}) is not unique in table {self.name}",
                hint="add a column that makes it unique, or create a unique index over it",
            )
        collations = {part.name: part.collation for part in (proofs[0] if proofs else ())}
        return tuple(KeyColumn(name, collations.get(name)) for name in names)


def load(db: Database, name: str) -> Table | None:
    """Return the table or view of that name, in any case of letters; None if there is none."""
    found = db.rows(
        "SELECT name, type FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')", (name,)
    )
    if not found:
        return None
    name, is_view = found[0][0], found[0][1] == "view"
    info = db.rows("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')", (name,))
    primary = [(column, declared) for column, declared, _, _, pk, _ in info if pk]
    keys: dict[str, list[KeyColumn]] = {}
    expressions = set()
    indexed = db.rows(_UNIQUE, (name,)) if not is_view else []
    for index, _, column, collation, position in indexed:
        keys.setdefault(index, []).append(KeyColumn(column or "", collation))
        if position < 0:
            expressions.add(index)
    uniques = [tuple(key) for index, key in keys.items() if index not in expressions]
    alias = None
    if len(primary) == 1 and not any(is_primary for _, is_primary, *_ in indexed):
        alias = primary[0][0]  # INTEGER PRIMARY KEY: the row number itself, which needs no index
        uniques.insert(0, (KeyColumn(alias),))
    columns = {
        column: Column(
            name=column,
            declared=declared,
            not_null=bool(not_null) or column == alias,
            required=bool(not_null) and default is None and column != alias,
            generated=hidden in (2, 3),
            numbered=column == alias,
        )
        for column, declared, not_null, default, _, hidden in info
        if hidden != 1
    }
    return Table(name, is_view, columns, tuple(uniques), bool(primary), None if is_view else _rowid(db, name, columns))


def existing(db: Database, name: str) -> Table:
    """Return the table or view of that name.

    Raises:
        NotFoundError: There is none.
    """
    table = load(db, name)
    if table is None:
        raise NotFoundError(
            f"there is no table {name} in {db.path.name}", hint="check `table`", context={"table": name}
        )
    return table


def _rowid(db: Database, name: str, columns: dict[str, Column]) -> str | None:
    taken = {column.lower() for column in columns}
    word = next((word for word in _ROWIDS if word not in taken), None)
    try:
        db.rows(f"SELECT {word} FROM {identifier(name)} LIMIT 0")
    except InvalidConfigError:  # a table WITHOUT ROWID has no such column
        return None
    return word
