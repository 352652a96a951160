//! One value that does not fit its column: what it is, and what the author can do. The value itself is never shown.

use super::refuse_at;
use pyo3::prelude::*;

/// Why a value is refused.
pub(super) enum Refusal {
    /// It does not fit.
    Unfit { what: String, hint: String },
    /// Looking at it raised.
    Raised(PyErr),
}

impl Refusal {
    /// "column `x`, row 3, <what>".
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unfit { what: what.into(), hint: hint.into() }
    }

    /// A value of a type the column does not take.
    pub(super) fn wrong_type(value: &Bound<'_, PyAny>, wanted: &str) -> Self {
        let name = type_name(value);
        let hint = match name.as_str() {
            "tuple" | "set" | "frozenset" | "ndarray" => "give a list".to_owned(),
            "int64" | "int32" | "float32" | "float64" | "bool_" => {
                "give a plain Python value: value.item()".to_owned()
            }
            "int" if wanted == "float64" || wanted == "float32" => {
                "give a float, or declare the column's type in Batch(..., schema=...)".to_owned()
            }
            _ => format!(
                "give a value that is {wanted}, or declare the column's type in Batch(..., schema=...)"
            ),
        };
        Self::new(format!("holds a {name} where the column is {wanted}"), hint)
    }

    /// The exception to raise.
    pub(super) fn at(self, py: Python<'_>, column: &str, row: usize) -> PyErr {
        match self {
            Self::Raised(error) => error,
            Self::Unfit { what, hint } => {
                let message = format!("column `{column}`, row {row}, {what}");
                refuse_at(py, &message, Some(&hint), Some((column, row)))
            }
        }
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// The name of the value's class.
pub(super) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
