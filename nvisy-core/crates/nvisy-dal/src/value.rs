//! The typed values a context may hold. Numbers stay numbers: nothing is squeezed into text that is not text.

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::LazyLock;

/// One value of a key, with its type. Two equal values have one JSON form.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", content = "value", rename_all = "snake_case", deny_unknown_fields)]
pub enum TypedValue {
    /// true or false.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A finite double.
    Float(f64),
    /// An exact decimal in plain notation, such as `-12.50`.
    Decimal(#[schemars(regex(pattern = r"^-?[0-9]{1,76}(\.[0-9]{1,76})?$"))] String),
    /// Text.
    Text(String),
    /// Bytes, in standard base64 with padding.
    Bytes(
        #[schemars(regex(pattern = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"))] String,
    ),
    /// A calendar day, `YYYY-MM-DD`.
    Date(#[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] String),
    /// A time of day, `HH:MM:SS.ffffff`.
    Time(#[schemars(regex(pattern = r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$"))] String),
    /// A point in time, `YYYY-MM-DDTHH:MM:SS.ffffff`, followed by `Z` when it is an instant.
    Timestamp(
        #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z?$"))]
        String,
    ),
    /// A UUID in lower case with hyphens.
    Uuid(
        #[schemars(regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
        String,
    ),
}

/// The same shape before its text is checked.
#[derive(Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case", deny_unknown_fields)]
enum Unchecked {
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(String),
    Text(String),
    Bytes(String),
    Date(String),
    Time(String),
    Timestamp(String),
    Uuid(String),
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($text).ok());
    };
}
pattern!(DECIMAL, r"^-?[0-9]{1,76}(\.[0-9]{1,76})?$");
pattern!(BASE64, r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$");
pattern!(DATE, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
pattern!(TIME, r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$");
pattern!(TIMESTAMP, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z?$");
pattern!(UUID, r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$");

fn matching<E: serde::de::Error>(text: String, pattern: Option<&Regex>, name: &str) -> Result<String, E> {
    if pattern.is_some_and(|p| p.is_match(&text)) {
        Ok(text)
    } else {
        Err(E::custom(format!("the text of a {name} value is not in its canonical form")))
    }
}

impl<'de> Deserialize<'de> for TypedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Unchecked::deserialize(deserializer)? {
            Unchecked::Bool(value) => Self::Bool(value),
            Unchecked::Int(value) => Self::Int(value),
            Unchecked::Float(value) if value.is_finite() => Self::Float(value),
            Unchecked::Float(_) => return Err(serde::de::Error::custom("a float key must be finite")),
            Unchecked::Decimal(text) => Self::Decimal(matching(text, DECIMAL.as_ref(), "decimal")?),
            Unchecked::Text(text) => Self::Text(text),
            Unchecked::Bytes(text) => Self::Bytes(matching(text, BASE64.as_ref(), "bytes")?),
            Unchecked::Date(text) => Self::Date(matching(text, DATE.as_ref(), "date")?),
            Unchecked::Time(text) => Self::Time(matching(text, TIME.as_ref(), "time")?),
            Unchecked::Timestamp(text) => Self::Timestamp(matching(text, TIMESTAMP.as_ref(), "timestamp")?),
            Unchecked::Uuid(text) => Self::Uuid(matching(text, UUID.as_ref(), "uuid")?),
        })
    }
}
