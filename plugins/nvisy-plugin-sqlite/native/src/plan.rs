//! `Plan`: what is read of one stream, decided once.

use nvisy_sqlite_page as page;
use pyo3::prelude::*;

/// The columns of a stream, and which of them are its key.
#[pyclass(module = "nvisy_plugin_sqlite._native", frozen)]
pub(crate) struct Plan(pub(crate) page::Plan);

#[pymethods]
impl Plan {
    #[staticmethod]
    #[pyo3(signature = (columns, keys, *, hidden, proven))]
    fn of(
        columns: Vec<(String, String, bool, Option<String>)>,
        keys: Vec<usize>,
        hidden: bool,
        proven: bool,
    ) -> Option<Self> {
        page::Plan::new(columns, keys, hidden, proven).ok().map(Self)
    }
}
