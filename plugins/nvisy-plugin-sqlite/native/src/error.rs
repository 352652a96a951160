//! Why SQLite did not do it: what has to be said at once, and what is better said by who reads the page in another way.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    nvisy_plugin_sqlite._native,
    SqliteError,
    PyException,
    "SQLite did not do it; `sqlite_errorname` says why, as the errors of `sqlite3` do."
);

/// Why a page is not there.
pub(crate) enum Failure {
    /// A value has no simple form, or SQLite has failed: the other way will say it better.
    Misfit,
    /// What the other way would wait for once more, or would not know: a lock, an interrupt.
    Said {
        /// The name of the result code.
        name: &'static str,
        /// What SQLite says.
        message: String,
    },
}

impl From<nvisy_sqlite_page::Misfit> for Failure {
    fn from(_: nvisy_sqlite_page::Misfit) -> Self {
        Self::Misfit
    }
}

/// The failure that an extended result code stands for (<https://sqlite.org/rescode.html>).
pub(crate) fn failure(code: i32, message: String) -> Failure {
    let name = match code {
        5 => "SQLITE_BUSY",
        261 => "SQLITE_BUSY_RECOVERY",
        517 => "SQLITE_BUSY_SNAPSHOT",
        773 => "SQLITE_BUSY_TIMEOUT",
        6 => "SQLITE_LOCKED",
        262 => "SQLITE_LOCKED_SHAREDCACHE",
        518 => "SQLITE_LOCKED_VTAB",
        9 => "SQLITE_INTERRUPT",
        _ => return Failure::Misfit,
    };
    Failure::Said { name, message }
}

/// What Python gets: nothing for a misfit, an exception for what has to be said.
pub(crate) fn answer<T>(py: Python<'_>, result: Result<T, Failure>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Misfit) => Ok(None),
        Err(Failure::Said { name, message }) => {
            let error = SqliteError::new_err(message);
            error.value(py).setattr("sqlite_errorname", name)?;
            Err(error)
        }
    }
}
