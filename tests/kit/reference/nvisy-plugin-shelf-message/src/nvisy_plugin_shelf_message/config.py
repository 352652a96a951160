"""What opens a session with Shelf message, and what a node may ask of it."""

from typing import Annotated

from nvisy_sdk import QueueParams, TokenCredentials
from pydantic import Field


class Credentials(TokenCredentials):
    """A token of the service."""


class Params(QueueParams):
    """A stream of a service."""

    host: str
    """Where the service is."""
    port: Annotated[int, Field(ge=1, le=65_535)]
    """The port it listens on."""
    timeout_ms: Annotated[int, Field(ge=1, le=3_600_000)] = 10_000
    """Milliseconds to wait for an answer."""
