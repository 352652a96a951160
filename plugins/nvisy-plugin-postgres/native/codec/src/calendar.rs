//! Days, times, instants and lengths of time as ISO 8601 text, for JSON. Years 1 to 9999 only, as elsewhere in Nvisy.

use crate::wire::DAY;
use std::io::Write as _;

/// Write `YYYY-MM-DD`; false, and nothing, outside of years 1 to 9999.
pub(crate) fn print_date(days: i64, out: &mut Vec<u8>) -> bool {
    let (year, month, day) = civil(days);
    let known = (1..=9999).contains(&year);
    if known {
        put(out, format_args!("{year:04}-{month:02}-{day:02}"));
    }
    known
}

/// Write `HH:MM:SS.ffffff`; false, and nothing, outside of one day.
pub(crate) fn print_time(micros: i64, out: &mut Vec<u8>) -> bool {
    let known = (0..DAY).contains(&micros);
    if known {
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        put(out, format_args!("{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60));
    }
    known
}

/// Write `YYYY-MM-DDTHH:MM:SS.ffffff`, and `Z` for an instant; false, and nothing, outside of years 1 to 9999.
pub(crate) fn print_timestamp(micros: i64, utc: bool, out: &mut Vec<u8>) -> bool {
    let known = print_date(micros.div_euclid(DAY), out);
    if known {
        out.push(b'T');
        print_time(micros.rem_euclid(DAY), out);
        out.extend(utc.then_some(b'Z'));
    }
    known
}

/// Write `[-]PTn[.ffffff]S`.
pub(crate) fn print_duration(micros: i64, out: &mut Vec<u8>) {
    let sign = if micros < 0 { "-" } else { "" };
    match (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000) {
        (seconds, 0) => put(out, format_args!("{sign}PT{seconds}S")),
        (seconds, micros) => put(out, format_args!("{sign}PT{seconds}.{micros:06}S")),
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector always has room.
    let _ = out.write_fmt(text);
}

/// Year, month and day of a count of days since 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!(printed(|out| assert!(print_date(days, out))), text);
        }
        assert!(!print_date(-719_163, &mut Vec::new()));
        assert!(!print_date(2_932_897, &mut Vec::new()));
    }

    #[test]
    fn times_have_six_digits_after_the_point() {
        assert_eq!(printed(|out| assert!(print_timestamp(-1, true, out))), "1969-12-31T23:59:59.999999Z");
        assert_eq!(printed(|out| assert!(print_time(3_723_000_004, out))), "01:02:03.000004");
        assert_eq!(printed(|out| print_duration(-1_500_000, out)), "-PT1.500000S");
        assert_eq!(printed(|out| print_duration(60_000_000, out)), "PT60S");
    }
}
