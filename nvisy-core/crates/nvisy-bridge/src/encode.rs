//! A batch as Python rows, the mirror of `decode`: every value becomes the Python value that means exactly it.

mod cell;

use arrow_array::RecordBatch;
use cell::Cells;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

/// The items as dicts.
pub(crate) fn rows<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyList>> {
    let columns = columns(py, batch)?;
    let schema = batch.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| PyString::intern(py, field.name())).collect();
    let list = PyList::empty(py);
    for row in 0..batch.num_rows() {
        let dict = PyDict::new(py);
        for (name, column) in names.iter().zip(&columns) {
            dict.set_item(name, column.value(py, row)?)?;
        }
        list.append(dict)?;
    }
    Ok(list)
}

/// The items as tuples, columns in the schema's order.
pub(crate) fn tuples<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyList>> {
    let columns = columns(py, batch)?;
    let list = PyList::empty(py);
    for row in 0..batch.num_rows() {
        let values = columns.iter().map(|column| column.value(py, row)).collect::<PyResult<Vec<_>>>()?;
        list.append(PyTuple::new(py, values)?)?;
    }
    Ok(list)
}

fn columns<'a>(py: Python<'_>, batch: &'a RecordBatch) -> PyResult<Vec<Cells<'a>>> {
    let schema = batch.schema();
    schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| Cells::of(py, field, column.as_ref()))
        .collect()
}
