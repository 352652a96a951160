"""Animals of the family TYP: each bends one type of values on the way in, as some driver, codec or server does."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import nvisy_sdk as sdk
from nvisy_sdk import Capability, CapabilityState, Feature, Manifest

from tests.kit import reference
from tests.kit.zoo._animal import animal

Rows = list[dict[str, object]]


def declares(feature: Feature, state: CapabilityState, mechanism: str) -> Callable[[Manifest], Manifest]:
    """Return what changes one feature of a manifest."""
    capability = Capability(state=state, mechanism=mechanism)
    return lambda manifest: manifest.model_copy(update={"features": {**manifest.features, feature: capability}})


class _Bends(reference.Provider):
    """Writes every value in another form."""

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{name: self.bent(value) for name, value in row.items()} for row in super()._items(batch)]

    def bent(self, value: Any) -> Any:
        return value


@animal(breaks="TYP-01", pattern=r"of text '' the system holds None")
class EmptyIsNull(_Bends):
    """Takes an empty text for none, as one well-known database does."""

    def bent(self, value: Any) -> Any:
        return None if value == "" else value


@animal(breaks="TYP-01", pattern=r"of text None reading gives 0")
class NullIsZero(reference.Provider):
    """Reads null as zero."""

    async def _page(self, key: tuple[str, ...], after: Any) -> tuple[Rows, bool]:
        rows, more = await super()._page(key, after)
        return [{name: self._seen(name, value) for name, value in row.items()} for row in rows], more

    def _seen(self, name: str, value: object) -> object:
        return 0 if value is None and name == "v" else value


@animal(breaks="TYP-02", pattern=r"of bool True .*1 \(int\)|bool values were refused", also={"TYP-01"})
class BoolsAsInts(_Bends):
    """Writes booleans as numbers."""

    def bent(self, value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


@animal(breaks="TYP-03", pattern=r"of int64 9007199254740993 the system holds 9007199254740992")
class IntsAsDoubles(_Bends):
    """Writes numbers as JSON does in a browser."""

    def bent(self, value: Any) -> Any:
        return int(float(value)) if type(value) is int and abs(value) > 2**53 and abs(value) < 2**62 else value


@animal(breaks="TYP-03", pattern=r"int64 9223372036854775808 became 9223372036854775807: refuse what cannot be held")
class ClampsInts(_Bends):
    """Writes the largest number there is for one that is larger."""

    def _put(self, batch: sdk.IncomingBatch, mark: sdk.Mark | None) -> Any:
        self._wide = any(field.type.name == "uint64" for field in batch.schema.fields)
        return super()._put(batch, mark)

    def bent(self, value: Any) -> Any:
        return max(-(2**63), min(value, 2**63 - 1)) if type(value) is int and not self._wide else value


@animal(breaks="TYP-04", pattern=r"of float64 nan the system holds None")
class NanIsNull(_Bends):
    """Writes JSON, which has no NaN."""

    def bent(self, value: Any) -> Any:
        return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


@animal(breaks="TYP-04", pattern=r"of float64 -0\.0 the system holds 0\.0")
class OneZero(_Bends):
    """Knows one zero."""

    def bent(self, value: Any) -> Any:
        return value + 0.0 if isinstance(value, float) else value


@animal(
    breaks="TYP-05",
    pattern=r"of decimal Decimal\('9{38}'\) the system holds Decimal\('1E\+38'\)|decimal values were refused",
)
class DecimalsAsDoubles(_Bends):
    """Writes decimals as floats."""

    def bent(self, value: Any) -> Any:
        return Decimal(repr(float(value))) if isinstance(value, Decimal) else value


@animal(breaks="TYP-05", pattern=r"of decimal Decimal\('1\.1000000000'\) the system holds Decimal\('1\.1'\)")
class DropsTrailingZeros(_Bends):
    """Writes decimals as short as possible."""

    def bent(self, value: Any) -> Any:
        return (
            Decimal(f"{value:f}".rstrip("0").rstrip(".") or "0")
            if isinstance(value, Decimal) and value != value.to_integral()
            else value
        )


@animal(breaks="TYP-06", pattern=r"of text 'e\u0301' the system holds '\u00e9'")
class NormalisesText(_Bends):
    """Puts text into normal form."""

    def bent(self, value: Any) -> Any:
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


@animal(breaks="TYP-06", pattern=r"of text ' ' the system holds ''", also={"TYP-01"})
class StripsText(_Bends):
    """Removes blanks from both ends."""

    def bent(self, value: Any) -> Any:
        return value.strip(" ") if isinstance(value, str) else value


@animal(breaks="TYP-06", pattern=r"of text 'a\\x00b' the system holds 'a'")
class CutsAtNul(_Bends):
    """Hands text to a library written in C."""

    def bent(self, value: Any) -> Any:
        return value.split("\0")[0] if isinstance(value, str) else value


@animal(breaks="TYP-06", pattern=r"text 'a\\ud800b' became 'a\?b': refuse what cannot be held")
class ReplacesSurrogates(_Bends):
    """Puts a question mark where text cannot be encoded."""

    def bent(self, value: Any) -> Any:
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@animal(breaks="TYP-07", pattern=r"of binary b'\\x00\\x01")
class BytesAsText(_Bends):
    """Takes bytes for text."""

    def bent(self, value: Any) -> Any:
        return value.decode("utf-8", "replace").encode() if isinstance(value, bytes) else value


@animal(breaks="TYP-08", pattern=r"of date datetime\.date\(1, 1, 1\) the system holds datetime\.date\(1970, 1, 1\)")
class DatesFromEpoch(_Bends):
    """Counts days from 1970 and knows no others."""

    def bent(self, value: Any) -> Any:
        return max(value, date(1970, 1, 1)) if type(value) is date else value


@animal(breaks="TYP-08", pattern=r"of time datetime\.time\(12, 0, 0, 1\) the system holds datetime\.time\(12, 0\)")
class TimesInMillis(_Bends):
    """Keeps three digits of a second."""

    def bent(self, value: Any) -> Any:
        return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, time) else value


@animal(breaks="TYP-09", pattern=r"of timestamp .*999999.* the system holds .*999000")
class TimestampsInMillis(_Bends):
    """Keeps three digits of a second."""

    def bent(self, value: Any) -> Any:
        return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


@animal(
    breaks="TYP-10",
    pattern=r"of duration datetime\.timedelta\(microseconds=1\) the system holds datetime\.timedelta\(0\)",
)
class DurationsInSeconds(_Bends):
    """Writes whole seconds."""

    def bent(self, value: Any) -> Any:
        return timedelta(seconds=int(value.total_seconds())) if isinstance(value, timedelta) else value


@animal(breaks="TYP-11", pattern=r"of uuid UUID\('0{8}-.* the system holds '0|uuid values were refused")
class UuidsAsText(_Bends):
    """Writes UUIDs as text."""

    def bent(self, value: Any) -> Any:
        return str(value) if isinstance(value, UUID) else value


@animal(
    breaks="TYP-11",
    pattern=r"the manifest says `types\.uuid` is unsupported, but .* was taken",
    manifest=declares(Feature.UUID, CapabilityState.UNSUPPORTED, "there is no type for it"),
)
class HumbleUuids(reference.Provider):
    """Declares that it cannot hold what it holds."""


@animal(breaks="TYP-12", pattern=r"of json \{'a\.b': 1, .* the system holds \{'a_b': 1")
class ReplacesDots(_Bends):
    """Replaces what its system does not allow in names."""

    def bent(self, value: Any) -> Any:
        match value:
            case dict():
                return {name.replace(".", "_"): self.bent(one) for name, one in value.items()}
            case _:
                return value


@animal(breaks="TYP-13", pattern=r"the columns select, Order, GROUP BY")
class LowersColumns(reference.Provider):
    """Does not quote the names of columns."""

    async def prepare(self, request: sdk.Prepare) -> None:
        await super().prepare(request.model_copy(update={"schema": _lowered(request.schema)}))

    def _items(self, batch: sdk.IncomingBatch) -> Rows:
        return [{name.lower(): value for name, value in row.items()} for row in super()._items(batch)]

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        columns: Any = request.get("columns")
        if operation == "put" and columns:
            request["columns"] = [{**column, "name": column["name"].lower()} for column in columns]
        return await super()._call(operation, **request)


def _lowered(schema: sdk.Schema) -> sdk.Schema:
    return sdk.Schema(fields=tuple(field.model_copy(update={"name": field.name.lower()}) for field in schema.fields))


@animal(
    breaks="TYP-20",
    pattern=r"says that -0\.0 becomes 0\.0, but it becomes -0\.0",
    manifest=declares(Feature.FLOAT, CapabilityState.PARTIAL, "-0.0 becomes 0.0"),
)
class StaleConversion(reference.Provider):
    """Declares a conversion that it no longer does."""


@animal(breaks="TYP-21", pattern=r"of list \[1, 9007199254740993, -1\] the system holds \[-1, 1, 9007199254740993\]")
class SortsLists(_Bends):
    """Keeps a list as the set it may be."""

    def bent(self, value: Any) -> Any:
        return sorted(value) if isinstance(value, list) and all(type(one) is int for one in value) else value


@animal(breaks="TYP-21", pattern=r"of struct \{'a': None, 'b': None\} the system holds None")
class EmptyStructIsNull(_Bends):
    """Takes a struct of nulls for none."""

    def bent(self, value: Any) -> Any:
        return None if isinstance(value, dict) and set(value) == {"a", "b"} and not any(value.values()) else value
