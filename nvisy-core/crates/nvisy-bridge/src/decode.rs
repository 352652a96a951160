//! What a source yields becomes a batch: rows through builders, Arrow through capsules. The kind and the columns of a
//! stream are decided by its first batch; nothing is coerced, what does not fit is refused by column, row and fix.

mod cell;
mod column;
mod infer;
mod json;
mod rows;
mod scalar;
mod time;

use crate::capsule;
use crate::classes::Classes;
use arrow_array::{Array as _, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use nvisy_dal::{Batch, Context, DataKind, Error, Fingerprint, Positions, Schema};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rows::Rows;
use std::sync::Arc;

/// Turns what one stream yields into batches.
pub(crate) struct Decoder {
    /// The kind of batches that do not say theirs.
    default: Option<DataKind>,
    plan: Option<Plan>,
}

/// What the first batch decided.
struct Plan {
    kind: DataKind,
    portable: Schema,
    arrow: SchemaRef,
    /// The schema object a batch gave; None when the columns were inferred or came with Arrow data.
    given: Option<Py<PyAny>>,
}

impl Decoder {
    /// A decoder for a new stream.
    pub(crate) fn new(default: Option<DataKind>) -> Self {
        Self { default, plan: None }
    }

    /// The batch, or nothing for an empty one that comes before the columns are known.
    pub(crate) fn batch(
        &mut self,
        data: &Bound<'_, PyAny>,
        kind: Option<&str>,
        schema: Option<&Bound<'_, PyAny>>,
        positions: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Batch>> {
        let py = data.py();
        let kind = self.kind(py, kind)?;
        self.declare(py, kind, schema)?;
        let arrived = match capsule::import(data)? {
            Some(batches) => self.arrow(py, kind, &batches)?,
            None => self.rows(py, kind, data)?,
        };
        let Some(items) = arrived else { return Ok(None) };
        let positions = read_positions(py, positions)?;
        Batch::new(kind, items, positions).map(Some).map_err(|error| refuse_error(py, &error))
    }

    fn kind(&self, py: Python<'_>, given: Option<&str>) -> PyResult<DataKind> {
        let given = given.map(|name| serde_json::from_value::<DataKind>(name.into())).transpose();
        let given = given.map_err(|error| refuse(py, &error.to_string(), None))?;
        let decided = self.plan.as_ref().map(|plan| plan.kind);
        match (decided, given.or(decided).or(self.default)) {
            (_, None) => Err(refuse(
                py,
                "the batch does not say which kind of data it holds, and the provider moves several",
                Some("give Batch(..., kind=DataKind....)"),
            )),
            (Some(decided), Some(kind)) if decided != kind => Err(refuse(
                py,
                &format!("the batch holds {kind} items, the stream began with {decided} items"),
                Some("yield one kind of data per stream"),
            )),
            (_, Some(kind)) => Ok(kind),
        }
    }

    /// Take the schema a batch gives: the first decides, a later one must be equal.
    fn declare(&mut self, py: Python<'_>, kind: DataKind, given: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(given) = given else { return Ok(()) };
        if let Some(Plan { given: Some(known), .. }) = &self.plan
            && known.bind(py).is(given)
        {
            return Ok(());
        }
        let text: String = given.call_method0("model_dump_json")?.extract()?;
        let schema: Schema =
            serde_json::from_str(&text).map_err(|error| refuse(py, &error.to_string(), None))?;
        match &self.plan {
            Some(plan) if plan.portable != schema => Err(refuse(
                py,
                "the batch gives another schema than the stream began with",
                Some("give the same schema with every batch, or only with the first"),
            )),
            Some(_) => Ok(()),
            None => {
                self.plan = Some(Plan::new(kind, schema, Some(given.clone().unbind())));
                Ok(())
            }
        }
    }

    fn rows(
        &mut self,
        py: Python<'_>,
        kind: DataKind,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<Option<RecordBatch>> {
        let rows = Rows::of(data)?;
        if self.plan.is_none() {
            if rows.is_empty() {
                return Ok(None);
            }
            self.plan = Some(Plan::new(kind, infer::schema(&rows, kind)?, None));
        }
        let Some(plan) = &self.plan else { return Ok(None) };
        rows.build(py, plan).map(Some)
    }

    fn arrow(
        &mut self,
        py: Python<'_>,
        kind: DataKind,
        batches: &[RecordBatch],
    ) -> PyResult<Option<RecordBatch>> {
        let Some(first) = batches.first() else { return Ok(None) };
        let joined = if let [only] = batches {
            only.clone()
        } else {
            let columns = (0..first.num_columns()).map(|index| {
                let parts: Vec<_> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
                arrow_select::concat::concat(&parts)
            });
            let columns =
                columns.collect::<Result<_, _>>().map_err(|error| refuse(py, &error.to_string(), None))?;
            with_rows(py, first.schema(), columns, batches.iter().map(RecordBatch::num_rows).sum())?
        };
        let portable = Schema::from_arrow(&joined.schema()).map_err(|message| refuse(py, &message, None))?;
        let plan = self.plan.get_or_insert_with(|| Plan::new(kind, portable.clone(), None));
        plan.conform(py, &portable, &joined).map(Some)
    }
}

impl Plan {
    fn new(kind: DataKind, portable: Schema, given: Option<Py<PyAny>>) -> Self {
        let arrow = Arc::new(portable.to_arrow());
        Self { kind, portable, arrow, given }
    }

    /// Arrow data in the stream's own columns: views and large variants become the canonical types.
    fn conform(&self, py: Python<'_>, portable: &Schema, batch: &RecordBatch) -> PyResult<RecordBatch> {
        let name = |schema: &Schema| schema.fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        if name(portable) != name(&self.portable) {
            let message = format!(
                "the batch has the columns {:?}, the stream has {:?}",
                name(portable),
                name(&self.portable)
            );
            return Err(refuse(
                py,
                &message,
                Some("yield the same columns in the same order in every batch"),
            ));
        }
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (index, (here, there)) in portable.fields.iter().zip(&self.portable.fields).enumerate() {
            let (column, field) = (batch.column(index), self.arrow.field(index));
            if here.r#type != there.r#type {
                let message =
                    format!("column `{}` is {:?}, the stream has {:?}", here.name, here.r#type, there.r#type);
                return Err(refuse(py, &message, Some("cast the column before yielding it")));
            }
            if !there.nullable && column.null_count() > 0 {
                let message = format!("column `{}` holds a null, the stream says it never does", here.name);
                return Err(refuse(
                    py,
                    &message,
                    Some("declare the column nullable in Batch(..., schema=...)"),
                ));
            }
            columns.push(if column.data_type() == field.data_type() {
                column.clone()
            } else {
                arrow_cast::cast(column, field.data_type())
                    .map_err(|error| refuse(py, &error.to_string(), None))?
            });
        }
        with_rows(py, self.arrow.clone(), columns, batch.num_rows())
    }
}

fn with_rows(
    py: Python<'_>,
    schema: SchemaRef,
    columns: Vec<arrow_array::ArrayRef>,
    rows: usize,
) -> PyResult<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|error| refuse(py, &error.to_string(), None))
}

/// JSON of one context, JSON of one context per item, or key columns with their fingerprint.
fn read_positions(py: Python<'_>, positions: &Bound<'_, PyAny>) -> PyResult<Positions> {
    let broken = |message: String| refuse(py, &message, Some("build the contexts with nvisy_sdk"));
    if let Ok(text) = positions.cast::<PyString>() {
        let text = text.to_str()?;
        return if text.starts_with('[') {
            serde_json::from_str::<Vec<Context>>(text).map(Positions::Each)
        } else {
            serde_json::from_str::<Context>(text).map(Positions::End)
        }
        .map_err(|error| broken(error.to_string()));
    }
    let (columns, fingerprint): (Vec<String>, String) =
        positions.extract().map_err(|_| PyTypeError::new_err("positions are End, Keyset or Each"))?;
    let fingerprint = fingerprint.parse::<Fingerprint>().map_err(broken)?;
    Ok(Positions::Keyset { columns, fingerprint })
}

/// An `InvalidDataError` of the SDK.
fn refuse(py: Python<'_>, message: &str, hint: Option<&str>) -> PyErr {
    refuse_at(py, message, hint, None)
}

/// An `InvalidDataError` that names the column and the row.
fn refuse_at(py: Python<'_>, message: &str, hint: Option<&str>, place: Option<(&str, usize)>) -> PyErr {
    let raised = || -> PyResult<PyErr> {
        let named = PyDict::new(py);
        named.set_item("hint", hint)?;
        let context = PyDict::new(py);
        if let Some((column, row)) = place {
            context.set_item("column", column)?;
            context.set_item("row", row.to_string())?;
        }
        named.set_item("context", context)?;
        let class = Classes::get(py)?.invalid_data.bind(py);
        Ok(PyErr::from_value(class.call((message,), Some(&named))?))
    };
    raised().unwrap_or_else(|error| error)
}

fn refuse_error(py: Python<'_>, error: &Error) -> PyErr {
    refuse(py, &error.message, error.hint.as_deref())
}
