"""What a node may ask of a shelf, and what opens it."""

from pathlib import Path

from nvisy_sdk import RelationalParams, TokenCredentials

Credentials = TokenCredentials


class Params(RelationalParams):
    """A table on a shelf."""

    folder: Path
    """The folder; each table is one file in it."""
