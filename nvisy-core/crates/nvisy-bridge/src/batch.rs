//! What a sink receives: the batch as rows and as Arrow, whichever it prefers. Nothing is converted before it is asked
//! for, and the positions stay in Rust.

use crate::capsule;
use crate::classes::Classes;
use crate::encode;
use crate::error::BridgeError;
use crate::interpreter::lock;
use arrow_schema::SchemaRef;
use nvisy_dal::Batch;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};
use std::sync::{Arc, Mutex};

/// A batch on its way into a sink; the `nvisy_sdk.IncomingBatch` protocol.
#[pyclass(frozen, module = "nvisy._core")]
pub struct IncomingBatch {
    batch: Batch,
    schema: SchemaCache,
}

/// The schema object of the batch before, and the Arrow schema it was made of.
pub(crate) type SchemaCache = Arc<Mutex<Option<(SchemaRef, Py<PyAny>)>>>;

impl IncomingBatch {
    /// The batch as a Python object; the schema object is shared by all batches with one cache.
    pub(crate) fn new(batch: Batch, schema: SchemaCache) -> Self {
        Self { batch, schema }
    }

    /// The batch itself.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }
}

impl From<Batch> for IncomingBatch {
    fn from(batch: Batch) -> Self {
        Self::new(batch, SchemaCache::default())
    }
}

#[pymethods]
impl IncomingBatch {
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Classes::get(py)?.data_kind.bind(py).call1((self.batch.kind().to_string(),))
    }

    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.len()
    }

    fn __len__(&self) -> usize {
        self.batch.len()
    }

    #[getter]
    fn schema(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let arrow = self.batch.data().schema();
        if let Some((known, object)) = &*lock(&self.schema)
            && *known == arrow
        {
            return Ok(object.clone_ref(py));
        }
        let portable = nvisy_dal::Schema::from_arrow(&arrow).map_err(BridgeError::new_err)?;
        let text =
            serde_json::to_string(&portable).map_err(|error| BridgeError::new_err(error.to_string()))?;
        let object = Classes::get(py)?.schema.bind(py).call_method1("model_validate_json", (text,))?.unbind();
        *lock(&self.schema) = Some((arrow, object.clone_ref(py)));
        Ok(object)
    }

    /// The items as dicts.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        encode::rows(py, self.batch.data())
    }

    /// The items as tuples, columns in the schema's order.
    fn tuples<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        encode::tuples(py, self.batch.data())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::export_schema(py, &self.batch.data().schema())
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The protocol allows to answer with the data's own schema.
        let _ = requested_schema;
        capsule::export_array(py, self.batch.data())
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        capsule::export_stream(py, self.batch.data())
    }

    fn __repr__(&self) -> String {
        format!("<IncomingBatch of {} {} items>", self.batch.len(), self.batch.kind())
    }
}
