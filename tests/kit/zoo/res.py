"""Animals of the family RES: every way to lose, to repeat or to refuse what comes after an item."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

import nvisy_sdk as sdk
from nvisy_plugin_shelf import Credentials, Params

from tests.kit import reference
from tests.kit.zoo._animal import animal

Key = tuple[str, ...]
Rows = list[dict[str, Any]]
OBJECT: Any = reference.provider(sdk.DataKind.OBJECT)
EMBEDDING: Any = reference.provider(sdk.DataKind.EMBEDDING)


@animal(breaks="RES-01", pattern=r"resuming after item \d of \d.* came again")
class ResumeInclusive(reference.Provider):
    """Goes on with the item of the context, not after it."""

    def _after(self, context: sdk.Context, key: Key) -> Any:
        *head, last = super()._after(context, key)
        return (*head, last - 1 if isinstance(last, int) else last)


@animal(breaks="RES-01", pattern=r"by \(grp, id\).* is missing")
class KeysetWithoutTiebreak(reference.Provider):
    """Pages by the first column of the key: what shares its value with the last row of a page is lost."""

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        if operation == "page":
            sort, after = request["sort"], request["after"]
            request |= {"sort": sort[:1], "after": after[:1] if after else None}  # type: ignore[index]
        return await super()._call(operation, **request)


@animal(
    breaks="RES-01",
    pattern=r"resuming after|reading .* items in pages",
    also=(
        "READ-16",
        "READ-17",
    ),
)
class TextCursorOnIntKey(reference.Provider):
    """Keeps the cursor as text, and compares the rows with it as text."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        found = await self._call(
            "page",
            stream=self._stream(),
            sort=key,
            after=None,
            limit=1_000_000,
            filter=[condition.model_dump(mode="json") for condition in self._params.filter],
            columns=self._columns(key),
        )
        rows = [row for row in found["items"] if after is None or [str(row[k]) for k in key] > [str(v) for v in after]]
        size = self._params.batch_rows
        return rows[:size], len(rows) > size


@animal(breaks="RES-01", pattern=r"resuming after item 1 of \d.* is missing", also=("INC-06",))
class PageGranularCtx(reference.Provider):
    """Gives every item of a page the context of the page's last."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        return sdk.Batch(super()._batch(rows, key, schema).data, sdk.Each([self._context(rows[-1], key)] * len(rows)))


@animal(breaks="RES-02", pattern=r"does not survive JSON")
class UnstableCtx(reference.Provider):
    """Builds contexts past their validation, with a number as text."""

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        def context(row: dict[str, object]) -> sdk.KeysetContext:
            values = tuple(sdk.IntValue.model_construct(value=str(row[name])) for name in key)  # type: ignore[arg-type]
            return sdk.KeysetContext.model_construct(fingerprint=self._fingerprint(key), values=values)

        return sdk.Batch(super()._batch(rows, key, schema).data, sdk.Each([context(row) for row in rows]))


@animal(breaks="RES-03", pattern=r"InvalidContextError")
class CtxBoundToInstance(reference.Provider):
    """Puts into the fingerprint which session it is."""

    def _fingerprint(self, key: Key) -> str:
        return sdk.fingerprint(stream=f"{self._stream()}/{id(self._connection)}", filter=self._params.filter, sort=key)


@animal(breaks="RES-03", pattern=r"in another process.*InvalidContextError")
class CtxBoundToProcess(reference.Provider):
    """Makes the fingerprint with `hash`, whose values differ from process to process."""

    def _fingerprint(self, key: Key) -> str:
        return f"{hash((self._stream(), self._params.filter, key)) & (2**64 - 1):016x}"


@animal(breaks="RES-04", pattern=r"in steps of one item.* yields \d items, not 7")
class DriftingCtx(reference.Provider):
    """Within a page of a resumed read, every context is that of the next item."""

    _resumed = False

    def _after(self, context: sdk.Context, key: Key) -> Any:
        self._resumed = True
        return super()._after(context, key)

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        if not self._resumed:
            return super()._batch(rows, key, schema)
        contexts = [self._context(row, key) for row in (*rows[1:], rows[-1])]
        return sdk.Batch(super()._batch(rows, key, schema).data, sdk.Each(contexts), schema=schema)


@animal(breaks="RES-05", pattern=r"resuming after the last of \d items.* yields \d more")
class LastCtxRestarts(reference.Provider):
    """Takes an empty page for a cursor that is no longer good, and begins anew."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return (rows, more) if rows or after is None else await super()._page(key, None)


@animal(breaks="RES-06", pattern=r"from no context: item id=-2 is missing", also=("RES-01",))
class BeginsAtZero(reference.Provider):
    """Has no query without a cursor: it begins after -1."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        return await super()._page(key, (-1,) if after is None and key == ("id",) and self._numbered else after)

    @property
    def _numbered(self) -> bool:
        return not any(name in self._stream() for name in ("res08", "res11"))


@animal(breaks="RES-07", pattern=r"by \(grp, sub, id\).* is missing", also=("RES-01",))
class RowValueAnd(reference.Provider):
    """Compares a key of three columns with `a >= x AND b > y`, which is right for one column only."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        if after is None or len(key) < 3:
            return await super()._page(key, after)
        rows, more = list[dict[str, Any]](), True
        found: Any = after
        while more:
            page, more = await super()._page(key, found)
            rows += [
                row for row in page if all(row[name] > value for name, value in zip(key[1:], after[1:], strict=True))
            ]
            found = tuple(page[-1][name] for name in key) if page else found
        size = self._params.batch_rows
        return rows[:size], len(rows) > size


@animal(breaks="RES-08", pattern=r"by a key of type timestamp.* came again")
class MillisecondCursor(reference.Provider):
    """Keeps timestamps to the millisecond."""

    def _after(self, context: sdk.Context, key: Key) -> Any:
        values = super()._after(context, key)
        return tuple(
            v.replace(microsecond=v.microsecond // 1000 * 1000) if isinstance(v, datetime) else v for v in values
        )


@animal(breaks="RES-08", pattern=r"by a key of type decimal")
class FloatCursor(reference.Provider):
    """Keeps decimals as floats."""

    def _after(self, context: sdk.Context, key: Key) -> Any:
        return tuple(Decimal(float(v)) if isinstance(v, Decimal) else v for v in super()._after(context, key))


@animal(breaks="RES-08", pattern=r"by a key of type int64.* came again")
class DoubleCursor(reference.Provider):
    """Keeps integers as a number of JavaScript does."""

    def _after(self, context: sdk.Context, key: Key) -> Any:
        return tuple(int(float(v)) if isinstance(v, int) else v for v in super()._after(context, key))


@animal(breaks="RES-08", pattern=r"null in one item: item id=3 is missing")
class NullCursorLost(reference.Provider):
    """Reads only rows whose key is there."""

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "page":
            there = [{"column": name, "op": "not_null", "value": None} for name in request["sort"]]
            request["filter"] = [*request["filter"], *there]
        return await super()._call(operation, **request)


@animal(breaks="RES-11", pattern=r"a context of another stream succeeded")
class IgnoresFingerprint(reference.Provider):
    """Resumes from whatever it is given."""

    def _after(self, context: sdk.Context, key: Key) -> Any:
        assert isinstance(context, sdk.KeysetContext)
        return tuple(sdk.python_value(value) for value in context.values)


@animal(breaks="RES-11", pattern=r"a value of another type succeeded")
class CursorInjection(reference.Provider):
    """Begins anew when the service does not understand the cursor."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        try:
            return await super()._page(key, after)
        except sdk.InvalidContextError:
            return await super()._page(key, None)


@animal(breaks="RES-12", pattern=r"resuming after item \d of 7, which is deleted", also=("INC-03",))
class AnchorRequired(reference.Provider):
    """Looks up where the item of the context is, and begins anew when it is gone."""

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        if after is not None and len(key) == 1 and isinstance(after[0], int):
            anchor = [{"column": key[0], "op": "eq", "value": after[0]}]
            found = await self._call(
                "page", stream=self._stream(), sort=key, after=None, limit=1, filter=anchor, columns=None
            )
            after = after if found["items"] else None
        return await super()._page(key, after)


@animal(
    breaks="RES-14",
    pattern=r"resuming after item \d of 7 with `batch_rows` 1, then `batch_rows` 2",
    also=("RES-11", "RES-12"),
)
class OffsetInCtx(reference.Provider):
    """A context is the number of a page and a place in it."""

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        info = await self.describe()
        key, size = self._key(info), self._params.batch_rows
        number, place = (0, -1) if context is None else self._place_of(context)
        rows, more = list[dict[str, Any]](), True
        while more:
            page, more = await self._page(key, tuple(rows[-1][name] for name in key) if rows else None)
            rows += page
        for first in range(number * size, len(rows), size):
            kept = range(max(first, number * size + place + 1), min(first + size, len(rows)))
            mark = self._fingerprint(("page", "place"))
            values = [tuple(sdk.IntValue(value=each) for each in divmod(at, size)) for at in kept]
            contexts = [sdk.KeysetContext(fingerprint=mark, values=each) for each in values]
            slim = super()._batch([rows[at] for at in kept], key, self._schema(info))
            yield sdk.Batch(slim.data, sdk.Each(contexts), schema=slim.schema)

    def _place_of(self, context: sdk.Context) -> Any:
        return self._after(context, ("page", "place"))


class Padded(reference.Provider):
    """Puts one more value into each context, and takes it out again."""

    _more: str

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        more = sdk.TextValue(value=self._more)
        plain = [self._context(row, key) for row in rows]
        padded = [each.model_copy(update={"values": (more, *each.values)}) for each in plain]
        return sdk.Batch(super()._batch(rows, key, schema).data, sdk.Each(padded), schema=schema)

    def _after(self, context: sdk.Context, key: Key) -> Any:
        if isinstance(context, sdk.KeysetContext) and len(context.values) == len(key) + 1:
            context = context.model_copy(update={"values": context.values[1:]})
        elif isinstance(context, sdk.KeysetContext):
            raise sdk.InvalidContextError("the context has another number of values")
        return super()._after(context, key)


@animal(breaks="RES-15", pattern=r"has \d+ bytes; 4096 is the most")
class FatCtx(Padded):
    """Keeps what it has seen in the context."""

    _more = "seen " * 1000


@animal(breaks="RES-15", pattern=r"holds the secret")
class SecretInCtx(Padded):
    """Keeps in the context what it needs to connect again."""

    @classmethod
    async def connect(cls, credentials: Credentials, params: Params) -> Self:
        session = await super().connect(credentials, params)
        session._more = credentials.token.get_secret_value()
        return session


@animal(breaks="RES-17", pattern=r"killed and resumed.* is missing")
class ResumesWhereItStopped(reference.Provider):
    """Keeps, for all sessions, how far a read that was broken off had come, which is further than was taken from it."""

    _reached: ClassVar[dict[str, tuple[int, Any]]] = {}

    async def read(self, context: sdk.Context | None) -> AsyncGenerator[sdk.Batch, None]:
        place = f"{self._stream()} {self._params.batch_rows}"
        owner, reached = self._reached.pop(place, (0, None))
        async for batch in super().read(reached if reached and context and owner != id(self) else context):
            if isinstance(batch.positions, sdk.Keyset):
                last: Any = batch.data[-1]  # type: ignore[index]
                self._reached[place] = (id(self), self._context(last, batch.positions.columns))
            yield batch
        self._reached.pop(place, None)


@animal(
    breaks="RES-09", pattern=r"resuming after item \d+ of 10 of keys that are near each other", kind=sdk.DataKind.OBJECT
)
class Utf16Order(OBJECT):  # type: ignore[misc]
    """Compares paths as JavaScript and Java do."""

    async def _page(self, after: str | None) -> Any:
        found, more = await super()._page(None)
        place = (after or "").encode("utf-16-be")
        return [each for each in found if after is None or each["path"].encode("utf-16-be") > place], more


@animal(breaks="RES-10", pattern=r"unknown token .* succeeded", kind=sdk.DataKind.EMBEDDING)
class SilentRestart(EMBEDDING):  # type: ignore[misc]
    """Begins anew when the service has forgotten the token."""

    async def _page(self, token: str | None) -> Any:
        try:
            return await super()._page(token)
        except sdk.ContextExpiredError:
            return await super()._page(None)


@animal(breaks="RES-13", pattern=r"which has changed")
class AnchorMoves(reference.Provider):
    """Resumes after the row that looks like the last one, and begins anew when none does."""

    _looks: ClassVar[dict[object, object]] = {}

    def _batch(self, rows: Rows, key: Key, schema: sdk.Schema | None) -> sdk.Batch:
        for row in rows:
            self._looks.setdefault((self._stream(), *(row[name] for name in key)), dict(row))
        return super()._batch(rows, key, schema)

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        seen = self._looks.get((self._stream(), *(after or ())))
        if seen is not None and self._params.columns is None:
            rows, _ = await super()._page(key, None)
            now = next((row for row in rows if tuple(row[name] for name in key) == after), seen)
            after = after if now == seen else None
        return await super()._page(key, after)


@animal(breaks="RES-18", pattern=r"a read whose connection was reset .* is missing")
class LosesInFlight(reference.Provider):
    """Goes on, once its connection was broken, behind the page that was on its way."""

    _in_flight: ClassVar[set[str]] = set()

    async def _page(self, key: Key, after: Any) -> tuple[Rows, bool]:
        try:
            rows, more = await super()._page(key, after)
        except sdk.ConnectionFailedError:
            self._in_flight.add(self._stream())
            raise
        if after is None or self._stream() not in self._in_flight:
            return rows, more
        self._in_flight.discard(self._stream())
        last: Any = tuple(rows[-1][name] for name in key) if rows else after
        return await super()._page(key, last)
