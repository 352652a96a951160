"""What a node of the memory provider asks for."""

from nvisy_sdk import RelationalParams, WriteMode


class Params(RelationalParams):
    """A table of a named store."""

    store: str = "default"
    """Which of the process's stores holds the table."""

    def write_mode(self) -> WriteMode:
        """Return how to write: what the node says, else upsert where it names a key, else append."""
        return self.mode or (WriteMode.UPSERT if self.key else WriteMode.APPEND)
