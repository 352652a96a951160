//! Tables of any columns that can be moved, for the tests.

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, LargeBinaryArray, ListArray,
    PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};
use nvisy_postgres_copy::field;
use proptest::prelude::*;
use std::sync::Arc;

/// A column: its name, its type on the wire, the JSON of its portable type.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) wire: &'static str,
    pub(crate) json: &'static str,
}

/// Columns and rows of these.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) batch: RecordBatch,
}

const KINDS: [(&str, &str); 30] = [
    ("bool", r#"{"name":"bool"}"#),
    ("int2", r#"{"name":"int16"}"#),
    ("int4", r#"{"name":"int32"}"#),
    ("int8", r#"{"name":"int64"}"#),
    ("int2", r#"{"name":"int8"}"#),
    ("float4", r#"{"name":"float32"}"#),
    ("float8", r#"{"name":"float64"}"#),
    ("numeric", r#"{"name":"decimal","precision":38,"scale":0}"#),
    ("numeric", r#"{"name":"decimal","precision":38,"scale":38}"#),
    ("numeric", r#"{"name":"decimal","precision":18,"scale":5}"#),
    ("text", r#"{"name":"text"}"#),
    ("varchar", r#"{"name":"text"}"#),
    ("json", r#"{"name":"json"}"#),
    ("jsonb", r#"{"name":"json"}"#),
    ("bytea", r#"{"name":"binary"}"#),
    ("date", r#"{"name":"date"}"#),
    ("time", r#"{"name":"time"}"#),
    ("timestamp", r#"{"name":"timestamp","utc":false}"#),
    ("timestamptz", r#"{"name":"timestamp","utc":true}"#),
    ("interval", r#"{"name":"duration"}"#),
    ("uuid", r#"{"name":"uuid"}"#),
    ("vector", r#"{"name":"vector","dimension":3}"#),
    ("vector", r#"{"name":"list","item":{"name":"float32"}}"#),
    ("float4[]", r#"{"name":"vector","dimension":2}"#),
    ("int4[]", r#"{"name":"list","item":{"name":"int32"}}"#),
    ("text[]", r#"{"name":"list","item":{"name":"text"}}"#),
    ("numeric[]", r#"{"name":"list","item":{"name":"decimal","precision":38,"scale":7}}"#),
    ("jsonb[]", r#"{"name":"list","item":{"name":"json"}}"#),
    ("uuid[]", r#"{"name":"list","item":{"name":"uuid"}}"#),
    ("timestamptz[]", r#"{"name":"list","item":{"name":"timestamp","utc":true}}"#),
];

/// Any table of 1 to 6 columns and up to 60 rows.
pub(crate) fn table() -> impl Strategy<Value = Table> {
    (prop::collection::vec(0..KINDS.len(), 1..6), 0..60_usize).prop_flat_map(|(kinds, rows)| {
        let columns: Vec<_> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| Column {
                name: format!("c {number}"),
                wire: KINDS[*kind].0,
                json: KINDS[*kind].1,
            })
            .collect();
        let fields: Vec<_> =
            columns.iter().map(|column| field(&column.name, column.json, true).unwrap()).collect();
        let arrays: Vec<_> = columns
            .iter()
            .zip(&fields)
            .map(|(column, field)| values(field, column.wire.starts_with("vector"), rows))
            .collect();
        (Just(columns), Just(fields), arrays).prop_map(move |(columns, fields, arrays)| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let schema = Arc::new(Schema::new(fields));
            let batch = RecordBatch::try_new_with_options(schema, arrays, &options).unwrap();
            Table { columns, batch }
        })
    })
}

/// An array of so many values of that field, and nulls unless `full`.
fn values(field: &Field, full: bool, rows: usize) -> BoxedStrategy<ArrayRef> {
    match field.data_type() {
        DataType::Boolean => cells(any::<bool>(), rows, |cells| Arc::new(BooleanArray::from(cells))),
        DataType::Int8 => numbers::<Int8Type>(field, any::<i8>(), rows),
        DataType::Int16 => numbers::<Int16Type>(field, any::<i16>(), rows),
        DataType::Int32 => numbers::<Int32Type>(field, any::<i32>(), rows),
        DataType::Int64 => numbers::<Int64Type>(field, any::<i64>(), rows),
        DataType::UInt64 => numbers::<UInt64Type>(field, any::<u64>(), rows),
        DataType::Float32 => numbers::<Float32Type>(field, prop::num::f32::ANY, rows),
        DataType::Float64 => numbers::<Float64Type>(field, prop::num::f64::ANY, rows),
        DataType::Decimal128(precision, _) => {
            let digits = 0..=u32::from(*precision);
            let value = (any::<i128>(), digits).prop_map(|(value, digits)| value % 10_i128.pow(digits));
            numbers::<Decimal128Type>(field, value, rows)
        }
        DataType::Date32 => numbers::<Date32Type>(field, -2_440_588..=2_145_042_905_i32, rows),
        DataType::Time64(_) => numbers::<Time64MicrosecondType>(field, 0..86_400_000_000_i64, rows),
        DataType::Timestamp(..) => {
            let range = -210_866_803_200_000_000..9_223_371_331_200_000_000_i64;
            numbers::<TimestampMicrosecondType>(field, range, rows)
        }
        DataType::Duration(_) => numbers::<DurationMicrosecondType>(field, any::<i64>(), rows),
        DataType::Utf8 => cells("[^\0]{0,12}", rows, |cells| Arc::new(StringArray::from(cells))),
        DataType::LargeBinary => cells(prop::collection::vec(any::<u8>(), 0..20), rows, |cells| {
            Arc::new(cells.into_iter().collect::<LargeBinaryArray>())
        }),
        DataType::FixedSizeBinary(16) => cells(any::<[u8; 16]>(), rows, |cells| {
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells.into_iter(), 16).unwrap())
        }),
        DataType::FixedSizeList(item, size) => {
            let (item, size) = (item.clone(), *size);
            let room = rows * usize::try_from(size).unwrap();
            (prop::collection::vec(prop::num::f32::ANY, room), valid(rows))
                .prop_map(move |(mut values, nulls)| {
                    for (row, valid) in nulls.iter().enumerate() {
                        let size = usize::try_from(size).unwrap();
                        if !valid {
                            values[row * size..(row + 1) * size].fill(0.0);
                        }
                    }
                    let values = Arc::new(PrimitiveArray::<Float32Type>::from(values));
                    Arc::new(FixedSizeListArray::new(item.clone(), size, values, Some(nulls))) as ArrayRef
                })
                .boxed()
        }
        DataType::List(item) => {
            let item = item.clone();
            prop::collection::vec(0..4_usize, rows)
                .prop_flat_map(move |mut lengths| {
                    let nulls = lengths.iter().map(|length| *length != 3).collect::<NullBuffer>();
                    lengths.iter_mut().filter(|length| **length == 3).for_each(|length| *length = 0);
                    let offsets = OffsetBuffer::<i32>::from_lengths(lengths.iter().copied());
                    let item = item.clone();
                    values(&item, full, lengths.iter().sum()).prop_map(move |values| {
                        let nulls = Some(nulls.clone()).filter(|nulls| nulls.null_count() > 0);
                        // Elements of a list that pgvector keeps are never null.
                        let values = if full { solid(values.as_ref()) } else { values };
                        Arc::new(ListArray::new(item.clone(), offsets.clone(), values, nulls)) as ArrayRef
                    })
                })
                .boxed()
        }
        other => panic!("{other}"),
    }
}

fn solid(array: &dyn Array) -> ArrayRef {
    let floats = array.as_any().downcast_ref::<PrimitiveArray<Float32Type>>().unwrap();
    Arc::new(PrimitiveArray::<Float32Type>::from_iter_values(floats.values().iter().copied()))
}

fn valid(rows: usize) -> impl Strategy<Value = NullBuffer> {
    prop::collection::vec(prop::bool::weighted(0.8), rows).prop_map(NullBuffer::from)
}

fn numbers<T: ArrowPrimitiveType>(
    field: &Field,
    value: impl Strategy<Value = T::Native> + 'static,
    rows: usize,
) -> BoxedStrategy<ArrayRef> {
    let data_type = field.data_type().clone();
    cells(value, rows, move |cells| {
        Arc::new(cells.into_iter().collect::<PrimitiveArray<T>>().with_data_type(data_type.clone()))
    })
}

fn cells<S: Strategy + 'static>(
    value: S,
    rows: usize,
    array: impl Fn(Vec<Option<S::Value>>) -> ArrayRef + 'static,
) -> BoxedStrategy<ArrayRef> {
    prop::collection::vec(prop::option::weighted(0.8, value), rows).prop_map(array).boxed()
}
