//! Columns and their types in a form both languages can write down without Arrow.
//! The set is closed; an Arrow type outside it is refused where it enters, never guessed at.

use crate::json::{Exact, tagged};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The columns of a stream, decided once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The columns, in order.
    pub fields: Vec<Field>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column's name, exactly as the source spells it.
    pub name: String,
    /// Its type.
    pub r#type: ColumnType,
    /// Whether a value may be null.
    #[serde(default = "yes")]
    pub nullable: bool,
}

fn yes() -> bool {
    true
}

/// The portable types. Times carry microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnType {
    /// true or false.
    Bool,
    /// Signed 8-bit integer.
    Int8,
    /// Signed 16-bit integer.
    Int16,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// Unsigned 8-bit integer.
    Uint8,
    /// Unsigned 16-bit integer.
    Uint16,
    /// Unsigned 32-bit integer.
    Uint32,
    /// Unsigned 64-bit integer.
    Uint64,
    /// IEEE single.
    Float32,
    /// IEEE double.
    Float64,
    /// Exact decimal.
    Decimal {
        /// Digits in all, 1 to 38.
        #[schemars(range(min = 1, max = 38))]
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        #[schemars(range(min = 0, max = 38))]
        scale: u8,
    },
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// A calendar day.
    Date,
    /// A time of day without zone.
    Time,
    /// A point in time: an instant (normalised to UTC) when `utc`, else a wall-clock reading without zone.
    Timestamp {
        /// True for an instant.
        utc: bool,
    },
    /// A length of time.
    Duration,
    /// A UUID (16 bytes, extension `arrow.uuid`).
    Uuid,
    /// JSON text (extension `arrow.json`).
    Json,
    /// A vector of 32-bit floats; its length where fixed.
    Vector {
        /// Number of floats, the same in every row.
        #[schemars(range(min = 1))]
        dimension: u32,
    },
    /// A list.
    List {
        /// The type of its elements.
        item: Box<ColumnType>,
    },
    /// A nested record.
    Struct {
        /// Its columns.
        fields: Vec<Field>,
    },
}

/// The fields of the types that have any, by the name of the type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecimalFields {
    precision: u8,
    scale: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimestampFields {
    utc: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorFields {
    dimension: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFields {
    item: Box<ColumnType>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StructFields {
    fields: Vec<Field>,
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, fields) = tagged(deserializer, "name")?;
        let parsed = match Self::plain(&name) {
            Some(plain) => NoFields::deserialize(fields).map(|NoFields {}| plain),
            None => Self::with_fields(&name, fields),
        };
        parsed.map_err(D::Error::custom)
    }
}

impl ColumnType {
    fn plain(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "uint8" => Self::Uint8,
            "uint16" => Self::Uint16,
            "uint32" => Self::Uint32,
            "uint64" => Self::Uint64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" => Self::Uuid,
            "json" => Self::Json,
            _ => return None,
        })
    }

    fn with_fields(name: &str, fields: Exact) -> serde_json::Result<Self> {
        let refuse = |text: &str| Err(serde_json::Error::custom(text));
        match name {
            "decimal" => match DecimalFields::deserialize(fields)? {
                DecimalFields { precision: precision @ 1..=38, scale } if scale <= precision => {
                    Ok(Self::Decimal { precision, scale })
                }
                _ => refuse("a decimal has 1 to 38 digits, and no more than these after the point"),
            },
            "timestamp" => {
                TimestampFields::deserialize(fields).map(|TimestampFields { utc }| Self::Timestamp { utc })
            }
            "vector" => match VectorFields::deserialize(fields)? {
                VectorFields { dimension: 0 } => refuse("a vector has at least one number"),
                VectorFields { dimension } => Ok(Self::Vector { dimension }),
            },
            "list" => ListFields::deserialize(fields).map(|ListFields { item }| Self::List { item }),
            "struct" => {
                StructFields::deserialize(fields).map(|StructFields { fields }| Self::Struct { fields })
            }
            other => refuse(&format!("there is no column type `{other}`")),
        }
    }
}

const EXTENSION: &str = "ARROW:extension:name";

impl Schema {
    /// The Arrow schema of these columns.
    pub fn to_arrow(&self) -> ArrowSchema {
        ArrowSchema::new(self.fields.iter().map(Field::to_arrow).collect::<Vec<_>>())
    }

    /// The portable form of an Arrow schema.
    ///
    /// # Errors
    /// A sentence naming the column whose type is outside the portable set.
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Self, String> {
        let fields = schema.fields().iter().map(|f| Field::from_arrow(f)).collect::<Result<_, _>>()?;
        Ok(Self { fields })
    }

    /// The column of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// The Arrow field of this column.
    pub fn to_arrow(&self) -> ArrowField {
        let field = ArrowField::new(&self.name, self.r#type.to_arrow(), self.nullable);
        let extension = match self.r#type {
            ColumnType::Uuid => "arrow.uuid",
            ColumnType::Json => "arrow.json",
            _ => return field,
        };
        field.with_metadata(HashMap::from([(EXTENSION.to_owned(), extension.to_owned())]))
    }

    /// The portable form of an Arrow field.
    ///
    /// # Errors
    /// A sentence naming the column and the type that is outside the portable set.
    pub fn from_arrow(field: &ArrowField) -> Result<Self, String> {
        let extension = field.metadata().get(EXTENSION).map(String::as_str);
        let r#type = ColumnType::from_arrow(field.data_type(), extension).ok_or_else(|| {
            format!(
                "column `{}` has the type {}, which cannot be moved; cast it first",
                field.name(),
                field.data_type()
            )
        })?;
        Ok(Self { name: field.name().clone(), r#type, nullable: field.is_nullable() })
    }
}

impl ColumnType {
    /// The Arrow type that carries values of this type.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Uint8 => DataType::UInt8,
            Self::Uint16 => DataType::UInt16,
            Self::Uint32 => DataType::UInt32,
            Self::Uint64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(38))
            }
            Self::Text | Self::Json => DataType::Utf8,
            Self::Binary => DataType::LargeBinary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { utc } => DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into())),
            Self::Duration => DataType::Duration(TimeUnit::Microsecond),
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::Vector { dimension } => DataType::FixedSizeList(
                Arc::new(ArrowField::new("item", DataType::Float32, false)),
                i32::try_from(*dimension).unwrap_or(i32::MAX),
            ),
            Self::List { item } => DataType::List(Arc::new(
                Field { name: "item".into(), r#type: (**item).clone(), nullable: true }.to_arrow(),
            )),
            Self::Struct { fields } => DataType::Struct(fields.iter().map(Field::to_arrow).collect()),
        }
    }

    fn from_arrow(data_type: &DataType, extension: Option<&str>) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int8,
            DataType::Int16 => Self::Int16,
            DataType::Int32 => Self::Int32,
            DataType::Int64 => Self::Int64,
            DataType::UInt8 => Self::Uint8,
            DataType::UInt16 => Self::Uint16,
            DataType::UInt32 => Self::Uint32,
            DataType::UInt64 => Self::Uint64,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Decimal128(precision, scale) => {
                Self::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if extension == Some("arrow.json") => {
                Self::Json
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Date32 => Self::Date,
            DataType::Time64(TimeUnit::Microsecond) => Self::Time,
            DataType::Timestamp(TimeUnit::Microsecond, zone) => Self::Timestamp { utc: zone.is_some() },
            DataType::Duration(TimeUnit::Microsecond) => Self::Duration,
            DataType::FixedSizeBinary(16) => Self::Uuid,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::FixedSizeList(item, dimension) if *item.data_type() == DataType::Float32 => {
                Self::Vector { dimension: u32::try_from(*dimension).ok()? }
            }
            DataType::List(item) | DataType::LargeList(item) => {
                Self::List { item: Box::new(Field::from_arrow(item).ok()?.r#type) }
            }
            DataType::Struct(fields) => Self::Struct {
                fields: fields.iter().map(|f| Field::from_arrow(f)).collect::<Result<_, _>>().ok()?,
            },
            _ => return None,
        })
    }
}
