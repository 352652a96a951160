//! A Python value as JSON text, exactly: integers of any size, floats in their shortest form. What JSON cannot say
//! (NaN, bytes, a key that is no text) is refused rather than turned into something else.

use super::cell::{Refusal, type_name};
use super::rows::model_fields;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};
use std::fmt::Write as _;

/// Levels of nesting at which a value is taken for a cycle.
const DEPTH: usize = 128;

/// Append `value` to `out` as JSON.
pub(super) fn write(out: &mut String, value: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    write_at(out, value, 0)
}

fn write_at(out: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Refusal> {
    if depth > DEPTH {
        return Err(Refusal::new(format!("holds JSON nested more than {DEPTH} deep"), "flatten the value"));
    }
    if value.is_none() {
        out.push_str("null");
    } else if let Ok(text) = value.cast::<PyString>() {
        write_text(out, text)?;
    } else if let Ok(truth) = value.cast::<PyBool>() {
        out.push_str(if truth.is_true() { "true" } else { "false" });
    } else if value.is_instance_of::<PyInt>() {
        // An IntEnum or another subclass prints what it likes; its number is what counts.
        let number = value.py().get_type::<PyInt>().call_method1("__repr__", (value,)).map_err(|_| {
            Refusal::new("holds JSON with an integer of more than 4,300 digits", "give it as text")
        })?;
        out.push_str(number.cast::<PyString>().map_err(PyErr::from)?.to_str()?);
    } else if let Ok(number) = value.cast::<PyFloat>() {
        write_float(out, number.value())?;
    } else if let Ok(list) = value.cast::<PyList>() {
        write_list(out, list, depth)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(out, dict, depth)?;
    } else if let Some(fields) = model_fields(value)? {
        write_dict(out, &fields, depth)?;
    } else {
        let hint = "give text, numbers, booleans, None, lists and dicts with text keys";
        return Err(Refusal::new(format!("holds JSON with a {} inside", type_name(value)), hint));
    }
    Ok(())
}

/// The text, unless it has a lone surrogate, which no UTF-8 can say.
pub(super) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a str, Refusal> {
    text.to_str().map_err(|_| {
        Refusal::new(
            "holds text with a lone surrogate, which is not Unicode",
            "decode the text properly, or give bytes",
        )
    })
}

fn write_text(out: &mut String, text: &Bound<'_, PyString>) -> Result<(), Refusal> {
    let quoted = serde_json::to_string(utf8(text)?);
    out.push_str(&quoted.map_err(|error| Refusal::new(error.to_string(), "give other text"))?);
    Ok(())
}

fn write_float(out: &mut String, number: f64) -> Result<(), Refusal> {
    if !number.is_finite() {
        return Err(Refusal::new(
            "holds JSON with NaN or an infinity, which JSON does not have",
            "give None instead",
        ));
    }
    // Debug keeps the ".0" that tells a float from an integer, and the sign of zero.
    let _ = write!(out, "{number:?}");
    Ok(())
}

fn write_list(out: &mut String, list: &Bound<'_, PyList>, depth: usize) -> Result<(), Refusal> {
    out.push('[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_at(out, &item, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

fn write_dict(out: &mut String, dict: &Bound<'_, PyDict>, depth: usize) -> Result<(), Refusal> {
    out.push('{');
    for (index, (key, item)) in dict.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let key = key.cast::<PyString>().map_err(|_| {
            Refusal::new(format!("holds JSON with a {} as a key", type_name(&key)), "give text keys")
        })?;
        write_text(out, key)?;
        out.push(':');
        write_at(out, &item, depth + 1)?;
    }
    out.push('}');
    Ok(())
}
