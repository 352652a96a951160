//! One value as text: numbers, decimals, UUIDs and bytes, read and written the same way everywhere.
//! A text is read exactly or not at all; no digit is ever rounded away.

use crate::scan;
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

/// Write an integer.
pub(crate) fn print_int(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    print_uint(value.unsigned_abs(), out);
}

/// Write an integer that is not negative.
pub(crate) fn print_uint(value: u64, out: &mut Vec<u8>) {
    let (above, low) = (value / 10_000, value % 10_000);
    if above > 0 {
        print_uint(above, out);
        out.extend_from_slice(&four_digits(low));
        return;
    }
    // Copies of fixed length are single moves: write four bytes, then take back those of no digit.
    let zeros = usize::from(low < 10) + usize::from(low < 100) + usize::from(low < 1000);
    let shifted = u32::from_le_bytes(four_digits(low)) >> (8 * zeros);
    out.extend_from_slice(&shifted.to_le_bytes());
    out.truncate(out.len() - zeros);
}

/// The two digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut number) = ([[b'0'; 2]; 100], 0_u8);
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// The last two digits of a number.
pub(crate) fn two_digits(value: u64) -> [u8; 2] {
    PAIRS[usize::try_from(value % 100).unwrap_or(0)]
}

/// The last four.
fn four_digits(value: u64) -> [u8; 4] {
    let ([a, b], [c, d]) = (two_digits(value / 100), two_digits(value));
    [a, b, c, d]
}

/// Write a finite double as the shortest text that means it, always with a point or an exponent.
pub(crate) fn print_f64(value: f64, out: &mut Vec<u8>) {
    /// Below it whole numbers are written with all digits.
    const WHOLE: f64 = 1e15;
    #[expect(clippy::cast_possible_truncation, reason = "what is cut off makes the comparison fail")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let same = (whole as f64).to_bits() == value.to_bits() && value.abs() < WHOLE;
    if same {
        print_int(whole, out);
        out.extend_from_slice(b".0");
    } else {
        // A finite number always has a JSON form, and a vector always has room.
        let _ = serde_json::to_writer(out, &value);
    }
}

/// A single, as `print_f64`.
pub(crate) fn print_f32(value: f32, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &value);
}

/// Write text as a JSON string.
pub(crate) fn print_json_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    out.push(b'"');
    loop {
        let (plain, special) = rest.split_at(scan::special(rest, 0));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        rest = after;
        let letter = match byte {
            b'"' | b'\\' => *byte,
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            12 => b'f',
            b'\r' => b'r',
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
                continue;
            }
        };
        out.extend([b'\\', letter]);
    }
    out.push(b'"');
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

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"before".to_vec();
        print(&mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    #[test]
    fn numbers_of_every_length_are_written() {
        for digits in 0..20 {
            let power = 10_u64.pow(digits);
            for value in [power - 1, power, power + 1, u64::MAX] {
                assert_eq!(printed(|out| print_uint(value, out)), value.to_string());
            }
        }
        for value in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(printed(|out| print_int(value, out)), value.to_string());
        }
        for value in [
            0.0,
            -0.0,
            1e14,
            999_999_999_999_999.0,
            1e15,
            1e16,
            1e21,
            -1e15,
            0.5,
            f64::MAX,
            f64::MIN_POSITIVE,
        ] {
            assert_eq!(printed(|out| print_f64(value, out)), serde_json::to_string(&value).unwrap());
        }
    }

    proptest! {
        #[test]
        fn numbers_and_text_are_written_as_serde_json_writes_them(
            bits: u64, whole in -2_000_000_000_000_000_i64..2_000_000_000_000_000, digits in 0_u32..64,
            text in "(?s)([\\x00-\\x7f]{0,3}|.{0,20}){0,4}",
        ) {
            let (wide, cut) = (f64::from_bits(bits), bits >> digits);
            #[expect(clippy::cast_precision_loss, reason = "any double will do")]
            for value in [wide, whole as f64, whole as f64 / 4.0, (whole >> (digits % 50)) as f64].into_iter().filter(|value| value.is_finite()) {
                prop_assert_eq!(printed(|out| print_f64(value, out)), serde_json::to_string(&value).unwrap());
            }
            prop_assert_eq!(printed(|out| print_uint(cut, out)), cut.to_string());
            prop_assert_eq!(printed(|out| print_int(whole >> (digits % 50), out)), (whole >> (digits % 50)).to_string());
            prop_assert_eq!(printed(|out| print_json_text(&text, out)), serde_json::to_string(&text).unwrap());
        }

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
