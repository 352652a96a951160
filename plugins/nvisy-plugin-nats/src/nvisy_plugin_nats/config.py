"""What a node may ask of NATS JetStream, and the limits the provider states both in its manifest and in its errors."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from nvisy_sdk import PasswordCredentials, QueueParams
from pydantic import ConfigDict, Field, StrictBool, model_validator

Seconds: TypeAlias = Annotated[float, Field(gt=0, le=3_600)]
Long: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]

MAX_PAYLOAD: Final = 1_048_576  # bytes, headers included: what a server takes unless it is told otherwise
NAMES: Final = "a name on this server has no white space and no dot, star, angle or slash"
HEADERS: Final = "a header has an ASCII name and one or more texts without line breaks or white space at their ends"


class Credentials(PasswordCredentials):
    """A user of the server and the password."""


class Params(QueueParams):
    """A stream, and how to reach the servers that keep it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a password may have been written into an address

    host: str = "localhost"
    """Where the server is; `servers` names more than one."""
    port: Annotated[int, Field(strict=True, ge=1, le=65_535)] = 4222
    """The server's port."""
    servers: tuple[str, ...] = ()
    """Servers of one cluster, as `host:port` or `tls://host:port`, in place of `host` and `port`."""
    domain: str | None = None
    """The JetStream domain, where the servers have several."""
    tls: Literal["auto", "require", "first"] = "auto"
    """Encrypt when the server asks for it; or refuse one that does not; or encrypt before the first word is said."""
    tls_insecure: StrictBool = False
    """Accept any certificate: whoever stands between can then read the password."""
    tls_ca_file: Path | None = None
    """Certificates that are trusted, in place of those of the operating system."""
    tls_cert_file: Path | None = None
    """The client's own certificate, where the server asks for one."""
    tls_key_file: Path | None = None
    """The key of the client's certificate, when it is not in the same file."""
    tls_hostname: str | None = None
    """The name the server's certificate must bear, when it is not the address."""
    connect_timeout: Seconds = 10.0
    """Seconds for the whole of a connect."""
    request_timeout: Seconds = 10.0
    """Seconds without any answer after which a request has failed."""
    durable: str | None = None
    """The durable consumer by which committed messages are acknowledged when the next read begins."""
    on_gap: Literal["error", "skip"] = "error"
    """What to do when the stream has removed messages after the position without this reader having seen them."""
    ids: Literal["sequence", "header"] = "sequence"
    """The `id` of a message that was published without one: its stream and sequence, or null."""
    subject_prefix: str = ""
    """Put before every subject when writing."""
    without_id: Literal["plain", "digest", "reject"] = "plain"
    """How to write a message without an `id`: without protection from repeats, under a digest of it, or not at all."""
    create: StrictBool = False
    """Create the stream when it is not there."""
    subjects: tuple[str, ...] = ()
    """Subjects of a stream that is created; `subject` when none are named."""
    storage: Literal["file", "memory"] = "file"
    """Where a stream that is created keeps its messages."""
    retention: Literal["limits", "workqueue", "interest"] = "limits"
    """When a stream that is created removes messages: at its limits, once acknowledged, or once all consumers have."""
    replicas: Annotated[int, Field(strict=True, ge=1, le=5)] = 1
    """Copies that a cluster keeps of a stream that is created."""
    max_age: Long | None = None
    """Seconds that a stream that is created keeps a message."""
    max_messages: Count | None = None
    """Messages that a stream that is created keeps."""
    max_bytes: Count | None = None
    """Bytes that a stream that is created keeps."""
    duplicate_window: Long | None = None
    """Seconds for which a stream that is created knows an `id` again; the server's default is 120."""

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for server in self.servers:
            parts = urlsplit(server if "://" in server else f"nats://{server}")
            if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.path not in ("", "/"):
                raise ValueError("a server is written as host:port, nats://host:port or tls://host:port")
            if parts.username is not None:
                raise ValueError("a server's address holds no user and no password; they are credentials")
        return self

    def urls(self) -> list[str]:
        """Return the servers as URLs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return [each if "://" in each else f"nats://{each}" for each in self.servers] or [f"nats://{host}:{self.port}"]

    def encrypted(self) -> bool:
        """Whether a connection without encryption is refused."""
        return self.tls != "auto" or any(url.startswith("tls:") for url in self.urls())
