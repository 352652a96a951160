//! One value as text: numbers, decimals, UUIDs and bytes, read and written the same way everywhere.
//! A text is read exactly or not at all; no digit is ever rounded away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nvisy_dal::ColumnType;
use std::io::Write as _;
use std::str::FromStr;

/// An integer, also one written `12.0` or `1.2e1`.
pub(crate) fn parse_int<T: FromStr + TryFrom<i128>>(text: &str) -> Option<T> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => T::try_from(parse_decimal(text, 38, 0)?).ok(),
    }
}

/// A double, also `NaN`, `inf` and `-inf`; `None` where the digits are beyond its range.
pub(crate) fn parse_f64(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(value)
}

/// A single, as `parse_f64`.
pub(crate) fn parse_f32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    (value.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(value)
}

/// `true`, `t` or `1`, and their opposites, in any case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("t") => Some(true),
        _ if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("f") => Some(false),
        _ => None,
    }
}

/// The unscaled value of a decimal in plain or scientific notation, where precision and scale hold all of its digits.
pub(crate) fn parse_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let (mut value, mut places, mut point, mut any) = (0_i128, 0_i32, false, false);
    for byte in digits {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                any = true;
                places += i32::from(point);
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
            }
            _ => return None,
        }
    }
    let shift = i32::from(scale).checked_sub(places)?.checked_add(exponent)?;
    let value = if value == 0 { 0 } else { rescale(value, shift)? };
    let fits = any && value < 10_i128.pow(u32::from(precision.min(38)));
    fits.then_some(if negative { -value } else { value })
}

/// `value * 10^shift`, when that is whole and fits.
fn rescale(value: i128, shift: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 { value.checked_mul(factor) } else { (value % factor == 0).then_some(value / factor) }
}

/// The 16 bytes of a UUID, with or without hyphens, in any case.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    let hyphens = match bytes.len() {
        36 if [8, 13, 18, 23].iter().all(|place| bytes[*place] == b'-') => true,
        32 => false,
        _ => return None,
    };
    let mut nibbles =
        bytes.iter().enumerate().filter(|(place, _)| !hyphens || ![8, 13, 18, 23].contains(place));
    let mut nibble = || {
        nibbles.next().and_then(|(_, byte)| char::from(*byte).to_digit(16)).and_then(|n| u8::try_from(n).ok())
    };
    let mut uuid = [0; 16];
    for byte in &mut uuid {
        *byte = nibble()? << 4 | nibble()?;
    }
    Some(uuid)
}

/// The bytes of standard base64 with padding.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Write standard base64 with padding.
pub(crate) fn print_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(STANDARD.encode(bytes).into_bytes());
}

/// Write a UUID in lower case with hyphens.
pub(crate) fn print_uuid(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Write a decimal in plain notation with all digits of its scale.
pub(crate) fn print_decimal(value: i128, scale: u8, out: &mut Vec<u8>) {
    let sign = if value < 0 { "-" } else { "" };
    let factor = 10_u128.pow(u32::from(scale.min(38)));
    let (whole, fraction) = (value.unsigned_abs() / factor, value.unsigned_abs() % factor);
    let _ = if scale == 0 {
        write!(out, "{sign}{whole}")
    } else {
        write!(out, "{sign}{whole}.{fraction:0width$}", width = usize::from(scale))
    };
}

/// How a type is called in messages.
pub(crate) fn type_name(column: &ColumnType) -> String {
    match column {
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Int8 => "int8".to_owned(),
        ColumnType::Int16 => "int16".to_owned(),
        ColumnType::Int32 => "int32".to_owned(),
        ColumnType::Int64 => "int64".to_owned(),
        ColumnType::Uint8 => "uint8".to_owned(),
        ColumnType::Uint16 => "uint16".to_owned(),
        ColumnType::Uint32 => "uint32".to_owned(),
        ColumnType::Uint64 => "uint64".to_owned(),
        ColumnType::Float32 => "float32".to_owned(),
        ColumnType::Float64 => "float64".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Binary => "binary".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::Timestamp { utc: true } => "timestamp with a zone".to_owned(),
        ColumnType::Timestamp { utc: false } => "timestamp without a zone".to_owned(),
        ColumnType::Duration => "duration".to_owned(),
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Json => "json".to_owned(),
        ColumnType::Vector { dimension } => format!("vector of {dimension} floats"),
        ColumnType::List { item } => format!("list of {}", type_name(item)),
        ColumnType::Struct { .. } => "struct".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        assert_eq!(parse_int::<i64>("9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_int::<i64>("9223372036854775808"), None);
        assert_eq!(parse_int::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_int::<i64>("12.0"), Some(12));
        assert_eq!(parse_int::<i64>("1.5"), None);
        assert_eq!(parse_int::<i64>("1e3"), Some(1000));
        assert_eq!(parse_f64("1e400"), None);
        assert!(parse_f64("NaN").unwrap().is_nan());
        assert_eq!(parse_decimal("1.230", 4, 2), Some(123));
        assert_eq!(parse_decimal("1.235", 4, 2), None);
        assert_eq!(parse_decimal("100", 4, 2), None);
        assert_eq!(parse_decimal("", 4, 2), None);
        assert_eq!(parse_decimal("0e999999", 4, 2), Some(0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(uuid: [u8; 16], bytes: Vec<u8>, scale in 0_u8..=38, value in -99_999_999_999_i128..99_999_999_999) {
            let mut text = Vec::new();
            print_uuid(&uuid, &mut text);
            prop_assert_eq!(parse_uuid(std::str::from_utf8(&text).unwrap()), Some(uuid));
            text.clear();
            print_base64(&bytes, &mut text);
            prop_assert_eq!(parse_base64(std::str::from_utf8(&text).unwrap()), Some(bytes));
            text.clear();
            print_decimal(value, scale, &mut text);
            prop_assert_eq!(parse_decimal(std::str::from_utf8(&text).unwrap(), 38, scale), Some(value));
        }
    }
}
