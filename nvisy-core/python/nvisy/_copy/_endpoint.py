"""A URI to one end of a copy: provider, parameters, credentials and step options, as the provider's manifest maps them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from nvisy._copy._coerce import coerce, is_path, is_secret
from nvisy._copy._steps import DECODE, ENCODE
from nvisy._copy._uri import Uri, refuse, split
from nvisy.discovery import Discovery, ProviderInfo

__all__ = ["Endpoint", "endpoint", "nearest"]

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a copy.

    Attributes:
        role: ``source`` or ``target``.
        info: The provider.
        params: Its parameters, paths made absolute.
        credentials: Its credentials, or references to them.
        step: Options of the decode or encode step, as far as the URI gives any.
        secrets: The secrets written out in the URI, in every spelling that must not be printed.
    """

    role: str
    info: ProviderInfo
    params: dict[str, object]
    credentials: dict[str, object] = field(repr=False)
    step: dict[str, object]
    place: str | None
    """The path the URI names, from which a stream without a name of its own gets one."""
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_object(self) -> bool:
        """Whether it moves blobs, which hold records only once decoded."""
        return "object" in self.info.kinds and "record" not in self.info.kinds

    def takes(self, name: str) -> bool:
        """Whether the provider has a parameter of that name."""
        return name in _properties(self.info.manifest["params"])


def endpoint(text: str, *, role: str, discovery: Discovery, base: Path) -> Endpoint:
    """Read one end of a copy from its URI.

    Args:
        text: The URI.
        role: ``source`` or ``target``.
        discovery: The installed providers.
        base: The folder that relative paths start from.

    Raises:
        DefinitionError: If the URI names no provider, or something the provider does not know.
    """
    uri = split(text, role=role)
    reader = _Reader(role, _provider(uri, role, discovery), base)
    reader.parts(uri)
    reader.query(uri)
    if role == "source":
        reader.single_file()
    secrets = _spellings(text, reader.secrets)
    return Endpoint(role, reader.info, reader.params, reader.credentials, reader.step, uri.path, secrets)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, if one is."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


class _Reader:
    """Collects what the parts and the query of one URI say."""

    def __init__(self, role: str, info: ProviderInfo, base: Path) -> None:
        self.role = role
        self.info = info
        self.base = base
        self.params: dict[str, object] = {}
        self.credentials: dict[str, object] = {}
        self.step: dict[str, object] = {}
        self.secrets: list[str] = []
        objects = "object" in info.kinds and "record" not in info.kinds
        steps = (DECODE if role == "source" else ENCODE) if objects else {}
        # A provider's own parameter goes before an option of the step that bears the same name.
        self.targets: list[tuple[dict[str, object], Schema, Schema]] = [
            (self.params, _mapping(info.manifest["params"]), _properties(info.manifest["params"])),
            (self.credentials, _mapping(info.manifest["credentials"]), _properties(info.manifest["credentials"])),
            (self.step, {}, steps),
        ]

    def parts(self, uri: Uri) -> None:
        form = _mapping(self.info.manifest["uri"])
        fields = {str(part): str(name) for part, name in _mapping(form.get("parts")).items()}
        given = {
            "username": uri.username,
            "password": uri.password,
            "host": uri.host,
            "port": uri.port,
            "path": uri.path,
        }
        if "absolute_path" in fields:
            given["absolute_path"] = f"/{given.pop('path') or ''}" if uri.path or not uri.host else None
        for part, value in given.items():
            if value is None:
                continue
            if part not in fields:
                known = ", ".join(sorted(fields)) or "none"
                hint = f"the parts it has are {known}; an absolute path needs three slashes: {uri.scheme}:///..."
                raise refuse(self.role, f"{self.info.title} has no {part.replace('_', ' ')} in its URI", hint)
            self.put(fields[part], [value], shown=part.replace("_", " "))

    def query(self, uri: Uri) -> None:
        grouped: dict[str, list[str]] = {}
        for name, value in uri.query:
            grouped.setdefault(name, []).append(value)
        for name, values in grouped.items():
            if any(name in store for store, _, _ in self.targets):
                raise refuse(self.role, f"`{name}` is given twice", "it is a part of the URI already")
            self.put(name, values, shown=f"parameter `{name}`")

    def single_file(self) -> None:
        """A path that is meant to be a folder and is a file means that one file of its folder."""
        known = _properties(self.info.manifest["params"])
        if self.info.category != "object" or "glob" not in known or "glob" in self.params:
            return
        for name, value in self.params.items():
            schema = _mapping(known[name])
            if (
                isinstance(value, str)
                and is_path(schema, _mapping(self.info.manifest["params"]))
                and Path(value).is_file()
            ):
                self.params[name] = str(Path(value).parent)
                self.params["glob"] = re.sub(r"([*?[])", r"[\1]", Path(value).name)
                return

    def put(self, name: str, texts: list[str], *, shown: str) -> None:
        for store, root, known in self.targets:
            if name in known:
                store[name] = self.value(texts, _mapping(known[name]), root, shown)
                return
        names = sorted({name for _, _, known in self.targets for name in known})
        close = nearest(name, names)
        hint = f"did you mean `{close}`? " if close else ""
        raise refuse(self.role, f"{self.info.title} has no {shown}", f"{hint}it has {', '.join(names)}")

    def value(self, texts: list[str], schema: Schema, root: Schema, shown: str) -> object:
        secret = is_secret(schema, root)
        if secret:
            self.secrets.extend(text for text in texts if not _is_reference(text))
        try:
            value = coerce(texts, schema, root)
        except ValueError as error:
            said = "***" if secret else ",".join(texts)
            raise refuse(self.role, f"the {shown} is `{said}`, which is {error}", "correct the value") from None
        if isinstance(value, str) and is_path(schema, root):
            return str((self.base / Path(value).expanduser()).absolute())
        return value


def _provider(uri: Uri, role: str, discovery: Discovery) -> ProviderInfo:
    fitting = [info for info in discovery.providers if uri.scheme in info.schemes]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(f"{info.name} ({info.distribution})" for info in fitting)
        hint = "uninstall one, switch it off with NVISY_DISABLE_PLUGINS, or write a workflow file"
        raise refuse(role, f"the scheme `{uri.scheme}` belongs to {names}", hint)
    message = f"no installed provider has the scheme `{uri.scheme}`"
    broken = next((p for p in discovery.problems if p.entry_point == uri.scheme and p.severity == "error"), None)
    if broken is not None:
        message = f"the provider `{uri.scheme}` of {broken.distribution} cannot be used: {broken.message}"
        raise refuse(role, message, broken.hint)
    schemes = sorted({scheme for info in discovery.providers for scheme in info.schemes})
    close = nearest(uri.scheme, schemes)
    known = f"installed are {', '.join(schemes)}" if schemes else "no provider with a URI form is installed"
    hint = f"did you mean `{close}`? {known}" if close else f"{known}; `nvisy providers` says more"
    raise refuse(role, message, hint)


def _spellings(text: str, secrets: list[str]) -> tuple[str, ...]:
    """Every way in which the secrets may turn up: as decoded, and as the URI spells them."""
    found: dict[str, None] = {}
    for secret in secrets:
        raw = [part for part in re.split(r"[:@/?&=]", text) if part and unquote(part) == secret]
        found.update(dict.fromkeys([secret, *raw, quote(secret), quote(secret, safe="")]))
    return tuple(spelling for spelling in found if spelling)


def _is_reference(text: str) -> bool:
    return text.startswith("${") and text.endswith("}")


def _properties(schema: object) -> Schema:
    return _mapping(_mapping(schema).get("properties"))


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}
