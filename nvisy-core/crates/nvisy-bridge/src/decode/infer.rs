//! The columns of a stream whose first batch brings rows and no schema. Values decide; a column whose values disagree
//! is refused rather than widened to something that holds both.

use super::cell::{Refusal, type_name};
use super::rows::{Rows, model_fields};
use super::{refuse, refuse_at, time};
use crate::classes::Classes;
use nvisy_dal::{ColumnType, DataKind, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyFloat, PyInt, PyList, PyMemoryView,
    PyString, PyTime,
};

/// What the values of a column have in common so far.
#[derive(Clone, Debug, PartialEq)]
enum Guess {
    Nothing,
    Bool,
    /// Whether one is negative, and whether one is beyond 63 bits.
    Int {
        negative: bool,
        wide: bool,
    },
    Float,
    Decimal {
        scale: u8,
    },
    Text,
    Binary,
    Date,
    Time,
    Timestamp {
        utc: bool,
    },
    Duration,
    Uuid,
    List(Box<Guess>),
    Json,
}

/// The schema that fits every one of `rows`.
pub(super) fn schema(rows: &Rows<'_>, kind: DataKind) -> PyResult<Schema> {
    let dicts = match rows {
        Rows::Dicts(dicts) => dicts,
        Rows::Tuples(rows) => {
            let message = "tuples do not say what their columns are called";
            let py = rows.first().map(Bound::py);
            return Err(py.map_or_else(
                || pyo3::exceptions::PyValueError::new_err(message),
                |py| refuse(py, message, Some("give Batch(..., schema=...), or yield dicts")),
            ));
        }
    };
    let mut columns: Vec<(String, Guess, usize)> = Vec::new();
    for (row, dict) in dicts.iter().enumerate() {
        for (place, (key, value)) in dict.iter().enumerate() {
            let Ok(name) = key.extract::<String>() else {
                let message = format!("row {row} has a {} as a column's name", type_name(&key));
                return Err(refuse_at(dict.py(), &message, Some("give text keys"), Some(("", row))));
            };
            // Rows mostly have their keys in one order, so the place is right before it is searched for.
            let known = if columns.get(place).is_some_and(|(known, ..)| *known == name) {
                Some(place)
            } else {
                columns.iter().position(|(known, ..)| *known == name)
            };
            let index = known.unwrap_or_else(|| {
                columns.push((name.clone(), Guess::Nothing, row));
                columns.len() - 1
            });
            columns[index].1.meet(&value).map_err(|refusal| refusal.at(dict.py(), &name, row))?;
        }
    }
    let first = dicts.first();
    let fields = columns.into_iter().map(|(name, guess, _)| {
        let value = first.and_then(|dict| dict.get_item(&name).ok().flatten());
        let r#type = canonical(kind, &name, &guess, value.as_ref()).unwrap_or_else(|| guess.settle());
        Field { name, r#type, nullable: true }
    });
    Ok(Schema { fields: fields.collect() })
}

/// The type of a canonical column, where the kind decides it or all its values are null.
fn canonical(
    kind: DataKind,
    name: &str,
    guess: &Guess,
    first: Option<&Bound<'_, PyAny>>,
) -> Option<ColumnType> {
    if kind == DataKind::Record {
        return None;
    }
    match name {
        "metadata" | "content" | "headers" | "properties" => Some(ColumnType::Json),
        "vector" => {
            let dimension =
                first.and_then(|vector| vector.len().ok()).and_then(|length| u32::try_from(length).ok());
            dimension.filter(|length| *length > 0).map(|dimension| ColumnType::Vector { dimension })
        }
        _ if *guess != Guess::Nothing && *guess != Guess::List(Box::new(Guess::Nothing)) => None,
        "size" | "offset" => Some(ColumnType::Int64),
        "data" | "payload" => Some(ColumnType::Binary),
        "modified_at" | "timestamp" => Some(ColumnType::Timestamp { utc: true }),
        "labels" => Some(ColumnType::List { item: Box::new(ColumnType::Text) }),
        _ => None,
    }
}

impl Guess {
    /// Take one more value into account.
    fn meet(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Refusal> {
        if value.is_none() {
            return Ok(());
        }
        let next = Self::of(value)?;
        let joined = self.join(&next).ok_or_else(|| {
            Refusal::new(
                format!("holds {} where the rows before hold {}", next.name(), self.name()),
                "give one type per column, or declare the column's type in Batch(..., schema=...)",
            )
        })?;
        if joined == (Self::Int { negative: true, wide: true }) {
            return Err(Refusal::new(
                "holds an int beyond 63 bits in a column that also has negative ones",
                "declare decimal(38, 0) in Batch(..., schema=...) and give Decimal values",
            ));
        }
        *self = joined;
        Ok(())
    }

    fn of(value: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
        let py = value.py();
        Ok(if value.is_instance_of::<PyString>() {
            Self::Text
        } else if value.is_instance_of::<PyBool>() {
            Self::Bool
        } else if value.is_instance_of::<PyInt>() {
            return int(value);
        } else if value.is_instance_of::<PyFloat>() {
            Self::Float
        } else if value.is_instance_of::<PyDateTime>() {
            Self::Timestamp { utc: time::is_aware(value)? }
        } else if value.is_instance_of::<PyDate>() {
            Self::Date
        } else if value.is_instance_of::<PyBytes>()
            || value.is_instance_of::<PyByteArray>()
            || value.is_instance_of::<PyMemoryView>()
        {
            Self::Binary
        } else if let Ok(list) = value.cast::<PyList>() {
            Self::of_list(list)?
        } else if value.is_instance_of::<PyDict>() || model_fields(value)?.is_some() {
            Self::Json
        } else if value.is_instance(Classes::get(py)?.decimal.bind(py))? {
            Self::Decimal { scale: scale(value)? }
        } else if value.is_instance(Classes::get(py)?.uuid.bind(py))? {
            Self::Uuid
        } else if value.is_instance_of::<PyTime>() {
            Self::Time
        } else if value.is_instance_of::<PyDelta>() {
            Self::Duration
        } else {
            return Err(Refusal::wrong_type(value, "of a type that can be moved"));
        })
    }

    /// A list of one simple type is a list; any other is JSON.
    fn of_list(list: &Bound<'_, PyList>) -> Result<Self, Refusal> {
        let mut item = Self::Nothing;
        for element in list.iter().filter(|element| !element.is_none()) {
            let next = match Self::of(&element)? {
                Self::List(_) | Self::Json => return Ok(Self::Json),
                simple => simple,
            };
            match item.join(&next) {
                Some(joined) => item = joined,
                None => return Ok(Self::Json),
            }
        }
        Ok(Self::List(Box::new(item)))
    }

    fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => Some(one.clone()),
            (Self::Int { negative: a, wide: b }, Self::Int { negative: c, wide: d }) => {
                Some(Self::Int { negative: *a || *c, wide: *b || *d })
            }
            (Self::Decimal { scale: a }, Self::Decimal { scale: b }) => {
                Some(Self::Decimal { scale: *a.max(b) })
            }
            (Self::List(a), Self::List(b)) => {
                Some(a.join(b).map_or(Self::Json, |item| Self::List(Box::new(item))))
            }
            (Self::List(_), Self::Json) | (Self::Json, Self::List(_)) => Some(Self::Json),
            (one, other) => (one == other).then(|| one.clone()),
        }
    }

    fn settle(&self) -> ColumnType {
        match self {
            // All null so far: text, until a schema says otherwise.
            Self::Nothing | Self::Text => ColumnType::Text,
            Self::Bool => ColumnType::Bool,
            Self::Int { wide: true, .. } => ColumnType::Uint64,
            Self::Int { .. } => ColumnType::Int64,
            Self::Float => ColumnType::Float64,
            Self::Decimal { scale } => ColumnType::Decimal { precision: 38, scale: *scale },
            Self::Binary => ColumnType::Binary,
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
            Self::Timestamp { utc } => ColumnType::Timestamp { utc: *utc },
            Self::Duration => ColumnType::Duration,
            Self::Uuid => ColumnType::Uuid,
            Self::List(item) if **item != Self::Nothing => ColumnType::List { item: Box::new(item.settle()) },
            Self::List(_) | Self::Json => ColumnType::Json,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bool => "a bool",
            Self::Int { .. } => "an int",
            Self::Float => "a float",
            Self::Decimal { .. } => "a Decimal",
            Self::Text => "text",
            Self::Binary => "bytes",
            Self::Date => "a date",
            Self::Time => "a time",
            Self::Timestamp { utc: true } => "an aware datetime",
            Self::Timestamp { utc: false } => "a naive datetime",
            Self::Duration => "a timedelta",
            Self::Uuid => "a UUID",
            Self::List(_) => "a list",
            Self::Json => "JSON (a dict, or a list of mixed values)",
        }
    }
}

fn int(value: &Bound<'_, PyAny>) -> Result<Guess, Refusal> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Guess::Int { negative: number < 0, wide: false });
    }
    if value.extract::<u64>().is_ok() {
        return Ok(Guess::Int { negative: false, wide: true });
    }
    let hint = "declare decimal(38, 0) in Batch(..., schema=...) and give Decimal values, or give text";
    Err(Refusal::new("holds an int beyond 64 bits", hint))
}

/// Digits after the point that the Decimal needs.
fn scale(value: &Bound<'_, PyAny>) -> Result<u8, Refusal> {
    let exponent = value.call_method0("as_tuple")?.getattr("exponent")?;
    let Ok(exponent) = exponent.extract::<i64>() else {
        return Err(Refusal::new("holds a Decimal that is no finite number", "give None, or a float column"));
    };
    u8::try_from((-exponent).max(0)).ok().filter(|scale| *scale <= 38).ok_or_else(|| {
        Refusal::new("holds a Decimal of more than 38 digits after the point", "round the value first")
    })
}
