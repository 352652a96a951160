//! One error crosses every border: what was tried, what went wrong, whether trying again can help, and the cause.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of anything that can fail at a border.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The credentials were refused.
    Auth,
    /// They were accepted, but do not allow this.
    Permission,
    /// The system could not be reached, or the connection broke.
    Connection,
    /// It did not answer in time.
    Timeout,
    /// It asks to slow down.
    Throttled,
    /// It is there but cannot serve just now.
    Unavailable,
    /// A table, collection, bucket or item is not there.
    NotFound,
    /// Something else is already there, or changed meanwhile.
    Conflict,
    /// A parameter or credential is wrong.
    InvalidConfig,
    /// A value cannot be represented or does not fit.
    InvalidData,
    /// A context is not one of this stream.
    InvalidContext,
    /// A context was valid once and the system has forgotten it.
    ContextExpired,
    /// The provider cannot do this.
    Unsupported,
    /// The session was already closed.
    Closed,
    /// The run was cancelled.
    Cancelled,
    /// A package the provider needs is not installed.
    MissingDependency,
    /// The provider broke the protocol.
    Protocol,
    /// A fault of ours, or an exception that the provider did not translate.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Auth,
        Self::Permission,
        Self::Connection,
        Self::Timeout,
        Self::Throttled,
        Self::Unavailable,
        Self::NotFound,
        Self::Conflict,
        Self::InvalidConfig,
        Self::InvalidData,
        Self::InvalidContext,
        Self::ContextExpired,
        Self::Unsupported,
        Self::Closed,
        Self::Cancelled,
        Self::MissingDependency,
        Self::Protocol,
        Self::Internal,
    ];

    /// Whether trying again can help when nothing else is known.
    pub fn retryable(self) -> bool {
        match self {
            Self::Connection | Self::Timeout | Self::Throttled | Self::Unavailable => true,
            Self::Auth
            | Self::Permission
            | Self::NotFound
            | Self::Conflict
            | Self::InvalidConfig
            | Self::InvalidData
            | Self::InvalidContext
            | Self::ContextExpired
            | Self::Unsupported
            | Self::Closed
            | Self::Cancelled
            | Self::MissingDependency
            | Self::Protocol
            | Self::Internal => false,
        }
    }

    /// The word used in files and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Permission => "permission",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidData => "invalid_data",
            Self::InvalidContext => "invalid_context",
            Self::ContextExpired => "context_expired",
            Self::Unsupported => "unsupported",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::MissingDependency => "missing_dependency",
            Self::Protocol => "protocol",
            Self::Internal => "internal",
        }
    }
}

/// The rendered traceback of the interpreter that raised, with its chain and notes and without any local variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTraceback(pub String);

/// What went wrong. `Display` is one line: "failed to <operation>: <message>".
#[derive(Clone)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retryable: bool,
    /// How long the system asked to wait.
    pub retry_after: Option<Duration>,
    /// What was tried, completing "failed to ...".
    pub operation: String,
    /// What happened. It never repeats its source.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Where: pairs such as `provider`, `node`, `batch`, `item`.
    pub context: Vec<(&'static str, String)>,
    /// The traceback on the other side of the bridge.
    pub traceback: Option<TaskTraceback>,
    /// The cause.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of that kind, retryable as its kind is.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            retryable: kind.retryable(),
            retry_after: None,
            operation: operation.into(),
            message: message.into(),
            hint: None,
            context: Vec::new(),
            traceback: None,
            source: None,
        }
    }

    /// The same, with what a person can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with one more pair of where. The innermost value of a name stays.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if !self.context.iter().any(|(known, _)| *known == name) {
            self.context.push((name, value.into()));
        }
        self
    }

    /// The same, with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl Error {
    /// The error for people and tools, as JSON: every field, and every cause by its own text.
    pub fn describe(&self) -> serde_json::Value {
        let mut causes = Vec::new();
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let context: BTreeMap<_, _> = self.context.iter().map(|(name, value)| (*name, value)).collect();
        serde_json::json!({
            "kind": self.kind.as_str(),
            "retryable": self.retryable,
            "retry_after": self.retry_after.map(|after| after.as_secs_f64()),
            "operation": self.operation,
            "message": self.message,
            "hint": self.hint,
            "context": context,
            "traceback": self.traceback.as_ref().map(|traceback| &traceback.0),
            "causes": causes,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.operation, self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}", self.kind.as_str())?;
        for (name, value) in &self.context {
            write!(f, ", {name}={value}")?;
        }
        f.write_str("]")?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
