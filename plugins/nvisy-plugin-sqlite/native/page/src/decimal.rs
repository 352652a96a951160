//! Numbers of a fixed number of digits: from integers, reals and texts, exactly or not at all.

use std::fmt::Write as _;

/// A decimal type.
#[derive(Debug)]
pub(crate) struct Digits {
    scale: usize,
    unit: i128,
    /// The first number that has more digits than the type.
    limit: i128,
    scratch: String,
}

impl Digits {
    /// A type of `precision` digits, `scale` of them after the point.
    pub(crate) fn new(precision: u8, scale: i8) -> Option<Self> {
        let scale = u32::try_from(scale).ok()?;
        let limit = 10_i128.checked_pow(precision.into())?;
        let unit = 10_i128.checked_pow(scale)?;
        Some(Self { scale: usize::try_from(scale).ok()?, unit, limit, scratch: String::new() })
    }

    /// An integer.
    pub(crate) fn integer(&self, value: i64) -> Option<i128> {
        i128::from(value).checked_mul(self.unit).filter(|value| self.holds(*value))
    }

    /// A real, as the shortest text that means it.
    pub(crate) fn real(&mut self, value: f64) -> Option<i128> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let found = write!(scratch, "{value}").ok().and_then(|()| self.text(scratch.as_bytes()));
        self.scratch = scratch;
        found
    }

    /// `-12.50`, with zeros at either end.
    pub(crate) fn text(&self, text: &[u8]) -> Option<i128> {
        let (negative, whole, rest) = parts(text)?;
        let mut value: i128 = 0;
        for digit in whole.iter().chain(rest.iter().take(self.scale)) {
            value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        if rest.iter().skip(self.scale).any(|digit| *digit != b'0') {
            return None;
        }
        for _ in rest.len()..self.scale {
            value = value.checked_mul(10)?;
        }
        self.holds(value).then_some(if negative { -value } else { value })
    }

    /// The same where it is written in the one way in which the type's values are: no zero before, all digits behind.
    pub(crate) fn canonical(&self, text: &[u8]) -> Option<i128> {
        let (negative, whole, rest) = parts(text)?;
        let value = self.text(text)?;
        let plain = (whole.len() == 1 || whole[0] != b'0') && rest.len() == self.scale;
        (plain && !(negative && value == 0)).then_some(value)
    }

    fn holds(&self, value: i128) -> bool {
        value.abs() < self.limit
    }
}

/// Whether it is negative, and the digits before and behind the point.
fn parts(text: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |text| (true, text));
    let point = text.iter().position(|byte| *byte == b'.');
    let (whole, rest) = point.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    (digits(whole) && rest.is_none_or(digits)).then_some((negative, whole, rest.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        let mut money = Digits::new(5, 2).unwrap();
        assert_eq!((money.integer(999), money.integer(1000)), (Some(99_900), None));
        assert_eq!(
            (money.real(1.5), money.real(-0.1), money.real(1e2)),
            (Some(150), Some(-10), Some(10_000))
        );
        assert_eq!((money.real(1.125), money.real(f64::INFINITY), money.real(1e300)), (None, None, None));
        for (text, value) in
            [("1.50", Some(150)), ("-007.5000", Some(-750)), ("0", Some(0)), ("-0.0", Some(0))]
        {
            assert_eq!(money.text(text.as_bytes()), value, "{text}");
        }
        for text in ["", "-", "1.", ".5", "1e2", "+1", " 1", "1.001", "1000", "1.5.0"] {
            assert_eq!(money.text(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn widest_type_keeps_its_last_digit() {
        let widest = Digits::new(38, 0).unwrap();
        let digits = "9".repeat(38);
        assert_eq!(widest.text(digits.as_bytes()), digits.parse().ok());
        assert_eq!(widest.text(format!("{digits}9").as_bytes()), None);
    }

    #[test]
    fn keys_are_written_in_one_way() {
        let money = Digits::new(5, 2).unwrap();
        assert_eq!(money.canonical(b"-1.50"), Some(-150));
        for text in ["1.5", "01.50", "-0.00", "1.500", "1"] {
            assert_eq!(money.canonical(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Digits::new(5, 0).unwrap().canonical(b"0"), Some(0));
    }
}
