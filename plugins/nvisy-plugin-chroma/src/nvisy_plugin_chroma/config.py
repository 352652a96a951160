"""What a node may ask of Chroma: a server at `host`, or the files of an embedded store at `path`."""

from pathlib import Path
from typing import Annotated, Literal

from nvisy_sdk import TokenCredentials, VectorParams
from pydantic import Field, SecretStr


class Credentials(TokenCredentials):
    """The token that a proxy in front of the server, or a hosted service, asks for."""

    token: SecretStr = SecretStr("")
    """The token, sent in the header `token_header`; leave it out where nobody asks for one."""


class Params(VectorParams):
    """A collection of a database, on a server or in local files."""

    host: Annotated[str, Field(pattern=r"^[^/@?#\s]+$")] = "localhost"
    """The server's name or address."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8_000
    """The server's port."""
    ssl: bool = False
    """Speak HTTPS, and verify the server's certificate."""
    token_header: Literal["Authorization", "X-Chroma-Token"] = "Authorization"
    """The header that carries the token: as `Bearer <token>` in `Authorization`, else as it is."""
    timeout_ms: Annotated[int, Field(ge=1, le=3_600_000)] = 60_000
    """Milliseconds to wait for the server to connect or to go on answering."""
    path: Path | None = None
    """The folder of an embedded store, in place of a server; it is made when it is not there and `create` is set."""
    tenant: str = "default_tenant"
    """The tenant; `namespace` is the database in it, `default_database` when left out."""
    space: Literal["l2", "cosine", "ip"] | None = None
    """The distance of a collection that is created (Chroma's own default is l2); one that is there must have it."""
