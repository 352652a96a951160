//! `Column`: the values of one column on their way to Arrow. Each type takes its simple forms, and nothing else.

use crate::cell::{Cell, Misfit, text};
use crate::decimal::Digits;
use crate::field::is_json;
use crate::json;
use crate::moment;
use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, DurationMicrosecondBuilder, FixedSizeBinaryBuilder,
    Float64Builder, Int64Builder, LargeBinaryBuilder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_schema::{DataType, Field, TimeUnit};
use std::fmt::Write as _;
use std::sync::Arc;

/// Up to here every integer is a double.
const EXACT: u64 = 1 << 53;
/// Bytes of text that one array may hold.
const MOST_TEXT: usize = i32::MAX as usize;

/// A column that grows.
pub(crate) struct Column {
    values: Values,
    nullable: bool,
    /// For a key, an example of the one form in which its values are written; empty where they have one only.
    form: Option<Vec<u8>>,
}

enum Values {
    Bool(BooleanBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, Digits),
    Text(StringBuilder),
    Json(StringBuilder, String),
    Binary(LargeBinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder, bool),
    Duration(DurationMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

impl Column {
    /// A column of that field, a key's where `form` is given, with room for so many rows; none for other types.
    pub(crate) fn new(field: &Field, form: Option<&str>, rows: usize) -> Option<Self> {
        let values = match field.data_type() {
            DataType::Boolean => Values::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Int64 => Values::Int64(Int64Builder::with_capacity(rows)),
            DataType::Float64 => Values::Float64(Float64Builder::with_capacity(rows)),
            DataType::Decimal128(precision, scale) => {
                let builder =
                    Decimal128Builder::with_capacity(rows).with_data_type(field.data_type().clone());
                Values::Decimal(builder, Digits::new(*precision, *scale)?)
            }
            DataType::Utf8 if is_json(field) => {
                Values::Json(StringBuilder::with_capacity(rows, rows * 32), String::new())
            }
            DataType::Utf8 => Values::Text(StringBuilder::with_capacity(rows, rows * 16)),
            DataType::LargeBinary => Values::Binary(LargeBinaryBuilder::with_capacity(rows, rows * 16)),
            DataType::Date32 => Values::Date(Date32Builder::with_capacity(rows)),
            DataType::Time64(TimeUnit::Microsecond) => {
                Values::Time(Time64MicrosecondBuilder::with_capacity(rows))
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let builder = TimestampMicrosecondBuilder::with_capacity(rows);
                Values::Timestamp(builder.with_data_type(field.data_type().clone()), zone.is_some())
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                Values::Duration(DurationMicrosecondBuilder::with_capacity(rows))
            }
            DataType::FixedSizeBinary(16) => Values::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            _ => return None,
        };
        let nullable = field.is_nullable() && form.is_none();
        Some(Self { values, nullable, form: form.map(|form| form.as_bytes().to_owned()) })
    }

    /// Append a value. After a misfit the column is of no more use.
    pub(crate) fn push(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        let form = self.form.as_deref();
        match (&mut self.values, cell) {
            (values, Cell::Null) if self.nullable => values.null(),
            (Values::Int64(values), Cell::Integer(value)) => values.append_value(value),
            (Values::Float64(values), Cell::Real(value)) => values.append_value(value),
            (Values::Float64(values), Cell::Integer(value)) => values.append_value(double(value)?),
            (Values::Bool(values), Cell::Integer(value @ (0 | 1))) => values.append_value(value == 1),
            (Values::Duration(values), Cell::Integer(value)) => values.append_value(value),
            (Values::Text(values), Cell::Text(bytes)) => append(values, text(bytes)?)?,
            (Values::Binary(values), Cell::Blob(bytes)) => values.append_value(bytes),
            (Values::Date(values), Cell::Text(bytes)) => {
                values.append_value(moment::date(bytes).ok_or(Misfit)?);
            }
            (Values::Time(values), Cell::Text(bytes)) => values.append_value(time(bytes, form)?),
            (Values::Timestamp(values, utc), Cell::Text(bytes)) => {
                values.append_value(timestamp(bytes, *utc, form)?);
            }
            (Values::Uuid(values), Cell::Text(bytes)) => {
                values.append_value(uuid(bytes, form.is_some())?).map_err(|_| Misfit)?;
            }
            (Values::Decimal(values, digits), cell) => values.append_value(decimal(digits, cell, form)?),
            (values @ Values::Json(..), cell) => return values.push_json(cell, self.nullable),
            _ => return Err(Misfit),
        }
        Ok(())
    }

    /// The whole column.
    pub(crate) fn finish(self) -> ArrayRef {
        match self.values {
            Values::Bool(mut values) => Arc::new(values.finish()),
            Values::Int64(mut values) => Arc::new(values.finish()),
            Values::Float64(mut values) => Arc::new(values.finish()),
            Values::Decimal(mut values, _) => Arc::new(values.finish()),
            Values::Text(mut values) | Values::Json(mut values, _) => Arc::new(values.finish()),
            Values::Binary(mut values) => Arc::new(values.finish()),
            Values::Date(mut values) => Arc::new(values.finish()),
            Values::Time(mut values) => Arc::new(values.finish()),
            Values::Timestamp(mut values, _) => Arc::new(values.finish()),
            Values::Duration(mut values) => Arc::new(values.finish()),
            Values::Uuid(mut values) => Arc::new(values.finish()),
        }
    }
}

impl Values {
    fn null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Int64(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Decimal(values, _) => values.append_null(),
            Self::Text(values) | Self::Json(values, _) => values.append_null(),
            Self::Binary(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Time(values) => values.append_null(),
            Self::Timestamp(values, _) => values.append_null(),
            Self::Duration(values) => values.append_null(),
            Self::Uuid(values) => values.append_null(),
        }
    }

    /// A column declared JSON keeps numbers as such. JSON's null is none at all.
    fn push_json(&mut self, cell: Cell<'_>, nullable: bool) -> Result<(), Misfit> {
        let Self::Json(values, scratch) = self else { return Err(Misfit) };
        scratch.clear();
        match cell {
            Cell::Integer(value) => write!(scratch, "{value}").ok(),
            Cell::Real(value) => json::real(value, scratch),
            Cell::Text(bytes) => json::respell(text(bytes)?, scratch),
            Cell::Null | Cell::Blob(_) => None,
        }
        .ok_or(Misfit)?;
        match scratch.as_str() {
            "null" if nullable => self.null(),
            "null" => return Err(Misfit),
            text => append(values, text)?,
        }
        Ok(())
    }
}

fn append(values: &mut StringBuilder, text: &str) -> Result<(), Misfit> {
    if values.values_slice().len().saturating_add(text.len()) > MOST_TEXT {
        return Err(Misfit);
    }
    values.append_value(text);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is checked that none is lost")]
fn double(value: i64) -> Result<f64, Misfit> {
    if value.unsigned_abs() <= EXACT { Ok(value as f64) } else { Err(Misfit) }
}

fn time(bytes: &[u8], form: Option<&[u8]>) -> Result<i64, Misfit> {
    if form.is_some() && bytes.len() == "00:00:00".len() {
        return Err(Misfit); // a key is written with all its digits
    }
    moment::time(bytes).ok_or(Misfit)
}

fn timestamp(bytes: &[u8], utc: bool, form: Option<&[u8]>) -> Result<i64, Misfit> {
    if form.is_some_and(|example| !moment::same_form(bytes, example)) {
        return Err(Misfit);
    }
    moment::timestamp(bytes, utc).ok_or(Misfit)
}

/// A key's number is an integer, or a text with all its digits, as the example of its form is.
fn decimal(digits: &mut Digits, cell: Cell<'_>, form: Option<&[u8]>) -> Result<i128, Misfit> {
    let texts = form.map(|example| example.contains(&b'.'));
    match (cell, texts) {
        (Cell::Integer(value), None | Some(false)) => digits.integer(value),
        (Cell::Real(value), None) => digits.real(value),
        (Cell::Text(bytes), None) => digits.text(bytes),
        (Cell::Text(bytes), Some(true)) => digits.canonical(bytes),
        _ => None,
    }
    .ok_or(Misfit)
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; a key's in small letters.
fn uuid(text: &[u8], key: bool) -> Result<[u8; 16], Misfit> {
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|place| text[*place] != b'-') {
        return Err(Misfit);
    }
    let mut digits = text.iter().enumerate().filter(|(place, _)| !matches!(place, 8 | 13 | 18 | 23));
    let mut half = || {
        let (_, letter) = digits.next().ok_or(Misfit)?;
        match letter {
            b'0'..=b'9' => Ok(letter - b'0'),
            b'a'..=b'f' => Ok(letter - b'a' + 10),
            b'A'..=b'F' if !key => Ok(letter - b'A' + 10),
            _ => Err(Misfit),
        }
    };
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = half()? << 4 | half()?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::field;

    fn taken(json: &str, form: Option<&str>, cell: Cell<'_>) -> Result<String, Misfit> {
        let mut column = Column::new(&field("a", json, true).unwrap(), form, 1).unwrap();
        column.push(cell)?;
        Ok(format!("{:?}", column.finish().slice(0, 1)))
    }

    #[test]
    fn value_of_another_class_is_a_misfit() {
        let kinds =
            ["bool", "int64", "date", "time", "duration", "uuid", "text", "binary", "json", "float64"];
        for kind in kinds {
            let json = format!(r#"{{"name":"{kind}"}}"#);
            let blob = taken(&json, None, Cell::Blob(b"x"));
            assert_eq!(blob.is_ok(), kind == "binary", "{kind}");
            assert!(taken(&json, None, Cell::Text(b"\xff")).is_err(), "{kind}");
            let real = taken(&json, None, Cell::Real(0.5));
            assert_eq!(real.is_ok(), matches!(kind, "json" | "float64"), "{kind}");
            assert!(taken(&json, None, Cell::Null).is_ok(), "{kind}");
            assert_eq!(taken(&json, Some(""), Cell::Null), Err(Misfit), "{kind}");
        }
    }

    #[test]
    fn integer_that_no_double_holds_is_a_misfit() {
        let json = r#"{"name":"float64"}"#;
        assert!(taken(json, None, Cell::Integer(-(1 << 53))).is_ok());
        assert_eq!(taken(json, None, Cell::Integer((1 << 53) + 1)), Err(Misfit));
        assert_eq!(taken(json, None, Cell::Integer(i64::MIN)), Err(Misfit));
    }

    #[test]
    fn key_has_its_one_form() {
        let uuid = r#"{"name":"uuid"}"#;
        let text = Cell::Text(b"12345678-9ABC-def0-1234-56789abcdef0");
        assert!(taken(uuid, None, text).is_ok());
        assert_eq!(taken(uuid, Some(""), text), Err(Misfit));
        assert!(taken(r#"{"name":"time"}"#, None, Cell::Text(b"01:02:03")).is_ok());
        assert_eq!(taken(r#"{"name":"time"}"#, Some(""), Cell::Text(b"01:02:03")), Err(Misfit));
        let decimal = r#"{"name":"decimal","precision":5,"scale":2}"#;
        assert!(taken(decimal, Some("0.0"), Cell::Text(b"1.50")).is_ok());
        assert_eq!(taken(decimal, Some("0.0"), Cell::Integer(1)), Err(Misfit));
        assert!(taken(decimal, Some("0"), Cell::Integer(1)).is_ok());
        assert_eq!(taken(decimal, Some("0"), Cell::Text(b"1.50")), Err(Misfit));
    }

    #[test]
    fn null_of_json_is_no_value() {
        let json = r#"{"name":"json"}"#;
        assert_eq!(taken(json, None, Cell::Text(b" null ")), taken(json, None, Cell::Null));
        assert!(taken(json, None, Cell::Text(b"\"null\"")).is_ok_and(|shown| shown.contains("\\\"null\\\"")));
    }
}
