//! What `nvisy.host` sees of Rust: it takes commands here and brings answers here, always from the loop thread.
//! No method blocks, so the loop never waits for a tokio worker.

use crate::batch::IncomingBatch;
use crate::call::Answer;
use crate::capsule;
use crate::error::Fault;
use crate::interpreter::{Interpreter, lock};
use crate::output;
use nvisy_dal::Receipt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The Rust end of the bridge, held by the loop thread.
#[pyclass(frozen, module = "nvisy._core")]
pub struct Link(Interpreter);

impl Link {
    pub(crate) fn new(interpreter: Interpreter) -> Self {
        Self(interpreter)
    }
}

type Written = (u64, Py<IncomingBatch>, Option<String>);

#[pymethods]
impl Link {
    /// The file descriptor that becomes readable when there are commands.
    fn fileno(&self) -> i32 {
        self.0.0.descriptor()
    }

    /// Every command queued so far, as tuples.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        capsule::bury();
        let commands = self.0.0.take();
        let list = PyList::empty(py);
        for command in commands {
            list.append(command.into_tuple(py)?)?;
        }
        Ok(list)
    }

    /// Answer a call. False when nobody waits for it any more.
    fn answer(&self, call: u64, answer: Answer) -> bool {
        let waiting = lock(&self.0.0.calls).remove(&call);
        waiting.is_some_and(|waiting| waiting.answer(answer))
    }

    /// Fail a call. False when nobody waits for it any more.
    fn fail(&self, call: u64, fault: Fault) -> bool {
        let waiting = lock(&self.0.0.calls).remove(&call);
        waiting.is_some_and(|waiting| waiting.fail(fault))
    }

    /// Decode what a source yielded and hand it over. True asks for a pause until `resume`.
    ///
    /// `positions` is the JSON of one context, the JSON of one context per item, or (columns, fingerprint).
    fn push(
        &self,
        stream: u64,
        data: &Bound<'_, PyAny>,
        kind: Option<&str>,
        schema: Option<&Bound<'_, PyAny>>,
        positions: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let Some(channel) = lock(&self.0.0.streams).get(&stream).cloned() else { return Ok(false) };
        let batch = lock(&channel.decoder).batch(data, kind, schema, positions)?;
        Ok(batch.is_some_and(|batch| channel.push(batch)))
    }

    /// The stream ended normally.
    fn done(&self, stream: u64) {
        if let Some(channel) = lock(&self.0.0.streams).get(&stream).cloned() {
            channel.done();
        }
    }

    /// The stream ended with an exception.
    fn failed(&self, stream: u64, fault: Fault) {
        if let Some(channel) = lock(&self.0.0.streams).get(&stream).cloned() {
            channel.failed(fault);
        }
    }

    /// The stream was cancelled.
    fn cancelled(&self, stream: u64) {
        if let Some(channel) = lock(&self.0.0.streams).get(&stream).cloned() {
            channel.cancelled();
        }
    }

    /// The stream's task is gone, whatever it said before.
    fn closed(&self, stream: u64) {
        if let Some(channel) = lock(&self.0.0.streams).remove(&stream) {
            channel.closed();
        }
    }

    /// The next write of a session: its number, the batch and the mark as JSON. None when the inbox is empty.
    fn next_write(&self, py: Python<'_>, session: u64) -> PyResult<Option<Written>> {
        let Some(inbox) = lock(&self.0.0.inboxes).get(&session).cloned() else { return Ok(None) };
        let Some(parcel) = inbox.next() else { return Ok(None) };
        let mark = parcel.mark.map(|mark| serde_json::to_string(&mark)).transpose();
        let mark = mark.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let batch = Py::new(py, IncomingBatch::new(parcel.batch, inbox.schema.clone()))?;
        Ok(Some((parcel.sequence, batch, mark)))
    }

    /// Answer a write. `ValueError` says how the receipt does not describe the batch.
    #[pyo3(signature = (session, sequence, accepted, rejected = None))]
    fn written(&self, session: u64, sequence: u64, accepted: u64, rejected: Option<&str>) -> PyResult<()> {
        let Some(inbox) = lock(&self.0.0.inboxes).get(&session).cloned() else { return Ok(()) };
        let Some(length) = inbox.length(sequence) else { return Ok(()) };
        let rejected = rejected.map(serde_json::from_str).transpose();
        let rejected =
            rejected.map_err(|error| PyValueError::new_err(error.to_string()))?.unwrap_or_default();
        let receipt = Receipt { accepted, rejected };
        output::check(&receipt, length).map_err(PyValueError::new_err)?;
        inbox.acknowledge(sequence, receipt);
        Ok(())
    }

    /// Fail a write.
    fn refused(&self, session: u64, sequence: u64, fault: Fault) {
        if let Some(inbox) = lock(&self.0.0.inboxes).get(&session).cloned() {
            inbox.fail(sequence, fault);
        }
    }

    /// Accept nothing more, and tell everyone who still waits.
    fn close(&self) {
        self.0.0.close();
    }
}
