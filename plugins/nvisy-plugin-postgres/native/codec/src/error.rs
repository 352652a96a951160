//! Why a stream or a value cannot be read or written: where, and what is wrong, never the value itself.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// What is wrong, as a fragment that completes "the value ...".
pub(crate) type Reason = Cow<'static, str>;

/// A value of a column that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Which of the values, counted from 0.
    pub(crate) place: usize,
    pub(crate) reason: Reason,
}

/// Why bytes are not what they should be, or a type cannot be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The row, counted from 0 since the start of the stream, where it is about one.
    pub row: Option<u64>,
    /// What is wrong.
    pub reason: Cow<'static, str>,
}

impl Error {
    pub(crate) fn stream(reason: impl Into<Reason>) -> Self {
        Self { column: None, row: None, reason: reason.into() }
    }

    pub(crate) fn column(column: &str, reason: impl Into<Reason>) -> Self {
        Self { column: Some(column.to_owned()), row: None, reason: reason.into() }
    }

    pub(crate) fn at(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.column, self.row) {
            (Some(column), Some(row)) => write!(f, "column `{column}`, row {row}: the value {}", self.reason),
            (Some(column), None) => write!(f, "column `{column}`: {}", self.reason),
            (None, Some(row)) => write!(f, "row {row}: {}", self.reason),
            (None, None) => f.write_str(&self.reason),
        }
    }
}

impl StdError for Error {}
