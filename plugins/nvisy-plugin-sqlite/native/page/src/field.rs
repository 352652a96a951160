//! The JSON of a portable column type -> an Arrow field, as `nvisy-dal` maps it: those types that SQLite is read as.

use arrow_schema::{DataType, Field, TimeUnit};
use serde_json::Value;
use std::collections::HashMap;

const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";
const UUID: &str = "arrow.uuid";

/// The Arrow field of a column whose portable type is given as JSON.
///
/// # Errors
/// A sentence saying what about the type is wrong.
pub(crate) fn field(name: &str, json: &str, nullable: bool) -> Result<Field, String> {
    let value = serde_json::from_str(json).map_err(|error| format!("its type is not JSON: {error}"))?;
    of(name, &value, nullable)
}

/// Whether the text of that field is JSON.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION).is_some_and(|name| name == JSON)
}

fn of(name: &str, value: &Value, nullable: bool) -> Result<Field, String> {
    let kind = value.get("name").and_then(Value::as_str).ok_or("its type has no name")?;
    let field = Field::new(name, data_type(kind, value)?, nullable);
    let extension = match kind {
        "json" => JSON,
        "uuid" => UUID,
        _ => return Ok(field),
    };
    Ok(field.with_metadata(HashMap::from([(EXTENSION.to_owned(), extension.to_owned())])))
}

fn data_type(kind: &str, value: &Value) -> Result<DataType, String> {
    let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
    Ok(match kind {
        "bool" => DataType::Boolean,
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "decimal" => match (u8::try_from(number("precision")), i8::try_from(number("scale"))) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale.unsigned_abs() <= precision => {
                DataType::Decimal128(precision, scale)
            }
            _ => return Err("a decimal has 1 to 38 digits, and no more than these after the point".into()),
        },
        "text" | "json" => DataType::Utf8,
        "binary" => DataType::LargeBinary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => match value.get("utc").and_then(Value::as_bool) {
            Some(utc) => DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into())),
            None => return Err("a timestamp says whether it is `utc`".into()),
        },
        "duration" => DataType::Duration(TimeUnit::Microsecond),
        "uuid" => DataType::FixedSizeBinary(16),
        other => return Err(format!("the column type `{other}` is not read here")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_become_fields() {
        let decimal = field("a", r#"{"name":"decimal","precision":9,"scale":2}"#, true).unwrap();
        assert_eq!(decimal.data_type(), &DataType::Decimal128(9, 2));
        let json = field("a", r#"{"name":"json"}"#, false).unwrap();
        assert!(is_json(&json) && !json.is_nullable());
        assert!(!is_json(&field("a", r#"{"name":"text"}"#, true).unwrap()));
    }

    #[test]
    fn wrong_types_are_refused() {
        for json in [
            "",
            "{}",
            r#"{"name":"decimal","precision":39,"scale":0}"#,
            r#"{"name":"decimal","precision":2,"scale":3}"#,
            r#"{"name":"timestamp"}"#,
            r#"{"name":"uint64"}"#,
        ] {
            assert!(field("a", json, true).is_err(), "{json}");
        }
    }
}
