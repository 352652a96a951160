"""Reading a {{ cookiecutter.__thing }} in the order of its objects' paths, large objects in parts.

A position is the path of the object read last, or a place within one; then the object must not have changed meanwhile.
"""

from collections.abc import AsyncGenerator
from typing import Any

import nvisy_sdk as sdk

from .client import Session

PAGE = 1_000  # objects that are listed with one request; their data is asked for one by one
SCHEMA = sdk.Schema(
    fields=(
        sdk.Field(name="path", type=sdk.TextType(), nullable=False),
        sdk.Field(name="data", type=sdk.BinaryType(), nullable=False),
        sdk.Field(name="content_type", type=sdk.TextType()),
        sdk.Field(name="size", type=sdk.Uint64Type(), nullable=False),
        sdk.Field(name="offset", type=sdk.Uint64Type()),
        sdk.Field(name="etag", type=sdk.TextType()),
        sdk.Field(name="modified_at", type=sdk.TimestampType(utc=True)),
        sdk.Field(name="metadata", type=sdk.JsonType()),
    )
)

Item = dict[str, Any]


class Reader(Session):
    """The session as a source."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the objects after `context`, each with its data, those above `part_bytes` in parts."""
        place = None if context is None else self._place(context)
        if place is not None and place.offset is not None:
            async for part in self._parts(place.key, place):
                yield part
        after, more = place.key if place is not None else None, True
        while more:
            objects, more = await self._page(after)
            for found in objects:
                after = found["path"]
                async for part in self._parts(after):
                    yield part

    async def _page(self, after: str | None) -> tuple[list[Item], bool]:
        """Return the next objects without their data, and whether there are more."""
        found = await self._call(
            "list",
            stream=self._stream(),
            prefix=self._params.prefix,
            glob=self._params.glob,
            after=after,
            limit=PAGE,
        )
        return found["items"], found["more"]

    async def _parts(self, path: str, begun: sdk.MarkerContext | None = None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield one object, whole or in parts, all of one version; nothing when it is gone before it was begun."""
        offset, etag = (begun.offset or 0, begun.etag) if begun is not None else (0, None)
        while True:
            found = await self._get(path, offset)
            if found is None and offset == 0:
                return
            if found is None or (offset > 0 and (found["etag"] != etag or not found["data"])):
                raise self._changed(path)
            end, etag = offset + len(found["data"]), found["etag"]
            item = {field.name: found.get(field.name) for field in SCHEMA.fields}
            item["offset"] = None if len(found["data"]) == found["size"] else offset
            context = self._context(found, end if end < found["size"] else None)
            yield sdk.Batch([item], sdk.End(context), schema=SCHEMA)
            if end >= found["size"]:
                return
            offset = end

    async def _get(self, path: str, offset: int) -> Item | None:
        """Return an object as it is now with some of its bytes; None when it is gone."""
        length = self._params.part_bytes
        try:
            reply = await self._call("get", stream=self._stream(), path=path, offset=offset, length=length)
        except sdk.NotFoundError:
            return None
        return {**reply["items"][0], "data": reply["data"]}

    def _context(self, found: Item, offset: int | None) -> sdk.MarkerContext:
        return sdk.MarkerContext(fingerprint=self._fingerprint(), key=found["path"], etag=found["etag"], offset=offset)

    def _place(self, context: sdk.Context) -> sdk.MarkerContext:
        if not isinstance(context, sdk.MarkerContext) or context.fingerprint != self._fingerprint():
            raise sdk.InvalidContextError(
                "the context belongs to another bucket, prefix or glob",
                hint="start over, or restore the parameters it was made with",
            )
        return context

    def _changed(self, path: str) -> sdk.ConflictError:
        return sdk.ConflictError(
            f"the object {path} changed or vanished while it was read in parts",
            hint="start over once nobody writes to it",
            context={"path": path},
        )

    def _fingerprint(self) -> str:
        narrowed = {"prefix": self._params.prefix, "glob": self._params.glob}
        return sdk.fingerprint(stream=self._stream(), filter=narrowed, sort=["path"])
