//! The Python classes values are made of, looked up once per interpreter.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Classes and functions of the standard library and the SDK.
pub(crate) struct Classes {
    pub(crate) decimal: Py<PyAny>,
    pub(crate) uuid: Py<PyAny>,
    pub(crate) loads: Py<PyAny>,
    /// 1970-01-01 without and with UTC.
    pub(crate) epoch: Py<PyAny>,
    pub(crate) epoch_utc: Py<PyAny>,
    pub(crate) data_kind: Py<PyAny>,
    pub(crate) schema: Py<PyAny>,
    pub(crate) invalid_data: Py<PyAny>,
}

impl Classes {
    /// The classes, imported at the first call.
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Self> {
        static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
        CLASSES.get_or_try_init(py, || {
            let datetime = py.import("datetime")?;
            let utc = datetime.getattr("timezone")?.getattr("utc")?;
            let class = datetime.getattr("datetime")?;
            let sdk = py.import("nvisy_sdk")?;
            Ok(Self {
                decimal: py.import("decimal")?.getattr("Decimal")?.unbind(),
                uuid: py.import("uuid")?.getattr("UUID")?.unbind(),
                loads: py.import("json")?.getattr("loads")?.unbind(),
                epoch: class.call1((1970, 1, 1))?.unbind(),
                epoch_utc: class.call1((1970, 1, 1, 0, 0, 0, 0, utc))?.unbind(),
                data_kind: sdk.getattr("DataKind")?.unbind(),
                schema: sdk.getattr("Schema")?.unbind(),
                invalid_data: sdk.getattr("InvalidDataError")?.unbind(),
            })
        })
    }
}
