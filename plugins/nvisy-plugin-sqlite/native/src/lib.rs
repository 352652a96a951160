//! The extension module `nvisy_plugin_sqlite._native`: pages of SQLite as Arrow, behind Python objects.
//! It has no SQLite of its own: two copies in one process break each other's locks, so it borrows the one that Python has.
//!
//! ```text
//! Library (functions of Python's SQLite) -> Connection -> statements, row by row -> page -> Batch
//! ```
//!
//! What a value means is decided in `nvisy-sqlite-page`, which also says when it is better not decided there.

mod connection;
mod plan;
mod batch;
mod sqlite;
mod error;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::connection::{Connection, Library};
    #[pymodule_export]
    use crate::error::SqliteError;
    #[pymodule_export]
    use crate::plan::Plan;
}
