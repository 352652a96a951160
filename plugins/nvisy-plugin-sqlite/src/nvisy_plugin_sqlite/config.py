"""What a node may ask of SQLite. No parameter is a secret: a database file has no credentials."""

from pathlib import Path
from typing import Annotated

from nvisy_sdk import ColumnType, NoCredentials, RelationalParams
from pydantic import Field

Credentials = NoCredentials


class Params(RelationalParams):
    """A table or view of a database file."""

    path: Path
    """The database file. Writing creates it; reading never does."""
    types: dict[str, ColumnType] = Field(default_factory=dict)
    """Types of columns that say more, or something else, than their declaration."""
    busy_timeout_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 10_000
    """Milliseconds to wait for a lock that another process holds."""
