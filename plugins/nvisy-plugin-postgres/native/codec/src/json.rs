//! One cell of an Arrow column -> JSON, spelled as everywhere in Nvisy. What JSON cannot hold exactly is refused.

use crate::calendar::{print_date, print_duration, print_time, print_timestamp};
use crate::cells::Lists;
use crate::encode::Refusal;
use crate::field::is_json;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor};
use arrow_schema::{DataType, Field, TimeUnit};
use serde_json::value::RawValue;
use std::fmt::Display;
use std::io::Write as _;

/// Prints the cells of one column.
pub(crate) struct Printer<'a> {
    array: &'a dyn Array,
    form: Form<'a>,
}

type Print<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Refusal> + 'a>;

enum Form<'a> {
    Plain(Print<'a>),
    /// In quotes.
    Quoted(Print<'a>),
    List(Lists<'a>, Box<Printer<'a>>),
    /// Each member after its key.
    Struct(Vec<(Vec<u8>, Printer<'a>)>),
}

impl<'a> Printer<'a> {
    /// A printer of that column; `None` when its type has no JSON form.
    pub(crate) fn new(field: &Field, array: &'a dyn Array) -> Option<Self> {
        let form = match array.data_type() {
            DataType::Struct(fields) => {
                let members = fields.iter().zip(array.as_struct().columns()).map(|(field, column)| {
                    let mut key = Vec::new();
                    string(field.name(), &mut key).ok()?;
                    key.push(b':');
                    Some((key, Self::new(field, column.as_ref())?))
                });
                Form::Struct(members.collect::<Option<_>>()?)
            }
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let lists = Lists::new(array)?;
                let item = Self::new(lists.item, lists.elements)?;
                Form::List(lists, Box::new(item))
            }
            _ => scalar(field, array)?,
        };
        Some(Self { array, form })
    }

    /// Whether the cell is null.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    /// Write the cell.
    pub(crate) fn print(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match &self.form {
            Form::Plain(print) => print(row, out)?,
            Form::Quoted(print) => {
                out.push(b'"');
                print(row, out)?;
                out.push(b'"');
            }
            Form::List(lists, item) => {
                out.push(b'[');
                for (place, element) in lists.range(row).unwrap_or(0..0).enumerate() {
                    out.extend((place > 0).then_some(b','));
                    item.print(element, out)?;
                }
                out.push(b']');
            }
            Form::Struct(members) => {
                out.push(b'{');
                for (place, (key, member)) in members.iter().enumerate() {
                    out.extend((place > 0).then_some(b','));
                    out.extend_from_slice(key);
                    member.print(row, out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }
}

fn scalar<'a>(field: &Field, array: &'a dyn Array) -> Option<Form<'a>> {
    Some(match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            Form::Plain(Box::new(move |row, out| show(array.value(row), out)))
        }
        from if from.is_integer() => return integer(array),
        DataType::Float32 => plain::<Float32Type>(array, |value, out| {
            finite(value.is_finite())?;
            written(serde_json::to_writer(out, &value))
        }),
        DataType::Float64 => plain::<Float64Type>(array, |value, out| {
            finite(value.is_finite())?;
            written(serde_json::to_writer(out, &value))
        }),
        DataType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).ok()?;
            quoted::<Decimal128Type>(array, move |value, out| decimal(value, scale, out))
        }
        DataType::Date32 => quoted::<Date32Type>(array, |days, out| known(print_date(days.into(), out))),
        DataType::Time64(TimeUnit::Microsecond) => {
            quoted::<Time64MicrosecondType>(array, |micros, out| known(print_time(micros, out)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let utc = zone.is_some();
            quoted::<TimestampMicrosecondType>(array, move |micros, out| {
                known(print_timestamp(micros, utc, out))
            })
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            quoted::<DurationMicrosecondType>(array, |micros, out| {
                print_duration(micros, out);
                Ok(())
            })
        }
        _ => return sequence(field, array),
    })
}

fn integer(array: &dyn Array) -> Option<Form<'_>> {
    Some(match array.data_type() {
        DataType::Int8 => plain::<Int8Type>(array, show),
        DataType::Int16 => plain::<Int16Type>(array, show),
        DataType::Int32 => plain::<Int32Type>(array, show),
        DataType::Int64 => plain::<Int64Type>(array, show),
        DataType::UInt8 => plain::<UInt8Type>(array, show),
        DataType::UInt16 => plain::<UInt16Type>(array, show),
        DataType::UInt32 => plain::<UInt32Type>(array, show),
        DataType::UInt64 => plain::<UInt64Type>(array, show),
        _ => return None,
    })
}

/// Text and bytes.
fn sequence<'a>(field: &Field, array: &'a dyn Array) -> Option<Form<'a>> {
    Some(match array.data_type() {
        DataType::Utf8 if is_json(field) => texts(array.as_string::<i32>(), raw),
        DataType::LargeUtf8 if is_json(field) => texts(array.as_string::<i64>(), raw),
        DataType::Utf8View if is_json(field) => texts(array.as_string_view(), raw),
        DataType::Utf8 => texts(array.as_string::<i32>(), string),
        DataType::LargeUtf8 => texts(array.as_string::<i64>(), string),
        DataType::Utf8View => texts(array.as_string_view(), string),
        DataType::FixedSizeBinary(16) => texts(array.as_fixed_size_binary(), uuid),
        DataType::FixedSizeBinary(_) => texts(array.as_fixed_size_binary(), base64),
        DataType::Binary => texts(array.as_binary::<i32>(), base64),
        DataType::LargeBinary => texts(array.as_binary::<i64>(), base64),
        DataType::BinaryView => texts(array.as_binary_view(), base64),
        _ => return None,
    })
}

fn plain<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    print: impl Fn(T::Native, &mut Vec<u8>) -> Result<(), Refusal> + 'a,
) -> Form<'a> {
    let array = array.as_primitive::<T>();
    Form::Plain(Box::new(move |row, out| print(array.value(row), out)))
}

fn quoted<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    print: impl Fn(T::Native, &mut Vec<u8>) -> Result<(), Refusal> + 'a,
) -> Form<'a> {
    let array = array.as_primitive::<T>();
    Form::Quoted(Box::new(move |row, out| print(array.value(row), out)))
}

fn texts<'a, A: ArrayAccessor + 'a>(
    array: A,
    print: impl Fn(A::Item, &mut Vec<u8>) -> Result<(), Refusal> + 'a,
) -> Form<'a> {
    Form::Plain(Box::new(move |row, out| print(array.value(row), out)))
}

fn show(value: impl Display, out: &mut Vec<u8>) -> Result<(), Refusal> {
    write!(out, "{value}").map_err(|_| unprintable())
}

fn string(text: &str, out: &mut Vec<u8>) -> Result<(), Refusal> {
    written(serde_json::to_writer(out, text))
}

/// JSON text is embedded as it is.
fn raw(text: &str, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return Err(Refusal::text("has a part that is said to be JSON and is not"));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn decimal(value: i128, scale: u8, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let sign = if value < 0 { "-" } else { "" };
    let unit = 10_u128.pow(u32::from(scale.min(38)));
    let (whole, rest) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    match usize::from(scale) {
        0 => show(format_args!("{sign}{whole}"), out),
        width => show(format_args!("{sign}{whole}.{rest:0width$}"), out),
    }
}

fn uuid(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.push(b'"');
    for (place, byte) in bytes.iter().enumerate() {
        let hyphen = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
        show(format_args!("{hyphen}{byte:02x}"), out)?;
    }
    show('"', out)
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push(b'"');
    for part in bytes.chunks(3) {
        let at = |index: usize| usize::from(part.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[word >> (18 - 6 * place) & 63];
            out.push(if place <= part.len() { letter } else { b'=' });
        }
    }
    show('"', out)
}

fn written(result: serde_json::Result<()>) -> Result<(), Refusal> {
    result.map_err(|_| unprintable())
}

#[cold]
fn unprintable() -> Refusal {
    Refusal::text("has no JSON form")
}

fn finite(finite: bool) -> Result<(), Refusal> {
    if finite { Ok(()) } else { Err(Refusal::range("has a NaN or an infinity, which JSON cannot hold")) }
}

fn known(known: bool) -> Result<(), Refusal> {
    if known {
        Ok(())
    } else {
        Err(Refusal::range("has a day outside of the years 1 to 9999, or no time of day"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_base64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            let mut out = Vec::new();
            base64(bytes.as_bytes(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (value, scale, text) in [(0, 0, "0"), (-5, 2, "-0.05"), (12_345, 3, "12.345")] {
            let mut out = Vec::new();
            decimal(value, scale, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
