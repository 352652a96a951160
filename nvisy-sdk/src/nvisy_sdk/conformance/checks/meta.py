"""META: the manifest, and the models of credentials and parameters it describes."""

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr, TypeAdapter, ValidationError

from ..._batch import Batch
from ..._check import ABILITY_METHODS, CREDENTIALS, PARAMS
from ..._error import ProtocolError, ProviderError
from ..._kind import Ability, CapabilityState, ErrorKind, Feature
from ..._manifest import MANIFEST_FILE, PROTOCOL, Capability, Manifest
from .._case import Case
from .._check import check
from .._child import ask
from .._json_schema import choices, defect, nodes, resolved
from .._outcome import Level
from .._static import Package

_SECRET: Final = re.compile(
    r"(^|_)(password|passwd|pwd|passphrase|secret|token|api_?key|access_?key|private_?key|sas|dsn|connection_string)$",
    re.I,
)
"""Names of fields that hold a secret. `key_id`, `max_tokens` and `partition_key` are none."""
_STRANGER: Final = "nvisy_kit_stranger"
_CANARY: Final = "nvisy-kit-canary-7c1f"
_ELSEWHERE: Final = frozenset(
    {ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.UNAVAILABLE, ErrorKind.AUTH, ErrorKind.NOT_FOUND}
)
"""What `connect` may raise when a parameter's default leads to another system than the harness's."""


@check(
    "META-01",
    Level.LOADABLE,
    "the package has a manifest that is valid and can be read without importing it",
    static=True,
)
async def manifest_is_valid(package: Package) -> None:
    """Read the file."""
    folder = package.folder
    package.expect(
        package.subject.manifest_text is not None,
        f"there is no {MANIFEST_FILE} in `{folder.name}`; `python -m nvisy_sdk manifest {package.module} --write` makes it",
    )
    manifest = package.manifest
    package.observe(len(type(manifest).model_fields))
    name = package.subject.name
    package.expect(manifest.name == name, f"the manifest is of `{manifest.name}`, the entry point of `{name}`")


@check("META-02", Level.LOADABLE, "the manifest says what the code says", static=True, after=("META-01", "PKG-02"))
async def manifest_has_not_drifted(package: Package) -> None:
    """Compare the file with what the code describes now, and its abilities with the class."""
    manifest, provider = package.manifest, package.provider
    for ability, names in ABILITY_METHODS.items():
        present = all(hasattr(provider, name) for name in names)
        what = "there is no such method" if manifest.can(ability) else "the class has it"
        package.expect(manifest.can(ability) == present, f"the manifest is wrong about `{ability}`: {what}")
    describe = getattr(importlib.import_module(package.module), "manifest", None)
    package.expect(callable(describe), f"`{package.module}` has no function `manifest` that describes it")
    try:
        described = describe() if describe else None
    except ProtocolError as err:
        package.fail(f"`manifest()` of `{package.module}` fails: {err}")
    if not isinstance(described, Manifest):
        package.fail(f"`manifest()` of `{package.module}` returns {type(described).__name__}, not a Manifest")
    said, wanted = manifest.model_dump(mode="json"), described.model_dump(mode="json")
    stale = [name for name in wanted if said[name] != wanted[name]]
    fix = f"run `python -m nvisy_sdk manifest {package.module} --write`"
    package.expect(not stale, f"the manifest is stale in {', '.join(f'`{name}`' for name in stale)}; {fix}")


@check(
    "META-03",
    Level.LOADABLE,
    "its range of protocol versions holds the one this SDK speaks",
    static=True,
    after=("META-01",),
)
async def protocol_is_spoken(package: Package) -> None:
    """Compare the range with the SDK's version."""
    spoken = package.manifest.protocol
    package.expect(spoken.min <= spoken.max, f"the range of protocols is empty: {spoken.min} to {spoken.max}")
    there = spoken.min <= PROTOCOL <= spoken.max
    package.expect(there, f"it speaks the protocols {spoken.min} to {spoken.max}, this SDK speaks {PROTOCOL}")


@check(
    "META-04",
    Level.BRONZE,
    "every field that bears a secret is one that prints as stars",
    static=True,
    after=("SIG-01",),
)
async def secrets_are_secret(package: Package) -> None:
    """Judge fields by their names and by what they print."""
    for role, model in zip(("credentials", "parameters"), package.models, strict=True):
        package.observe()
        for name, field in model.model_fields.items():
            package.observe()
            types = set(_types(field.annotation))
            secret = bool(types & {SecretStr, SecretBytes})
            named = _SECRET.search(name) and types & {str, bytes}
            package.expect(
                not named or secret, f"`{name}` of the {role} bears a secret and is printed; make it a SecretStr"
            )
            if secret:
                hidden = model.model_construct(**{name: SecretStr(_CANARY)})  # type: ignore[arg-type]
                shown = f"{hidden!r} {hidden} {_dumped(hidden)}"
                package.expect(
                    _CANARY not in shown, f"`{name}` of the {role} is secret, but printing the model shows it"
                )


@check(
    "META-05",
    Level.BRONZE,
    "its JSON Schemas are sound: known types, no dangling `$ref`, each own field described, defaults that are valid",
    static=True,
    after=("META-01",),
)
async def schemas_are_sound(package: Package) -> None:
    """Walk through both schemas of the manifest."""
    manifest = package.manifest
    for role, schema in (("credentials", manifest.credentials), ("params", manifest.params)):
        package.expect(schema.get("type") == "object", f"the schema of the {role} is not that of an object")
        for where, node in nodes(schema, role):
            package.observe()
            wrong = defect(node, schema)
            package.expect(not wrong, f"the schema has a defect at `{where}`: {wrong}")
    for role, model in zip(("credentials", "params"), package.models, strict=True):
        described = getattr(manifest, role).get("properties", {})
        for name in own_fields(model):
            property_ = described.get(name, {})
            package.expect(property_.get("title"), f"`{name}` of the {role} has no title")
            text = f"`{name}` of the {role} has no description; write a docstring below it"
            package.expect(property_.get("description"), text)
        wrong = _bad_default(model)
        package.expect(not wrong, f"the {role}: {wrong}")


@check(
    "META-06",
    Level.SILVER,
    "a choice between several objects has one constant field that says which it is",
    static=True,
    after=("META-05",),
)
async def unions_are_told_apart(package: Package) -> None:
    """Look for choices between objects in both schemas."""
    manifest = package.manifest
    for role, schema in (("credentials", manifest.credentials), ("params", manifest.params)):
        for where, node in nodes(schema, role):
            package.observe()
            several = [resolved(one, schema) for one in choices(node)]
            objects = [one for one in several if one.get("type") == "object" and "properties" in one]
            constants = [{name for name, one in each["properties"].items() if "const" in one} for each in objects]
            clear = len(objects) < 2 or bool(set.intersection(*constants))
            package.expect(
                clear, f"`{where}` is one of {len(objects)} objects and nothing says which; give each a literal tag"
            )


@check("META-07", Level.BRONZE, "an unknown field is refused, without showing what was given", after=("SIG-01",))
async def unknown_fields_are_refused(case: Case) -> None:
    """Add a field to the credentials, and to the parameters."""
    for role, model, fields in _given(case):
        error = _refusal(model, {**fields, _STRANGER: case.secret})
        if error is None:
            case.fail(f"the {role} accept the unknown field `{_STRANGER}`: a misspelt one would be ignored in silence")
        case.observe()
        if role == "credentials":
            shown = f"{error} {error.errors(include_input=False)}"
            case.expect(
                case.secret not in shown, "the error about an unknown field of the credentials shows what was given"
            )


@check(
    "META-08",
    Level.BRONZE,
    "leaving out a field that the manifest calls required is refused",
    after=("SIG-01", "META-01"),
)
async def required_fields_are_required(case: Case) -> None:
    """Leave out each, one at a time."""
    for role, model, fields in _given(case):
        schema = case.manifest.credentials if role == "credentials" else case.manifest.params
        required = schema.get("required", [])
        case.observe()
        for name in required if isinstance(required, list) else []:
            rest = {key: value for key, value in fields.items() if key != name}
            text = f"the {role} are accepted without `{name}`, which the manifest calls required"
            case.expect(_refusal(model, rest) is not None, text)


@check(
    "META-09", Level.BRONZE, "a session opens without any optional field that is the provider's own", after=("CON-01",)
)
async def optional_fields_are_optional(case: Case) -> None:
    """Leave out every own field that has a default; where that leads elsewhere, connecting fails as it does there."""
    stream = await case.seed(case.items(1))
    credentials, params = (_minimal(model, fields) for _, model, fields in _given(case, stream))
    case.observe()
    try:
        session = await case.within(
            case.patience, _connected(case, credentials, params), "connecting with a minimal configuration"
        )
    except ProviderError as err:
        elsewhere = err.kind in _ELSEWHERE
        case.expect(
            elsewhere, f"without its optional fields `connect` raises `{err.kind}` ({err}): one of them is required"
        )
    else:
        await case.disconnect(session)


@check(
    "META-10",
    Level.BRONZE,
    "both models are frozen, and their schemas are the same in every process",
    static=True,
    after=("META-02",),
)
async def models_are_stable(package: Package) -> None:
    """Try to change a field, and describe the package in two processes with different hashes."""
    for role, model in zip(("credentials", "parameters"), package.models, strict=True):
        package.expect(
            model.model_config.get("frozen"), f"the {role} can be changed after they were checked; keep them frozen"
        )
    texts = [ask("describe", package.module, hash_seed=seed) for seed in (1, 2)]
    for answer in texts:
        package.expect("died" not in answer, f"{answer.get('died')}")
    same = texts[0]["text"] == texts[1]["text"]
    package.expect(same, "two processes describe the provider differently: something depends on the order of a set")


@check(
    "META-11",
    Level.LOADABLE,
    "every ability has a state, and what holds partly or not at all says why",
    static=True,
    after=("META-01",),
)
async def capabilities_are_explained(package: Package) -> None:
    """Look at every ability and feature of the manifest."""
    manifest = package.manifest
    for ability in Ability:
        package.expect(ability in manifest.abilities, f"the manifest says nothing about `{ability}`")
    named: Iterator[tuple[str, Capability]] = iter(
        [
            *((str(name), one) for name, one in manifest.abilities.items()),
            *((str(name), one) for name, one in manifest.features.items()),
        ]
    )
    for name, capability in named:
        silent = (
            capability.state in (CapabilityState.PARTIAL, CapabilityState.UNSUPPORTED)
            and not (capability.mechanism or "").strip()
        )
        package.expect(not silent, f"`{name}` is {capability.state} without a word on why; give it a mechanism")
    reads, writes = manifest.can(Ability.READ), manifest.can(Ability.WRITE)
    package.expect(reads or writes, "the manifest says that it can neither read nor write")
    package.expect(bool(manifest.contexts) == reads, "the manifest names kinds of context exactly when it can read")
    package.expect(bool(manifest.modes) == writes, "the manifest names write modes exactly when it can write")
    deletes = manifest.feature(Feature.DELETES).state is CapabilityState.FULL
    package.expect(
        not (reads and deletes),
        "`deletes` is claimed in full, but a read has no way to report what was deleted; declare it unsupported",
    )


@check(
    "META-13",
    Level.LOADABLE,
    "the kinds of data and of context that are read are the declared ones",
    needs=(Ability.READ,),
    after=("READ-01",),
)
async def kinds_are_the_declared_ones(case: Case) -> None:
    """Read two items and look at what came."""
    stream = await case.seed(case.items(2))
    async with case.session(stream) as session:
        reading = session.read(None)
        try:
            async for yielded in reading:
                kind = getattr(yielded, "kind", None) or (
                    case.manifest.kinds[0] if len(case.manifest.kinds) == 1 else None
                )
                case.expect(kind is not None, "a batch says no kind, and the manifest declares several")
                declared = ", ".join(case.manifest.kinds)
                case.expect(
                    kind in case.manifest.kinds, f"a batch is of kind `{kind}`, the manifest declares {declared}"
                )
                case.expect(
                    isinstance(yielded, Batch) or hasattr(yielded, "context"), f"it yields {type(yielded).__name__}"
                )
        finally:
            await reading.aclose()
        for _, context in await case.read(session):
            if context is not None:
                kind = getattr(context, "kind", type(context).__name__)
                declared = ", ".join(case.manifest.contexts)
                case.expect(
                    kind in case.manifest.contexts, f"a context is a `{kind}`, the manifest declares {declared}"
                )


def _given(case: Case, stream: str = "") -> Iterator[tuple[str, type[BaseModel], dict[str, object]]]:
    """Return each role's model, and the fields that the harness gives for it."""
    harness, models = case.service.harness, case.subject.models
    credentials = dict(harness.credentials(case.endpoint, case.secret))
    params = dict(harness.params(case.endpoint, stream or case.stream()))
    yield "credentials", models[0], credentials
    yield "parameters", models[1], params


def _refusal(model: type[BaseModel], fields: Mapping[str, object]) -> ValidationError | None:
    try:
        model.model_validate(fields)
    except ValidationError as err:
        return err
    return None


def _minimal(model: type[BaseModel], fields: Mapping[str, object]) -> BaseModel:
    own = set(own_fields(model))
    kept = {name: value for name, value in fields.items() if name not in own or model.model_fields[name].is_required()}
    return model.model_validate(kept)


async def _connected(case: Case, credentials: BaseModel, params: BaseModel) -> Any:
    provider: Any = case.subject.provider
    return await provider.connect(credentials, params)


def own_fields(model: type[BaseModel]) -> list[str]:
    """Return the fields that the provider added to the SDK's model, or declared anew."""
    bases = [base for base in (*CREDENTIALS.values(), *PARAMS.values()) if issubclass(model, base)]
    known = {name: field.annotation for base in bases for name, field in base.model_fields.items()}
    return [name for name, field in model.model_fields.items() if name not in known or known[name] != field.annotation]


def _types(annotation: Any) -> Iterator[object]:
    yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _types(argument)


def _dumped(model: BaseModel) -> str:
    try:
        return f"{model.model_dump()} {model.model_dump(mode='json', warnings=False)}"
    except Exception:  # noqa: BLE001 - a model that cannot be written shows nothing
        return ""


def _bad_default(model: type[BaseModel]) -> str:
    for name, field in model.model_fields.items():
        if field.is_required():
            continue
        type_: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        try:
            TypeAdapter(type_).validate_python(field.get_default(call_default_factory=True, validated_data={}))
        except ValidationError as err:
            return f"the default of `{name}` is not valid: {err.errors(include_input=False)[0]['msg']}"
    return ""
