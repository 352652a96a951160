"""The closed sets of words that both languages share. There is no "other" in any of them."""

from enum import StrEnum


class DataKind(StrEnum):
    """What one item of a stream is, and which columns it has."""

    OBJECT = "object"
    """A blob: path, data, size; optional content_type, offset, etag, modified_at, metadata."""
    RECORD = "record"
    """A row: the source's own columns."""
    EMBEDDING = "embedding"
    """A vector: id, vector; optional metadata."""
    DOCUMENT = "document"
    """A JSON document: id, content; optional metadata."""
    MESSAGE = "message"
    """A queue message: payload; optional id, subject, key, headers, timestamp."""
    GRAPH = "graph"
    """A node or an edge: element, id; optional labels, from, to, label, properties."""


class ContextKind(StrEnum):
    """How a source remembers where it stopped."""

    MARKER = "marker"
    KEYSET = "keyset"
    TOKEN = "token"
    OFFSET = "offset"


class ErrorKind(StrEnum):
    """What went wrong."""

    AUTH = "auth"
    PERMISSION = "permission"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    INVALID_CONFIG = "invalid_config"
    INVALID_DATA = "invalid_data"
    INVALID_CONTEXT = "invalid_context"
    CONTEXT_EXPIRED = "context_expired"
    UNSUPPORTED = "unsupported"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    MISSING_DEPENDENCY = "missing_dependency"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


class WriteMode(StrEnum):
    """What happens to items whose key is already there."""

    APPEND = "append"
    """Every item is added."""
    UPSERT = "upsert"
    """An item takes the place of the one with its key."""
    REPLACE = "replace"
    """The target holds exactly this run's items when the run ends; until then the old ones."""


class Category(StrEnum):
    """The families of systems."""

    RELATIONAL = "relational"
    OBJECT = "object"
    VECTOR = "vector"
    DOCUMENT = "document"
    QUEUE = "queue"
    SEARCH = "search"
    GRAPH = "graph"


class CredentialShape(StrEnum):
    """The shapes of credentials the engine knows."""

    NONE = "none"
    PASSWORD = "password"
    TOKEN = "token"
    KEY_PAIR = "key_pair"


class Operator(StrEnum):
    """A comparison of a column with a value."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


class Ability(StrEnum):
    """Something a provider may be able to do, in the order Rust writes them."""

    READ = "read"
    WRITE = "write"
    INSPECT = "inspect"
    PREPARE = "prepare"
    TRANSACTIONAL = "transactional"
    STAGED = "staged"


class CapabilityState(StrEnum):
    """How far an ability goes."""

    FULL = "full"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    NOT_IMPLEMENTED = "not_implemented"


class UriPart(StrEnum):
    """A part of a URI, in the order Rust writes them."""

    PATH = "path"
    ABSOLUTE_PATH = "absolute_path"
    HOST = "host"
    PORT = "port"
    USERNAME = "username"
    PASSWORD = "password"
