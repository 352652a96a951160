"""Writing: append, upsert or replace, in one step under the store's lock, together with the engine's mark.

A replacement is staged beside the table and takes its place in `publish`.
"""

from nvisy_sdk import (
    IncomingBatch,
    InvalidDataError,
    Mark,
    NotFoundError,
    Prepare,
    Receipt,
    Rejection,
    Schema,
    WriteMode,
)

from .client import Session, Table


class Writer(Session):
    """A session as a sink."""

    async def prepare(self, request: Prepare) -> None:
        """Create the table, or check that it can take the columns and add those it does not have yet."""
        with self.store.lock:
            name = self.table_name
            self._check_key(request.schema)
            if self.params.write_mode() is WriteMode.REPLACE:
                if request.fresh or name not in self.store.staged:
                    self.store.staged[name] = Table(key=self._key(), schema=request.schema)
                return
            table = self.store.tables.get(name)
            if table is not None:
                self._fit(table, request.schema)
            elif self.params.create:
                self.store.tables[name] = Table(key=self.params.key, schema=request.schema)
            else:
                raise NotFoundError(f"there is no table `{name}`", hint="set `create: true`", context={"table": name})

    async def write(self, batch: IncomingBatch) -> Receipt:
        """Write one batch."""
        with self.store.lock:
            return self._apply(batch)

    async def committed(self, key: str) -> Mark | None:
        """Return the mark stored last under `key`."""
        await self.check()
        with self.store.lock:
            return self.store.marks.get(key)

    async def write_through(self, batch: IncomingBatch, mark: Mark) -> Receipt:
        """Write a batch and store its mark; the rows are checked before the first one is put."""
        await self.check()
        with self.store.lock:
            receipt = self._apply(batch) if len(batch) else Receipt(accepted=0)
            self.store.marks[mark.key] = mark
            return receipt

    async def publish(self) -> None:
        """Put the staged rows in the place of the table; nothing when none are staged."""
        with self.store.lock:
            name = self.table_name
            staged = self.store.staged.pop(name, None)
            if staged is not None:
                self.store.tables[name] = staged

    def _key(self) -> tuple[str, ...]:
        present = self.store.tables.get(self.table_name)
        return self.params.key or (present.key if present else ())

    def _check_key(self, schema: Schema) -> None:
        for column in self._key():
            if schema.field(column) is None:
                raise InvalidDataError(f"key column `{column}` is not among the columns", context={"column": column})

    def _fit(self, table: Table, schema: Schema) -> None:
        if table.schema is None:
            table.schema = schema
            return
        added = []
        for field in schema.fields:
            known = table.schema.field(field.name)
            if known is not None and known.type != field.type:
                raise InvalidDataError(
                    f"column `{field.name}` is {known.type.name} in the table and {field.type.name} in the stream",
                    hint="cast it",
                    context={"column": field.name},
                )
            if known is None:
                added.append(field.model_copy(update={"nullable": True}))
        if added and not self.params.evolve:
            raise InvalidDataError(
                f"the table has no column `{added[0].name}`",
                hint="set `evolve: true`",
                context={"column": added[0].name},
            )
        absent = [f.name for f in table.schema.fields if not f.nullable and schema.field(f.name) is None]
        if absent:
            raise InvalidDataError(
                f"column `{absent[0]}` is never null and the stream has none", context={"column": absent[0]}
            )
        table.schema = Schema(fields=(*table.schema.fields, *added))
        for row in table.rows:
            row.update({field.name: None for field in added})

    def _apply(self, batch: IncomingBatch) -> Receipt:
        staged = self.store.staged.get(self.table_name) if self.params.write_mode() is WriteMode.REPLACE else None
        table = self.table() if staged is None else staged
        if self.params.key and table.key != self.params.key:
            raise InvalidDataError(
                f"the table's key is ({', '.join(table.key)}), not ({', '.join(self.params.key)})",
                hint="name the table's own key",
            )
        rejected, accepted, seen = [], [], set[tuple[object, ...]]()
        for index, row in enumerate(batch.rows()):
            problem = self._problem(table, row, seen)
            if problem is None:
                accepted.append(row)
            else:
                rejected.append(Rejection(index=index, code=problem[0], reason=problem[1]))
        columns = [field.name for field in table.schema.fields] if table.schema else []
        for row in accepted:
            table.put({name: row.get(name) for name in columns} if columns else row)
        return Receipt(accepted=len(accepted), rejected=tuple(rejected))

    def _problem(self, table: Table, row: dict[str, object], seen: set[tuple[object, ...]]) -> tuple[str, str] | None:
        for field in table.schema.fields if table.schema else ():
            if not field.nullable and row.get(field.name) is None:
                return "not_null", f"column `{field.name}` is null"
        if not table.key:
            return None
        if any(row.get(name) is None for name in table.key):
            return "null_key", f"the key ({', '.join(table.key)}) is null"
        key = table.key_of(row)
        if self.params.write_mode() is WriteMode.APPEND and (key in table.places or key in seen):
            return "duplicate_key", f"a row with the key {key!r} is already there"
        seen.add(key)
        return None
