"""The shelf as a sink: rows take the place of those with their key."""

from nvisy_sdk import IncomingBatch, Receipt, in_thread

from .client import Session


class Writer(Session):
    """An open shelf that can be written."""

    async def write(self, batch: IncomingBatch) -> Receipt:
        """Put the rows on the shelf, all or none."""
        incoming = batch.rows()
        await in_thread(self._merge, incoming)
        return Receipt(accepted=len(incoming))

    def _merge(self, incoming: list[dict[str, object]]) -> None:
        rows = {self._key_of(row): row for row in [*self.load(), *incoming]}
        self.store([rows[key] for key in sorted(rows)])

    def _key_of(self, row: dict[str, object]) -> tuple[str | int, ...]:
        return tuple(value if isinstance(value := row[name], int) else str(value) for name in self.key)
