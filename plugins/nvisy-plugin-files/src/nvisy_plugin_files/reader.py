"""Reading the files below a folder in the order of their keys' bytes, large ones in parts, and counting them.

A link is read as a file when it leads to a file inside the root; every other link, and whatever is no regular file, holds
no object. A file that is deleted before it is opened is not read; one that changes while it is read is an error.
"""

import mimetypes
from collections.abc import AsyncGenerator, Generator, Iterator

import nvisy_sdk as sdk

from ._keys import pattern
from .client import File, Session, opened, read_at, translated, walk

_BATCH_BYTES = 8 * 2**20  # small objects are gathered up to here, so that a batch is worth its way and fits in memory
_BATCH_ITEMS = 1_000
_SCHEMA = sdk.Schema(
    fields=(
        sdk.Field(name="path", type=sdk.TextType(), nullable=False),
        sdk.Field(name="data", type=sdk.BinaryType(), nullable=False),
        sdk.Field(name="content_type", type=sdk.TextType()),
        sdk.Field(name="size", type=sdk.Int64Type(), nullable=False),
        sdk.Field(name="offset", type=sdk.Int64Type()),
        sdk.Field(name="etag", type=sdk.TextType()),
        sdk.Field(name="modified_at", type=sdk.TimestampType(utc=True)),
        sdk.Field(name="metadata", type=sdk.JsonType()),
    )
)
_Item = tuple[tuple[object, ...], int, sdk.MarkerContext]


class Reader(Session):
    """The session as a source, and as something to look into."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        """Yield the objects after `context`, some megabytes at a time."""
        fingerprint = self._fingerprint()
        if context is not None and (not isinstance(context, sdk.MarkerContext) or context.fingerprint != fingerprint):
            raise sdk.InvalidContextError(
                "the context belongs to another folder, prefix or glob",
                hint="start over, or restore the parameters it was made with",
            )
        batches = self._batches(context, fingerprint)
        try:
            while (batch := await self._run(next, batches, None)) is not None:
                yield batch
        finally:
            await sdk.in_thread(batches.close)

    async def check(self) -> None:
        """Check that the folder can be listed."""
        await self._run(lambda: next(walk(self._root), None))

    async def streams(self) -> list[sdk.StreamInfo]:
        """Return the whole folder and each folder in it, as prefixes, with the number of their files."""
        return await self._run(self._streams)

    async def describe(self) -> sdk.StreamInfo:
        """Return the objects that the parameters name, with their number."""
        return await self._run(lambda: self._info(self._params.prefix or ".", sum(1 for _ in self._keys())))

    def _info(self, name: str, rows: int) -> sdk.StreamInfo:
        return sdk.StreamInfo(name=name, schema=_SCHEMA, key=("path",), rows=rows)

    def _streams(self) -> list[sdk.StreamInfo]:
        counts = {".": 0}
        for key in walk(self._root):
            counts["."] += 1
            head, slash, _ = key.decode(errors="replace").partition("/")
            if slash:
                counts[head + slash] = counts.get(head + slash, 0) + 1
        return [self._info(name, rows) for name, rows in counts.items()]

    def _fingerprint(self) -> str:
        narrowed = {"prefix": self._params.prefix, "glob": self._params.glob}
        return sdk.fingerprint(stream=f"files:{self._root.name}", filter=narrowed, sort=["path"])

    def _keys(self, after: bytes = b"") -> Iterator[str]:
        chosen = None if self._params.glob is None else pattern(self._params.glob)
        for name in walk(self._root, self._params.prefix, after):
            try:
                key = name.decode()
            except UnicodeDecodeError as err:
                raise sdk.InvalidDataError(
                    f"the name {name!r} is not UTF-8", hint="rename it, or set `prefix`"
                ) from err
            if chosen is None or chosen.fullmatch(key):
                yield key

    def _batches(self, context: sdk.MarkerContext | None, fingerprint: str) -> Generator[sdk.Batch, None, None]:
        rows: list[tuple[object, ...]] = []
        contexts: list[sdk.Context] = []
        held = 0
        for row, size, after in self._items(context, fingerprint):
            if rows and (held + size > _BATCH_BYTES or len(rows) >= _BATCH_ITEMS):
                yield sdk.Batch(rows, sdk.Each(contexts), schema=_SCHEMA)
                rows, contexts, held = [], [], 0
            rows.append(row)
            contexts.append(after)
            held += size
        if rows:
            yield sdk.Batch(rows, sdk.Each(contexts), schema=_SCHEMA)

    def _items(self, context: sdk.MarkerContext | None, fingerprint: str) -> Iterator[_Item]:
        if context is not None and context.offset is not None:
            if next(walk(self._root, context.key), b"").decode(errors="replace") != context.key:
                raise self._changed(context.key)  # it is gone, or it never was a key of this folder
            yield from self._parts(context.key, fingerprint, begun=context)
        for key in self._keys(b"" if context is None else context.key.encode()):
            yield from self._parts(key, fingerprint)

    def _parts(self, key: str, fingerprint: str, *, begun: sdk.MarkerContext | None = None) -> Iterator[_Item]:
        with translated(self._root), opened(self._root, key) as file:
            offset = (begun.offset or 0) if begun is not None else 0
            if begun is not None and (file is None or file.etag != begun.etag or offset >= file.size):
                raise self._changed(key)
            if file is None:
                return
            whole, content_type = offset == 0 and file.size <= self._params.part_bytes, _content_type(key)
            while True:
                data = self._data(key, file, offset)
                end = offset + len(data)
                place = None if whole else offset
                row = (key, data, content_type, file.size, place, file.etag, file.modified, None)
                more = end if end < file.size else None
                after = sdk.MarkerContext(fingerprint=fingerprint, key=key, etag=file.etag, offset=more)
                yield row, len(data), after
                if more is None:
                    return
                offset = end

    def _data(self, key: str, file: File, offset: int) -> bytes:
        size = min(self._params.part_bytes, file.size - offset)
        data = read_at(file.descriptor, offset, size)
        if len(data) < size or not file.unchanged():
            raise self._changed(key)
        return data

    def _changed(self, key: str) -> sdk.ConflictError:
        return sdk.ConflictError(
            f"the file {key} changed or vanished while it was read in parts",
            hint="start over once nobody writes to it; writers should rename finished files into the folder",
            context={"path": key},
        )


def _content_type(key: str) -> str | None:
    found, encoding = mimetypes.guess_type(key)
    return found if encoding is None else None
