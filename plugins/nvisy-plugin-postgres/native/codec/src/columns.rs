//! Builders of Arrow columns from values on the wire: which pair of types goes together, and how.
//! A builder is filled by blocks of values of one column, so what is decided is decided per block and not per value.

mod fixed;
mod bytes;
mod list;

use crate::error::{Reason, Refused};
use crate::field::is_json;
use crate::numeric;
use crate::scan::Cells;
use crate::wire::{DAY, EPOCH_DAYS, EPOCH_MICROS, Scalar, Wire};
use arrow_array::ArrayRef;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_schema::{DataType, Field};
use bytes::{Bytes, Numerals, Text};
use fixed::{Fixed, Flags, Uuids};
use list::{List, Vectors, elements, numbers};

/// A column that grows.
pub(crate) trait Column {
    /// Append the values. A column that refused one is of no more use.
    fn fill(&mut self, cells: Cells<'_>) -> Result<(), Refused>;
    /// The whole column.
    fn finish(self: Box<Self>) -> Result<ArrayRef, Refused>;
}

const LENGTH: Reason = Reason::Borrowed("has a length that its type does not have");
const INFINITE: Reason = Reason::Borrowed("is infinite or out of range; read it as text");

/// A builder of that field with room for so many rows.
///
/// # Errors
/// A sentence saying that the types do not go together.
pub(crate) fn open(wire: Wire, field: &Field, rows: usize) -> Result<Box<dyn Column>, String> {
    let opened = match (wire.array, field.data_type()) {
        (true, DataType::List(item)) => {
            let element = open(Wire { array: false, ..wire }, item, 0)?;
            Some(Box::new(List::new(item.clone(), element, rows)) as Box<dyn Column>)
        }
        (true, DataType::FixedSizeList(item, dimension)) if wire.scalar == Scalar::Float4 => {
            Some(Box::new(Vectors::new(item.clone(), Some(*dimension), rows, elements)) as _)
        }
        (true, _) => None,
        (false, _) => scalar(wire.scalar, field, rows),
    };
    opened.ok_or_else(|| format!("PostgreSQL's {wire} cannot be read as {}", name(field)))
}

/// What the portable type of that field is called, roughly.
fn name(field: &Field) -> String {
    if is_json(field) { "json".to_owned() } else { field.data_type().to_string().to_lowercase() }
}

fn scalar(scalar: Scalar, field: &Field, rows: usize) -> Option<Box<dyn Column>> {
    let json = is_json(field);
    Some(match (scalar, field.data_type()) {
        (Scalar::Bool, DataType::Boolean) => Box::new(Flags::new(rows)),
        (Scalar::Int2 | Scalar::Int4 | Scalar::Int8, _) => return integer(scalar, field, rows),
        (Scalar::Float4, DataType::Float32) => fixed::<Float32Type>(field, rows, float4),
        (Scalar::Float4, DataType::Float64) => {
            fixed::<Float64Type>(field, rows, |bytes| float4(bytes).map(f64::from))
        }
        (Scalar::Float8, DataType::Float64) => {
            fixed::<Float64Type>(field, rows, |bytes| be(bytes).map(f64::from_be_bytes))
        }
        (Scalar::Numeric, DataType::Decimal128(precision, scale)) => {
            let holder = numeric::Holder::new(*precision, *scale);
            fixed::<Decimal128Type>(field, rows, move |bytes| holder.read(bytes))
        }
        (Scalar::Numeric, DataType::Utf8) if !json => Box::new(Numerals::new(rows)),
        (Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name, DataType::Utf8) if !json => {
            Box::new(Text::new(rows, None))
        }
        (Scalar::Json, DataType::Utf8) => Box::new(Text::new(rows, None)),
        (Scalar::Jsonb, DataType::Utf8) => Box::new(Text::new(rows, Some(1))),
        (Scalar::Bytea, DataType::LargeBinary) => Box::new(Bytes::new(rows)),
        (Scalar::Date, DataType::Date32) => fixed::<Date32Type>(field, rows, date),
        (Scalar::Time, DataType::Time64(_)) => fixed::<Time64MicrosecondType>(field, rows, time),
        (Scalar::Timestamp, DataType::Timestamp(_, None))
        | (Scalar::Timestamptz, DataType::Timestamp(_, Some(_))) => {
            fixed::<TimestampMicrosecondType>(field, rows, timestamp)
        }
        (Scalar::Interval, DataType::Duration(_)) => fixed::<DurationMicrosecondType>(field, rows, interval),
        (Scalar::Uuid, DataType::FixedSizeBinary(16)) => Box::new(Uuids::new(rows)),
        (Scalar::Vector, DataType::FixedSizeList(item, dimension)) => {
            Box::new(Vectors::new(item.clone(), Some(*dimension), rows, numbers))
        }
        (Scalar::Vector, DataType::List(item)) if *item.data_type() == DataType::Float32 => {
            Box::new(Vectors::new(item.clone(), None, rows, numbers))
        }
        _ => return None,
    })
}

fn fixed<T: arrow_array::ArrowPrimitiveType>(
    field: &Field,
    rows: usize,
    read: impl Fn(&[u8]) -> Result<T::Native, Reason> + 'static,
) -> Box<dyn Column> {
    Box::new(Fixed::<T, _>::new(field.data_type().clone(), rows, read))
}

/// An integer in an Arrow column of the same width, or of another one that holds the value.
fn integer(scalar: Scalar, field: &Field, rows: usize) -> Option<Box<dyn Column>> {
    macro_rules! narrow {
        ($arrow:ty) => {
            fixed::<$arrow>(field, rows, move |bytes| {
                let value = whole(scalar, bytes)?;
                value.try_into().map_err(|_| "is out of the range of its integer type".into())
            })
        };
    }
    Some(match (scalar, field.data_type()) {
        (Scalar::Int2, DataType::Int16) => {
            fixed::<Int16Type>(field, rows, |bytes| be(bytes).map(i16::from_be_bytes))
        }
        (Scalar::Int4, DataType::Int32) => {
            fixed::<Int32Type>(field, rows, |bytes| be(bytes).map(i32::from_be_bytes))
        }
        (Scalar::Int8, DataType::Int64) => {
            fixed::<Int64Type>(field, rows, |bytes| be(bytes).map(i64::from_be_bytes))
        }
        (_, DataType::Int8) => narrow!(Int8Type),
        (_, DataType::Int16) => narrow!(Int16Type),
        (_, DataType::Int32) => narrow!(Int32Type),
        (_, DataType::Int64) => narrow!(Int64Type),
        (_, DataType::UInt8) => narrow!(UInt8Type),
        (_, DataType::UInt16) => narrow!(UInt16Type),
        (_, DataType::UInt32) => narrow!(UInt32Type),
        (_, DataType::UInt64) => narrow!(UInt64Type),
        _ => return None,
    })
}

fn whole(scalar: Scalar, bytes: &[u8]) -> Result<i64, Reason> {
    match scalar {
        Scalar::Int2 => be(bytes).map(i16::from_be_bytes).map(i64::from),
        Scalar::Int4 => be(bytes).map(i32::from_be_bytes).map(i64::from),
        _ => be(bytes).map(i64::from_be_bytes),
    }
}

#[inline]
fn be<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Reason> {
    bytes.try_into().map_err(|_| LENGTH)
}

#[inline]
fn float4(bytes: &[u8]) -> Result<f32, Reason> {
    be(bytes).map(f32::from_be_bytes)
}

/// Days since 2000; both ends of the range mean infinity.
#[inline]
fn date(bytes: &[u8]) -> Result<i32, Reason> {
    match i32::from_be_bytes(be(bytes)?) {
        i32::MIN | i32::MAX => Err(INFINITE),
        days => days.checked_add(EPOCH_DAYS).ok_or(INFINITE),
    }
}

/// Microseconds since midnight.
#[inline]
fn time(bytes: &[u8]) -> Result<i64, Reason> {
    match i64::from_be_bytes(be(bytes)?) {
        micros @ 0..DAY => Ok(micros),
        DAY => Err("is 24:00:00, the end of a day; read it as text".into()),
        _ => Err("is no time of day".into()),
    }
}

/// Microseconds since 2000; both ends of the range mean infinity.
#[inline]
fn timestamp(bytes: &[u8]) -> Result<i64, Reason> {
    match i64::from_be_bytes(be(bytes)?) {
        i64::MIN | i64::MAX => Err(INFINITE),
        micros => micros.checked_add(EPOCH_MICROS).ok_or(INFINITE),
    }
}

/// Microseconds, days and months. The three stay apart in the server, because a day is not always 24 hours.
fn interval(bytes: &[u8]) -> Result<i64, Reason> {
    let bytes: [u8; 16] = be(bytes)?;
    let (micros, rest) = bytes.split_at(8);
    let (days, months) = rest.split_at(4);
    let micros = i64::from_be_bytes(be(micros)?);
    let days = i64::from(i32::from_be_bytes(be(days)?));
    match i32::from_be_bytes(be(months)?) {
        0 => days.checked_mul(DAY).and_then(|days| days.checked_add(micros)).ok_or(INFINITE),
        i32::MIN | i32::MAX => Err(INFINITE),
        _ => Err("has months, which have no fixed length; read it as text".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_ranges_are_infinite() {
        assert_eq!(date(&i32::MAX.to_be_bytes()), Err(INFINITE));
        assert_eq!(date(&i32::MIN.to_be_bytes()), Err(INFINITE));
        assert_eq!(date(&(-EPOCH_DAYS).to_be_bytes()), Ok(0));
        assert_eq!(timestamp(&i64::MIN.to_be_bytes()), Err(INFINITE));
        assert_eq!(timestamp(&(i64::MAX - 1).to_be_bytes()), Err(INFINITE));
        assert_eq!(timestamp(&(i64::MAX - EPOCH_MICROS).to_be_bytes()), Ok(i64::MAX));
        assert_eq!(timestamp(&[0; 7]), Err(LENGTH));
    }

    #[test]
    fn times_end_before_midnight() {
        assert_eq!(time(&(DAY - 1).to_be_bytes()), Ok(DAY - 1));
        assert!(time(&DAY.to_be_bytes()).unwrap_err().contains("24:00:00"));
        assert!(time(&(-1_i64).to_be_bytes()).is_err());
    }

    #[test]
    fn intervals_are_lengths_of_time_unless_they_have_months() {
        let wire = |micros: i64, days: i32, months: i32| {
            let mut bytes = micros.to_be_bytes().to_vec();
            bytes.extend(days.to_be_bytes());
            bytes.extend(months.to_be_bytes());
            interval(&bytes)
        };
        assert_eq!(wire(5, 2, 0), Ok(2 * DAY + 5));
        assert_eq!(wire(-5, 1, 0), Ok(DAY - 5));
        assert!(wire(0, 0, 1).unwrap_err().contains("months"));
        assert_eq!(wire(i64::MAX, i32::MAX, i32::MAX), Err(INFINITE));
        assert_eq!(wire(i64::MAX, 1, 0), Err(INFINITE));
    }

    #[test]
    fn types_that_do_not_go_together_are_named() {
        let field = Field::new("a", DataType::Int32, true);
        let wire = "text[]".parse().unwrap();
        assert_eq!(open(wire, &field, 0).err().unwrap(), "PostgreSQL's text[] cannot be read as int32");
    }
}
