//! The shapes both languages share, as the Rust side judges them. Tests compare the Python mirror with this.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The version of this build.
#[pyfunction]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A JSON object: the name of every mirrored shape and its JSON Schema.
#[pyfunction]
pub(crate) fn schemas() -> PyResult<String> {
    serde_json::to_string(&nvisy_dal::schemas()).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The canonical JSON of `json` as the shape `name`; `ValueError` says why it is refused.
#[pyfunction]
pub(crate) fn validate(name: &str, json: &str) -> PyResult<String> {
    nvisy_dal::validate(name, json).map_err(PyValueError::new_err)
}
