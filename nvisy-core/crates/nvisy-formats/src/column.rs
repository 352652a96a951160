//! Cells -> one Arrow column. Every cell takes exactly one place, also one that does not fit: it leaves a null behind
//! and says why, so that the caller drops the row and the columns stay of one length.

use crate::calendar::{parse_date, parse_duration, parse_time, parse_timestamp};
use crate::cells::Cell;
use crate::jsonl::{Names, Row, members};
use crate::scalar::{
    parse_base64, parse_bool, parse_decimal, parse_f32, parse_f64, parse_int, parse_uuid, type_name,
};
use crate::scan::{self, Items, Text};
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, DurationMicrosecondBuilder, FixedSizeBinaryBuilder,
    Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
    LargeBinaryBuilder, PrimitiveBuilder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, FixedSizeListArray, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};
use nvisy_dal::ColumnType;
use std::borrow::Cow;
use std::sync::Arc;

/// Builds one column.
pub(crate) struct Column {
    r#type: ColumnType,
    values: Values,
}

enum Values {
    Bool(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Uint8(UInt8Builder),
    Uint16(UInt16Builder),
    Uint32(UInt32Builder),
    Uint64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, u8),
    Text(StringBuilder),
    Json(StringBuilder),
    Binary(LargeBinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder, bool),
    Duration(DurationMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Vector(Vector),
    List(Box<List>),
    Struct(Struct),
}

struct Vector {
    item: FieldRef,
    dimension: usize,
    values: Float32Builder,
    nulls: NullBufferBuilder,
}

struct List {
    item: FieldRef,
    column: Column,
    /// Items taken so far, also of values that were refused half-way.
    taken: usize,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

struct Struct {
    fields: Fields,
    names: Names,
    columns: Vec<Column>,
    nulls: NullBufferBuilder,
}

impl Column {
    /// A column of that type, with room for `rows` values.
    pub(crate) fn new(r#type: &ColumnType, rows: usize) -> Result<Self, ArrowError> {
        let timestamp = || TimestampMicrosecondBuilder::with_capacity(rows);
        let text = || StringBuilder::with_capacity(rows, rows * 16);
        let values = match r#type {
            ColumnType::Bool => Values::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int8 => Values::Int8(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int16 => Values::Int16(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int32 => Values::Int32(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Int64 => Values::Int64(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint8 => Values::Uint8(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint16 => Values::Uint16(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint32 => Values::Uint32(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uint64 => Values::Uint64(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Float32 => Values::Float32(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Float64 => Values::Float64(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Decimal { precision, scale } => {
                let builder = Decimal128Builder::with_capacity(rows).with_data_type(r#type.to_arrow());
                Values::Decimal(builder, *precision, *scale)
            }
            ColumnType::Text => Values::Text(text()),
            ColumnType::Json => Values::Json(text()),
            ColumnType::Binary => Values::Binary(LargeBinaryBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Date => Values::Date(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Time => Values::Time(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Timestamp { utc: true } => Values::Timestamp(timestamp().with_timezone("UTC"), true),
            ColumnType::Timestamp { utc: false } => Values::Timestamp(timestamp(), false),
            ColumnType::Duration => Values::Duration(PrimitiveBuilder::with_capacity(rows)),
            ColumnType::Uuid => Values::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            ColumnType::Vector { .. } | ColumnType::List { .. } | ColumnType::Struct { .. } => {
                nested(r#type, rows)?
            }
        };
        Ok(Self { r#type: r#type.clone(), values })
    }

    /// Whether any text is a value here, also an empty one.
    pub(crate) fn textual(&self) -> bool {
        matches!(self.values, Values::Text(_) | Values::Binary(_))
    }

    /// Take one cell. An error says why the value does not fit; its place then holds null.
    pub(crate) fn push(&mut self, cell: Cell<'_>) -> Result<(), String> {
        match cell {
            Cell::Null => {
                self.push_null();
                Ok(())
            }
            Cell::Text(text) => self.push_text(text),
            Cell::Json(raw) => self.push_json(raw, Text::Json),
        }
    }

    /// Take what is called JSON, but may not be.
    pub(crate) fn push_unread(&mut self, raw: &str) -> Result<(), String> {
        self.push_json(raw, if scan::is_json(raw) { Text::Json } else { Text::Unknown })
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::Bool(b) => b.append_null(),
            Values::Int8(b) => b.append_null(),
            Values::Int16(b) => b.append_null(),
            Values::Int32(b) => b.append_null(),
            Values::Int64(b) => b.append_null(),
            Values::Uint8(b) => b.append_null(),
            Values::Uint16(b) => b.append_null(),
            Values::Uint32(b) => b.append_null(),
            Values::Uint64(b) => b.append_null(),
            Values::Float32(b) => b.append_null(),
            Values::Float64(b) => b.append_null(),
            Values::Decimal(b, ..) => b.append_null(),
            Values::Text(b) | Values::Json(b) => b.append_null(),
            Values::Binary(b) => b.append_null(),
            Values::Date(b) => b.append_null(),
            Values::Time(b) => b.append_null(),
            Values::Timestamp(b, _) => b.append_null(),
            Values::Duration(b) => b.append_null(),
            Values::Uuid(b) => b.append_null(),
            Values::Vector(b) => b.append(None),
            Values::List(b) => b.close(false),
            Values::Struct(b) => b.append_null(),
        }
    }

    fn push_text(&mut self, text: &str) -> Result<(), String> {
        let trimmed = text.trim_ascii();
        let fits = match &mut self.values {
            Values::Bool(b) => {
                let value = parse_bool(trimmed);
                b.append_option(value);
                value.is_some()
            }
            Values::Int8(b) => put(b, parse_int(trimmed)),
            Values::Int16(b) => put(b, parse_int(trimmed)),
            Values::Int32(b) => put(b, parse_int(trimmed)),
            Values::Int64(b) => put(b, parse_int(trimmed)),
            Values::Uint8(b) => put(b, parse_int(trimmed)),
            Values::Uint16(b) => put(b, parse_int(trimmed)),
            Values::Uint32(b) => put(b, parse_int(trimmed)),
            Values::Uint64(b) => put(b, parse_int(trimmed)),
            Values::Float32(b) => put(b, parse_f32(trimmed)),
            Values::Float64(b) => put(b, parse_f64(trimmed)),
            Values::Decimal(b, precision, scale) => put(b, parse_decimal(trimmed, *precision, *scale)),
            Values::Text(b) => {
                b.append_value(text);
                true
            }
            Values::Json(b) => {
                let value = scan::is_json(text).then_some(text);
                b.append_option(value);
                value.is_some()
            }
            Values::Binary(b) => {
                let value = parse_base64(text);
                b.append_option(value.as_deref());
                value.is_some()
            }
            Values::Date(b) => put(b, parse_date(trimmed.as_bytes())),
            Values::Time(b) => put(b, parse_time(trimmed.as_bytes())),
            Values::Timestamp(b, utc) => put(
                b,
                parse_timestamp(trimmed.as_bytes())
                    .and_then(|(micros, zoned)| (zoned == *utc).then_some(micros)),
            ),
            Values::Duration(b) => put(b, parse_duration(trimmed.as_bytes())),
            Values::Uuid(b) => put_uuid(b, parse_uuid(trimmed)),
            Values::Vector(_) | Values::List(_) | Values::Struct(_) => {
                let known = if scan::is_json(trimmed) { Text::Json } else { Text::Unknown };
                return self.push_nested(trimmed, known);
            }
        };
        if fits { Ok(()) } else { Err(self.misfit(text)) }
    }

    fn push_json(&mut self, raw: &str, known: Text) -> Result<(), String> {
        if self.push_usual(raw) {
            return Ok(());
        }
        let first = raw.as_bytes().first().copied();
        match (first, &mut self.values) {
            (Some(b'n'), _) => {
                self.push_null();
                Ok(())
            }
            (_, Values::Json(b)) => {
                b.append_value(raw);
                Ok(())
            }
            (Some(b'[' | b'{'), Values::Vector(_) | Values::List(_) | Values::Struct(_)) => {
                self.push_nested(raw, known)
            }
            (Some(b'"'), values)
                if !matches!(values, Values::Vector(_) | Values::List(_) | Values::Struct(_)) =>
            {
                match unescape(raw) {
                    Some(text) => self.push_text(&text),
                    None => self.refuse(raw),
                }
            }
            (Some(b't' | b'f'), Values::Bool(_)) => self.push_text(raw),
            (Some(b't' | b'f' | b'[' | b'{' | b'"') | None, _) => self.refuse(raw),
            (Some(_), _) => self.push_text(raw),
        }
    }

    /// The shortest way of what comes most; says whether the value went it.
    fn push_usual(&mut self, raw: &str) -> bool {
        match &mut self.values {
            Values::Int32(b) => append(b, raw.parse().ok()),
            Values::Int64(b) => append(b, raw.parse().ok()),
            Values::Text(b) => append_plain(b, raw),
            _ => false,
        }
    }

    fn push_nested(&mut self, raw: &str, known: Text) -> Result<(), String> {
        let result = match &mut self.values {
            Values::Vector(vector) => vector.push(raw),
            Values::List(list) => list.push(raw, known),
            Values::Struct(columns) => columns.push(raw, known),
            _ => return self.refuse(raw),
        };
        result.map_err(|inner| inner.unwrap_or_else(|| self.misfit(raw)))
    }

    fn refuse(&mut self, raw: &str) -> Result<(), String> {
        self.push_null();
        Err(self.misfit(raw))
    }

    fn misfit(&self, text: &str) -> String {
        let shown: String = text.chars().take(40).collect();
        let dots = if shown.len() < text.len() { "..." } else { "" };
        format!("`{shown}{dots}` is not {}", type_name(&self.r#type))
    }

    /// The column.
    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self.values {
            Values::Bool(b) => Arc::new(b.finish()),
            Values::Int8(b) => Arc::new(b.finish()),
            Values::Int16(b) => Arc::new(b.finish()),
            Values::Int32(b) => Arc::new(b.finish()),
            Values::Int64(b) => Arc::new(b.finish()),
            Values::Uint8(b) => Arc::new(b.finish()),
            Values::Uint16(b) => Arc::new(b.finish()),
            Values::Uint32(b) => Arc::new(b.finish()),
            Values::Uint64(b) => Arc::new(b.finish()),
            Values::Float32(b) => Arc::new(b.finish()),
            Values::Float64(b) => Arc::new(b.finish()),
            Values::Decimal(b, ..) => Arc::new(b.finish()),
            Values::Text(b) | Values::Json(b) => Arc::new(b.finish()),
            Values::Binary(b) => Arc::new(b.finish()),
            Values::Date(b) => Arc::new(b.finish()),
            Values::Time(b) => Arc::new(b.finish()),
            Values::Timestamp(b, _) => Arc::new(b.finish()),
            Values::Duration(b) => Arc::new(b.finish()),
            Values::Uuid(b) => Arc::new(b.finish()),
            Values::Vector(_) | Values::List(_) | Values::Struct(_) => return self.values.finish_nested(),
        })
    }
}

impl Values {
    fn finish_nested(self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Vector(mut v) => {
                let dimension = i32::try_from(v.dimension).unwrap_or(i32::MAX);
                let values = Arc::new(v.values.finish());
                Ok(Arc::new(FixedSizeListArray::try_new(v.item, dimension, values, v.nulls.finish())?))
            }
            Self::List(mut l) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(l.offsets));
                Ok(Arc::new(ListArray::try_new(l.item, offsets, l.column.finish()?, l.nulls.finish())?))
            }
            Self::Struct(mut s) => {
                let columns = s.columns.into_iter().map(Column::finish).collect::<Result<_, _>>()?;
                Ok(Arc::new(StructArray::try_new(s.fields, columns, s.nulls.finish())?))
            }
            _ => Err(ArrowError::InvalidArgumentError("not a nested column".to_owned())),
        }
    }
}

fn nested(r#type: &ColumnType, rows: usize) -> Result<Values, ArrowError> {
    let nulls = NullBufferBuilder::new(rows);
    match (r#type, r#type.to_arrow()) {
        (ColumnType::Vector { dimension }, DataType::FixedSizeList(item, _)) => Ok(Values::Vector(Vector {
            item,
            dimension: *dimension as usize,
            values: Float32Builder::new(),
            nulls,
        })),
        (ColumnType::List { item: r#type }, DataType::List(item)) => {
            let column = Column::new(r#type, rows)?;
            Ok(Values::List(Box::new(List { item, column, taken: 0, offsets: vec![0], nulls })))
        }
        (ColumnType::Struct { fields: types }, DataType::Struct(fields)) if !fields.is_empty() => {
            let columns =
                types.iter().map(|field| Column::new(&field.r#type, rows)).collect::<Result<_, _>>()?;
            let names = Names::new(types.iter().map(|field| field.name.clone()));
            Ok(Values::Struct(Struct { fields, names, columns, nulls }))
        }
        _ => Err(ArrowError::InvalidArgumentError(format!(
            "a column of the type {} cannot be built",
            type_name(r#type)
        ))),
    }
}

fn put<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>, value: Option<T::Native>) -> bool {
    builder.append_option(value);
    value.is_some()
}

/// Append the value where there is one.
fn append<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>, value: Option<T::Native>) -> bool {
    if let Some(value) = value {
        builder.append_value(value);
    }
    value.is_some()
}

/// Append the text of a JSON string without escapes.
fn append_plain(builder: &mut StringBuilder, raw: &str) -> bool {
    let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or("\"");
    let plain = raw.len() > 1 && raw.ends_with('"') && scan::special(inside.as_bytes(), 0) == inside.len();
    if plain {
        builder.append_value(inside);
    }
    plain
}

fn put_uuid(builder: &mut FixedSizeBinaryBuilder, value: Option<[u8; 16]>) -> bool {
    let appended = value.is_some_and(|bytes| builder.append_value(bytes).is_ok());
    if !appended {
        builder.append_null();
    }
    appended
}

fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    let plain = scan::special(inside.as_bytes(), 0) == inside.len();
    if plain || memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
}

/// Why a nested value does not fit: what its part says, or `None` when it is itself of the wrong shape.
type Nested = Result<(), Option<String>>;

impl Vector {
    fn push(&mut self, raw: &str) -> Nested {
        let floats = self.parse(raw);
        self.append(floats.as_deref());
        floats.map(|_| ()).ok_or(None)
    }

    fn parse(&self, raw: &str) -> Option<Vec<f32>> {
        let inside = raw.strip_prefix('[')?.strip_suffix(']')?;
        let number = |text: &str| {
            let text = text.trim_ascii();
            parse_f32(text).filter(|float| float.is_finite() && !text.starts_with('+'))
        };
        let floats = inside.split(',').map(number).collect::<Option<Vec<_>>>()?;
        (floats.len() == self.dimension).then_some(floats)
    }

    fn append(&mut self, floats: Option<&[f32]>) {
        match floats {
            Some(floats) => self.values.append_slice(floats),
            None => self.values.append_value_n(0.0, self.dimension),
        }
        self.nulls.append(floats.is_some());
    }
}

impl List {
    fn push(&mut self, raw: &str, known: Text) -> Nested {
        let (mut items, mut fits) = (Items::new(raw, known), Ok(()));
        for item in &mut items {
            if fits.is_ok() {
                self.taken += 1;
                fits = self.column.push_json(item, Text::Json).map_err(Some);
            }
        }
        if !items.whole() {
            fits = Err(None);
        }
        self.close(fits.is_ok());
        fits
    }

    fn close(&mut self, valid: bool) {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(i32::try_from(self.taken).unwrap_or(end));
        self.nulls.append(valid);
    }
}

impl Struct {
    fn push(&mut self, raw: &str, known: Text) -> Nested {
        let mut values = vec![None; self.names.len()];
        if let Err(malformed) = members(raw, known, &mut Row::new(&self.names, &mut values)) {
            self.append_null();
            return Err(raw.starts_with('{').then_some(malformed.reason));
        }
        let mut fits = Ok(());
        for ((column, value), field) in self.columns.iter_mut().zip(&values).zip(&self.fields) {
            let null = value.is_none_or(|raw| raw.starts_with('n'));
            let pushed = column.push(value.map_or(Cell::Null, Cell::Json));
            let pushed = pushed.map_err(|why| format!("in `{}`: {why}", field.name()));
            let required = if null && !field.is_nullable() {
                Err(format!("`{}` is null", field.name()))
            } else {
                Ok(())
            };
            fits = fits.and(pushed).and(required);
        }
        self.nulls.append(fits.is_ok());
        fits.map_err(Some)
    }

    fn append_null(&mut self) {
        for column in &mut self.columns {
            column.push_null();
        }
        self.nulls.append(false);
    }
}
