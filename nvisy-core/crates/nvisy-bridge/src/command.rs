//! What Rust asks of the loop thread. A command holds ids and text, never a Python object of a session.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use std::sync::Arc;

/// One thing to do. Its Python form is a tuple that begins with the name of a handler in `nvisy.host`.
pub(crate) enum Command {
    /// Load the provider and open a session.
    Connect {
        call: u64,
        session: u64,
        loader: Arc<Py<PyAny>>,
        provider: String,
        credentials: String,
        params: String,
    },
    /// Call a method of a session; `argument` is text the method's handler understands.
    Call { call: u64, session: u64, method: &'static str, argument: Option<String> },
    /// Nobody waits for that call any more.
    Cancel { call: u64 },
    /// Begin a stream.
    Read { stream: u64, session: u64, context: Option<String> },
    /// The stream's channel has room again.
    Resume { stream: u64 },
    /// Nobody reads that stream any more.
    Stop { stream: u64 },
    /// The session's inbox is no longer empty.
    Drain { session: u64 },
    /// Nobody waits for that write any more.
    Abort { session: u64, sequence: u64 },
    /// The session was dropped without being disconnected.
    Abandon { session: u64 },
}

impl Command {
    /// The tuple for `nvisy.host`.
    pub(crate) fn into_tuple(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Connect { call, session, loader, provider, credentials, params } => {
                ("connect", call, session, loader.bind(py), provider, credentials, params)
                    .into_bound_py_any(py)
            }
            Self::Call { call, session, method, argument } => {
                ("call", call, session, method, argument).into_bound_py_any(py)
            }
            Self::Cancel { call } => ("cancel", call).into_bound_py_any(py),
            Self::Read { stream, session, context } => {
                ("read", stream, session, context).into_bound_py_any(py)
            }
            Self::Resume { stream } => ("resume", stream).into_bound_py_any(py),
            Self::Stop { stream } => ("stop", stream).into_bound_py_any(py),
            Self::Drain { session } => ("drain", session).into_bound_py_any(py),
            Self::Abort { session, sequence } => ("abort", session, sequence).into_bound_py_any(py),
            Self::Abandon { session } => ("abandon", session).into_bound_py_any(py),
        }
    }
}
