"""A manifest derived from code, the file it is written to, and the command for both."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Self

import pytest
from nvisy_sdk import (
    Ability,
    Batch,
    Capability,
    CapabilityState,
    Category,
    Context,
    ContextKind,
    CredentialShape,
    DataKind,
    Feature,
    Manifest,
    ObjectParams,
    PasswordCredentials,
    ProtocolError,
    describe_provider,
    drift,
    manifest_text,
    write_manifest,
)
from nvisy_sdk.__main__ import main


class Login(PasswordCredentials):
    """A login."""

    realm: str = "main"
    """Where the user lives."""


class Params(ObjectParams):
    """A bucket."""

    bucket: str
    """The bucket's
    name."""


class Source:
    """A source without a sink."""

    @classmethod
    async def connect(cls, credentials: Login, params: Params) -> Self:
        return cls()

    async def disconnect(self) -> None: ...

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        for _ in ():
            yield _


def described(**more: object) -> Manifest:
    """Return the manifest of the source."""
    said: dict[str, object] = {
        "name": "bucket",
        "title": "Bucket",
        "category": Category.OBJECT,
        "kinds": [DataKind.OBJECT],
        "contexts": [ContextKind.MARKER],
        **more,
    }
    return describe_provider(Source, **said)  # type: ignore[arg-type]


def test_manifest_says_what_the_code_can_do() -> None:
    """Abilities come from the methods, the credential shape and the schemas from `connect`."""
    manifest = described(limits={Ability.READ: {"max_item_bytes": 5}})
    assert {ability for ability in Ability if manifest.can(ability)} == {Ability.READ}
    assert {manifest.abilities[ability].state for ability in Ability} == {
        CapabilityState.FULL,
        CapabilityState.NOT_IMPLEMENTED,
    }
    assert manifest.can(Ability.READ)
    assert not manifest.can(Ability.WRITE)
    assert manifest.limit(Ability.READ, "max_item_bytes") == 5
    assert manifest.limit(Ability.READ, "other") is manifest.limit(Ability.WRITE, "other") is None
    assert manifest.credential_shape is CredentialShape.PASSWORD


def test_manifest_marks_secrets_and_describes_fields() -> None:
    """A person who fills in a form sees the author's words, and a secret is known as one."""
    manifest = described()
    fields = manifest.credentials["properties"]
    assert isinstance(fields, dict)
    assert fields["password"] == {
        "description": "The user's password.",
        "format": "password",
        "title": "Password",
        "type": "string",
        "writeOnly": True,
    }
    assert fields["realm"] == {
        "default": "main",
        "description": "Where the user lives.",
        "title": "Realm",
        "type": "string",
    }
    assert manifest.params["required"] == ["bucket"]
    assert json.dumps(manifest.params).count('"The bucket\'s name."') == 1
    assert "Only keys that begin with this" in json.dumps(manifest.params)


def test_mechanism_makes_an_ability_partial_or_says_why_it_is_absent() -> None:
    """What cannot be there is said to be unsupported, with the reason."""
    manifest = described(mechanisms={Ability.READ: "one part at a time", Ability.STAGED: "no rename"})
    assert manifest.abilities[Ability.READ].state is CapabilityState.PARTIAL
    assert manifest.can(Ability.READ)
    assert manifest.abilities[Ability.STAGED].state is CapabilityState.UNSUPPORTED
    assert not manifest.can(Ability.STAGED)


def test_feature_is_claimed_in_full_when_nothing_else_is_said() -> None:
    """What an author does not mention is a promise like any other."""
    partial = Capability(state=CapabilityState.PARTIAL, mechanism="28 digits", limits={"precision": 28})
    manifest = described(features={Feature.DECIMAL: partial})
    assert manifest.feature(Feature.DECIMAL) == partial
    assert manifest.feature(Feature.ORDER) == Capability(state=CapabilityState.FULL)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"category": Category.QUEUE}, "does not extend `QueueParams`"),
        ({"kinds": []}, "at least one kind"),
        ({"contexts": []}, "name `contexts`"),
        ({"modes": ["append"]}, "name `modes`"),
        ({"limits": {Ability.WRITE: {"max_batch_rows": 1}}}, "not there"),
        (
            {"features": {Feature.ORDER: Capability(state=CapabilityState.UNSUPPORTED)}},
            "`order` is unsupported without",
        ),
    ],
    ids=lambda value: str(value),
)
def test_describe_is_refused_when_the_words_contradict_the_code(said: dict[str, object], reason: str) -> None:
    """The author hears which word is wrong."""
    with pytest.raises(ProtocolError, match=reason):
        described(**said)


def test_describe_gives_all_reasons_when_there_are_several() -> None:
    """Nothing is fixed one run at a time."""
    with pytest.raises(ProtocolError) as caught:
        described(kinds=[], contexts=[], modes=["append"])
    assert caught.value.message.count(";") == 2


def test_describe_is_refused_when_the_class_cannot_be_loaded() -> None:
    """A manifest of something broken would only hide it."""
    with pytest.raises(ProtocolError, match="there is no `connect`"):
        describe_provider(int, name="ab", title="", category=Category.OBJECT, kinds=[DataKind.OBJECT])


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose manifest is that of the memory provider under another title."""
    folder = tmp_path / "some_plugin"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from nvisy_sdk import memory\n\n"
        "def manifest():\n    return memory.manifest().model_copy(update={'title': 'Größe'})\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_plugin"
    sys.modules.pop("some_plugin", None)


def test_manifest_file_equals_the_code_when_it_was_written(package: str) -> None:
    """Written once, it shows no drift; changed by hand, it does."""
    assert "Größe" in drift(package)
    path = write_manifest(package)
    assert path.name == "nvisy_provider.json"
    assert drift(package) == ""
    assert path.read_text(encoding="utf-8") == manifest_text(package)
    assert Manifest.model_validate_json(path.read_bytes()).title == "Größe"
    path.write_text(path.read_text(encoding="utf-8").replace("Größe", "Grösse"), encoding="utf-8")
    assert drift(package).splitlines()[-4:] != []


def test_manifest_of_the_memory_provider_equals_its_code() -> None:
    """The reference provider's own file does not drift."""
    assert drift("nvisy_sdk.memory") == ""


def test_command_tells_drift_by_its_exit_code(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    """1 while the file differs, with the way out; 0 once it is written."""
    assert main(["manifest", package, "--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert main(["manifest", package, "--write"]) == 0
    assert main(["manifest", package, "--check"]) == 0
    capsys.readouterr()
    assert main(["manifest", package]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Größe"


@pytest.mark.parametrize("name", ["no_such_package", "json"])
def test_command_says_why_when_there_is_no_manifest_to_make(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A package that is missing, or is no plugin, is exit code 2 and one sentence."""
    assert main(["manifest", name]) == 2
    assert name in capsys.readouterr().err
