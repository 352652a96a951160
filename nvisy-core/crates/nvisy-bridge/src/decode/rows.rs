//! Rows of dicts, tuples or Pydantic models, and their way into columns.
//! A missing key is not a null: it is refused, except for a canonical column that items of a kind may lack.

use super::cell::Refusal;
use super::column::Column;
use super::{Plan, refuse, refuse_at};
use arrow_array::{RecordBatch, RecordBatchOptions};
use nvisy_dal::{DataKind, Field};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};

/// The items of a batch, in one of two forms.
pub(super) enum Rows<'py> {
    Dicts(Vec<Bound<'py, PyDict>>),
    Tuples(Vec<Bound<'py, PyTuple>>),
}

impl<'py> Rows<'py> {
    /// The rows that `data` is a sequence of.
    pub(super) fn of(data: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = data.py();
        if data.is_instance_of::<PyString>() || data.is_instance_of::<PyDict>() {
            return Err(unknown(data, None));
        }
        let list = match data.cast::<PyList>() {
            Ok(list) => list.clone(),
            Err(_) => py.get_type::<PyList>().call1((data,)).map_err(|_| unknown(data, None))?.cast_into()?,
        };
        if list.get_item(0).is_ok_and(|first| first.is_instance_of::<PyTuple>()) {
            let tuple = |(row, item): (usize, Bound<'py, PyAny>)| {
                item.cast_into().map_err(|e| unknown(&e.into_inner(), Some(row)))
            };
            return list.iter().enumerate().map(tuple).collect::<PyResult<_>>().map(Self::Tuples);
        }
        list.iter().enumerate().map(|(row, item)| dict(item, row)).collect::<PyResult<_>>().map(Self::Dicts)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        match self {
            Self::Dicts(rows) => rows.len(),
            Self::Tuples(rows) => rows.len(),
        }
    }

    /// The rows as columns of the stream.
    pub(super) fn build(&self, py: Python<'py>, plan: &Plan) -> PyResult<RecordBatch> {
        let given = plan.given.is_some();
        let mut columns: Vec<_> = plan
            .portable
            .fields
            .iter()
            .map(|field| Column::new(py, &field.r#type, self.len(), given))
            .collect();
        match self {
            Self::Dicts(rows) => append_dicts(py, plan, rows, &mut columns)?,
            Self::Tuples(rows) => append_tuples(py, plan, rows, &mut columns)?,
        }
        let columns = columns.into_iter().map(Column::finish).collect::<Result<_, _>>();
        let columns = columns.map_err(|error| refuse(py, &error.to_string(), None))?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        RecordBatch::try_new_with_options(plan.arrow.clone(), columns, &options)
            .map_err(|error| refuse(py, &error.to_string(), None))
    }
}

fn append_dicts(
    py: Python<'_>,
    plan: &Plan,
    rows: &[Bound<'_, PyDict>],
    columns: &mut [Column],
) -> PyResult<()> {
    let fields = &plan.portable.fields;
    let names: Vec<_> = fields.iter().map(|field| PyString::intern(py, &field.name)).collect();
    let lenient = plan.kind != DataKind::Record;
    for (row, dict) in rows.iter().enumerate() {
        let mut found = 0;
        for ((column, name), field) in columns.iter_mut().zip(&names).zip(fields) {
            match dict.get_item(name)? {
                Some(value) => {
                    found += 1;
                    append(column, field, &value, row)?;
                }
                None if lenient && field.nullable => column.null(),
                None => {
                    let message = format!("row {row} has no column `{}`", field.name);
                    return Err(refuse_at(
                        py,
                        &message,
                        Some("give None for a null; missing is not null"),
                        Some((&field.name, row)),
                    ));
                }
            }
        }
        if found != dict.len() {
            return Err(surplus(py, fields, dict, row));
        }
    }
    Ok(())
}

fn append_tuples(
    py: Python<'_>,
    plan: &Plan,
    rows: &[Bound<'_, PyTuple>],
    columns: &mut [Column],
) -> PyResult<()> {
    let fields = &plan.portable.fields;
    for (row, tuple) in rows.iter().enumerate() {
        if tuple.len() != fields.len() {
            let message = format!("row {row} has {} values for {} columns", tuple.len(), fields.len());
            return Err(refuse_at(
                py,
                &message,
                Some("give one value per column of the schema"),
                Some(("", row)),
            ));
        }
        for ((column, value), field) in columns.iter_mut().zip(tuple.iter_borrowed()).zip(fields) {
            append(column, field, &value, row)?;
        }
    }
    Ok(())
}

fn append(column: &mut Column, field: &Field, value: &Bound<'_, PyAny>, row: usize) -> PyResult<()> {
    if value.is_none() {
        if field.nullable {
            column.null();
            return Ok(());
        }
        return Err(Refusal::new(
            "holds None, the stream says it is never null",
            "declare the column nullable",
        )
        .at(value.py(), &field.name, row));
    }
    column.append(value).map_err(|refusal| refusal.at(value.py(), &field.name, row))
}

fn surplus(py: Python<'_>, fields: &[Field], dict: &Bound<'_, PyDict>, row: usize) -> PyErr {
    let known = |key: &Bound<'_, PyAny>| {
        key.extract::<String>().is_ok_and(|key| fields.iter().any(|f| f.name == key))
    };
    let key = dict.keys().iter().find(|key| !known(key));
    let key =
        key.and_then(|key| key.str().ok()).map(|key| key.to_string_lossy().into_owned()).unwrap_or_default();
    let message = format!("row {row} has a column `{key}` that the stream does not have");
    refuse_at(
        py,
        &message,
        Some("give every column in the first batch, or its type in Batch(..., schema=...)"),
        Some((&key, row)),
    )
}

/// The item as a dict: itself, the fields of a Pydantic model, or the items of any other mapping.
fn dict(item: Bound<'_, PyAny>, row: usize) -> PyResult<Bound<'_, PyDict>> {
    let py = item.py();
    let item = match item.cast_into::<PyDict>() {
        Ok(dict) => return Ok(dict),
        Err(error) => error.into_inner(),
    };
    if let Some(fields) = model_fields(&item)? {
        return Ok(fields);
    }
    if let Ok(mapping) = item.cast::<PyMapping>() {
        let dict = PyDict::new(py);
        dict.update(mapping)?;
        return Ok(dict);
    }
    Err(unknown(&item, Some(row)))
}

/// The fields of a Pydantic model, as they are; None for anything else.
pub(super) fn model_fields<'py>(item: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = item.py();
    if !item.hasattr(intern!(py, "__pydantic_fields_set__"))? {
        return Ok(None);
    }
    let fields = item.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?.copy()?;
    if let Ok(extra) = item.getattr(intern!(py, "__pydantic_extra__"))?.cast::<PyDict>() {
        fields.update(extra.as_mapping())?;
    }
    Ok(Some(fields))
}

fn unknown(item: &Bound<'_, PyAny>, row: Option<usize>) -> PyErr {
    let name = item.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let message = match row {
        Some(row) => format!("row {row} is a {name}, which is no row"),
        None => format!("the batch's data is a {name}, which holds no rows"),
    };
    let hint =
        "yield a list of dicts, a list of tuples with a schema, a list of Pydantic models, or Arrow data";
    refuse_at(item.py(), &message, Some(hint), row.map(|row| ("", row)))
}
