//! Numbers of any size, as the server keeps them: groups of four decimal digits, most significant first. Exact or refused.
//!
//! On the wire: how many groups, the weight of the first one (a power of 10,000), the sign, the digits after the point
//! that are shown, and the groups. Groups of zeros at either end are left out.

use crate::error::Reason;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
const MALFORMED: Reason = Reason::Borrowed("is not a well-formed number");

struct Number<'a> {
    weight: i32,
    sign: u16,
    shown: usize,
    groups: &'a [[u8; 2]],
}

fn parse(bytes: &[u8]) -> Result<Number<'_>, Reason> {
    let (head, groups) = bytes.split_first_chunk::<8>().ok_or(MALFORMED)?;
    let (groups, rest) = groups.as_chunks::<2>();
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let known = matches!(word(4), POSITIVE | NEGATIVE | NAN | INFINITY | NEGATIVE_INFINITY);
    if !rest.is_empty() || usize::from(word(0)) != groups.len() || !known || word(6) > 0x3FFF {
        return Err(MALFORMED);
    }
    let weight = i32::from(i16::from_be_bytes([head[2], head[3]]));
    Ok(Number { weight, sign: word(4), shown: usize::from(word(6)), groups })
}

fn group(bytes: [u8; 2]) -> Result<u16, Reason> {
    let group = u16::from_be_bytes(bytes);
    if group < 10_000 { Ok(group) } else { Err(MALFORMED) }
}

/// Reads numbers that a decimal of a precision and a scale holds.
#[derive(Clone, Copy)]
pub(crate) struct Holder {
    /// Groups after the point that the scale needs, the last one perhaps in part.
    fraction: i32,
    /// What the last group is divided by, since only part of it is within the scale.
    excess: u16,
    /// The first value that is too large.
    limit: u128,
}

impl Holder {
    /// For at most 38 digits, so many of them after the point.
    pub(crate) fn new(precision: u8, scale: i8) -> Self {
        let scale = i32::from(scale).clamp(0, 38);
        let fraction = (scale + 3) / 4;
        let excess = 10_u16.pow((fraction * 4 - scale).unsigned_abs());
        Self { fraction, excess, limit: 10_u128.pow(u32::from(precision.min(38))) }
    }

    /// The unscaled value.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<i128, Reason> {
        let number = parse(bytes)?;
        if !matches!(number.sign, POSITIVE | NEGATIVE) {
            return Err("is NaN or infinite, which a decimal cannot be; read it as text".into());
        }
        let value = self.magnitude(&number)?;
        let value = i128::try_from(value).map_err(|_| too_long())?;
        Ok(if number.sign == NEGATIVE { -value } else { value })
    }

    #[inline]
    fn magnitude(self, number: &Number<'_>) -> Result<u128, Reason> {
        // The groups from the first one to the last that the scale reaches. What is behind must be 0.
        let reach = usize::try_from(number.weight + 1 + self.fraction).unwrap_or(0);
        let (within, beyond) = number.groups.split_at(number.groups.len().min(reach));
        if beyond.iter().any(|bytes| *bytes != [0, 0]) {
            return Err(too_long());
        }
        if within.is_empty() {
            return Ok(0);
        }
        let at = |index: usize| within.get(index).map_or(Ok(0), |bytes| group(*bytes));
        let last = at(reach - 1)?;
        if last % self.excess != 0 {
            return Err(too_long());
        }
        let (unit, last) = (10_000 / self.excess, last / self.excess);
        let value = if reach <= 4 {
            let mut value = 0_u64;
            for index in 0..reach - 1 {
                value = value * 10_000 + u64::from(at(index)?);
            }
            u128::from(value * u64::from(unit) + u64::from(last))
        } else {
            let mut value = 0_u128;
            for index in 0..reach - 1 {
                value = grow(value, 10_000, at(index)?)?;
            }
            grow(value, unit, last)?
        };
        if value < self.limit { Ok(value) } else { Err(too_long()) }
    }
}

fn grow(value: u128, unit: u16, more: u16) -> Result<u128, Reason> {
    let grown = value.checked_mul(unit.into()).and_then(|value| value.checked_add(more.into()));
    grown.ok_or_else(too_long)
}

#[cold]
fn too_long() -> Reason {
    "has more digits than its decimal type; read it as text or as a larger decimal".into()
}

/// Print the number as the server does.
pub(crate) fn print(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Reason> {
    let number = parse(bytes)?;
    match number.sign {
        NAN => out.extend(b"NaN"),
        INFINITY => out.extend(b"Infinity"),
        NEGATIVE_INFINITY => out.extend(b"-Infinity"),
        sign => {
            if sign == NEGATIVE {
                out.push(b'-');
            }
            digits(&number, out)?;
        }
    }
    Ok(())
}

fn digits(number: &Number<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
    // The group at that power of 10,000.
    let at = |power: i32| {
        let index = usize::try_from(number.weight - power).ok();
        index.and_then(|index| number.groups.get(index)).map_or(Ok(0), |bytes| group(*bytes))
    };
    let begin = out.len();
    for power in (0..=number.weight).rev() {
        four(at(power)?, out);
    }
    let zeros = out[begin..].iter().take_while(|digit| **digit == b'0').count();
    out.drain(begin..begin + zeros);
    if out.len() == begin {
        out.push(b'0');
    }
    if number.shown > 0 {
        out.push(b'.');
        let end = out.len() + number.shown;
        let mut power = -1;
        while out.len() < end {
            four(at(power)?, out);
            power -= 1;
        }
        out.truncate(end);
    }
    Ok(())
}

fn four(group: u16, out: &mut Vec<u8>) {
    let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or(0);
    out.extend([digit(group / 1000), digit(group / 100), digit(group / 10), digit(group)]);
}

/// Append the wire form, with its length, of `value / 10^scale`. The scale is at most 38.
pub(crate) fn write(value: i128, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale.min(38));
    let (mut groups, mut count) = ([0_u16; 20], 0);
    let fraction = scale.div_ceil(4);
    split(value.unsigned_abs(), fraction * 4 - scale, |group| {
        groups[count] = group;
        count += 1;
    });
    // They came least significant first.
    let groups = &groups[..count];
    let high = groups.iter().rposition(|group| *group != 0).map_or(0, |last| last + 1);
    let low = groups.iter().position(|group| *group != 0).unwrap_or(high);
    let small = |number: usize| u16::try_from(number).unwrap_or(0);
    // The weight of the first group; may be below zero.
    let weight = if high == 0 { 0 } else { small(high).wrapping_sub(small(fraction) + 1) };
    let sign = if value < 0 { NEGATIVE } else { POSITIVE };
    let length = 8 + 2 * (high - low);
    out.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
    for word in [small(high - low), weight, sign, small(scale)] {
        out.extend(word.to_be_bytes());
    }
    for group in groups[low..high].iter().rev() {
        out.extend(group.to_be_bytes());
    }
}

/// Give the groups of `value * 10^pad`, least significant first; `pad` is at most 3.
fn split(value: u128, pad: usize, mut give: impl FnMut(u16)) {
    /// As many digits as 64 bits hold in whole groups.
    const STEP: u128 = 10_000_000_000_000_000;
    let lift = [1, 10, 100, 1000][pad.min(3)];
    // The first group takes 4 - pad digits of the value, so nothing is multiplied that may overflow.
    let mut rest = value;
    if pad > 0 {
        give(u16::try_from(rest % (10_000 / lift) * lift).unwrap_or(0));
        rest /= 10_000 / lift;
    }
    let mut four = |mut part: u64, whole: bool| {
        for _ in 0..4 {
            if part == 0 && !whole {
                break;
            }
            give(u16::try_from(part % 10_000).unwrap_or(0));
            part /= 10_000;
        }
    };
    while rest >= STEP {
        four(u64::try_from(rest % STEP).unwrap_or(0), true);
        rest /= STEP;
    }
    four(u64::try_from(rest).unwrap_or(0), false);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(value: i128, scale: u8) -> Vec<u8> {
        let mut out = Vec::new();
        write(value, scale, &mut out);
        assert_eq!(out[..4], u32::try_from(out.len() - 4).unwrap().to_be_bytes());
        out.split_off(4)
    }

    fn text(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        print(bytes, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn raw(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_have_the_form_the_server_gives_them() {
        assert_eq!(wire(0, 2), raw(&[0, 0, 0, 2]));
        assert_eq!(wire(5, 2), raw(&[1, 0xFFFF, 0, 2, 500]));
        assert_eq!(wire(-12_345_600, 3), raw(&[3, 1, NEGATIVE, 3, 1, 2345, 6000]));
        assert_eq!(wire(100_000_000, 0), raw(&[1, 2, 0, 0, 1]));
    }

    #[test]
    fn numbers_come_back_at_every_scale() {
        for scale in 0..=38_u8 {
            let holder = Holder::new(38, i8::try_from(scale).unwrap());
            for value in [0, 1, 9, 10, 9_999, 10_000, 123_456_789, 10_i128.pow(19), 10_i128.pow(38) - 1] {
                for value in [value, -value] {
                    assert_eq!(holder.read(&wire(value, scale)), Ok(value), "{value} at {scale}");
                }
            }
        }
    }

    #[test]
    fn digits_that_do_not_fit_are_refused() {
        assert!(Holder::new(5, 2).read(&wire(100_000, 2)).is_err());
        assert_eq!(Holder::new(5, 2).read(&wire(99_999, 2)), Ok(99_999));
        assert!(Holder::new(38, 2).read(&wire(1, 3)).is_err());
        assert_eq!(Holder::new(38, 2).read(&wire(10, 3)), Ok(1));
        assert!(Holder::new(38, 4).read(&wire(1, 8)).is_err());
        assert!(Holder::new(38, 0).read(&raw(&[1, 32_767, 0, 0, 1])).is_err());
        for sign in [NAN, INFINITY, NEGATIVE_INFINITY] {
            assert!(Holder::new(38, 2).read(&raw(&[0, 0, sign, 0])).unwrap_err().contains("text"));
        }
    }

    #[test]
    fn numbers_are_printed_with_the_digits_they_show() {
        assert_eq!(text(&wire(0, 3)), "0.000");
        assert_eq!(text(&wire(-5, 2)), "-0.05");
        assert_eq!(text(&wire(1_230_000, 4)), "123.0000");
        assert_eq!(text(&raw(&[1, 3, 0, 0, 7])), "7000000000000");
        assert_eq!(text(&raw(&[1, (-3_i16).cast_unsigned(), 0, 13, 5])), "0.0000000000050");
        assert_eq!(text(&raw(&[0, 0, NAN, 0])), "NaN");
        assert_eq!(text(&raw(&[0, 0, NEGATIVE_INFINITY, 0])), "-Infinity");
    }

    #[test]
    fn malformed_numbers_are_refused() {
        for words in [&[][..], &[1, 0, 0, 0], &[0, 0, 1, 0], &[1, 0, 0, 0, 10_000], &[0, 0, 0, 0x4000]] {
            assert_eq!(Holder::new(38, 2).read(&raw(words)), Err(MALFORMED), "{words:?}");
            assert_eq!(print(&raw(words), &mut Vec::new()), Err(MALFORMED), "{words:?}");
        }
    }
}
