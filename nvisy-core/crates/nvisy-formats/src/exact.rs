//! One column -> another type. A value that the new type cannot hold exactly is refused by row, never bent to fit.

use crate::cells::Cell;
use crate::column::Column;
use crate::print::Printer;
use crate::scalar::type_name;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::NullBuffer;
use arrow_cast::cast as arrow_cast;
use arrow_ord::cmp::not_distinct;
use arrow_schema::ArrowError;
use nvisy_dal::ColumnType;
use std::str;
use std::sync::Arc;

/// How values get from one type to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The same bytes under another name.
    Keep,
    /// As numbers or times; `exact` when going back must give the same value.
    Convert { exact: bool },
    /// Bytes that must be UTF-8.
    Utf8,
    /// Printed.
    Print,
    /// Read from text.
    Parse,
    /// Printed as JSON, then read as JSON.
    Rebuild,
}

impl Route {
    /// The way from one type to another; `None` where there is none.
    pub(crate) fn between(from: &ColumnType, to: &ColumnType) -> Option<Self> {
        use ColumnType as T;
        let nested = |this: &T| matches!(this, T::Vector { .. } | T::List { .. } | T::Struct { .. });
        Some(match (from, to) {
            _ if from == to || named_anew(from, to) => Self::Keep,
            (T::Binary, T::Text | T::Json) => Self::Utf8,
            (_, T::Text) => Self::Print,
            (T::Text | T::Json, _) => Self::Parse,
            _ if *to == T::Json || (nested(from) && nested(to)) => Self::Rebuild,
            (T::Float64, T::Float32)
            | (T::Decimal { .. }, T::Float32 | T::Float64)
            | (T::Timestamp { .. }, T::Date | T::Time) => Self::Convert { exact: false },
            (T::Bool, T::Decimal { .. }) | (T::Decimal { .. }, T::Bool) => return None,
            (T::Binary, T::Uuid) | (T::Date | T::Timestamp { .. }, T::Timestamp { .. }) => {
                Self::Convert { exact: true }
            }
            _ if numeric(from) && numeric(to) => Self::Convert { exact: true },
            _ => return None,
        })
    }
}

/// Whether the bytes of the one are those of the other.
fn named_anew(from: &ColumnType, to: &ColumnType) -> bool {
    use ColumnType as T;
    matches!((from, to), (T::Json, T::Text) | (T::Text | T::Json | T::Uuid, T::Binary))
}

fn numeric(this: &ColumnType) -> bool {
    use ColumnType as T;
    matches!(
        this,
        T::Bool
            | T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::Uint8
            | T::Uint16
            | T::Uint32
            | T::Uint64
            | T::Float32
            | T::Float64
            | T::Decimal { .. }
    )
}

/// The rows that do not fit, and why.
pub(crate) type Misfits = Vec<(usize, String)>;

/// The column under its new type, with null in each row that does not fit.
pub(crate) fn cast_column(
    array: &ArrayRef,
    from: &ColumnType,
    to: &ColumnType,
) -> Result<(ArrayRef, Misfits), ArrowError> {
    match Route::between(from, to) {
        Some(Route::Keep) => Ok((arrow_cast(array, &to.to_arrow())?, Vec::new())),
        Some(Route::Convert { exact }) => convert(array, from, to, exact),
        Some(Route::Utf8) => {
            let (text, misfits) = utf8(array);
            if *to == ColumnType::Text {
                return Ok((text, misfits));
            }
            let (parsed, more) = parse(&text, from, to)?;
            Ok((parsed, misfits.into_iter().chain(more).collect()))
        }
        Some(Route::Print) => {
            let (text, misfits) = print(array, from, false)?;
            Ok((text, misfits))
        }
        Some(Route::Parse) => parse(array, from, to),
        Some(Route::Rebuild) => {
            let (text, misfits) = print(array, from, true)?;
            if *to == ColumnType::Json {
                return Ok((text, misfits));
            }
            let (parsed, more) = parse(&text, &ColumnType::Json, to)?;
            Ok((parsed, misfits.into_iter().chain(more).collect()))
        }
        None => Err(ArrowError::CastError(format!("no way from {} to {}", type_name(from), type_name(to)))),
    }
}

fn convert(
    array: &ArrayRef,
    from: &ColumnType,
    to: &ColumnType,
    exact: bool,
) -> Result<(ArrayRef, Misfits), ArrowError> {
    let cast = arrow_cast(array, &to.to_arrow())?;
    let fits: Vec<bool> = if exact {
        let back = arrow_cast(&cast, &from.to_arrow())?;
        not_distinct(&back, array)?.values().iter().collect()
    } else {
        (0..array.len())
            .map(|row| array.is_null(row) || (cast.is_valid(row) && !overflows(array, &cast, row)))
            .collect()
    };
    if fits.iter().all(|fits| *fits) {
        return Ok((cast, Vec::new()));
    }
    let printer = Printer::new(from, array).ok_or_else(|| unprintable(from))?;
    let misfit = |(row, _): (usize, &bool)| (row, shown(&printer, row, to));
    let misfits = fits.iter().enumerate().filter(|(_, fits)| !**fits).map(misfit).collect();
    Ok((blank(&cast, &fits)?, misfits))
}

/// Whether a finite number became an infinite single.
fn overflows(array: &ArrayRef, cast: &ArrayRef, row: usize) -> bool {
    let infinite =
        cast.as_primitive_opt::<Float32Type>().is_some_and(|floats| floats.value(row).is_infinite());
    let was = array
        .as_primitive_opt::<arrow_array::types::Float64Type>()
        .is_some_and(|floats| floats.value(row).is_infinite());
    infinite && !was
}

/// The same values with null where they do not fit.
fn blank(array: &ArrayRef, fits: &[bool]) -> Result<ArrayRef, ArrowError> {
    let nulls = NullBuffer::union(array.nulls(), Some(&NullBuffer::from(fits.to_vec())));
    Ok(arrow_array::make_array(array.to_data().into_builder().nulls(nulls).build()?))
}

fn utf8(array: &ArrayRef) -> (ArrayRef, Misfits) {
    let bytes = array.as_binary::<i64>();
    let mut misfits = Vec::new();
    let text: StringArray = (0..bytes.len())
        .map(|row| {
            let value = bytes.is_valid(row).then(|| bytes.value(row))?;
            let text = str::from_utf8(value).ok();
            if text.is_none() {
                misfits.push((row, "its bytes are not UTF-8 text".to_owned()));
            }
            text
        })
        .collect();
    (Arc::new(text), misfits)
}

fn print(array: &ArrayRef, from: &ColumnType, json: bool) -> Result<(ArrayRef, Misfits), ArrowError> {
    let printer = Printer::new(from, array).ok_or_else(|| unprintable(from))?;
    let (mut column, mut misfits) = (arrow_array::builder::StringBuilder::new(), Vec::new());
    let mut bytes = Vec::new();
    for row in 0..array.len() {
        bytes.clear();
        if printer.is_null(row) {
            column.append_null();
            continue;
        }
        let result = if json { printer.json(row, &mut bytes) } else { printer.text(row, &mut bytes) };
        let valid = result.and_then(|()| str::from_utf8(&bytes).map_err(|_| "is not text".to_owned()));
        match valid {
            Ok(valid) => column.append_value(valid),
            Err(why) => {
                column.append_null();
                misfits.push((row, format!("the value {why}")));
            }
        }
    }
    Ok((Arc::new(column.finish()), misfits))
}

fn parse(array: &ArrayRef, from: &ColumnType, to: &ColumnType) -> Result<(ArrayRef, Misfits), ArrowError> {
    let texts = array.as_string::<i32>();
    let (mut column, mut misfits) = (Column::new(to, array.len())?, Vec::new());
    for row in 0..texts.len() {
        let taken = match texts.is_valid(row).then(|| texts.value(row)) {
            None => column.push(Cell::Null),
            Some(text) if *from == ColumnType::Json => column.push_unread(text.trim_ascii()),
            Some(text) => column.push(Cell::Text(text)),
        };
        if let Err(why) = taken {
            misfits.push((row, why));
        }
    }
    Ok((column.finish()?, misfits))
}

fn shown(printer: &Printer<'_>, row: usize, to: &ColumnType) -> String {
    let mut text = Vec::new();
    let text = printer.text(row, &mut text).map_or("the value".into(), |()| String::from_utf8_lossy(&text));
    format!("`{text}` cannot become {} without loss", type_name(to))
}

fn unprintable(from: &ColumnType) -> ArrowError {
    ArrowError::CastError(format!("a column that is called {} is not one", type_name(from)))
}
