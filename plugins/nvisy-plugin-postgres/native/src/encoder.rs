//! `Encoder`: batches in, streams out, piece by piece. The interpreter is free while we encode, not while foreign memory
//! comes and goes.

use crate::capsule::import;
use crate::error::refuse;
use nvisy_postgres_copy as codec;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A row that is not in the stream: its number, a code, the reason.
type Rejected = (usize, &'static str, String);

/// Turns Arrow batches into the bytes of `COPY ... FROM STDIN (FORMAT binary)`.
#[pyclass(module = "nvisy_plugin_postgres._native")]
pub(crate) struct Encoder(codec::Encoder);

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (columns, *, ordinal=false))]
    #[expect(clippy::needless_pass_by_value, reason = "Python's values are handed over")]
    fn new(columns: Vec<(String, String)>, ordinal: bool) -> PyResult<Self> {
        codec::Encoder::new(&columns, ordinal).map(Self).map_err(refuse)
    }

    /// Begin the stream of the batch's rows.
    fn begin(&self, batch: &Bound<'_, PyAny>) -> PyResult<Stream> {
        self.0.begin(import(batch)?).map(Stream).map_err(refuse)
    }
}

/// The bytes of one batch, and which rows are not in it. It lets go of the batch attached to the interpreter, as every
/// object of Python does: whose memory that is may run Python then.
#[pyclass(module = "nvisy_plugin_postgres._native")]
pub(crate) struct Stream(codec::Stream);

#[pymethods]
impl Stream {
    /// The next bytes: `least` or a row more, fewer only at the end; none behind it.
    fn piece<'py>(&mut self, py: Python<'py>, least: usize) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.piece(least)).map_err(refuse)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The rows left out so far.
    #[getter]
    fn rejected(&self) -> Vec<Rejected> {
        self.0.rejected().iter().map(|row| (row.row, row.code, row.reason.clone())).collect()
    }
}
