//! Operations on whole columns: select, drop, rename, cast. Each has a twin on schemas, so that a plan is refused with
//! the same words before anything runs.

use crate::exact::{Route, cast_column};
use crate::normalise::{conform, portable};
use crate::text::listed;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field as ArrowField, FieldRef, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use nvisy_dal::{ColumnType, Error, ErrorKind, Field, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A row that a cast cannot carry without loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its place in the batch, from 0.
    pub row: usize,
    /// The column that did not fit.
    pub column: String,
    /// Why.
    pub reason: String,
}

/// The columns named, in the order named.
///
/// # Errors
/// `invalid_config` naming the unknown column and the known ones, or one that is named twice.
pub fn select(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    project(batch, &selected(batch.schema_ref(), columns)?)
}

/// `select` on a schema.
///
/// # Errors
/// As `select`.
pub fn select_schema(schema: &Schema, columns: &[String]) -> Result<SchemaRef> {
    Ok(projected(schema, &selected(schema, columns)?))
}

/// All columns but those named.
///
/// # Errors
/// `invalid_config` naming the unknown column and the known ones, or when no column would be left.
pub fn drop(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    project(batch, &kept(batch.schema_ref(), columns)?)
}

/// `drop` on a schema.
///
/// # Errors
/// As `drop`.
pub fn drop_schema(schema: &Schema, columns: &[String]) -> Result<SchemaRef> {
    Ok(projected(schema, &kept(schema, columns)?))
}

/// The same columns under new names (old name -> new name).
///
/// # Errors
/// `invalid_config` naming the unknown column and the known ones, or the name two columns would have.
pub fn rename(batch: &RecordBatch, names: &BTreeMap<String, String>) -> Result<RecordBatch> {
    rebuild(rename_schema(batch.schema_ref(), names)?, batch.columns().to_vec(), batch.num_rows())
}

/// `rename` on a schema.
///
/// # Errors
/// As `rename`.
pub fn rename_schema(schema: &Schema, names: &BTreeMap<String, String>) -> Result<SchemaRef> {
    for old in names.keys() {
        place(schema, old, "rename columns")?;
    }
    let mut seen = BTreeSet::new();
    let mut fields = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = names.get(field.name()).unwrap_or(field.name());
        if !seen.insert(name.clone()) {
            return Err(refuse("rename columns", format!("two columns would be called `{name}`"))
                .with_hint("choose another name for one of them"));
        }
        fields.push(ArrowField::clone(field).with_name(name));
    }
    Ok(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

/// The rows that fit with some columns of another type, and the rows that do not. A value fits when the new type holds
/// it exactly. What is meant to lose something does: a double becomes the nearest single, a decimal the nearest
/// double, a timestamp its date or its time of day.
///
/// # Errors
/// `invalid_config` naming the unknown column and the known ones, or two types between which there is no cast.
pub fn cast(
    batch: &RecordBatch,
    types: &BTreeMap<String, ColumnType>,
) -> Result<(RecordBatch, Vec<RefusedRow>)> {
    let schema = cast_schema(batch.schema_ref(), types)?;
    let before = portable(batch.schema_ref())?;
    let batch = conform(batch, &Arc::new(before.to_arrow()))?;
    let (mut columns, mut refused) = (Vec::with_capacity(batch.num_columns()), BTreeMap::new());
    for (field, array) in before.fields.iter().zip(batch.columns()) {
        let Some(to) = types.get(&field.name) else {
            columns.push(array.clone());
            continue;
        };
        let failed = |error| {
            Error::new(
                ErrorKind::Internal,
                "cast columns",
                format!("column `{}` could not be cast", field.name),
            )
            .with_source(error)
        };
        let (array, misfits) = cast_column(array, &field.r#type, to).map_err(failed)?;
        for (row, reason) in misfits {
            let misfit = RefusedRow { row, column: field.name.clone(), reason };
            refused.entry(row).or_insert(misfit);
        }
        columns.push(array);
    }
    let cast = drop_rows(&schema, columns, batch.num_rows(), &refused)?;
    Ok((cast, refused.into_values().collect()))
}

/// `cast` on a schema.
///
/// # Errors
/// As `cast`.
pub fn cast_schema(schema: &Schema, types: &BTreeMap<String, ColumnType>) -> Result<SchemaRef> {
    for name in types.keys() {
        place(schema, name, "cast columns")?;
    }
    let fields = portable(schema)?.fields.into_iter().map(|field| match types.get(&field.name) {
        Some(to) => cast_field(field, to),
        None => Ok(field),
    });
    Ok(Arc::new(nvisy_dal::Schema { fields: fields.collect::<Result<_>>()? }.to_arrow()))
}

fn cast_field(field: Field, to: &ColumnType) -> Result<Field> {
    if Route::between(&field.r#type, to).is_none() {
        let (from, to) = (crate::scalar::type_name(&field.r#type), crate::scalar::type_name(to));
        return Err(refuse(
            "cast columns",
            format!("column `{}` is {from}, and nothing turns that into {to}", field.name),
        )
        .with_hint("cast to text or json instead, or leave the column as it is"));
    }
    // A JSON null is a value before the cast and none after it.
    let nullable = field.nullable || field.r#type == ColumnType::Json;
    Ok(Field { name: field.name, r#type: to.clone(), nullable })
}

fn drop_rows(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
    refused: &BTreeMap<usize, RefusedRow>,
) -> Result<RecordBatch> {
    if refused.is_empty() {
        return rebuild(schema.clone(), columns, rows);
    }
    // A row that does not fit holds a null until it is dropped, also in a column that must have a value.
    let loose: Vec<_> =
        schema.fields().iter().map(|field| ArrowField::clone(field).with_nullable(true)).collect();
    let batch = rebuild(Arc::new(Schema::new(loose)), columns, rows)?;
    let keep: BooleanArray = (0..rows).map(|row| Some(!refused.contains_key(&row))).collect();
    let batch = filter_record_batch(&batch, &keep).map_err(internal)?;
    rebuild(schema.clone(), batch.columns().to_vec(), batch.num_rows())
}

fn selected(schema: &Schema, columns: &[String]) -> Result<Vec<usize>> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(refuse("select columns", format!("column `{twice}` is named twice"))
            .with_hint("name each column once"));
    }
    if columns.is_empty() {
        return Err(
            refuse("select columns", "no column is named".to_owned()).with_hint("name the columns to keep")
        );
    }
    columns.iter().map(|name| place(schema, name, "select columns")).collect()
}

fn kept(schema: &Schema, columns: &[String]) -> Result<Vec<usize>> {
    for name in columns {
        place(schema, name, "drop columns")?;
    }
    let kept: Vec<_> =
        (0..schema.fields().len()).filter(|place| !columns.contains(schema.field(*place).name())).collect();
    if kept.is_empty() {
        return Err(refuse("drop columns", "no column would be left".to_owned())
            .with_hint("keep at least one column"));
    }
    Ok(kept)
}

fn place(schema: &Schema, name: &str, operation: &str) -> Result<usize> {
    schema.fields().iter().position(|field| field.name() == name).ok_or_else(|| {
        let known: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        let close =
            known.iter().find(|known| known.eq_ignore_ascii_case(name) || known.trim() == name.trim());
        let hint = match close {
            Some(close) => format!("did you mean `{close}`? names must match exactly"),
            None => "use one of its columns; names must match exactly".to_owned(),
        };
        refuse(operation, format!("there is no column `{name}`; the stream has {}", listed(&known)))
            .with_hint(hint)
    })
}

fn project(batch: &RecordBatch, places: &[usize]) -> Result<RecordBatch> {
    let columns = places.iter().map(|place| batch.column(*place).clone()).collect();
    rebuild(projected(batch.schema_ref(), places), columns, batch.num_rows())
}

fn projected(schema: &Schema, places: &[usize]) -> SchemaRef {
    let fields: Vec<FieldRef> = places.iter().map(|place| schema.fields()[*place].clone()).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn rebuild(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(internal)
}

fn refuse(operation: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, operation, message)
}

fn internal(error: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "rebuild columns", "they no longer make up a batch").with_source(error)
}
