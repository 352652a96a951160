//! `Batch`: an Arrow record batch that any library of Python may take without a copy.

use crate::capsule::{export_array, export_schema};
use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// An Arrow record batch.
#[pyclass(module = "nvisy_plugin_postgres._native", frozen)]
pub(crate) struct Batch(pub(crate) RecordBatch);

#[pymethods]
impl Batch {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        export_schema(py, &self.0.schema())
    }

    /// The interface lets a producer leave another schema than its own unheeded.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        export_array(py, &self.0)
    }
}
