//! One column being built from Python values, nulls included, of any depth. A column whose building failed is thrown
//! away with its batch, so nothing here is ever undone.

use super::cell::Refusal;
use super::scalar::{append_bytes, append_text, append_uuid, append_vector, decimal, float, integer, single};
use super::{json, time};
use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, FixedSizeBinaryBuilder, LargeBinaryBuilder, PrimitiveBuilder,
    StringBuilder,
};
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field as ArrowField};
use nvisy_dal::{ColumnType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};
use std::sync::Arc;

/// The values of a column so far.
pub(super) enum Column {
    Bool(BooleanBuilder),
    Int8(PrimitiveBuilder<Int8Type>),
    Int16(PrimitiveBuilder<Int16Type>),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    Uint8(PrimitiveBuilder<UInt8Type>),
    Uint16(PrimitiveBuilder<UInt16Type>),
    Uint32(PrimitiveBuilder<UInt32Type>),
    Uint64(PrimitiveBuilder<UInt64Type>),
    Float32(PrimitiveBuilder<Float32Type>, bool),
    Float64(PrimitiveBuilder<Float64Type>, bool),
    Decimal(Decimal128Builder, u8, u8, bool),
    Text(StringBuilder),
    Json(StringBuilder, String),
    Binary(LargeBinaryBuilder),
    Date(PrimitiveBuilder<Date32Type>),
    Time(PrimitiveBuilder<Time64MicrosecondType>),
    Timestamp(PrimitiveBuilder<TimestampMicrosecondType>, bool),
    Duration(PrimitiveBuilder<DurationMicrosecondType>),
    Uuid(FixedSizeBinaryBuilder),
    Vector(Vec<f32>, usize, NullBufferBuilder),
    List(Box<Column>, Arc<ArrowField>, Vec<i32>, NullBufferBuilder),
    Struct(Vec<(Py<PyString>, Field, Column)>, usize, NullBufferBuilder),
}

impl Column {
    /// A column of that type. `given` says that the author named the type, so that an exact int may stand for a float
    /// or a decimal.
    pub(super) fn new(py: Python<'_>, kind: &ColumnType, rows: usize, given: bool) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int8 => Self::Int8(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int16 => Self::Int16(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int32 => Self::Int32(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int64 => Self::Int64(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint8 => Self::Uint8(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint16 => Self::Uint16(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint32 => Self::Uint32(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint64 => Self::Uint64(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Float32 => Self::Float32(PrimitiveBuilder::with_capacity(rows), given),
            ColumnType::Float64 => Self::Float64(PrimitiveBuilder::with_capacity(rows), given),
            ColumnType::Decimal { precision, scale } => {
                let builder = Decimal128Builder::with_capacity(rows).with_data_type(kind.to_arrow());
                Self::Decimal(builder, *precision, *scale, given)
            }
            ColumnType::Text => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Json => Self::Json(StringBuilder::with_capacity(rows, rows * 32), String::new()),
            ColumnType::Binary => Self::Binary(LargeBinaryBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Date => Self::Date(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Time => Self::Time(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Timestamp { utc } => {
                Self::Timestamp(PrimitiveBuilder::with_capacity(rows).with_data_type(kind.to_arrow()), *utc)
            }
            ColumnType::Duration => Self::Duration(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            ColumnType::Vector { dimension } => {
                let length = *dimension as usize;
                Self::Vector(Vec::new(), length, NullBufferBuilder::new(rows))
            }
            ColumnType::List { item } => {
                let field = match kind.to_arrow() {
                    DataType::List(field) => field,
                    other => Arc::new(ArrowField::new("item", other, true)),
                };
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Self::List(
                    Box::new(Self::new(py, item, rows, given)),
                    field,
                    offsets,
                    NullBufferBuilder::new(rows),
                )
            }
            ColumnType::Struct { fields } => {
                let column = |field: &Field| {
                    (
                        PyString::intern(py, &field.name).unbind(),
                        field.clone(),
                        Self::new(py, &field.r#type, rows, given),
                    )
                };
                Self::Struct(fields.iter().map(column).collect(), 0, NullBufferBuilder::new(rows))
            }
        }
    }

    /// Add a null.
    pub(super) fn null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int8(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Uint8(builder) => builder.append_null(),
            Self::Uint16(builder) => builder.append_null(),
            Self::Uint32(builder) => builder.append_null(),
            Self::Uint64(builder) => builder.append_null(),
            Self::Float32(builder, _) => builder.append_null(),
            Self::Float64(builder, _) => builder.append_null(),
            Self::Decimal(builder, ..) => builder.append_null(),
            Self::Text(builder) | Self::Json(builder, _) => builder.append_null(),
            Self::Binary(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::Timestamp(builder, _) => builder.append_null(),
            Self::Duration(builder) => builder.append_null(),
            Self::Uuid(builder) => builder.append_null(),
            Self::Vector(values, dimension, nulls) => {
                values.resize(values.len() + *dimension, 0.0);
                nulls.append_null();
            }
            Self::List(_, _, offsets, nulls) => {
                offsets.push(offsets.last().copied().unwrap_or(0));
                nulls.append_null();
            }
            Self::Struct(columns, length, nulls) => {
                for (_, _, column) in columns.iter_mut() {
                    column.null();
                }
                *length += 1;
                nulls.append_null();
            }
        }
    }

    /// Add a value that is not None.
    pub(super) fn append(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Refusal> {
        match self {
            Self::Bool(builder) => {
                let truth = value.cast::<PyBool>().map_err(|_| Refusal::wrong_type(value, "bool"))?;
                builder.append_value(truth.is_true());
            }
            Self::Int8(builder) => integer(builder, value, "int8")?,
            Self::Int16(builder) => integer(builder, value, "int16")?,
            Self::Int32(builder) => integer(builder, value, "int32")?,
            Self::Int64(builder) => integer(builder, value, "int64")?,
            Self::Uint8(builder) => integer(builder, value, "uint8")?,
            Self::Uint16(builder) => integer(builder, value, "uint16")?,
            Self::Uint32(builder) => integer(builder, value, "uint32")?,
            Self::Uint64(builder) => integer(builder, value, "uint64")?,
            Self::Float32(builder, given) => builder.append_value(single(float(value, *given, "float32")?)?),
            Self::Float64(builder, given) => builder.append_value(float(value, *given, "float64")?),
            Self::Decimal(builder, precision, scale, given) => {
                builder.append_value(decimal(value, *precision, *scale, *given)?);
            }
            Self::Text(builder) => {
                let text = value.cast::<PyString>().map_err(|_| Refusal::wrong_type(value, "text"))?;
                append_text(builder, json::utf8(text)?)?;
            }
            Self::Json(builder, scratch) => {
                scratch.clear();
                json::write(scratch, value)?;
                append_text(builder, scratch)?;
            }
            Self::Binary(builder) => append_bytes(builder, value)?,
            Self::Date(builder) => builder.append_value(time::date(value)?),
            Self::Time(builder) => builder.append_value(time::time(value)?),
            Self::Timestamp(builder, utc) => builder.append_value(time::timestamp(value, *utc)?),
            Self::Duration(builder) => builder.append_value(time::duration(value)?),
            Self::Uuid(builder) => append_uuid(builder, value)?,
            Self::Vector(values, dimension, nulls) => {
                append_vector(values, *dimension, value)?;
                nulls.append_non_null();
            }
            Self::List(item, _, offsets, nulls) => {
                append_list(item, offsets, value)?;
                nulls.append_non_null();
            }
            Self::Struct(columns, length, nulls) => {
                append_struct(columns, value)?;
                *length += 1;
                nulls.append_non_null();
            }
        }
        Ok(())
    }

    /// The column, complete.
    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Int8(mut builder) => Arc::new(builder.finish()),
            Self::Int16(mut builder) => Arc::new(builder.finish()),
            Self::Int32(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Uint8(mut builder) => Arc::new(builder.finish()),
            Self::Uint16(mut builder) => Arc::new(builder.finish()),
            Self::Uint32(mut builder) => Arc::new(builder.finish()),
            Self::Uint64(mut builder) => Arc::new(builder.finish()),
            Self::Float32(mut builder, _) => Arc::new(builder.finish()),
            Self::Float64(mut builder, _) => Arc::new(builder.finish()),
            Self::Decimal(mut builder, ..) => Arc::new(builder.finish()),
            Self::Text(mut builder) | Self::Json(mut builder, _) => Arc::new(builder.finish()),
            Self::Binary(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Time(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder, _) => Arc::new(builder.finish()),
            Self::Duration(mut builder) => Arc::new(builder.finish()),
            Self::Uuid(mut builder) => Arc::new(builder.finish()),
            Self::Vector(values, dimension, mut nulls) => {
                let item = Arc::new(ArrowField::new("item", DataType::Float32, false));
                let length =
                    i32::try_from(dimension).map_err(|error| ArrowError::ComputeError(error.to_string()))?;
                Arc::new(FixedSizeListArray::try_new(
                    item,
                    length,
                    Arc::new(Float32Array::from(values)),
                    nulls.finish(),
                )?)
            }
            Self::List(item, field, offsets, mut nulls) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(field, offsets, item.finish()?, nulls.finish())?)
            }
            Self::Struct(columns, length, mut nulls) => {
                let fields = columns.iter().map(|(_, field, _)| field.to_arrow()).collect();
                let arrays =
                    columns.into_iter().map(|(_, _, column)| column.finish()).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields, arrays, nulls.finish(), length)?)
            }
        })
    }
}

fn append_list(item: &mut Column, offsets: &mut Vec<i32>, value: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    let list = value.cast::<PyList>().map_err(|_| Refusal::wrong_type(value, "a list"))?;
    let before = offsets.last().copied().unwrap_or(0);
    let after = i32::try_from(list.len()).ok().and_then(|length| before.checked_add(length));
    let after = after.ok_or_else(|| {
        Refusal::new("brings the lists of this batch beyond 2^31 elements", "yield smaller batches")
    })?;
    for element in list.iter() {
        if element.is_none() { item.null() } else { item.append(&element)? }
    }
    offsets.push(after);
    Ok(())
}

fn append_struct(
    columns: &mut [(Py<PyString>, Field, Column)],
    value: &Bound<'_, PyAny>,
) -> Result<(), Refusal> {
    let dict = value.cast::<PyDict>().map_err(|_| Refusal::wrong_type(value, "a dict"))?;
    if dict.len() != columns.len() {
        return Err(Refusal::new(
            format!("holds a dict of {} keys for {} fields", dict.len(), columns.len()),
            "give every field, None for a null",
        ));
    }
    for (name, field, column) in columns {
        match dict.get_item(name.bind(value.py()))? {
            Some(item) if !item.is_none() => column.append(&item)?,
            Some(_) if field.nullable => column.null(),
            _ => {
                return Err(Refusal::new(
                    format!("lacks the field `{}`", field.name),
                    "give every field, None for a null",
                ));
            }
        }
    }
    Ok(())
}
