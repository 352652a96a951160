//! One Python value as what a column of one type keeps of it. Each type takes the Python values that mean exactly it,
//! and no others; only 32-bit floats round, because that is what a column of them means.

use super::cell::Refusal;
use crate::classes::Classes;
use arrow_array::builder::{FixedSizeBinaryBuilder, LargeBinaryBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::ArrowPrimitiveType;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyList, PyMemoryView};

/// Add an int that is in the type's range.
pub(super) fn integer<T>(
    builder: &mut PrimitiveBuilder<T>,
    value: &Bound<'_, PyAny>,
    name: &str,
) -> Result<(), Refusal>
where
    T: ArrowPrimitiveType,
    T::Native: for<'a, 'py> FromPyObject<'a, 'py>,
{
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(Refusal::wrong_type(value, name));
    }
    let number = value.extract::<T::Native>().map_err(|_| {
        let hint = "declare a wider type in Batch(..., schema=...), such as uint64, or decimal(38, 0) and give Decimal values";
        Refusal::new(format!("holds an int outside the range of {name}"), hint)
    })?;
    builder.append_value(number);
    Ok(())
}

/// The float; an int only where the author named the type and the int is exact.
pub(super) fn float(value: &Bound<'_, PyAny>, given: bool, name: &str) -> Result<f64, Refusal> {
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(number.value());
    }
    if !given || !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(Refusal::wrong_type(value, name));
    }
    let number: f64 = value.extract().unwrap_or(f64::INFINITY);
    // Python compares an int with a float exactly.
    if value.eq(number)? {
        Ok(number)
    } else {
        Err(Refusal::new(
            format!("holds an int that no {name} can say exactly"),
            "declare int64 or a decimal",
        ))
    }
}

/// The nearest 32-bit float.
#[expect(clippy::cast_possible_truncation, reason = "a 32-bit float column holds the nearest 32-bit float")]
pub(super) fn single(number: f64) -> Result<f32, Refusal> {
    let single = number as f32;
    if single.is_infinite() && number.is_finite() {
        return Err(Refusal::new("holds a float outside the range of float32", "declare float64"));
    }
    Ok(single)
}

/// The digits of a Decimal at that scale.
pub(super) fn decimal(
    value: &Bound<'_, PyAny>,
    precision: u8,
    scale: u8,
    given: bool,
) -> Result<i128, Refusal> {
    let is_int = given && value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>();
    if !is_int && !value.is_instance(Classes::get(value.py())?.decimal.bind(value.py()))? {
        return Err(Refusal::wrong_type(value, "Decimal"));
    }
    let text = value.str()?;
    unscaled(text.to_str()?, precision, scale).ok_or_else(|| {
        let hint = "declare more digits in Batch(..., schema=...), up to 38, or round the value first";
        Refusal::new(format!("holds a number that decimal({precision}, {scale}) cannot hold exactly"), hint)
    })
}

/// The digits of a decimal text at that scale; None for NaN, infinities, and what would be rounded or cut.
fn unscaled(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['E', 'e']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    // How many zeros to append (or, when negative, how many digits must be zeros and go).
    let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(i64::from(scale))?;
    let digits = if digits.is_empty() {
        String::from("0")
    } else if shift >= 0 {
        if shift > 38 {
            return None;
        }
        format!("{digits}{}", "0".repeat(usize::try_from(shift).ok()?))
    } else {
        let kept = digits.len().checked_sub(usize::try_from(-shift).ok()?)?;
        let (kept, cut) = digits.split_at(kept);
        if cut.bytes().any(|byte| byte != b'0') {
            return None;
        }
        kept.to_owned()
    };
    if digits.len() > usize::from(precision) {
        return None;
    }
    let number: i128 = digits.parse().ok()?;
    Some(if negative { -number } else { number })
}

/// Add text.
pub(super) fn append_text(builder: &mut StringBuilder, text: &str) -> Result<(), Refusal> {
    // Offsets are 32-bit: a batch holds at most 2 GiB of text per column.
    if builder.values_slice().len() + text.len() > i32::MAX as usize {
        return Err(Refusal::new(
            "brings the text of this batch's column beyond 2 GiB",
            "yield smaller batches",
        ));
    }
    builder.append_value(text);
    Ok(())
}

/// Add bytes.
pub(super) fn append_bytes(
    builder: &mut LargeBinaryBuilder,
    value: &Bound<'_, PyAny>,
) -> Result<(), Refusal> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        builder.append_value(bytes.as_bytes());
    } else if value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>() {
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        builder.append_value(bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes());
    } else {
        return Err(Refusal::wrong_type(value, "bytes"));
    }
    Ok(())
}

/// Add the 16 bytes of a UUID.
pub(super) fn append_uuid(
    builder: &mut FixedSizeBinaryBuilder,
    value: &Bound<'_, PyAny>,
) -> Result<(), Refusal> {
    let py = value.py();
    if !value.is_instance(Classes::get(py)?.uuid.bind(py))? {
        return Err(Refusal::wrong_type(value, "UUID"));
    }
    let bytes = value.getattr(pyo3::intern!(py, "bytes"))?;
    let appended = builder.append_value(bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes());
    appended.map_err(|error| Refusal::new(error.to_string(), "give a uuid.UUID"))
}

/// Add the floats of a list, or of a buffer of 32-bit floats.
pub(super) fn append_vector(
    values: &mut Vec<f32>,
    dimension: usize,
    value: &Bound<'_, PyAny>,
) -> Result<(), Refusal> {
    let before = values.len();
    let other = |length| {
        let hint = "every vector of a column has the same number of floats; put others into another stream";
        Refusal::new(format!("holds a vector of {length} floats where the column's have {dimension}"), hint)
    };
    if let Ok(list) = value.cast::<PyList>() {
        if list.len() != dimension {
            return Err(other(list.len()));
        }
        for item in list.iter() {
            match float(&item, true, "float32").and_then(single) {
                Ok(number) => values.push(number),
                Err(refusal) => {
                    values.truncate(before);
                    return Err(refusal);
                }
            }
        }
        return Ok(());
    }
    // array.array("f"), a NumPy array of float32 and the like: one copy, no float objects.
    let Ok(buffer) = PyBuffer::<f32>::get(value) else {
        return Err(Refusal::wrong_type(value, "a list of floats"));
    };
    if buffer.dimensions() != 1 || buffer.item_count() != dimension {
        return Err(other(buffer.item_count()));
    }
    values.extend(buffer.to_vec(value.py())?);
    Ok(())
}
