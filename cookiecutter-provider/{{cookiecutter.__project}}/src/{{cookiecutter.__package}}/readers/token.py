"""Reading a {{ cookiecutter.__thing }} page by page, where the service says with a token how to go on.

The fake service gives a token with every item, so a position is a token alone. A service that gives one with every page
needs both fields: `TokenContext(token=<that of the page>, offset=<items of the page already read>)`.
"""

from collections.abc import AsyncGenerator

import nvisy_sdk as sdk

from .client import Session

Item = dict[str, object]


class Reader(Session):
    """The session as a source."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the {{ cookiecutter.__items }} after `context` in the service's own order, `batch_rows` at a time."""
        info = await self.describe()
        token = None if context is None else self._token(context)
        more = True
        while more:
            items, tokens, more = await self._page(token)
            if items:
                if tokens[-1] == token:
                    raise sdk.ProtocolError("the service goes round in circles: it gave the same token twice")
                token = tokens[-1]
                contexts = [self._context(each) for each in tokens]
                yield sdk.Batch(items, sdk.Each(contexts), schema=info.schema)

    async def _page(self, token: str | None) -> tuple[list[Item], list[str], bool]:
        """Return the next {{ cookiecutter.__items }}, the token after each, and whether there are more."""
        found = await self._call("scroll", stream=self._stream(), token=token, limit=self._params.batch_rows)
        return found["items"], found["tokens"], found["more"]

    def _context(self, token: str) -> sdk.TokenContext:
        return sdk.TokenContext(fingerprint=self._fingerprint(), token=token, offset=0)

    def _token(self, context: sdk.Context) -> str | None:
        """Return the token with which a context resumes."""
        if not isinstance(context, sdk.TokenContext) or context.fingerprint != self._fingerprint() or context.offset:
            raise sdk.InvalidContextError(
                "the context belongs to another {{ cookiecutter.__thing }}",
                hint="start over, or restore the parameters it was made with",
            )
        return context.token

    def _fingerprint(self) -> str:
        return sdk.fingerprint(stream=self._stream())
