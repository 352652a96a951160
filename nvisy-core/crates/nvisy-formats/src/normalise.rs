//! Any Arrow type -> the portable set: dictionaries become their values, views and large texts plain text, times
//! microseconds. A type without a portable twin is refused by name, never guessed at.

use crate::text::unreadable;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, ListArray, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{
    ArrowError, DataType, Field as ArrowField, FieldRef, Schema as ArrowSchema, SchemaRef, TimeUnit,
};
use nvisy_dal::{ColumnType, Field, Result, Schema};
use std::result::Result as Either;
use std::sync::Arc;

const EXTENSION: &str = "ARROW:extension:name";

/// The portable form of a schema.
///
/// # Errors
/// `invalid_data` naming the column whose type has none.
pub(crate) fn portable(schema: &ArrowSchema) -> Result<Schema> {
    let fields = schema.fields().iter().map(|field| {
        portable_field(field).ok_or_else(|| {
            let message = format!(
                "column `{}` has the type {}, which cannot be moved",
                field.name(),
                field.data_type()
            );
            unreadable(message)
                .with_hint("write the object with another type, such as text or decimal of at most 38 digits")
        })
    });
    Ok(Schema { fields: fields.collect::<Result<_>>()? })
}

fn portable_field(field: &ArrowField) -> Option<Field> {
    let extension = field.metadata().get(EXTENSION).map(String::as_str);
    let r#type = portable_type(field.data_type(), extension)?;
    let nullable = field.is_nullable() || *field.data_type() == DataType::Null;
    Some(Field { name: field.name().clone(), r#type, nullable })
}

fn portable_type(data_type: &DataType, extension: Option<&str>) -> Option<ColumnType> {
    Some(match data_type {
        DataType::Null => ColumnType::Text,
        DataType::Dictionary(_, value) => portable_type(value, extension)?,
        DataType::RunEndEncoded(_, value) => portable_type(value.data_type(), extension)?,
        DataType::Float16 => ColumnType::Float32,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Time32(_) | DataType::Time64(_) => ColumnType::Time,
        DataType::Timestamp(_, zone) => ColumnType::Timestamp { utc: zone.is_some() },
        DataType::Duration(_) => ColumnType::Duration,
        DataType::FixedSizeBinary(16) if extension == Some("arrow.uuid") => ColumnType::Uuid,
        DataType::FixedSizeBinary(_) | DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            ColumnType::Binary
        }
        DataType::FixedSizeList(item, dimension)
            if *item.data_type() == DataType::Float32 && *dimension > 0 =>
        {
            ColumnType::Vector { dimension: u32::try_from(*dimension).ok()? }
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => ColumnType::List { item: Box::new(portable_field(item)?.r#type) },
        DataType::Struct(fields) if !fields.is_empty() => ColumnType::Struct {
            fields: fields.iter().map(|field| portable_field(field)).collect::<Option<_>>()?,
        },
        // What is left is portable as it is, or not at all.
        _ => {
            let mut field = ArrowField::new("", data_type.clone(), true);
            if let Some(extension) = extension {
                field = field.with_metadata([(EXTENSION.to_owned(), extension.to_owned())].into());
            }
            Field::from_arrow(&field).ok()?.r#type
        }
    })
}

/// The batch under its portable schema.
///
/// # Errors
/// `invalid_data` naming the column with a value that the portable type cannot hold.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let wrong = |name: &str, error: ArrowError| {
        unreadable(format!("column `{name}` has a value that cannot be moved")).with_source(error)
    };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| {
        conform_array(column, field.data_type()).map_err(|error| wrong(field.name(), error))
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &options)
        .map_err(|error| unreadable("its columns do not suit the stream").with_source(error))
}

pub(crate) fn conform_array(array: &ArrayRef, to: &DataType) -> Either<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    match (array.data_type(), to) {
        (DataType::Dictionary(_, value), _) => conform_array(&strict(array, value)?, to),
        (DataType::RunEndEncoded(_, value), _) => conform_array(&strict(array, value.data_type())?, to),
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let (_, columns, nulls) = array.as_struct().clone().into_parts();
            let columns =
                columns.iter().zip(fields).map(|(column, field)| conform_array(column, field.data_type()));
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns.collect::<Either<_, _>>()?, nulls)?))
        }
        (DataType::Map(..), DataType::List(item)) => {
            let (_, offsets, entries, nulls, _) = array.as_map().clone().into_parts();
            let entries = conform_array(&(Arc::new(entries) as ArrayRef), item.data_type())?;
            Ok(Arc::new(ListArray::try_new(item.clone(), offsets, entries, nulls)?))
        }
        (DataType::FixedSizeList(..), DataType::FixedSizeList(item, dimension)) => {
            vector(array.as_fixed_size_list(), item, *dimension)
        }
        (DataType::List(_), DataType::List(item)) => {
            let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            Ok(Arc::new(ListArray::try_new(
                item.clone(),
                offsets,
                conform_array(&values, item.data_type())?,
                nulls,
            )?))
        }
        (
            DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _),
            DataType::List(_),
        ) => conform_array(&strict(array, &DataType::List(item.clone()))?, to),
        _ => strict(array, to),
    }
}

/// A vector's floats are never null, except under a null vector, where they mean nothing.
fn vector(list: &FixedSizeListArray, item: &FieldRef, dimension: i32) -> Either<ArrayRef, ArrowError> {
    let floats = list.values().as_primitive::<Float32Type>();
    let length = usize::try_from(dimension).unwrap_or(0);
    let missing = |place: &usize| floats.is_null(*place) && !list.is_null(*place / length.max(1));
    if floats.null_count() > 0 && (0..floats.len()).any(|place| missing(&place)) {
        return Err(ArrowError::CastError("a vector has a float that is null".to_owned()));
    }
    let floats = Arc::new(Float32Array::new(floats.values().clone(), None));
    Ok(Arc::new(FixedSizeListArray::try_new(item.clone(), dimension, floats, list.nulls().cloned())?))
}

fn strict(array: &ArrayRef, to: &DataType) -> Either<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

/// The columns with times finer than the microseconds that remain of them.
pub(crate) fn finer(schema: &ArrowSchema) -> Vec<usize> {
    let fine = |field: &ArrowField| {
        matches!(
            field.data_type(),
            DataType::Timestamp(TimeUnit::Nanosecond, _)
                | DataType::Time64(TimeUnit::Nanosecond)
                | DataType::Duration(TimeUnit::Nanosecond)
        )
    };
    (0..schema.fields().len()).filter(|place| fine(schema.field(*place))).collect()
}
