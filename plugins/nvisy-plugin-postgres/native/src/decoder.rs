//! `Decoder`: a stream's bytes in, batches out. Both ways the interpreter is free while we work.

use crate::batch::Batch;
use crate::error::refuse;
use nvisy_postgres_copy as codec;
use pyo3::prelude::*;

/// Turns the bytes of `COPY ... TO STDOUT (FORMAT binary)` into Arrow, batch by batch.
#[pyclass(module = "nvisy_plugin_postgres._native")]
pub(crate) struct Decoder(codec::Decoder);

#[pymethods]
impl Decoder {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "Python's values are handed over")]
    fn new(columns: Vec<(String, String, String, bool)>) -> PyResult<Self> {
        codec::Decoder::new(&columns).map(Self).map_err(refuse)
    }

    /// Take in a piece of the stream; return the rows that are complete and not taken.
    fn feed(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<usize> {
        py.detach(|| self.0.feed(data)).map_err(refuse)
    }

    /// Return the next rows, or None.
    fn take(&mut self, py: Python<'_>, most: usize) -> PyResult<Option<Batch>> {
        Ok(py.detach(|| self.0.take(most)).map_err(refuse)?.map(Batch))
    }

    /// Say that the stream is over.
    fn finish(&self) -> PyResult<()> {
        self.0.finish().map_err(refuse)
    }

    /// Bytes that were fed and not taken.
    #[getter]
    fn buffered(&self) -> usize {
        self.0.buffered()
    }
}
