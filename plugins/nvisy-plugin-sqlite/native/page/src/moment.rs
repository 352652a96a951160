//! Days, times and timestamps in the ISO 8601 forms that this plugin reads, as the integers Arrow keeps. Years 1 to 9999.

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The days of 0001-01-01 and 9999-12-31, counted from 1970-01-01.
const FIRST: i64 = -719_162;
const LAST: i64 = 2_932_896;

/// The days of `YYYY-MM-DD`, counted from 1970-01-01.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let &[_, _, _, _, b'-', _, _, b'-', _, _] = text else { return None };
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if year == 0 || !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the day that some have and some have not is their last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    i32::try_from(days - 719_468).ok()
}

/// The microseconds of `HH:MM:SS` or `HH:MM:SS.ffffff` since midnight.
pub(crate) fn time(text: &[u8]) -> Option<i64> {
    clock(text, &[0, 6])
}

/// The microseconds of `YYYY-MM-DD HH:MM:SS` since 1970-01-01, also with `T`, with three or six digits after the point,
/// and, for an instant, with its zone.
pub(crate) fn timestamp(text: &[u8], utc: bool) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (rest, offset) = if utc { zone(rest)? } else { (rest, 0) };
    let micros = i64::from(date(day)?) * DAY + clock(rest, &[0, 3, 6])? - offset;
    (FIRST * DAY..(LAST + 1) * DAY).contains(&micros).then_some(micros)
}

/// Whether a timestamp has the form of the example to the letter; with a zone that is that of UTC.
pub(crate) fn same_form(text: &[u8], example: &[u8]) -> bool {
    let zone = |text: &[u8]| match text {
        [.., b'Z'] => Some(1),
        [.., b'+' | b'-', b'0', b'0', b':', b'0', b'0'] => Some(6),
        [.., b'+' | b'-', _, _, b':', _, _] => None,
        _ => Some(0),
    };
    let (Some(here), Some(there)) = (zone(text), zone(example)) else { return false };
    text.len() == example.len()
        && text.get(10) == example.get(10)
        && text[text.len() - here..] == example[example.len() - there..]
}

fn clock(text: &[u8], fractions: &[usize]) -> Option<i64> {
    let (start, rest) = text.split_first_chunk::<8>()?;
    let &[_, _, b':', _, _, b':', _, _] = start else { return None };
    let digits =
        if rest.is_empty() { rest } else { rest.strip_prefix(b".").filter(|rest| !rest.is_empty())? };
    if !fractions.contains(&digits.len()) {
        return None;
    }
    let (hours, minutes, seconds) = (number(&start[..2])?, number(&start[3..5])?, number(&start[6..])?);
    let micros = number(digits)? * if digits.len() == 3 { 1_000 } else { 1 };
    let known = hours < 24 && minutes < 60 && seconds < 60;
    known.then_some(((hours * 60 + minutes) * 60 + seconds) * SECOND + micros)
}

/// What stands before the zone, and how many microseconds it is ahead of UTC.
fn zone(text: &[u8]) -> Option<(&[u8], i64)> {
    if let Some(rest) = text.strip_suffix(b"Z") {
        return Some((rest, 0));
    }
    let (rest, &[sign, a, b, b':', c, d]) = text.split_last_chunk::<6>()? else { return None };
    let (hours, minutes) = (number(&[a, b])?, number(&[c, d])?);
    let ahead = (hours * 60 + minutes) * 60 * SECOND;
    match sign {
        b'+' | b'-' if hours < 24 && minutes < 60 => Some((rest, if sign == b'+' { ahead } else { -ahead })),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(date(text.as_bytes()), Some(days), "{text}");
        }
        for text in
            ["0000-01-01", "2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-1-01", "2024-01-0x"]
        {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn times_are_those_of_one_day() {
        assert_eq!(time(b"23:59:59.999999"), Some(DAY - 1));
        assert_eq!(time(b"00:00:00"), Some(0));
        for text in
            ["24:00:00", "00:60:00", "00:00:60", "00:00:00.", "00:00:00.123", "0:00:00", "00:00:00.12345x"]
        {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn instants_have_a_zone_and_others_have_none() {
        assert_eq!(timestamp(b"1970-01-01T00:00:01", false), Some(SECOND));
        assert_eq!(timestamp(b"1970-01-01 00:00:00.001", false), Some(1_000));
        assert_eq!(timestamp(b"1970-01-01T01:00:00.000002+01:00", true), Some(2));
        assert_eq!(timestamp(b"1969-12-31T23:30:00-00:30", true), Some(0));
        assert_eq!(timestamp(b"1970-01-01T00:00:00Z", true), Some(0));
        for (text, utc) in [
            ("1970-01-01T00:00:00Z", false),
            ("1970-01-01T00:00:00", true),
            ("1970-01-01x00:00:00", false),
            ("1970-01-01T00:00:00+24:00", true),
            ("0001-01-01T00:00:00+00:01", true),
            ("9999-12-31T23:59:59.999999-00:01", true),
        ] {
            assert_eq!(timestamp(text.as_bytes(), utc), None, "{text}");
        }
    }

    #[test]
    fn form_is_separator_digits_and_zone() {
        let example = b"2000-01-01T00:00:00.000000Z";
        assert!(same_form(b"2024-02-29T01:02:03.000004Z", example));
        assert!(!same_form(b"2024-02-29 01:02:03.000004Z", example));
        assert!(!same_form(b"2024-02-29T01:02:03.004Z", example));
        assert!(!same_form(b"2024-02-29T01:02:03+00:00", example));
        assert!(same_form(b"2024-02-29T01:02:03+00:00", b"2000-01-01T00:00:00+00:00"));
        assert!(!same_form(b"2024-02-29T01:02:03-00:00", b"2000-01-01T00:00:00+00:00"));
        assert!(!same_form(b"2024-02-29T01:02:03+02:00", b"2000-01-01T00:00:00+02:00"));
    }
}
