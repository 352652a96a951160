"""What a node may ask of PostgreSQL. The password is a credential; no parameter is a secret."""

from pathlib import Path
from typing import Annotated, Literal, Self

from nvisy_sdk import ColumnType, PasswordCredentials, RelationalParams
from pydantic import Field, StrictBool, model_validator

Seconds = Annotated[float, Field(gt=0, le=3_600)]
Lag = Annotated[float, Field(gt=0, le=31_536_000)]


class Credentials(PasswordCredentials):
    """A role of the server and its password."""


class Params(RelationalParams):
    """A table, view or query of a database, and how to reach the server that keeps it."""

    host: Annotated[str, Field(min_length=1)] = "localhost"
    """Where the server is; a path that begins with `/` is the folder of its Unix socket."""
    port: Annotated[int, Field(strict=True, ge=1, le=65_535)] = 5432
    """The server's port."""
    database: Annotated[str, Field(min_length=1)] | None = None
    """The database; None means the one that bears the user's name."""
    tls: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    """`prefer` encrypts when the server can and verifies nothing, `require` refuses a server that cannot, `verify-ca` also
    verifies who signed its certificate, `verify-full` also that it bears the name `host`."""
    tls_ca_file: Path | None = None
    """Certificates that `verify-ca` and `verify-full` trust, in place of those of the operating system."""
    tls_first: StrictBool = False
    """Encrypt before the first word is said, as servers can since version 17; needs `require` or one of the `verify` modes."""
    connect_timeout: Seconds = 10.0
    """Seconds for the whole of a connect."""
    query: Annotated[str, Field(min_length=1)] | None = None
    """A SELECT to read in place of a table; `key` names columns of its result that are unique together."""
    types: dict[str, ColumnType] = Field(default_factory=dict)
    """Types to read columns as, where they are not to be those of their declaration; `text` suits every column."""
    lag: Lag | None = None
    """Seconds that a row must be old to be read: longer than any transaction that adds rows may take to commit."""
    lag_column: str | None = None
    """The timestamp that says when a row was added; None means the first column of the key."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.query is not None and self.table is not None:
            raise ValueError("`query` is read in place of a table: set one of `query` and `table`")
        if self.tls_first and self.tls in ("disable", "prefer"):
            raise ValueError("`tls_first` needs a `tls` that insists on encryption: require, verify-ca or verify-full")
        if self.lag is None and self.lag_column is not None:
            raise ValueError("`lag_column` says which column `lag` is about: set `lag` too")
        return self
