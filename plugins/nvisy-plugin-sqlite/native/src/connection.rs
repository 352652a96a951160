//! `Library` and `Connection`: one page at a time, in a read transaction of its own. The interpreter is free meanwhile.

use crate::batch::Batch;
use crate::error::{Failure, answer};
use crate::plan::Plan;
use crate::sqlite::{Database, Functions};
use nvisy_sqlite_page::{Complete, Page, Raw};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple};
use std::sync::{Mutex, PoisonError, RwLock};

/// The SQLite that Python's own `sqlite3` uses.
#[pyclass(module = "nvisy_plugin_sqlite._native", frozen)]
pub(crate) struct Library(Functions);

#[pymethods]
impl Library {
    #[staticmethod]
    fn load(path: &str, version: &str) -> Option<Self> {
        Functions::load(path, version).map(Self)
    }

    fn open(&self, py: Python<'_>, uri: &str, busy_timeout_ms: i32) -> Option<Connection> {
        let opened = py.detach(|| Database::open(self.0, uri, busy_timeout_ms))?;
        Some(Connection { database: RwLock::new(Some(opened)), turn: Mutex::new(()) })
    }
}

/// A batch, the row numbers that are no part of it, and the key to go on after.
type Answer<'py> = (Batch, Vec<i64>, Option<Bound<'py, PyTuple>>);

/// An open database. Its pages are read one after another; it can be interrupted meanwhile.
#[pyclass(module = "nvisy_plugin_sqlite._native", frozen)]
pub(crate) struct Connection {
    database: RwLock<Option<Database>>,
    turn: Mutex<()>,
}

#[pymethods]
impl Connection {
    /// Read a page; None where it has to be read in another way.
    fn page<'py>(
        &self,
        py: Python<'py>,
        plan: &Plan,
        steps: Vec<(String, Vec<Bound<'py, PyAny>>)>,
        size: usize,
    ) -> PyResult<Option<Answer<'py>>> {
        let values = |given: &[Bound<'py, PyAny>]| given.iter().map(bound).collect::<Option<Vec<_>>>();
        let steps = steps.into_iter().map(|(sql, given)| Some((sql, values(&given)?)));
        let Some(steps) = steps.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let Some(whole) = answer(py, py.detach(|| self.read(&plan.0, &steps, size)))? else {
            return Ok(None);
        };
        let after = whole.after.map(|key| PyTuple::new(py, key.into_iter().map(Key))).transpose()?;
        Ok(Some((Batch(whole.batch), whole.rowids, after)))
    }

    /// Stop the page under way; any thread may ask for it.
    fn interrupt(&self, py: Python<'_>) {
        py.detach(|| {
            if let Some(database) = &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
                database.interrupt();
            }
        });
    }

    /// Close it, after the page under way.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.database.write().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

impl Connection {
    fn read(
        &self,
        plan: &nvisy_sqlite_page::Plan,
        steps: &[(String, Vec<Raw>)],
        size: usize,
    ) -> Result<Complete, Failure> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(Failure::Misfit)?;
        let mut page = plan.page(size);
        database.run("BEGIN")?;
        let ended = fill(database, &mut page, steps, plan.limit(size)).and_then(|()| database.run("COMMIT"));
        if ended.is_err() {
            // It fails where SQLite has ended the transaction by itself.
            let _ = database.run("ROLLBACK");
        }
        ended?;
        Ok(page.finish()?)
    }
}

fn fill(
    database: &Database,
    page: &mut Page<'_>,
    steps: &[(String, Vec<Raw>)],
    limit: usize,
) -> Result<(), Failure> {
    for (sql, values) in steps {
        let rest = i64::try_from(limit - page.rows()).map_err(|_| Failure::Misfit)?;
        let mut values = values.clone();
        values.push(Raw::Integer(rest));
        let mut statement = database.prepare(sql, &values)?;
        while statement.step()? {
            page.push(&statement)?;
        }
        if page.rows() >= limit {
            break;
        }
    }
    Ok(())
}

/// A value to bind, of the very classes that `sqlite3` takes without asking anybody; a bool is the number it is.
fn bound(value: &Bound<'_, PyAny>) -> Option<Raw> {
    if value.is_none() {
        Some(Raw::Null)
    } else if value.is_exact_instance_of::<PyInt>() || value.is_exact_instance_of::<PyBool>() {
        value.extract().ok().map(Raw::Integer)
    } else if value.is_exact_instance_of::<PyFloat>() {
        value.extract().ok().map(Raw::Real)
    } else if value.is_exact_instance_of::<PyString>() {
        value.extract().ok().map(Raw::Text)
    } else if value.is_exact_instance_of::<PyBytes>() {
        value.cast::<PyBytes>().ok().map(|bytes| Raw::Blob(bytes.as_bytes().to_owned()))
    } else {
        None
    }
}

/// A value of a key on its way to Python.
struct Key(Raw);

impl<'py> IntoPyObject<'py> for Key {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(match self.0 {
            Raw::Null => py.None().into_bound(py),
            Raw::Integer(value) => value.into_pyobject(py)?.into_any(),
            Raw::Real(value) => value.into_pyobject(py)?.into_any(),
            Raw::Text(text) => text.into_pyobject(py)?.into_any(),
            Raw::Blob(bytes) => PyBytes::new(py, &bytes).into_any(),
        })
    }
}
