//! Exceptions become errors and go back as the same objects. The host reads everything off an exception once, on the
//! loop thread; Rust keeps the object itself and never looks inside it.

use nvisy_dal::{Error, ErrorKind, TaskTraceback};
use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

create_exception!(
    nvisy._core,
    BridgeError,
    PyException,
    "A failure no Python exception stands behind; args: message, JSON."
);

/// An exception as `nvisy.host` describes it: the attributes of its `Fault`.
#[derive(FromPyObject)]
pub(crate) struct Fault {
    exception: Py<PyBaseException>,
    name: String,
    kind: String,
    retryable: bool,
    retry_after: Option<f64>,
    message: String,
    hint: Option<String>,
    context: Vec<(String, String)>,
    traceback: String,
}

impl Fault {
    /// The same as an error of that operation.
    pub(crate) fn into_error(self, operation: String, provider: &str) -> Error {
        let kind = serde_json::from_value(Value::String(self.kind)).unwrap_or(ErrorKind::Internal);
        let mut error = Error::new(kind, operation, self.message);
        error.retryable = self.retryable;
        error.retry_after = self.retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        error.hint = self.hint;
        error.traceback = Some(TaskTraceback(self.traceback));
        error.source = Some(Arc::new(Raised { exception: self.exception, name: self.name }));
        for (name, value) in self.context {
            error = error.with_context(known(&name), value);
        }
        error.with_context("provider", provider)
    }
}

/// The exception object a provider raised, as the source of an error.
pub struct Raised {
    exception: Py<PyBaseException>,
    name: String,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python raised {}", self.name)
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Raised {}

/// The exception object behind an error, the very one that was raised.
pub fn original(py: Python<'_>, error: &Error) -> Option<Py<PyBaseException>> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(raised) = cause.downcast_ref::<Raised>() {
            return Some(raised.exception.clone_ref(py));
        }
        source = cause.source();
    }
    None
}

/// The error as an exception to raise: the original object with one note of what Rust was doing, else a [`BridgeError`].
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let Some(exception) = original(py, error) else {
        return BridgeError::new_err((error.to_string(), error.describe().to_string()));
    };
    let mut note = format!("nvisy: failed to {}", error.operation);
    for (name, value) in &error.context {
        let _ = write!(note, "; {name}={value}");
    }
    let exception = exception.into_bound(py).into_any();
    let noted = exception.getattr("__notes__").and_then(|notes| notes.contains(&note)).unwrap_or(false);
    if !noted {
        // A class may refuse attributes; the note is a courtesy.
        let _ = exception.call_method1("add_note", (note,));
    }
    PyErr::from_value(exception)
}

/// Names of context pairs live as long as the process, so their number is bounded; what comes after shares one name.
fn known(name: &str) -> &'static str {
    const MOST: usize = 256;
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = crate::interpreter::lock(&NAMES);
    if let Some(name) = names.get(name) {
        return name;
    }
    if names.len() >= MOST {
        return "detail";
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}
