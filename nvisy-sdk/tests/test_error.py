"""The tree of errors."""

import copy
import pickle

import nvisy_sdk
import pytest
from nvisy_sdk import ErrorKind, ProviderError, ThrottledError

CLASSES = [
    found
    for name in nvisy_sdk.__all__
    if isinstance(found := getattr(nvisy_sdk, name), type) and issubclass(found, ProviderError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_keeps_everything_when_pickled_or_copied(kind: type[ProviderError]) -> None:
    """An error that crosses a process or a queue is the same error."""
    error = kind("the table is gone", hint="create it", retry_after=1.5, context={"table": "t"})
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert vars(twin) == vars(error)
        assert str(twin) == "the table is gone"


def test_each_kind_has_one_class_when_a_provider_can_raise_it() -> None:
    """Only the engine cancels; every other kind has exactly one class."""
    assert sorted(kind.kind for kind in CLASSES) == sorted(set(ErrorKind) - {ErrorKind.CANCELLED})


def test_error_carries_the_wait_when_the_system_named_one() -> None:
    """Retry-After travels with the error, and only some kinds are worth a second try."""
    assert ThrottledError("slow down", retry_after=30).retry_after == 30
    retryable = {kind.kind for kind in CLASSES if kind.retryable}
    assert retryable == {ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.THROTTLED, ErrorKind.UNAVAILABLE}


def test_context_is_a_copy_when_the_caller_keeps_the_mapping() -> None:
    """Changing the mapping afterwards does not change the error."""
    where = {"table": "t"}
    error = ProviderError("x", context=where)
    where["table"] = "u"
    assert error.context == {"table": "t"}
