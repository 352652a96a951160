"""A provider's manifest, derived from its code: abilities from the methods that are there, schemas from `connect`.

What is derived cannot drift; what a person must say (title, kinds, modes, limits, why an ability is partial) is an argument.
"""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from ._check import ABILITY_METHODS, CREDENTIALS, PARAMS, abilities_of, connect_models, load_checks
from ._error import ProtocolError
from ._kind import Ability, CapabilityState, Category, ContextKind, CredentialShape, DataKind, Feature, WriteMode
from ._manifest import PROTOCOL, Capability, Manifest, ProtocolRange, UriForm


def describe_provider(
    cls: type,
    *,
    name: str,
    title: str,
    category: Category,
    kinds: Sequence[DataKind],
    contexts: Sequence[ContextKind] = (),
    modes: Sequence[WriteMode] = (),
    limits: Mapping[Ability, Mapping[str, int]] | None = None,
    uri: UriForm | None = None,
    mechanisms: Mapping[Ability, str] | None = None,
    features: Mapping[Feature, Capability] | None = None,
) -> Manifest:
    """Return the manifest of a provider's class.

    Args:
        cls: The class with `connect`.
        name: Its name in workflows.
        title: Its name for people.
        category: The family of systems it belongs to; its params model must extend that category's.
        kinds: Kinds of data it moves.
        contexts: Kinds of context its reads carry; needed when it reads.
        modes: Write modes it offers; needed when it writes.
        limits: Named limits of abilities.
        uri: How a URI names its parameters.
        mechanisms: Why an ability that is there is only partial, or why one that is absent cannot be there. An absent one
            without a reason is listed as not implemented.
        features: What holds only partly or not at all, each with its mechanism; everything else is claimed in full.

    Raises:
        ProtocolError: The class cannot be loaded, or what is said contradicts it. All reasons are in the message.
    """
    problems = load_checks(cls) or [
        *_contradictions(cls, category, kinds, contexts, modes, limits or {}),
        *_unexplained(features or {}),
    ]
    if problems:
        raise ProtocolError("describe the provider: " + "; ".join(problems))
    credentials, params = connect_models(cls)
    return Manifest(
        protocol=ProtocolRange(min=PROTOCOL, max=PROTOCOL),
        name=name,
        title=title,
        category=category,
        kinds=tuple(kinds),
        contexts=tuple(contexts),
        modes=tuple(modes),
        abilities=_capabilities(cls, limits or {}, mechanisms or {}),
        features=dict(features or {}),
        credential_shape=_shape_of(credentials),
        credentials=_documented_schema(credentials),
        params=_documented_schema(params),
        uri=uri,
    )


def _contradictions(
    cls: type,
    category: Category,
    kinds: Sequence[DataKind],
    contexts: Sequence[ContextKind],
    modes: Sequence[WriteMode],
    limits: Mapping[Ability, Mapping[str, int]],
) -> list[str]:
    found = abilities_of(cls)
    params = connect_models(cls)[1]
    wanted = PARAMS[category]
    reads, writes = Ability.READ in found, Ability.WRITE in found
    rules = (
        (
            issubclass(params, wanted),
            f"`{params.__name__}` does not extend `{wanted.__name__}`, the shape of {category} nodes",
        ),
        (bool(kinds), "name at least one kind of data"),
        (bool(contexts) == reads, "name `contexts` exactly when there is a `read`"),
        (bool(modes) == writes, "name `modes` exactly when there is a `write`"),
        (set(limits) <= set(found), "limits are named for an ability that is not there"),
    )
    return [text for holds, text in rules if not holds]


def _unexplained(features: Mapping[Feature, Capability]) -> list[str]:
    """Return a sentence for each feature that holds only partly, or not at all, without a word on why."""
    return [
        f"the feature `{feature}` is {capability.state} without a mechanism; say why"
        for feature, capability in features.items()
        if capability.state is not CapabilityState.FULL and not capability.mechanism
    ]


def _capabilities(
    cls: type, limits: Mapping[Ability, Mapping[str, int]], mechanisms: Mapping[Ability, str]
) -> dict[Ability, Capability]:
    found = abilities_of(cls)
    capabilities = {}
    for ability in ABILITY_METHODS:
        mechanism = mechanisms.get(ability)
        if ability in found:
            state = CapabilityState.FULL if mechanism is None else CapabilityState.PARTIAL
            capabilities[ability] = Capability(state=state, mechanism=mechanism, limits=dict(limits.get(ability, {})))
        else:
            state = CapabilityState.NOT_IMPLEMENTED if mechanism is None else CapabilityState.UNSUPPORTED
            capabilities[ability] = Capability(state=state, mechanism=mechanism)
    return capabilities


def _shape_of(credentials: type[BaseModel]) -> CredentialShape:
    return next(shape for shape, base in CREDENTIALS.items() if issubclass(credentials, base))


def _documented_schema(model: type[BaseModel]) -> dict[str, JsonValue]:
    """Return the model's JSON Schema with the docstrings below its fields as descriptions.

    Pydantic's own option for this parses every class on import; a manifest is made once, by its author.
    """
    schema: dict[str, JsonValue] = model.model_json_schema()
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name, text in _field_docstrings(model).items():
            described = properties.get(name)
            if isinstance(described, dict):
                described.setdefault("description", text)
    return schema


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, after in itertools.pairwise(statements):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                    found[name] = " ".join(text.split())
                case _:
                    pass
    return found
