//! The cells of one column, its type looked at once and not once per row.

use crate::classes::Classes;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray,
    LargeBinaryArray, LargeListArray, LargeStringArray, ListArray, PrimitiveArray, StringArray,
    StringViewArray, StructArray,
};
use arrow_schema::{DataType, Field, TimeUnit};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDate, PyDelta, PyDict, PyList, PyString, PyTime};
use pyo3::{IntoPyObjectExt as _, intern};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The ordinal Python gives 1970-01-01.
const EPOCH_ORDINAL: i64 = 719_163;

/// The cells of one column.
pub(super) struct Cells<'a> {
    array: &'a dyn Array,
    form: Form<'a>,
}

enum Form<'a> {
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
    Decimal(&'a PrimitiveArray<Decimal128Type>),
    Text(Text<'a>),
    Json(Text<'a>),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    FixedBinary(&'a FixedSizeBinaryArray),
    Uuid(&'a FixedSizeBinaryArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time64MicrosecondType>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>, bool),
    Duration(&'a PrimitiveArray<DurationMicrosecondType>),
    FixedList(&'a FixedSizeListArray, Box<Cells<'a>>),
    List(&'a ListArray, Box<Cells<'a>>),
    LargeList(&'a LargeListArray, Box<Cells<'a>>),
    Struct(Vec<(Py<PyString>, Cells<'a>)>),
}

enum Text<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl Text<'_> {
    fn value(&self, row: usize) -> &str {
        match self {
            Self::Small(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
        }
    }
}

impl<'a> Cells<'a> {
    /// The cells of that column.
    pub(super) fn of(py: Python<'_>, field: &Field, array: &'a dyn Array) -> PyResult<Self> {
        let extension = field.metadata().get("ARROW:extension:name").map(String::as_str);
        let text = |text| if extension == Some("arrow.json") { Form::Json(text) } else { Form::Text(text) };
        let form = match array.data_type() {
            DataType::Boolean => Form::Bool(array.as_boolean()),
            DataType::Int8 => Form::Int8(array.as_primitive()),
            DataType::Int16 => Form::Int16(array.as_primitive()),
            DataType::Int32 => Form::Int32(array.as_primitive()),
            DataType::Int64 => Form::Int64(array.as_primitive()),
            DataType::UInt8 => Form::Uint8(array.as_primitive()),
            DataType::UInt16 => Form::Uint16(array.as_primitive()),
            DataType::UInt32 => Form::Uint32(array.as_primitive()),
            DataType::UInt64 => Form::Uint64(array.as_primitive()),
            DataType::Float32 => Form::Float32(array.as_primitive()),
            DataType::Float64 => Form::Float64(array.as_primitive()),
            DataType::Decimal128(..) => Form::Decimal(array.as_primitive()),
            DataType::Utf8 => text(Text::Small(array.as_string())),
            DataType::LargeUtf8 => text(Text::Large(array.as_string())),
            DataType::Utf8View => text(Text::View(array.as_string_view())),
            DataType::Binary => Form::Binary(array.as_binary()),
            DataType::LargeBinary => Form::LargeBinary(array.as_binary()),
            DataType::BinaryView => Form::BinaryView(array.as_binary_view()),
            DataType::FixedSizeBinary(16) => Form::Uuid(array.as_fixed_size_binary()),
            DataType::FixedSizeBinary(_) => Form::FixedBinary(array.as_fixed_size_binary()),
            DataType::Date32 => Form::Date(array.as_primitive()),
            DataType::Time64(TimeUnit::Microsecond) => Form::Time(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Form::Timestamp(array.as_primitive(), zone.is_some())
            }
            DataType::Duration(TimeUnit::Microsecond) => Form::Duration(array.as_primitive()),
            DataType::FixedSizeList(item, _) => {
                let list = array.as_fixed_size_list();
                Form::FixedList(list, Box::new(Self::of(py, item, list.values().as_ref())?))
            }
            DataType::List(item) => {
                let list = array.as_list();
                Form::List(list, Box::new(Self::of(py, item, list.values().as_ref())?))
            }
            DataType::LargeList(item) => {
                let list = array.as_list();
                Form::LargeList(list, Box::new(Self::of(py, item, list.values().as_ref())?))
            }
            DataType::Struct(_) => Form::Struct(fields(py, array.as_struct())?),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "column `{}` has the type {other}, which has no rows",
                    field.name()
                )));
            }
        };
        Ok(Self { array, form })
    }

    /// The cell as a Python value.
    pub(super) fn value<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyAny>> {
        if self.array.is_null(row) {
            return Ok(py.None().into_bound(py));
        }
        match &self.form {
            Form::Bool(array) => array.value(row).into_bound_py_any(py),
            Form::Int8(array) => array.value(row).into_bound_py_any(py),
            Form::Int16(array) => array.value(row).into_bound_py_any(py),
            Form::Int32(array) => array.value(row).into_bound_py_any(py),
            Form::Int64(array) => array.value(row).into_bound_py_any(py),
            Form::Uint8(array) => array.value(row).into_bound_py_any(py),
            Form::Uint16(array) => array.value(row).into_bound_py_any(py),
            Form::Uint32(array) => array.value(row).into_bound_py_any(py),
            Form::Uint64(array) => array.value(row).into_bound_py_any(py),
            Form::Float32(array) => f64::from(array.value(row)).into_bound_py_any(py),
            Form::Float64(array) => array.value(row).into_bound_py_any(py),
            Form::Decimal(array) => Classes::get(py)?.decimal.bind(py).call1((array.value_as_string(row),)),
            Form::Text(text) => Ok(PyString::new(py, text.value(row)).into_any()),
            Form::Json(text) => Classes::get(py)?.loads.bind(py).call1((text.value(row),)),
            Form::Binary(array) => Ok(PyBytes::new(py, array.value(row)).into_any()),
            Form::LargeBinary(array) => Ok(PyBytes::new(py, array.value(row)).into_any()),
            Form::BinaryView(array) => Ok(PyBytes::new(py, array.value(row)).into_any()),
            Form::FixedBinary(array) => Ok(PyBytes::new(py, array.value(row)).into_any()),
            Form::Uuid(array) => uuid(py, array.value(row)),
            Form::Date(array) => date(py, array.value(row).into()),
            Form::Time(array) => time(py, array.value(row)),
            Form::Timestamp(array, utc) => timestamp(py, array.value(row), *utc),
            Form::Duration(array) => Ok(delta(py, array.value(row))?.into_any()),
            Form::FixedList(array, items) => {
                let length = usize::try_from(array.value_length()).unwrap_or_default();
                items.list(py, row * length..(row + 1) * length)
            }
            Form::List(array, items) => {
                let offsets = array.value_offsets();
                items.list(py, index(offsets[row].into())..index(offsets[row + 1].into()))
            }
            Form::LargeList(array, items) => {
                let offsets = array.value_offsets();
                items.list(py, index(offsets[row])..index(offsets[row + 1]))
            }
            Form::Struct(columns) => {
                let dict = PyDict::new(py);
                for (name, column) in columns {
                    dict.set_item(name, column.value(py, row)?)?;
                }
                Ok(dict.into_any())
            }
        }
    }

    fn list<'py>(&self, py: Python<'py>, range: std::ops::Range<usize>) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::empty(py);
        for row in range {
            list.append(self.value(py, row)?)?;
        }
        Ok(list.into_any())
    }
}

/// Arrow promises that offsets are not negative.
fn index(offset: i64) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

fn fields<'a>(py: Python<'_>, array: &'a StructArray) -> PyResult<Vec<(Py<PyString>, Cells<'a>)>> {
    let columns = array.fields().iter().zip(array.columns());
    columns
        .map(|(field, column)| {
            Ok((PyString::intern(py, field.name()).unbind(), Cells::of(py, field, column.as_ref())?))
        })
        .collect()
}

fn uuid<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let named = PyDict::new(py);
    named.set_item(intern!(py, "bytes"), PyBytes::new(py, bytes))?;
    Classes::get(py)?.uuid.bind(py).call((), Some(&named))
}

fn date(py: Python<'_>, days: i64) -> PyResult<Bound<'_, PyAny>> {
    py.get_type::<PyDate>().call_method1(intern!(py, "fromordinal"), (days + EPOCH_ORDINAL,))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "each part is bounded by its modulus"
)]
fn time(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyAny>> {
    let (seconds, micro) = (micros.div_euclid(SECOND), micros.rem_euclid(SECOND));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(PyTime::new(py, hour as u8, minute as u8, second as u8, micro as u32, None)?.into_any())
}

fn timestamp(py: Python<'_>, micros: i64, utc: bool) -> PyResult<Bound<'_, PyAny>> {
    let classes = Classes::get(py)?;
    let epoch = if utc { &classes.epoch_utc } else { &classes.epoch };
    epoch.bind(py).add(delta(py, micros)?)
}

#[expect(clippy::cast_possible_truncation, reason = "an i64 of microseconds has fewer than 2^31 days")]
fn delta(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyDelta>> {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    PyDelta::new(py, days as i32, (rest / SECOND) as i32, (rest % SECOND) as i32, false)
}
