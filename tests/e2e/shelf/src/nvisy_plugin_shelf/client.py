"""The session, and the files behind it."""

import json
import os
from pathlib import Path
from typing import Self

from nvisy_sdk import AuthError, InvalidConfigError, in_thread

from .config import Credentials, Params

TOKEN_LENGTH = 20  # characters; a shorter token is refused, so that there is something to be refused


class Session:
    """An open shelf."""

    def __init__(self, params: Params, table: str) -> None:
        self.params = params
        self.table = table
        self.key = params.key or ("id",)

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        """Check the token and open the table's file."""
        if len(credentials.token.get_secret_value()) < TOKEN_LENGTH:
            raise AuthError("the shelf refused the token", hint="set a longer one")
        if params.table is None:
            raise InvalidConfigError("`table` is missing", hint="name the table")
        await in_thread(params.folder.mkdir, parents=True, exist_ok=True)
        return cls(params, params.table)

    async def disconnect(self) -> None:
        """Nothing stays open."""

    def path(self) -> Path:
        """The table's file."""
        return self.params.folder / f"{self.table}.json"

    def load(self) -> list[dict[str, object]]:
        """All rows, in key order."""
        if not self.path().exists():
            return []
        rows: list[dict[str, object]] = json.loads(self.path().read_text(encoding="utf-8"))
        return rows

    def store(self, rows: list[dict[str, object]]) -> None:
        """Put all rows in the place of those that are there."""
        unfinished = self.path().with_suffix(".part")
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(rows, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path())
