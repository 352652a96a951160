//! Days, times, instants and lengths of time as ISO 8601 text, read and written the same way everywhere.
//! Years 1 to 9999 only, as in every other system that will see the text; nothing finer than a microsecond is cut off.

use crate::scalar::two_digits;
use std::io::Write as _;

const DAY: i64 = 86_400_000_000;

/// The day of `YYYY-MM-DD`, counted from 1970-01-01.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// The microseconds since midnight of `HH:MM[:SS[.f]]`.
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    let (hour, minute) = match text {
        [h1, h2, b':', m1, m2, ..] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    let (second, micros) = match text.get(5..)? {
        [] => (0, 0),
        [b':', s1, s2] => (number(&[*s1, *s2])?, 0),
        [b':', s1, s2, b'.' | b',', fraction @ ..] => (number(&[*s1, *s2])?, micros(fraction)?),
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60)
        .then(|| ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// The microseconds since 1970 of `DATE[(T| )TIME[ZONE]]`, and whether a zone makes it an instant.
pub(crate) fn parse_timestamp(text: &[u8]) -> Option<(i64, bool)> {
    let day = i64::from(parse_date(text.get(..10)?)?) * DAY;
    let rest = match text.get(10..)? {
        [] => return Some((day, false)),
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let zone = rest.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone);
    let micros = day + parse_time(time)?;
    if zone.is_empty() {
        return Some((micros, false));
    }
    let instant = micros - offset(zone)?;
    printable(instant).then_some((instant, true))
}

/// The microseconds of `[-]P[nD][T[nH][nM][n[.f]S]]`.
pub(crate) fn parse_duration(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut rest = text.strip_prefix(b"P")?;
    let (mut total, mut timed, mut parts) = (0_i128, false, 0);
    while !rest.is_empty() {
        if let [b'T', after @ ..] = rest {
            if timed || after.is_empty() {
                return None;
            }
            (timed, rest) = (true, after);
            continue;
        }
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let (digits, unit) = (&rest[..end], rest[end]);
        let whole = digits.split(|byte| *byte == b'.').next()?;
        let fraction = digits.get(whole.len() + 1..);
        let scale = match (unit, timed) {
            (b'D', false) => DAY,
            (b'H', true) => 3_600_000_000,
            (b'M', true) => 60_000_000,
            (b'S', true) => 1_000_000,
            _ => return None,
        };
        if whole.is_empty() || whole.len() > 18 || (fraction.is_some() && unit != b'S') {
            return None;
        }
        total +=
            i128::from(number(whole)?) * i128::from(scale) + i128::from(fraction.map_or(Some(0), micros)?);
        (rest, parts) = (&rest[end + 1..], parts + 1);
    }
    if parts == 0 {
        return None;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// Write `YYYY-MM-DD`; false, and nothing, outside years 1 to 9999.
pub(crate) fn print_date(days: i32, out: &mut Vec<u8>) -> bool {
    let date = date(days.into());
    out.extend_from_slice(date.as_ref().map_or(&[], <[u8; 10]>::as_slice));
    date.is_some()
}

/// Write `HH:MM:SS.ffffff`; false, and nothing, outside one day.
pub(crate) fn print_time(micros: i64, out: &mut Vec<u8>) -> bool {
    let inside = (0..DAY).contains(&micros);
    if inside {
        out.extend_from_slice(&time(micros));
    }
    inside
}

/// Write `YYYY-MM-DDTHH:MM:SS.ffffff`, with `Z` for an instant; false, and nothing, outside years 1 to 9999.
pub(crate) fn print_timestamp(micros: i64, utc: bool, out: &mut Vec<u8>) -> bool {
    let Some(date) = date(micros.div_euclid(DAY)) else { return false };
    let mut text = [b'T'; 27];
    text[..10].copy_from_slice(&date);
    text[11..26].copy_from_slice(&time(micros.rem_euclid(DAY)));
    text[26] = b'Z';
    out.extend_from_slice(&text);
    out.truncate(out.len() - usize::from(!utc));
    true
}

fn date(days: i64) -> Option<[u8; 10]> {
    let (year, month, day) = civil_from_days(days);
    if !(1..=9999).contains(&year) {
        return None;
    }
    let ([y1, y2], [y3, y4]) = (digits(year / 100), digits(year));
    let ([m1, m2], [d1, d2]) = (digits(month), digits(day));
    Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])
}

/// The time of day; `micros` lie within one.
fn time(micros: i64) -> [u8; 15] {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let ([h1, h2], [m1, m2], [s1, s2]) =
        (digits(seconds / 3600), digits(seconds / 60 % 60), digits(seconds % 60));
    let ([f1, f2], [f3, f4], [f5, f6]) = (digits(rest / 10_000), digits(rest / 100), digits(rest));
    [h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3, f4, f5, f6]
}

/// Write `[-]PTn[.ffffff]S`.
pub(crate) fn print_duration(micros: i64, out: &mut Vec<u8>) {
    let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let sign = if micros < 0 { "-" } else { "" };
    let _ = if rest == 0 {
        write!(out, "{sign}PT{seconds}S")
    } else {
        write!(out, "{sign}PT{seconds}.{rest:06}S")
    };
}

fn printable(micros: i64) -> bool {
    (1..=9999).contains(&civil_from_days(micros.div_euclid(DAY)).0)
}

/// Microseconds east of UTC of `Z`, `+HH`, `+HHMM` or `+HH:MM`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, number(&[*h1, *h2])?, 0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => {
            (sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?)
        }
        _ => return None,
    };
    let offset = (hour * 60 + minute) * 60_000_000;
    (hour < 24 && minute < 60).then_some(if *sign == b'-' { -offset } else { offset })
}

/// The microseconds of a second's fraction; `None` when it is finer than that.
fn micros(fraction: &[u8]) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 18 || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(6));
    if beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    Some((0..6).fold(0, |sum, place| sum * 10 + kept.get(place).map_or(0, |digit| i64::from(digit - b'0'))))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// The last two digits of a number that is not negative.
fn digits(value: i64) -> [u8; 2] {
    two_digits(value.unsigned_abs())
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant's `days_from_civil` (<https://howardhinnant.github.io/date_algorithms.html>).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Its inverse, `civil_from_days`: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let index = (5 * day_of_year + 2) / 153;
    let month = if index < 10 { index + 3 } else { index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * index + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_real_days_and_times_are_read() {
        assert_eq!(parse_date(b"1970-01-02"), Some(1));
        assert_eq!(parse_date(b"2024-02-29"), Some(19782));
        for wrong in ["2023-02-29", "0000-01-01", "2023-13-01", "2023-1-01", "20230101", "2023-01-01x"] {
            assert_eq!(parse_date(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_time(b"23:59:59.000001"), Some(DAY - 999_999));
        assert_eq!(parse_time(b"23:59:59.0000010"), Some(DAY - 999_999));
        assert_eq!(parse_time(b"23:59:59.0000001"), None);
        assert_eq!(parse_time(b"24:00:00"), None);
    }

    #[test]
    fn zones_make_instants() {
        assert_eq!(parse_timestamp(b"1970-01-01T01:00:00+01:00"), Some((0, true)));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:00-0030"), Some((1_800_000_000, true)));
        assert_eq!(parse_timestamp(b"1970-01-01T00:00:00Z"), Some((0, true)));
        assert_eq!(parse_timestamp(b"1970-01-01T00:00"), Some((0, false)));
        assert_eq!(parse_timestamp(b"0001-01-01T00:00:00+01:00"), None);
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(parse_duration(b"P1DT2H3M4.5S"), Some(93_784_500_000));
        assert_eq!(parse_duration(b"-PT0.000001S"), Some(-1));
        for wrong in ["P", "PT", "P1H", "PT1", "1S", "PT1.5M", "P1DT", "PT1S1"] {
            assert_eq!(parse_duration(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_is_written_out(micros in -70_000_000_000_000_000_i64..260_000_000_000_000_000, utc: bool) {
            let (year, month, day) = civil_from_days(micros.div_euclid(DAY));
            let seconds = micros.rem_euclid(DAY) / 1_000_000;
            let (hour, minute, second, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60, micros.rem_euclid(1_000_000));
            let wanted = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:06}{}", if utc { "Z" } else { "" });
            let mut text = Vec::new();
            if print_timestamp(micros, utc, &mut text) {
                prop_assert_eq!(String::from_utf8(text).unwrap(), wanted);
            } else {
                prop_assert!(text.is_empty() && !(1..=9999).contains(&year));
            }
        }

        #[test]
        fn what_is_written_is_read_back(day in -719_162_i32..=2_932_896, time in 0..DAY, span: i64) {
            let mut text = Vec::new();
            prop_assert!(print_date(day, &mut text));
            prop_assert_eq!(parse_date(&text), Some(day));
            let micros = i64::from(day) * DAY + time;
            for utc in [true, false] {
                text.clear();
                prop_assert!(print_timestamp(micros, utc, &mut text));
                prop_assert_eq!(parse_timestamp(&text), Some((micros, utc)));
            }
            text.clear();
            print_duration(span, &mut text);
            prop_assert_eq!(parse_duration(&text), Some(span));
        }
    }
}
