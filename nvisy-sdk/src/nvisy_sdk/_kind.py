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


class Feature(StrEnum):
    """What may be relied on unless the manifest says that it holds only partly or not at all, in the order Rust writes it."""

    ENDPOINT = "endpoint"
    """There is a server to connect to, not a file or this process."""
    TLS = "tls"
    """The connection can be encrypted, and is verified when it is."""
    NAMES = "names"
    """Streams and items may have any name."""
    FILTER = "filter"
    """A read can be narrowed to the items that meet a condition."""
    PROJECTION = "projection"
    """A read can be narrowed to some columns."""
    ORDER = "order"
    """Two reads of the same data have the same order."""
    SNAPSHOT = "snapshot"
    """A read sees the data as it was when the read began."""
    INCREMENTAL = "incremental"
    """After the last context comes exactly what was added since."""
    UPDATES = "updates"
    """What was changed after it was read is read again."""
    DELETES = "deletes"
    """What was deleted after it was read is reported."""
    CONSISTENCY = "consistency"
    """What a receipt accepts is seen by every read that begins afterwards; limit `within_ms` when only later."""
    ATOMIC = "atomic"
    """A batch is written whole or not at all."""
    NULL = "types.null"
    """Null, a missing value and an empty one are told apart."""
    BOOL = "types.bool"
    """Booleans stay booleans."""
    INT = "types.int"
    """Integers of 64 bits are exact."""
    UINT64 = "types.uint64"
    """Integers from 2^63 to 2^64 - 1 are exact."""
    FLOAT = "types.float"
    """Floats are exact to the bit."""
    NAN = "types.nan"
    """NaN and both infinities are kept."""
    DECIMAL = "types.decimal"
    """Decimals of 38 digits are exact, with their scale."""
    TEXT = "types.text"
    """Text is kept, code point by code point."""
    NUL = "types.nul"
    """The character NUL may stand in a text."""
    BYTES = "types.bytes"
    """Bytes are kept."""
    DATE = "types.date"
    """Dates from year 1 to 9999."""
    TIME = "types.time"
    """Times of day to the microsecond."""
    TIMESTAMP = "types.timestamp"
    """Timestamps to the microsecond, with and without a zone."""
    DURATION = "types.duration"
    """Durations to the microsecond."""
    UUID = "types.uuid"
    """UUIDs."""
    JSON = "types.json"
    """JSON values of any depth."""
    LIST = "types.list"
    """Lists."""
    STRUCT = "types.struct"
    """Structs."""
    VECTOR = "types.vector"
    """Vectors of 32-bit floats are exact to the bit."""
    METADATA = "types.metadata"
    """Metadata and headers of an item are kept exactly."""


class CapabilityState(StrEnum):
    """How far an ability or a feature goes."""

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
