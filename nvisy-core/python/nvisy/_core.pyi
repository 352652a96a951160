"""The Rust half of Nvisy. Text in and out is JSON unless it says otherwise."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, final

from nvisy_sdk import DataKind, Schema

class _Loader(Protocol):
    def load(self, name: str, /) -> type: ...

class _Fault(Protocol):
    @property
    def exception(self) -> BaseException: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def retryable(self) -> bool: ...
    @property
    def retry_after(self) -> float | None: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str | None: ...
    @property
    def context(self) -> list[tuple[str, str]]: ...
    @property
    def traceback(self) -> str: ...

_Command: TypeAlias = (
    tuple[Literal["connect"], int, int, _Loader, str, str, str]
    | tuple[Literal["call"], int, int, str, str | None]
    | tuple[Literal["cancel"], int]
    | tuple[Literal["read"], int, int, str | None]
    | tuple[Literal["resume"], int]
    | tuple[Literal["stop"], int]
    | tuple[Literal["drain"], int]
    | tuple[Literal["abort"], int, int]
    | tuple[Literal["abandon"], int]
)

class BridgeError(Exception):
    """A failure no Python exception stands behind; args: message, JSON."""

class PlanError(Exception):
    """A workflow that cannot run; args[0]: JSON of its problems."""

def version() -> str:
    """Return the version of this build, as plain text."""

def schemas() -> str:
    """Return the name of every shape both languages share, with its JSON Schema."""

def validate(name: str, json: str) -> str:
    """Return the canonical JSON of `json` as the shape `name`.

    Raises:
        ValueError: It is refused; the text says why.
    """

def stop() -> None:
    """Stop everything in order; registered for the interpreter's exit."""

@final
class Engine:
    """An engine with its state folder and its providers."""

    def __new__(cls, home: str, providers: list[tuple[str, str]], loader: _Loader) -> Engine:
        """Open the engine.

        Args:
            home: The state folder.
            providers: Manifest and name of every provider.
            loader: What imports a provider's class at its first use.

        Raises:
            BridgeError: The state cannot be used.
        """

    def plan(self, text: str, base: str, options: str) -> str:
        """Return the plan of a workflow.

        Raises:
            PlanError: With every problem of the workflow.
        """

    def start(self, text: str, base: str, options: str) -> Run:
        """Start a workflow.

        Raises:
            PlanError: With every problem of the workflow.
            BridgeError: It is running already, or the state cannot be used.
        """

    def runs(self, limit: int) -> str:
        """Return the latest runs, newest first."""

    def run(self, id: str) -> str | None:
        """Return one run."""

    def describe(self, request: str) -> str:
        """Return what a provider says of the stream that `request` names.

        Raises:
            BridgeError: The engine refuses; what the provider raises comes as it is.
        """

@final
class Run:
    """A running or ended run."""

    @property
    def id(self) -> str: ...
    def progress(self) -> str:
        """Return how far it is."""

    def cancel(self) -> None:
        """Stop it; the outcome follows once its sessions are closed."""

    def wait(self, timeout: float | None = None) -> str | None:
        """Return the outcome, or None when it still runs after `timeout` seconds."""

    def exception(self) -> BaseException | None:
        """Return the exception that ended the run, the very object a provider raised."""

@final
class IncomingBatch:
    """A batch on its way into a sink; satisfies `nvisy_sdk.IncomingBatch`."""

    @property
    def kind(self) -> DataKind: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def schema(self) -> Schema: ...
    def __len__(self) -> int: ...
    def rows(self) -> list[dict[str, object]]: ...
    def tuples(self) -> list[tuple[object, ...]]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Link:
    """The Rust end of the bridge, held by the loop thread of `nvisy.host`; no method blocks."""

    def fileno(self) -> int: ...
    def take(self) -> list[_Command]: ...
    def answer(self, call: int, answer: str | None) -> bool: ...
    def fail(self, call: int, fault: _Fault) -> bool: ...
    def push(
        self,
        stream: int,
        data: object,
        kind: str | None,
        schema: Schema | None,
        positions: str | tuple[Sequence[str], str],
    ) -> bool: ...
    def done(self, stream: int) -> None: ...
    def failed(self, stream: int, fault: _Fault) -> None: ...
    def cancelled(self, stream: int) -> None: ...
    def closed(self, stream: int) -> None: ...
    def next_write(self, session: int) -> tuple[int, IncomingBatch, str | None] | None: ...
    def written(self, session: int, sequence: int, accepted: int, rejected: str | None = None) -> None: ...
    def refused(self, session: int, sequence: int, fault: _Fault) -> None: ...
    def close(self) -> None: ...

@final
class Session:
    """A provider's session driven from a plain thread, for tests and benchmarks of the bridge."""

    @staticmethod
    def open(
        manifest: str, loader: _Loader, credentials: str = "{}", params: str = "{}", timeout: float = 30.0
    ) -> Session: ...
    def read(self, context: str | None = None) -> Stream: ...
    def begin(self, method: str, argument: str | None = None, batch: IncomingBatch | None = None) -> Pending: ...
    def drop(self) -> None: ...

@final
class Stream:
    """One stream of a `Session`."""

    def next(self, timeout: float = 30.0) -> IncomingBatch | None: ...
    def context_after(self, count: int) -> str | None: ...
    def error(self) -> str | None: ...
    def drop(self) -> None: ...

@final
class Pending:
    """One call of a `Session` under way."""

    def wait(self, timeout: float = 30.0) -> str: ...
    def error(self) -> str | None: ...
    def drop(self) -> None: ...
