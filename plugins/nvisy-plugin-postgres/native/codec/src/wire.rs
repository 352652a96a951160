//! The types of the server whose binary form is known here. The set is closed; the source reads any other type as text.

use std::fmt;
use std::str::FromStr;

/// Microseconds from 1970-01-01 to 2000-01-01, where the server's clock begins.
pub(crate) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 1970-01-01 to 2000-01-01.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// Microseconds in a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// A type whose values are no arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `boolean`.
    Bool,
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`.
    Int8,
    /// `real`.
    Float4,
    /// `double precision`.
    Float8,
    /// `numeric`.
    Numeric,
    /// `text`, and all whose binary form is their text: enums too.
    Text,
    /// `character varying`.
    Varchar,
    /// `character`.
    Bpchar,
    /// `name`.
    Name,
    /// `bytea`.
    Bytea,
    /// `date`.
    Date,
    /// `time without time zone`.
    Time,
    /// `timestamp without time zone`.
    Timestamp,
    /// `timestamp with time zone`.
    Timestamptz,
    /// `interval`.
    Interval,
    /// `uuid`.
    Uuid,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// `vector` of the extension pgvector.
    Vector,
}

/// Of each type its name and its object id, which arrays carry. An extension's id differs from server to server.
const SCALARS: [(&str, Scalar, Option<u32>); 21] = [
    ("bool", Scalar::Bool, Some(16)),
    ("int2", Scalar::Int2, Some(21)),
    ("int4", Scalar::Int4, Some(23)),
    ("int8", Scalar::Int8, Some(20)),
    ("float4", Scalar::Float4, Some(700)),
    ("float8", Scalar::Float8, Some(701)),
    ("numeric", Scalar::Numeric, Some(1700)),
    ("text", Scalar::Text, Some(25)),
    ("varchar", Scalar::Varchar, Some(1043)),
    ("bpchar", Scalar::Bpchar, Some(1042)),
    ("name", Scalar::Name, Some(19)),
    ("bytea", Scalar::Bytea, Some(17)),
    ("date", Scalar::Date, Some(1082)),
    ("time", Scalar::Time, Some(1083)),
    ("timestamp", Scalar::Timestamp, Some(1114)),
    ("timestamptz", Scalar::Timestamptz, Some(1184)),
    ("interval", Scalar::Interval, Some(1186)),
    ("uuid", Scalar::Uuid, Some(2950)),
    ("json", Scalar::Json, Some(114)),
    ("jsonb", Scalar::Jsonb, Some(3802)),
    ("vector", Scalar::Vector, None),
];

impl Scalar {
    /// The object id, where it is the same on every server.
    pub(crate) fn oid(self) -> Option<u32> {
        SCALARS.iter().find(|(_, scalar, _)| *scalar == self).and_then(|(_, _, oid)| *oid)
    }
}

/// A type as it travels: a scalar, or a one-dimensional array of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The type of the value, or of the array's elements.
    pub scalar: Scalar,
    /// Whether it is an array.
    pub array: bool,
}

impl FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, array) = text.strip_suffix("[]").map_or((text, false), |name| (name, true));
        let found = SCALARS.iter().find(|(known, ..)| *known == name);
        let (_, scalar, _) = found.ok_or_else(|| format!("the type `{text}` has no known binary form"))?;
        Ok(Self { scalar: *scalar, array })
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SCALARS.iter().find(|(_, scalar, _)| *scalar == self.scalar).map_or("", |(name, ..)| name);
        write!(f, "{name}{}", if self.array { "[]" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_printed_as_it_is_read() {
        for (name, ..) in SCALARS {
            for text in [name.to_owned(), format!("{name}[]")] {
                assert_eq!(text.parse::<Wire>().unwrap().to_string(), text);
            }
        }
        assert!("int4[][]".parse::<Wire>().is_err());
        assert!("inet".parse::<Wire>().unwrap_err().contains("`inet`"));
    }
}
