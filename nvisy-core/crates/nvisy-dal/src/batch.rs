//! Data and positions in ONE value, so that no code can move the one and forget the other.

use crate::{Context, DataKind, Error, ErrorKind, Fingerprint, KeysetContext, Result, TypedValue};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine as _;
use std::fmt::Write as _;

/// Some items of one kind and, for each, where the stream resumes after it.
#[derive(Clone, Debug)]
pub struct Batch {
    kind: DataKind,
    data: RecordBatch,
    positions: Positions,
}

/// Where the stream resumes after each item of a batch, in columnar form.
#[derive(Clone, Debug, PartialEq)]
pub enum Positions {
    /// One context for the end of the whole batch: its items are accepted together or read again together.
    End(Context),
    /// A projection of columns already in the batch: nothing is stored per row.
    Keyset {
        /// The key columns, in sort order.
        columns: Vec<String>,
        /// Of the stream these keys belong to.
        fingerprint: Fingerprint,
    },
    /// One context for each item.
    Each(Vec<Context>),
    /// The engine keeps the positions to itself: this is a batch on its way to a sink.
    Withheld,
}

impl Batch {
    /// Join items and positions.
    ///
    /// # Errors
    /// `invalid_data` when the columns do not suit the kind, or the positions do not suit the items.
    pub fn new(kind: DataKind, data: RecordBatch, positions: Positions) -> Result<Self> {
        let refuse = |message: String| Error::new(ErrorKind::InvalidData, "accept a batch", message);
        kind.check(data.schema_ref()).map_err(refuse)?;
        match &positions {
            Positions::Keyset { columns, .. } if columns.is_empty() => {
                return Err(refuse("keyset positions name no column".to_owned()));
            }
            Positions::Keyset { columns, .. } => {
                if let Some(missing) = columns.iter().find(|name| data.column_by_name(name).is_none()) {
                    return Err(refuse(format!(
                        "key column `{missing}` is not in the batch; read it along with the rest"
                    )));
                }
            }
            Positions::Each(contexts) if contexts.len() != data.num_rows() => {
                return Err(refuse(format!(
                    "{} contexts for {} items; every item needs its own",
                    contexts.len(),
                    data.num_rows()
                )));
            }
            Positions::Each(_) | Positions::End(_) | Positions::Withheld => {}
        }
        Ok(Self { kind, data, positions })
    }

    /// What the items are.
    pub fn kind(&self) -> DataKind {
        self.kind
    }

    /// The items.
    pub fn data(&self) -> &RecordBatch {
        &self.data
    }

    /// Where the stream resumes after each of them.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.data.num_rows()
    }

    /// Whether there is no item. Such a batch may still move the position on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held by the items' buffers.
    pub fn bytes(&self) -> usize {
        self.data.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
    }

    /// Where the stream resumes after the first `count` items; `None` where the positions do not say: before the
    /// first item, inside a batch that knows only its end, or in a sink's batch.
    ///
    /// # Errors
    /// `invalid_data` when a key is null or of a type that no context can hold.
    pub fn context_after(&self, count: usize) -> Result<Option<Context>> {
        match &self.positions {
            Positions::End(context) if count == self.len() => Ok(Some(context.clone())),
            _ if count == 0 || count > self.len() => Ok(None),
            Positions::End(_) | Positions::Withheld => Ok(None),
            Positions::Each(contexts) => Ok(contexts.get(count - 1).cloned()),
            Positions::Keyset { columns, fingerprint } => {
                let values =
                    columns.iter().map(|name| self.key_value(name, count - 1)).collect::<Result<_>>()?;
                let fingerprint = fingerprint.clone();
                Ok(Some(Context::Keyset(KeysetContext {
                    version: crate::context::Version::CURRENT,
                    fingerprint,
                    values,
                })))
            }
        }
    }

    fn key_value(&self, name: &str, row: usize) -> Result<TypedValue> {
        let refuse = |what: &str| {
            Error::new(
                ErrorKind::InvalidData,
                "find the position of an item",
                format!("key column `{name}` {what}"),
            )
            .with_hint("choose a unique key of columns that are never null")
        };
        let column = self.data.column_by_name(name).ok_or_else(|| refuse("is not in the batch"))?;
        if column.is_null(row) {
            return Err(refuse(&format!("is null in row {row} of the batch")));
        }
        typed_value(column, row)
            .ok_or_else(|| refuse(&format!("has the type {}, which no key can have", column.data_type())))
    }
}

/// The value of a non-null cell as a key; `None` for a type no key can have.
fn typed_value(column: &ArrayRef, row: usize) -> Option<TypedValue> {
    Some(match column.data_type() {
        DataType::Boolean => TypedValue::Bool(column.as_boolean().value(row)),
        DataType::Int8 => TypedValue::Int(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => TypedValue::Int(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => TypedValue::Int(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => TypedValue::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => TypedValue::Int(column.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => TypedValue::Int(column.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => TypedValue::Int(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => {
            let value = column.as_primitive::<UInt64Type>().value(row);
            i64::try_from(value).map_or_else(|_| TypedValue::Decimal(value.to_string()), TypedValue::Int)
        }
        DataType::Float32 => finite(column.as_primitive::<Float32Type>().value(row).into())?,
        DataType::Float64 => finite(column.as_primitive::<Float64Type>().value(row))?,
        DataType::Decimal128(..) => {
            TypedValue::Decimal(column.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Utf8 => TypedValue::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => TypedValue::Text(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => TypedValue::Text(column.as_string_view().value(row).to_owned()),
        DataType::Binary => bytes(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(column.as_binary::<i64>().value(row)),
        DataType::FixedSizeBinary(16) => TypedValue::Uuid(uuid(column.as_fixed_size_binary().value(row))),
        DataType::FixedSizeBinary(_) => bytes(column.as_fixed_size_binary().value(row)),
        DataType::Date32 => TypedValue::Date(date(column.as_primitive::<Date32Type>().value(row).into())?),
        DataType::Time64(TimeUnit::Microsecond) => {
            TypedValue::Time(clock(column.as_primitive::<Time64MicrosecondType>().value(row)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => TypedValue::Timestamp(timestamp(
            column.as_primitive::<TimestampMicrosecondType>().value(row),
            zone.is_some(),
        )?),
        _ => return None,
    })
}

fn finite(value: f64) -> Option<TypedValue> {
    value.is_finite().then_some(TypedValue::Float(value))
}

fn bytes(value: &[u8]) -> TypedValue {
    TypedValue::Bytes(base64::engine::general_purpose::STANDARD.encode(value))
}

fn uuid(value: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in value.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `YYYY-MM-DD` of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`); `None` outside years 1 to 9999.
fn date(days: i64) -> Option<String> {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn timestamp(micros: i64, instant: bool) -> Option<String> {
    const DAY: i64 = 86_400_000_000;
    let (day, clock) = (date(micros.div_euclid(DAY))?, clock(micros.rem_euclid(DAY)));
    let zone = if instant { "Z" } else { "" };
    Some(format!("{day}T{clock}{zone}"))
}

/// `HH:MM:SS.ffffff` of microseconds since midnight.
fn clock(micros: i64) -> String {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
