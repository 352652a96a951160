//! One cell of an Arrow column -> text, as JSON and as CSV: the mirror of `column`. A value that the text cannot hold
//! exactly is refused by name; nothing is rounded, and null is always written.

use crate::calendar::{print_date, print_duration, print_time, print_timestamp};
use crate::scalar::{
    print_base64, print_decimal, print_f32, print_f64, print_int, print_json_text, print_uint, print_uuid,
};
use crate::scan::is_json;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, LargeBinaryArray, ListArray,
    PrimitiveArray, StringArray,
};
use arrow_buffer::NullBuffer;
use nvisy_dal::{ColumnType, Field};
use serde::de::IgnoredAny;

/// Why a value cannot be written.
pub(crate) type Unwritable = String;

/// Prints the cells of one column.
pub(crate) struct Printer<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Uint8(&'a PrimitiveArray<UInt8Type>),
    Uint16(&'a PrimitiveArray<UInt16Type>),
    Uint32(&'a PrimitiveArray<UInt32Type>),
    Uint64(&'a PrimitiveArray<UInt64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    Text(&'a StringArray),
    Json(&'a StringArray),
    Binary(&'a LargeBinaryArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time64MicrosecondType>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>, bool),
    Duration(&'a PrimitiveArray<DurationMicrosecondType>),
    Uuid(&'a FixedSizeBinaryArray),
    Vector(&'a FixedSizeListArray, &'a PrimitiveArray<Float32Type>),
    List(&'a ListArray, Box<Printer<'a>>),
    Struct(Vec<(Piece, Printer<'a>)>),
}

impl<'a> Printer<'a> {
    /// A printer of `array`, which holds values of that type in its portable form; `None` when it does not.
    pub(crate) fn new(r#type: &ColumnType, array: &'a ArrayRef) -> Option<Self> {
        let values = match r#type {
            ColumnType::Bool => Values::Bool(array.as_boolean_opt()?),
            ColumnType::Int8 => Values::Int8(array.as_primitive_opt()?),
            ColumnType::Int16 => Values::Int16(array.as_primitive_opt()?),
            ColumnType::Int32 => Values::Int32(array.as_primitive_opt()?),
            ColumnType::Int64 => Values::Int64(array.as_primitive_opt()?),
            ColumnType::Uint8 => Values::Uint8(array.as_primitive_opt()?),
            ColumnType::Uint16 => Values::Uint16(array.as_primitive_opt()?),
            ColumnType::Uint32 => Values::Uint32(array.as_primitive_opt()?),
            ColumnType::Uint64 => Values::Uint64(array.as_primitive_opt()?),
            ColumnType::Float32 => Values::Float32(array.as_primitive_opt()?),
            ColumnType::Float64 => Values::Float64(array.as_primitive_opt()?),
            ColumnType::Decimal { scale, .. } => Values::Decimal(array.as_primitive_opt()?, *scale),
            ColumnType::Text => Values::Text(array.as_string_opt()?),
            ColumnType::Json => Values::Json(array.as_string_opt()?),
            ColumnType::Binary => Values::Binary(array.as_binary_opt()?),
            ColumnType::Date => Values::Date(array.as_primitive_opt()?),
            ColumnType::Time => Values::Time(array.as_primitive_opt()?),
            ColumnType::Timestamp { utc } => Values::Timestamp(array.as_primitive_opt()?, *utc),
            ColumnType::Duration => Values::Duration(array.as_primitive_opt()?),
            ColumnType::Uuid => Values::Uuid(array.as_fixed_size_binary_opt()?),
            ColumnType::Vector { .. } => {
                let list = array.as_fixed_size_list_opt()?;
                Values::Vector(list, list.values().as_primitive_opt()?)
            }
            ColumnType::List { item } => {
                let list = array.as_list_opt::<i32>()?;
                Values::List(list, Box::new(Self::new(item, list.values())?))
            }
            ColumnType::Struct { fields } => Values::Struct(members(fields, array)?),
        };
        Some(Self { nulls: array.nulls(), values })
    }

    /// Write the cell as a JSON value.
    pub(crate) fn json(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match &self.values {
            Values::Text(a) => {
                print_json_text(a.value(row), out);
                Ok(())
            }
            Values::Float32(a) if !a.value(row).is_finite() => Err(infinite(a.value(row).into())),
            Values::Float64(a) if !a.value(row).is_finite() => Err(infinite(a.value(row))),
            Values::Json(a) => print_raw(a.value(row), out),
            Values::Decimal(..)
            | Values::Binary(_)
            | Values::Date(_)
            | Values::Time(_)
            | Values::Timestamp(..)
            | Values::Duration(_)
            | Values::Uuid(_) => self.quoted(row, out),
            Values::Bool(_)
            | Values::Int8(_)
            | Values::Int16(_)
            | Values::Int32(_)
            | Values::Int64(_)
            | Values::Uint8(_)
            | Values::Uint16(_)
            | Values::Uint32(_)
            | Values::Uint64(_)
            | Values::Float32(_)
            | Values::Float64(_)
            | Values::Vector(..)
            | Values::List(..)
            | Values::Struct(_) => self.text(row, out),
        }
    }

    /// Write the text of a cell that is not null, without quotes. Nested values are JSON.
    pub(crate) fn text(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        match &self.values {
            Values::Bool(a) => out.extend(if a.value(row) { &b"true"[..] } else { b"false" }),
            Values::Int8(a) => print_int(a.value(row).into(), out),
            Values::Int16(a) => print_int(a.value(row).into(), out),
            Values::Int32(a) => print_int(a.value(row).into(), out),
            Values::Int64(a) => print_int(a.value(row), out),
            Values::Uint8(a) => print_uint(a.value(row).into(), out),
            Values::Uint16(a) => print_uint(a.value(row).into(), out),
            Values::Uint32(a) => print_uint(a.value(row).into(), out),
            Values::Uint64(a) => print_uint(a.value(row), out),
            Values::Float32(a) if a.value(row).is_finite() => print_f32(a.value(row), out),
            Values::Float32(a) => out.extend(special(a.value(row).into())),
            Values::Float64(a) if a.value(row).is_finite() => print_f64(a.value(row), out),
            Values::Float64(a) => out.extend(special(a.value(row))),
            Values::Decimal(a, scale) => print_decimal(a.value(row), *scale, out),
            Values::Text(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Values::Json(a) => return print_raw(a.value(row), out),
            Values::Binary(a) => print_base64(a.value(row), out),
            Values::Date(a) => return years(print_date(a.value(row), out)),
            Values::Time(a) if !print_time(a.value(row), out) => {
                return Err("is not a time of day".to_owned());
            }
            Values::Time(_) => {}
            Values::Timestamp(a, utc) => return years(print_timestamp(a.value(row), *utc, out)),
            Values::Duration(a) => print_duration(a.value(row), out),
            Values::Uuid(a) => print_uuid(a.value(row), out),
            Values::Vector(list, floats) => return print_vector(list, floats, row, out),
            Values::List(list, item) => return print_list(list, item, row, out),
            Values::Struct(members) => return print_struct(members, row, out),
        }
        Ok(())
    }

    /// Whether the cell is null.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether its text may hold a delimiter, a quote or a line end.
    pub(crate) fn free(&self) -> bool {
        matches!(
            self.values,
            Values::Text(_) | Values::Json(_) | Values::Vector(..) | Values::List(..) | Values::Struct(_)
        )
    }

    fn quoted(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        out.push(b'"');
        self.text(row, out)?;
        out.push(b'"');
        Ok(())
    }
}

/// Some bytes that are written again and again.
pub(crate) struct Piece {
    bytes: Vec<u8>,
    /// The same, where they fit: a copy of fixed length is a few moves.
    fixed: [u8; Self::FIXED],
}

impl Piece {
    const FIXED: usize = 32;

    /// What stands in front of a member's value: its comma, its name as JSON, and a colon.
    pub(crate) fn key(name: &str, first: bool) -> Self {
        let mut bytes = if first { Vec::new() } else { vec![b','] };
        print_json_text(name, &mut bytes);
        bytes.push(b':');
        let mut fixed = [0; Self::FIXED];
        fixed.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
        Self { bytes, fixed }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        if self.bytes.len() > Self::FIXED {
            out.extend_from_slice(&self.bytes);
            return;
        }
        let end = out.len() + self.bytes.len();
        out.extend_from_slice(&self.fixed);
        out.truncate(end);
    }
}

fn members<'a>(fields: &[Field], array: &'a ArrayRef) -> Option<Vec<(Piece, Printer<'a>)>> {
    let columns = array.as_struct_opt()?.columns();
    let member = |(place, (field, column)): (usize, (&Field, &'a ArrayRef))| {
        Some((Piece::key(&field.name, place == 0), Printer::new(&field.r#type, column)?))
    };
    (fields.len() == columns.len()).then(|| fields.iter().zip(columns).enumerate().map(member).collect())?
}

fn special(value: f64) -> &'static [u8] {
    match value {
        value if value.is_nan() => b"NaN",
        value if value > 0.0 => b"inf",
        _ => b"-inf",
    }
}

fn infinite(value: f64) -> Unwritable {
    format!(
        "is {}, which JSON cannot hold; filter such rows, or write csv, parquet or arrow",
        String::from_utf8_lossy(special(value))
    )
}

fn years(written: bool) -> Result<(), Unwritable> {
    if written {
        Ok(())
    } else {
        Err("lies outside the years 1 to 9999, which text cannot hold; write parquet or arrow".to_owned())
    }
}

/// Embed JSON text as it is; line ends between its tokens would break the line and are left out.
fn print_raw(text: &str, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    if !is_json(text) {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| format!("is not JSON: {error}"))?;
    }
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        out.extend(text.as_bytes());
        return Ok(());
    }
    // A string holds no bare line end, so each one here stands between tokens.
    out.extend(text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    Ok(())
}

fn print_vector(
    list: &FixedSizeListArray,
    floats: &PrimitiveArray<Float32Type>,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), Unwritable> {
    let dimension = usize::try_from(list.value_length()).unwrap_or(0);
    let begin = usize::try_from(list.value_offset(row)).unwrap_or(0);
    out.push(b'[');
    for (place, float) in floats.values()[begin..begin + dimension].iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        if !float.is_finite() {
            return Err(infinite(f64::from(*float)));
        }
        print_f32(*float, out);
    }
    out.push(b']');
    Ok(())
}

fn print_list(list: &ListArray, item: &Printer<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let offset = |row: usize| usize::try_from(list.value_offsets()[row]).unwrap_or(0);
    out.push(b'[');
    for place in offset(row)..offset(row + 1) {
        if place > offset(row) {
            out.push(b',');
        }
        item.json(place, out)?;
    }
    out.push(b']');
    Ok(())
}

fn print_struct(members: &[(Piece, Printer<'_>)], row: usize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    out.push(b'{');
    for (key, member) in members {
        key.put(out);
        member.json(row, out)?;
    }
    out.push(b'}');
    Ok(())
}
