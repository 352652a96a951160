//! The one exception of the module.

use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;

create_exception!(
    nvisy_plugin_postgres._native,
    CopyError,
    PyValueError,
    "Bytes or values that cannot be moved; the text names column and row, never the value."
);

/// Anything that can be said, as the exception.
#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
pub(crate) fn refuse(error: impl ToString) -> PyErr {
    CopyError::new_err(error.to_string())
}
