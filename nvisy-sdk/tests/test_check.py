"""What is found wrong with a provider's class before it is loaded."""

# The classes below are wrong on purpose, so their annotations are as loose as an author's might be.
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false, reportAssignmentType=false
# mypy: disable-error-code="no-untyped-def, override, assignment"

from collections.abc import AsyncIterator, Iterator
from typing import Self

import pytest
from nvisy_sdk import Batch, Context, IncomingBatch, NoCredentials, Receipt, RelationalParams, load_checks
from nvisy_sdk.memory import Provider
from pydantic import BaseModel


class Sound:
    """A source and sink without a fault, to derive faulty ones from."""

    @classmethod
    async def connect(cls, credentials: NoCredentials, params: RelationalParams) -> Self:
        return cls()

    async def disconnect(self) -> None: ...

    async def read(self, context: Context | None) -> AsyncIterator[Batch]:
        for _ in ():
            yield _

    async def write(self, batch: IncomingBatch) -> Receipt:
        return Receipt(accepted=len(batch))


class SyncWrite(Sound):
    def write(self, batch): ...


class AwaitableRead(Sound):
    async def read(self, context): ...


class BlockingRead(Sound):
    def read(self, context) -> Iterator[Batch]:
        yield from ()


class NotAMethod(Sound):
    read = 5


class OtherNames(Sound):
    async def write(self, rows): ...


class ExtraRequired(Sound):
    async def write(self, batch, mode): ...


class ExtraKeyword(Sound):
    async def write(self, batch, *, mode): ...


class StreamingWrite(Sound):
    async def write(self, batch):
        yield


class StaticRead(Sound):
    @staticmethod
    async def read(context):
        yield


class InstanceConnect(Sound):
    async def connect(self, credentials: NoCredentials, params: RelationalParams): ...


class SyncConnect(Sound):
    @classmethod
    def connect(cls, credentials: NoCredentials, params: RelationalParams): ...


class NoAnnotations(Sound):
    @classmethod
    async def connect(cls, credentials, params): ...


class DeadAnnotation(Sound):
    @classmethod
    async def connect(cls, credentials: "Gone", params: RelationalParams): ...  # type: ignore[name-defined]  # noqa: F821


class ForeignModel(Sound):
    class Loose(BaseModel):
        host: str

    @classmethod
    async def connect(cls, credentials: Loose, params: Loose): ...


class HalfInspect(Sound):
    async def check(self): ...


class HalfTransactional(Sound):
    async def committed(self, key): ...


class PublishWithoutWrite:
    connect = Sound.connect
    disconnect = Sound.disconnect
    read = Sound.read

    async def publish(self): ...


class Nothing:
    """Neither opened nor used."""


FAULTS = [
    (SyncWrite, "`write` is a plain function", "async def write(self, batch: IncomingBatch) -> Receipt"),
    (SyncWrite, "`write` is a plain function", "in_thread"),
    (AwaitableRead, "`read` is an `async def` without `yield`", "with `yield` in its body"),
    (BlockingRead, "`read` is a plain generator", "async def read"),
    (NotAMethod, "`read` is 5, not a method", "async def read"),
    (OtherNames, "`write` takes (rows); it is called with (batch)", "async def write(self, batch"),
    (ExtraRequired, "`write` takes (batch, mode)", "async def write(self, batch"),
    (ExtraKeyword, "`write` takes (batch, mode)", "async def write(self, batch"),
    (StreamingWrite, "`write` yields", "async def write"),
    (StaticRead, "`read` belongs to the class", "async def read"),
    (InstanceConnect, "`connect` is not a class method", "@classmethod"),
    (SyncConnect, "`connect` is a plain function", "@classmethod async def connect"),
    (NoAnnotations, "`connect` does not say which Pydantic model `credentials` is", "annotate it"),
    (DeadAnnotation, "annotations of `connect` cannot be evaluated", "Gone"),
    (ForeignModel, "`Loose`, the credentials of `connect`", "NoCredentials"),
    (ForeignModel, "`Loose`, the params of `connect`", "RelationalParams"),
    (HalfInspect, "`check` alone is not the ability `inspect`", "async def streams"),
    (HalfTransactional, "`committed` alone is not the ability `transactional`", "async def write_through"),
    (PublishWithoutWrite, "`staged` belongs to a sink", "async def write"),
    (Nothing, "there is no `connect`", "@classmethod async def connect"),
    (Nothing, "there is no `disconnect`", "async def disconnect"),
    (Nothing, "neither read nor write", "add `read`"),
]


@pytest.mark.parametrize("cls", [Sound, Provider], ids=lambda cls: cls.__name__)
def test_load_checks_find_nothing_when_the_class_is_sound(cls: type) -> None:
    """A provider that can be loaded has no defect."""
    assert load_checks(cls) == []


@pytest.mark.parametrize(("cls", "defect", "fix"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_load_checks_name_the_defect_and_its_fix(cls: type, defect: str, fix: str) -> None:
    """Each fault is found by its own sentence, which also says what to write."""
    found = load_checks(cls)
    assert any(defect in sentence and fix in sentence for sentence in found), found


def test_load_checks_find_one_fault_once() -> None:
    """A faulty class is not blamed for what it does well."""
    assert len(load_checks(SyncWrite)) == 1
    assert len(load_checks(AwaitableRead)) == 1


def test_load_checks_find_all_faults_at_once() -> None:
    """An author fixes everything in one go."""

    class Everything(SyncWrite, AwaitableRead, HalfInspect):
        """Three faults in one class."""

    assert len(load_checks(Everything)) == 3


@pytest.mark.parametrize("found", [None, 5, lambda: None, Sound()], ids=lambda found: type(found).__name__)
def test_load_checks_say_so_when_there_is_no_class(found: object) -> None:
    """An entry point may name anything."""
    assert load_checks(found) and "not a class" in load_checks(found)[0]


def test_load_checks_accept_more_when_it_is_optional() -> None:
    """A parameter with a default, and a decorated method, are the author's own business."""

    class Roomy(Sound):
        async def write(self, batch: IncomingBatch, *, fast: bool = False, **more: object) -> Receipt:
            return Receipt(accepted=len(batch))

    assert load_checks(Roomy) == []
