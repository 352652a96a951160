"""BND: what crosses to Rust is what Rust expects. Both sides are held to one set of golden vectors.

The first part of each check judges the SDK that is installed, which a pinned or patched one could fail; the second judges what
this provider declares, yields and raises.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from ..._context import Context, KeysetContext, MarkerContext, OffsetContext, TokenContext, context_adapter
from ..._error import ProviderError
from ..._kind import Ability, ContextKind, DataKind, ErrorKind, Feature
from ..._manifest import Manifest
from ..._schema import BinaryType, ColumnType, Field, Int64Type, Schema, TimestampType
from .._case import Case
from .._check import check
from .._fidelity import again
from .._harness import Item
from .._json_schema import nodes, resolved
from .._outcome import Level
from .._static import Package
from .._vectors import SECRET, Vector, judged, load, vectors

_CONTEXTS: Final = {
    ContextKind.MARKER: MarkerContext,
    ContextKind.KEYSET: KeysetContext,
    ContextKind.TOKEN: TokenContext,
    ContextKind.OFFSET: OffsetContext,
}
_COLUMNS: Final[dict[DataKind, tuple[frozenset[str], frozenset[str]]]] = {
    DataKind.OBJECT: (
        frozenset({"path", "data", "size"}),
        frozenset({"content_type", "offset", "etag", "modified_at", "metadata"}),
    ),
    DataKind.EMBEDDING: (frozenset({"id", "vector"}), frozenset({"metadata"})),
    DataKind.DOCUMENT: (frozenset({"id", "content"}), frozenset({"metadata"})),
    DataKind.MESSAGE: (frozenset({"payload"}), frozenset({"id", "subject", "key", "headers", "timestamp"})),
    DataKind.GRAPH: (frozenset({"element", "id"}), frozenset({"labels", "from", "to", "label", "properties"})),
}
"""Of each kind of data, the columns that every item has and those it may have."""


@check(
    "BND-01",
    Level.BRONZE,
    "every golden vector is judged as Rust judges it, and the provider's contexts pass",
    after=("READ-01",),
)
async def vectors_are_judged_alike(case: Case) -> None:
    """Judge the vectors, then the JSON text of each context that is read."""
    for vector in vectors():
        accepted = judged(vector) is not None
        text = f"{vector.shape} {vector.text[:80]} is {'accepted' if accepted else 'refused'} here, not so in Rust"
        case.expect(accepted == (vector.canonical is not None), text)
    for context in await _contexts(case):
        _reread(case, context)
        case.observe()


@check("BND-02", Level.BRONZE, "what Python writes is byte for byte the canonical text", after=("BND-01", "META-01"))
async def text_is_canonical(case: Case) -> None:
    """Write the vectors, the contexts and the manifest."""
    for vector in vectors():
        if vector.canonical is not None and vector.shape not in SECRET:
            case.expect(
                judged(vector) == vector.canonical, f"{vector.shape} {vector.text[:80]} is written {judged(vector)}"
            )
    for context in await _contexts(case):
        text, canonical = _text(context), context_adapter.dump_json(_reread(case, context)).decode()
        case.expect(text == canonical, f"a context is written {text}, the canonical text is {canonical}")
    if case.subject.described is None:
        text = case.subject.manifest_text or ""
        canonical = Manifest.model_validate_json(text).model_dump_json(indent=2) + "\n"
        case.expect(
            text == canonical,
            "the manifest's text is not the canonical one; let `python -m nvisy_sdk manifest` write it",
        )


@check(
    "BND-03",
    Level.BRONZE,
    "items have the columns of their kind, by those names and no others",
    needs=(Ability.READ,),
    after=("READ-01",),
)
async def columns_have_their_names(case: Case) -> None:
    """Read items and compare their columns with those of the kind, or with the schema that comes with them."""
    stream = await case.seed(case.items(2))
    async with case.session(stream) as session:
        found = await case.read_items(session)
    case.expect(found, "no item came, so no column was seen")
    needed, allowed = _COLUMNS.get(case.kind, (frozenset(case.profile.items(1)[0]), None))
    for item in found:
        missing = sorted(needed - set(item))
        case.expect(not missing, f"an item has no column `{', '.join(missing)}`; it has {', '.join(item)}")
        strange = sorted(set(item) - needed - allowed) if allowed is not None else []
        case.expect(
            not strange, f"an item has the column `{', '.join(strange)}`, which is none of its kind `{case.kind}`"
        )


@check(
    "BND-04",
    Level.BRONZE,
    "Rust and Python refuse the same unknown fields, at every depth",
    static=True,
    after=("META-05",),
)
async def unknown_fields_are_refused_alike(package: Package) -> None:
    """Look for objects whose schema lets fields through that the model refuses, or the other way round."""
    for vector in vectors():
        if "unknown field" in vector.why:
            package.expect(judged(vector) is None, f"{vector.shape} takes {vector.text[:80]}: {vector.why}")
    manifest = package.manifest
    for role, schema in (("credentials", manifest.credentials), ("params", manifest.params)):
        for where, node in nodes(schema, role):
            if node.get("type") == "object" and "properties" in node:
                closed = node.get("additionalProperties") is False
                package.expect(
                    closed, f"the schema at `{where}` lets unknown fields through; keep `additionalProperties: false`"
                )
    for role, model in zip(("credentials", "params"), package.models, strict=True):
        package.expect(
            model.model_config.get("extra") == "forbid", f"the model of the {role} lets unknown fields through"
        )


@check("BND-05", Level.BRONZE, "Rust and Python accept the same numbers", static=True, after=("META-05",))
async def numbers_are_accepted_alike(package: Package) -> None:
    """Try the edges of each number, by the manifest's schema and by the model."""
    for field, schema, model in _numbers(package):
        for number in _edges(schema):
            by_schema = _fits(number, schema)
            by_model = _passes(model, field, json.dumps(number))
            text = f"`{field}` = {number} is {'right' if by_schema else 'wrong'} by the schema and {'right' if by_model else 'wrong'} by the model"
            package.expect(by_schema == by_model, text)
    for vector in vectors():
        if vector.canonical is None and any(word in vector.why for word in ("past", "largest", "smallest", "negative")):
            package.expect(judged(vector) is None, f"{vector.shape} takes {vector.text[:80]}: {vector.why}")


@check(
    "BND-06",
    Level.BRONZE,
    "NaN and the infinities are no numbers of parameters, contexts and manifests",
    static=True,
    after=("META-05",),
)
async def nan_is_no_number(package: Package) -> None:
    """Give them to every shape that holds a float, and to the provider's own fields."""
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        value = f'{{"type":"float","value":{word}}}'
        package.expect(judged(Vector("TypedValue", value, None)) is None, f"a value of a context takes {word}")
        for field, _, model in _numbers(package):
            package.expect(
                not _passes(model, field, word),
                f"`{field}` takes {word}, which JSON cannot say; forbid it (allow_inf_nan=False)",
            )


@check(
    "BND-07",
    Level.BRONZE,
    "bytes are bytes, and base64 only in contexts",
    features=(Feature.BYTES,),
    needs=(Ability.READ,),
    kinds=(DataKind.RECORD, DataKind.OBJECT, DataKind.MESSAGE),
    after=("READ-01",),
)
async def bytes_are_bytes(case: Case) -> None:
    """Read bytes, and look at how a context holds them."""
    for vector in vectors():
        if vector.shape == "TypedValue" and '"bytes"' in vector.text and vector.canonical is not None:
            value = json.loads(vector.text)["value"]
            case.expect(
                base64.b64encode(base64.b64decode(value, validate=True)).decode() == value, f"{value!r} is no base64"
            )
    for item, wanted in await _read_values(case, BinaryType(), [b"\0\xff", b"text"]):
        kind = type(item).__name__
        case.expect(
            isinstance(item, bytes | bytearray | memoryview), f"bytes are read as {kind} {item!r:.40}, not as bytes"
        )
        case.expect(bytes(item) == wanted, f"bytes {wanted!r} are read as {bytes(item)!r:.40}")


@check(
    "BND-08",
    Level.BRONZE,
    "an instant is an aware datetime, a reading without a zone a naive one, both to the microsecond",
    features=(Feature.TIMESTAMP,),
    needs=(Ability.READ,),
    kinds=(DataKind.RECORD,),
    after=("READ-01",),
)
async def timestamps_are_datetimes(case: Case) -> None:
    """Read both, and compare their zones and digits."""
    for zone in (UTC, None):
        moments = [datetime(2024, 2, 29, 1, 2, 3, 456789, zone), datetime(1999, 12, 31, 23, 59, 59, 1, zone)]
        for value, wanted in await _read_values(case, TimestampType(utc=zone is not None), moments):
            case.expect(
                isinstance(value, datetime),
                f"a timestamp is read as {type(value).__name__} {value!r:.40}, not as a datetime",
            )
            aware = value.tzinfo is not None
            case.expect(
                aware == (zone is not None),
                f"{'an instant' if zone else 'a reading without a zone'} is read as {value!r}",
            )
            case.expect(value == wanted, f"{wanted.isoformat()} is read as {value.isoformat()}")


@check(
    "BND-09", Level.BRONZE, "errors have a kind that Rust knows, and are retryable when it says so", after=("CON-01",)
)
async def error_kinds_are_known(case: Case) -> None:
    """Compare the SDK's words with Rust's, then make the provider raise."""
    table = load("error")["retryable"]
    case.expect({str(kind) for kind in ErrorKind} == set(table), "this SDK's kinds of error are not those of Rust")
    stream = await case.seed(case.items(1))
    session = await case.connect(stream)
    await case.disconnect(session)
    if case.can(Ability.READ):
        await _known(case, case.read(session), table, "reading after `disconnect`")
    if case.can(Ability.WRITE):
        await _known(case, session.write(case.batch(case.items(1))), table, "writing after `disconnect`")
    if case.can(Ability.READ):
        async with case.session(stream) as other:
            foreign = _foreign(case)
            await _known(case, case.read(other, foreign), table, "reading from another stream's context")


@check(
    "BND-10", Level.BRONZE, "contexts are of the SDK's own classes, whose kinds are those of Rust", after=("READ-01",)
)
async def contexts_are_of_known_classes(case: Case) -> None:
    """Compare the words, then look at the classes that are read."""
    known = {
        json.loads(vector.text)["kind"]
        for vector in vectors()
        if vector.shape == "Context" and vector.canonical is not None
    }
    case.expect(
        {str(kind) for kind in ContextKind} == known,
        f"this SDK's kinds of context are not those of Rust: {', '.join(sorted(known))}",
    )
    for context in await _contexts(case):
        found = type(context)
        case.expect(
            found in _CONTEXTS.values(),
            f"a context is a {found.__module__}.{found.__name__}, a class that only the provider knows",
        )


async def _contexts(case: Case) -> list[Context]:
    if not case.can(Ability.READ):
        return []
    stream = await case.seed(case.items(3))
    async with case.session(stream) as session:
        return [context for _, context in await case.read(session) if context is not None]


def _reread(case: Case, context: Context) -> Context:
    text = _text(context)
    try:
        return context_adapter.validate_json(text)
    except ValidationError as err:
        reason = err.errors(include_input=False)[0]["msg"]
        case.fail(f"a {type(context).__name__} that was read is no context to Rust: {reason}, in {text}")


def _text(context: Context) -> str:
    return context.model_dump_json() if isinstance(context, BaseModel) else json.dumps(context, default=str)


async def _read_values(case: Case, type_: ColumnType, values: "list[Any]") -> list[tuple[Any, Any]]:
    """Seed values of one type and return what is read of each, with what it was."""
    schema, items = case.profile.schema, list[Item]()
    for place, value in enumerate(values):
        match case.kind:
            case DataKind.OBJECT:
                items.append({"path": f"part/{place}.bin", "data": value, "size": len(value)})
            case DataKind.MESSAGE:
                items.append({"id": f"m{place}", "payload": value, "headers": {}})
            case _:
                schema = Schema(
                    fields=(Field(name="id", type=Int64Type(), nullable=False), Field(name="v", type=type_))
                )
                items.append({"id": place, "v": value})
    column = {DataKind.OBJECT: "data", DataKind.MESSAGE: "payload"}.get(case.kind, "v")
    adapted = case.adapted(items)
    stream = await case.seed(adapted, schema=schema)
    wanted = {case.profile.key_of(item): value for item, value in zip(adapted, values, strict=True)}
    return [(item.get(column), wanted.get(case.profile.key_of(item))) for item in await again(case, stream)]


async def _known(case: Case, doing: Any, table: Mapping[str, bool], what: str) -> None:
    error: ProviderError = await case.expect_error(doing, what=what)
    case.expect(
        str(error.kind) in table, f"{what} raised {type(error).__name__}, whose kind `{error.kind}` Rust does not know"
    )
    wanted = table[str(error.kind)]
    said = "retryable" if error.retryable else "not retryable"
    case.expect(
        error.retryable is wanted,
        f"{what} raised {type(error).__name__}, which is {said}: Rust says otherwise of `{error.kind}`",
    )


def _foreign(case: Case) -> Context:
    mark = "0" * 32
    match case.manifest.contexts[0]:
        case ContextKind.MARKER:
            return MarkerContext(fingerprint=mark, key="elsewhere")
        case ContextKind.KEYSET:
            return context_adapter.validate_python(
                {"kind": "keyset", "fingerprint": mark, "values": [{"type": "int", "value": 1}]}
            )
        case ContextKind.TOKEN:
            return TokenContext(fingerprint=mark, offset=0)
        case ContextKind.OFFSET:
            return OffsetContext(fingerprint=mark, partitions={"elsewhere": 1})


def _numbers(package: Package) -> Iterator[tuple[str, Mapping[str, Any], type[BaseModel]]]:
    """Return each field that is one number, or one or nothing, with its schema in the manifest and its model."""
    manifest = package.manifest
    for schema, model in zip((manifest.credentials, manifest.params), package.models, strict=True):
        properties: Any = schema.get("properties", {})
        for name in model.model_fields:
            options = [
                resolved(one, schema) for one in (properties.get(name, {}).get("anyOf") or [properties.get(name, {})])
            ]
            numbers = [one for one in options if one.get("type") in ("integer", "number")]
            chosen = any("const" in one or "enum" in one for one in options)
            if (
                len(numbers) == 1
                and not chosen
                and all(one.get("type") in ("integer", "number", "null") for one in options)
            ):
                yield name, numbers[0], model


def _edges(schema: Mapping[str, Any]) -> list[float]:
    whole = schema.get("type") == "integer"
    low, high = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
    step = 1 if whole else 0.5
    return [low - step, low, high, high + step, *([low + 0.5] if whole else [])]


def _fits(number: float, schema: Mapping[str, Any]) -> bool:
    if schema.get("type") == "integer" and not float(number).is_integer():
        return False
    tests = {
        "minimum": number.__ge__,
        "maximum": number.__le__,
        "exclusiveMinimum": number.__gt__,
        "exclusiveMaximum": number.__lt__,
    }
    fits = all(test(schema[word]) for word, test in tests.items() if word in schema)
    return fits and not ("multipleOf" in schema and number % schema["multipleOf"])


def _passes(model: type[BaseModel], field: str, text: str) -> bool:
    """Whether the model has nothing to say against that field, whatever it says of others that are not given."""
    try:
        model.model_validate_json(f"{{{json.dumps(field)}:{text}}}")
    except ValidationError as err:
        return all(one["loc"] and one["loc"][0] != field for one in err.errors(include_input=False))
    return True
