//! Values of Arrow columns as the server takes them: which pair of types goes together, and how.
//! Any layout of a type is taken as it comes; nothing is rounded, and what does not fit is refused by row.

mod fixed;
mod bytes;
mod list;

use crate::encode::Refusal;
use crate::field::is_json;
use crate::json::Printer;
use crate::wire::{DAY, EPOCH_DAYS, EPOCH_MICROS, Scalar, Wire};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_schema::{DataType, Field, TimeUnit};
use bytes::{Json, bytes, text};
use fixed::{Decimals, Fixed, Flags, Wholes};
pub(crate) use list::Lists;
use list::vector;

/// The values of one column.
pub(crate) trait Cell {
    /// Append the length and the bytes of a value.
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal>;

    /// Add to each of the first rows' sizes what `put` would append; false where that is not known without doing it, or
    /// where a value is refused.
    fn measure(&self, _sizes: &mut [usize]) -> bool {
        false
    }

    /// Write the first rows' values to their places, each of which moves behind what is written. `measure` has been true.
    fn scatter(&self, _places: &mut [usize], _out: &mut [u8]) {}
}

/// The length of null.
pub(crate) const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// The first instant that the server knows, 4713 BC, and the first one it does not, 294277 AD; from 2000.
const INSTANTS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
/// The same for days, which end in 5874898 AD.
const DAYS: std::ops::Range<i32> = -2_451_545..2_145_031_949;

/// The values of that column of Arrow, for that type on the wire.
///
/// # Errors
/// A sentence saying that the types do not go together.
pub(crate) fn open<'a>(
    wire: Wire,
    field: &Field,
    array: &'a dyn Array,
) -> Result<Box<dyn Cell + 'a>, String> {
    let opened = if wire.array { list::open(wire, array)? } else { scalar(wire.scalar, field, array) };
    opened.ok_or_else(|| {
        let json = if is_json(field) { " (JSON)" } else { "" };
        let from = field.data_type().to_string().to_lowercase();
        format!("{from}{json} cannot be written as PostgreSQL's {wire}")
    })
}

fn scalar<'a>(scalar: Scalar, field: &Field, array: &'a dyn Array) -> Option<Box<dyn Cell + 'a>> {
    match (scalar, field.data_type()) {
        (Scalar::Bool, DataType::Boolean) => Some(Box::new(Flags(array.as_boolean()))),
        (_, from) if from.is_integer() => integer(scalar, array),
        (Scalar::Float4 | Scalar::Float8, _) => float(scalar, array),
        (Scalar::Numeric, DataType::Decimal128(_, scale)) => {
            Some(Box::new(Decimals { array: array.as_primitive(), scale: u8::try_from(*scale).ok()? }))
        }
        (Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name, _) => text(array, None),
        (Scalar::Json | Scalar::Jsonb, from) => {
            let version = (scalar == Scalar::Jsonb).then_some(1);
            match from.is_nested() {
                true => Some(Box::new(Json { printer: Printer::new(field, array)?, version })),
                false if is_json(field) => text(array, version),
                false => None,
            }
        }
        (Scalar::Bytea, _) | (Scalar::Uuid, DataType::FixedSizeBinary(16)) => bytes(array),
        (Scalar::Date, DataType::Date32) => Some(fixed::<Date32Type, 4>(array, date)),
        (Scalar::Time, DataType::Time64(TimeUnit::Microsecond)) => {
            Some(fixed::<Time64MicrosecondType, 8>(array, time))
        }
        (Scalar::Timestamp, DataType::Timestamp(TimeUnit::Microsecond, None))
        | (Scalar::Timestamptz, DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => {
            Some(fixed::<TimestampMicrosecondType, 8>(array, timestamp))
        }
        (Scalar::Interval, DataType::Duration(TimeUnit::Microsecond)) => {
            Some(fixed::<DurationMicrosecondType, 16>(array, |micros| Ok(interval(micros))))
        }
        (Scalar::Vector, _) => vector(array),
        _ => None,
    }
}

fn fixed<'a, T: ArrowPrimitiveType, const N: usize>(
    array: &'a dyn Array,
    write: impl Fn(T::Native) -> Result<[u8; N], Refusal> + 'a,
) -> Box<dyn Cell + 'a> {
    Box::new(Fixed { array: array.as_primitive::<T>(), write })
}

/// An integer of any width, where the value fits.
fn integer(scalar: Scalar, array: &dyn Array) -> Option<Box<dyn Cell + '_>> {
    match array.data_type() {
        DataType::Int8 => whole::<Int8Type>(scalar, array),
        DataType::Int16 => whole::<Int16Type>(scalar, array),
        DataType::Int32 => whole::<Int32Type>(scalar, array),
        DataType::Int64 => whole::<Int64Type>(scalar, array),
        DataType::UInt8 => whole::<UInt8Type>(scalar, array),
        DataType::UInt16 => whole::<UInt16Type>(scalar, array),
        DataType::UInt32 => whole::<UInt32Type>(scalar, array),
        DataType::UInt64 => whole::<UInt64Type>(scalar, array),
        _ => None,
    }
}

fn whole<T>(scalar: Scalar, array: &dyn Array) -> Option<Box<dyn Cell + '_>>
where
    T: ArrowPrimitiveType,
    T::Native: TryInto<i16> + TryInto<i32> + TryInto<i64> + Into<i128>,
{
    macro_rules! narrow {
        ($to:ty, $bytes:literal) => {
            fixed::<T, $bytes>(array, |value| {
                let value: Result<$to, _> = value.try_into();
                value.map(<$to>::to_be_bytes).map_err(|_| too_large())
            })
        };
    }
    Some(match scalar {
        Scalar::Int2 => narrow!(i16, 2),
        Scalar::Int4 => narrow!(i32, 4),
        Scalar::Int8 => narrow!(i64, 8),
        Scalar::Float8 => fixed::<T, 8>(array, |value| exact(value.into())),
        Scalar::Numeric => Box::new(Wholes(array.as_primitive::<T>())),
        _ => return None,
    })
}

#[cold]
fn too_large() -> Refusal {
    Refusal::range("is out of the range of its column's integer type")
}

/// An integer as a double, where no digit is lost.
fn exact(value: i128) -> Result<[u8; 8], Refusal> {
    const MOST: u128 = 1 << f64::MANTISSA_DIGITS;
    if value.unsigned_abs() > MOST {
        return Err(Refusal::range("has more digits than a double"));
    }
    #[expect(clippy::cast_precision_loss, reason = "it was looked at just before")]
    let value = value as f64;
    Ok(value.to_be_bytes())
}

fn float(scalar: Scalar, array: &dyn Array) -> Option<Box<dyn Cell + '_>> {
    Some(match (scalar, array.data_type()) {
        (Scalar::Float4, DataType::Float32) => {
            fixed::<Float32Type, 4>(array, |value| Ok(value.to_be_bytes()))
        }
        (Scalar::Float4, DataType::Float64) => fixed::<Float64Type, 4>(array, single),
        (_, DataType::Float32) => fixed::<Float32Type, 8>(array, |value| Ok(f64::from(value).to_be_bytes())),
        (_, DataType::Float64) => fixed::<Float64Type, 8>(array, |value| Ok(value.to_be_bytes())),
        _ => return None,
    })
}

/// A double as a single, where that is the same number.
fn single(value: f64) -> Result<[u8; 4], Refusal> {
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is looked at just below")]
    let narrow = value as f32;
    let same = f64::from(narrow).to_bits() == value.to_bits() || value.is_nan();
    if same { Ok(narrow.to_be_bytes()) } else { Err(Refusal::range("has more digits than a single")) }
}

#[inline]
fn date(days: i32) -> Result<[u8; 4], Refusal> {
    let days = days.checked_sub(EPOCH_DAYS).filter(|days| DAYS.contains(days));
    days.map(i32::to_be_bytes).ok_or_else(|| Refusal::range("is a day that PostgreSQL does not know"))
}

#[inline]
fn time(micros: i64) -> Result<[u8; 8], Refusal> {
    if (0..DAY).contains(&micros) {
        Ok(micros.to_be_bytes())
    } else {
        Err(Refusal::range("is no time of day"))
    }
}

#[inline]
fn timestamp(micros: i64) -> Result<[u8; 8], Refusal> {
    let micros = micros.checked_sub(EPOCH_MICROS).filter(|micros| INSTANTS.contains(micros));
    micros.map(i64::to_be_bytes).ok_or_else(|| Refusal::range("is an instant that PostgreSQL does not know"))
}

/// Days and months stay 0: how long they are is not the same everywhere.
fn interval(micros: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes
}
