//! Days, times, instants and lengths of time as the integers Arrow keeps. Microseconds are all Python has, so nothing
//! is lost; what Arrow's range or Python's own range cannot hold is refused.

use super::cell::Refusal;
use crate::classes::Classes;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDate, PyDateTime, PyDelta, PyTime};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Days from 0001-01-01 (ordinal 1) to 1970-01-01.
const EPOCH_ORDINAL: i32 = 719_163;
/// Microseconds of 0001-01-01T00:00:00 and 9999-12-31T23:59:59.999999, the range of Python's datetime.
const FIRST: i64 = -62_135_596_800 * SECOND;
const LAST: i64 = 253_402_300_800 * SECOND - 1;

/// Days since 1970-01-01.
pub(super) fn date(value: &Bound<'_, PyAny>) -> Result<i32, Refusal> {
    if value.is_instance_of::<PyDateTime>() || !value.is_instance_of::<PyDate>() {
        return Err(Refusal::wrong_type(value, "date"));
    }
    let ordinal: i32 = value.call_method0(intern!(value.py(), "toordinal"))?.extract()?;
    Ok(ordinal - EPOCH_ORDINAL)
}

/// Microseconds since midnight.
pub(super) fn time(value: &Bound<'_, PyAny>) -> Result<i64, Refusal> {
    let py = value.py();
    if !value.is_instance_of::<PyTime>() {
        return Err(Refusal::wrong_type(value, "time"));
    }
    if !value.getattr(intern!(py, "tzinfo"))?.is_none() {
        return Err(Refusal::new(
            "holds a time with a zone, which no column can hold",
            "give a time without tzinfo, or a datetime",
        ));
    }
    let part = |name| -> PyResult<i64> { value.getattr(name)?.extract() };
    let (hour, minute) = (part(intern!(py, "hour"))?, part(intern!(py, "minute"))?);
    let (second, micro) = (part(intern!(py, "second"))?, part(intern!(py, "microsecond"))?);
    Ok(((hour * 60 + minute) * 60 + second) * SECOND + micro)
}

/// Whether the datetime is an instant, as Python itself decides: it has a zone and the zone knows its offset.
pub(super) fn is_aware(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    if value.getattr(intern!(py, "tzinfo"))?.is_none() {
        return Ok(false);
    }
    Ok(!value.call_method0(intern!(py, "utcoffset"))?.is_none())
}

/// Microseconds since 1970-01-01, of an instant when `utc`, else of a wall-clock reading.
pub(super) fn timestamp(value: &Bound<'_, PyAny>, utc: bool) -> Result<i64, Refusal> {
    if !value.is_instance_of::<PyDateTime>() {
        return Err(Refusal::wrong_type(value, if utc { "an aware datetime" } else { "a naive datetime" }));
    }
    if is_aware(value)? != utc {
        let (has, wants) = if utc { ("a naive", "aware") } else { ("an aware", "naive") };
        return Err(Refusal::new(
            format!("holds {has} datetime where the column's are {wants}"),
            "give every datetime of a column with a zone, or every one without",
        ));
    }
    let py = value.py();
    let classes = Classes::get(py)?;
    let epoch = if utc { &classes.epoch_utc } else { &classes.epoch };
    // A tzinfo without an offset counts as naive for Python's comparison, but not for its subtraction.
    let value = if utc { value.clone() } else { strip(value)? };
    let micros = micros(&value.sub(epoch.bind(py))?)?;
    if (FIRST..=LAST).contains(&micros) {
        return Ok(micros);
    }
    Err(Refusal::new(
        "holds an instant outside the years 1 to 9999 in UTC",
        "give a datetime inside that range",
    ))
}

fn strip<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if value.getattr(intern!(py, "tzinfo"))?.is_none() {
        return Ok(value.clone());
    }
    let named = pyo3::types::PyDict::new(py);
    named.set_item(intern!(py, "tzinfo"), py.None())?;
    value.call_method(intern!(py, "replace"), (), Some(&named))
}

/// Microseconds of a length of time.
pub(super) fn duration(value: &Bound<'_, PyAny>) -> Result<i64, Refusal> {
    if value.is_instance_of::<PyDelta>() {
        micros(value)
    } else {
        Err(Refusal::wrong_type(value, "timedelta"))
    }
}

fn micros(delta: &Bound<'_, PyAny>) -> Result<i64, Refusal> {
    let py = delta.py();
    let part = |name| -> PyResult<i64> { delta.getattr(name)?.extract() };
    let (days, seconds) = (part(intern!(py, "days"))?, part(intern!(py, "seconds"))?);
    let micro = part(intern!(py, "microseconds"))?;
    let whole = days.checked_mul(DAY).and_then(|days| days.checked_add(seconds * SECOND));
    whole
        .and_then(|whole| whole.checked_add(micro))
        .ok_or_else(|| Refusal::new("holds a timedelta of more than 292,471 years", "give a shorter one"))
}
