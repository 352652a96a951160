"""What a node may ask of a folder. No parameter is a secret: a folder has no credentials."""

from pathlib import Path

from nvisy_sdk import NoCredentials, ObjectParams

Credentials = NoCredentials


class Params(ObjectParams):
    """The files below one folder."""

    root: Path
    """The folder. Nothing outside of it is read or written. Writing creates it; reading never does."""
