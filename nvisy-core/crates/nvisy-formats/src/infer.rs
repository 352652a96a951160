//! What the values of a sample look like -> the types of the stream, once. A type is chosen only when it keeps every
//! value of the sample exactly: `007` stays text, and no integer becomes a float that cannot hold it.

use crate::calendar::parse_timestamp;
use crate::jsonl::{Members, members};
use crate::scan::{Items, Text};
use nvisy_dal::{ColumnType, Field};

/// Nesting below which JSON stays JSON.
const DEPTH: usize = 16;

/// The types that every text so far can have, as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    fits: u8,
    /// Whether any value came, and whether one was a number with digits (rather than `NaN`).
    seen: bool,
    digits: bool,
}

const INT: u8 = 1;
const UINT: u8 = 2;
const FLOAT: u8 = 4;
const BOOL: u8 = 8;
const DATE: u8 = 16;
const NAIVE: u8 = 32;
const INSTANT: u8 = 64;

impl Texts {
    pub(crate) const NONE: Self = Self { fits: u8::MAX, seen: false, digits: false };

    /// Take one value of a CSV cell.
    pub(crate) fn see(&mut self, text: &str) {
        let kind = if self.seen && self.fits == 0 { 0 } else { classify(text) };
        self.fits &= kind;
        self.seen = true;
        self.digits |= kind & FLOAT != 0 && text.bytes().any(|byte| byte.is_ascii_digit());
    }

    /// Take one JSON string: its quotes say that it is not a number.
    fn see_string(&mut self, text: &str) {
        self.see(text);
        self.fits &= DATE | NAIVE | INSTANT;
    }

    pub(crate) fn decide(self) -> ColumnType {
        let fits = if self.seen { self.fits } else { 0 };
        match () {
            () if fits & INT != 0 => ColumnType::Int64,
            () if fits & UINT != 0 => ColumnType::Uint64,
            () if fits & FLOAT != 0 && self.digits => ColumnType::Float64,
            () if fits & BOOL != 0 => ColumnType::Bool,
            () if fits & DATE != 0 => ColumnType::Date,
            () if fits & NAIVE != 0 => ColumnType::Timestamp { utc: false },
            () if fits & INSTANT != 0 => ColumnType::Timestamp { utc: true },
            () => ColumnType::Text,
        }
    }
}

/// The types that keep `text` exactly.
fn classify(text: &str) -> u8 {
    match text.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => classify_digits(text),
        [b't' | b'T' | b'f' | b'F', ..]
            if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") =>
        {
            BOOL
        }
        [b'N' | b'n' | b'i', ..] if matches!(text, "NaN" | "nan" | "inf") => FLOAT,
        _ => 0,
    }
}

fn classify_digits(text: &str) -> u8 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let padded = whole > 1 && digits.starts_with('0');
    if whole == digits.len() && !padded {
        return classify_int(text);
    }
    if text == "-inf" {
        return FLOAT;
    }
    if whole > 0 && !padded && is_float(digits.as_bytes().get(whole..).unwrap_or_default()) {
        return text.parse().map_or(0, |value: f64| if value.is_finite() { FLOAT } else { 0 });
    }
    match parse_timestamp(text.as_bytes()) {
        Some((_, true)) => INSTANT,
        Some((_, false)) if text.len() == 10 => DATE | NAIVE,
        Some((_, false)) => NAIVE,
        None => 0,
    }
}

fn classify_int(text: &str) -> u8 {
    /// Up to here every integer is a double.
    const EXACT: i128 = 1 << 53;
    match text.as_bytes() {
        [b'1'..=b'9', rest @ ..] if rest.len() < 15 => return INT | UINT | FLOAT,
        [b'-', b'1'..=b'9', rest @ ..] if rest.len() < 15 => return INT | FLOAT,
        _ => {}
    }
    let Ok(value) = text.parse::<i128>() else { return 0 };
    if value == 0 && text.starts_with('-') {
        return FLOAT;
    }
    let int = if i64::try_from(value).is_ok() { INT } else { 0 };
    let uint = if u64::try_from(value).is_ok() { UINT } else { 0 };
    let float = if (-EXACT..=EXACT).contains(&value) { FLOAT } else { 0 };
    int | uint | float
}

/// Whether what follows the whole digits makes them a float: `.5`, `e7`, `.5e-7`.
fn is_float(rest: &[u8]) -> bool {
    let exponent = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        rest => rest,
    };
    match exponent {
        [] => rest.len() > 1,
        [b'e' | b'E', b'+' | b'-', digits @ ..] | [b'e' | b'E', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// What the JSON values of one place have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Nothing but null so far.
    Null,
    Bool,
    Number(Texts),
    String(Texts),
    List(Box<Shape>),
    Struct(Vec<(String, Shape)>),
    /// Values of several shapes, or of one that no column has.
    Mixed,
}

impl Shape {
    /// Take one value.
    fn see_at(&mut self, raw: &str, depth: usize) {
        let first = raw.as_bytes().first().copied().unwrap_or(b'n');
        if *self == Self::Null && first != b'n' {
            *self = Self::fresh(first, raw, depth);
            return;
        }
        let fits = match (&mut *self, first) {
            (_, b'n') | (Self::Mixed, _) | (Self::Bool, b't' | b'f') => true,
            (Self::Number(texts), b'-' | b'0'..=b'9') => {
                texts.see(raw);
                true
            }
            (Self::String(texts), b'"') => {
                texts.see_string(raw.trim_matches('"'));
                true
            }
            (Self::List(item), b'[') => see_items(raw, item, depth),
            (Self::Struct(known), b'{') => see_members(raw, known, depth, false),
            _ => false,
        };
        if !fits {
            *self = Self::Mixed;
        }
    }

    fn fresh(first: u8, raw: &str, depth: usize) -> Self {
        let (mut texts, mut item, mut known) = (Texts::NONE, Self::Null, Vec::new());
        match first {
            b't' | b'f' => Self::Bool,
            b'"' => {
                texts.see_string(raw.trim_matches('"'));
                Self::String(texts)
            }
            b'[' if see_items(raw, &mut item, depth) => Self::List(Box::new(item)),
            b'{' if see_members(raw, &mut known, depth, true) => Self::Struct(known),
            b'-' | b'0'..=b'9' => {
                texts.see(raw);
                Self::Number(texts)
            }
            _ => Self::Mixed,
        }
    }

    /// The type that holds every value exactly. `nested` values of unknown shape stay JSON.
    pub(crate) fn decide(&self) -> ColumnType {
        match self {
            Self::Null => ColumnType::Text,
            Self::Bool => ColumnType::Bool,
            Self::Number(texts) | Self::String(texts) => texts.decide(),
            Self::Mixed => ColumnType::Json,
            Self::List(_) | Self::Struct(_) => self.nested().unwrap_or(ColumnType::Json),
        }
    }

    /// The type, where every part of it is known.
    fn nested(&self) -> Option<ColumnType> {
        match self {
            Self::Null | Self::Mixed => None,
            Self::Bool | Self::Number(_) | Self::String(_) => Some(self.decide()),
            Self::List(item) => Some(ColumnType::List { item: Box::new(item.nested()?) }),
            Self::Struct(known) if known.is_empty() => None,
            Self::Struct(known) => {
                let field = |(name, shape): &(String, Self)| {
                    // A field that was always null is text, as a column is.
                    let r#type = if *shape == Self::Null { Some(ColumnType::Text) } else { shape.nested() };
                    Some(Field { name: name.clone(), r#type: r#type?, nullable: true })
                };
                Some(ColumnType::Struct { fields: known.iter().map(field).collect::<Option<_>>()? })
            }
        }
    }
}

fn see_items(raw: &str, item: &mut Shape, depth: usize) -> bool {
    if depth >= DEPTH {
        return false;
    }
    let mut items = Items::new(raw, Text::Json);
    for raw in &mut items {
        item.see_at(raw, depth + 1);
    }
    items.whole()
}

/// Whether the object has exactly the known keys; `open` takes any.
fn see_members(raw: &str, known: &mut Vec<(String, Shape)>, depth: usize, open: bool) -> bool {
    if depth >= DEPTH {
        return false;
    }
    let mut keys = Keys { known, open, depth: depth + 1, taken: 0, guess: 0 };
    let read = members(raw, Text::Json, &mut keys).is_ok();
    let taken = keys.taken;
    read && taken == known.len()
}

/// The keys of a JSON object and the shapes of their values, in order of appearance.
pub(crate) struct Keys<'k> {
    known: &'k mut Vec<(String, Shape)>,
    open: bool,
    depth: usize,
    taken: usize,
    guess: usize,
}

impl<'k> Keys<'k> {
    /// The keys of a stream's records: any may come.
    pub(crate) fn new(known: &'k mut Vec<(String, Shape)>) -> Self {
        Self { known, open: true, depth: 0, taken: 0, guess: 0 }
    }
}

impl<'a> Members<'a> for Keys<'_> {
    // What was seen stays: to see a value twice changes nothing.
    fn restart(&mut self) {
        (self.taken, self.guess) = (0, 0);
    }

    fn likely(&mut self, _: &[u8]) -> Option<(usize, usize)> {
        None
    }

    fn place(&mut self, name: &str) -> Result<usize, String> {
        let guessed = self.known.get(self.guess).is_some_and(|(known, _)| known == name);
        let found =
            if guessed { Some(self.guess) } else { self.known.iter().position(|(known, _)| known == name) };
        let place = match found {
            Some(place) => place,
            None if self.open => {
                self.known.push((name.to_owned(), Shape::Null));
                self.known.len() - 1
            }
            None => return Err("another key".to_owned()),
        };
        self.guess = place + 1;
        self.taken += 1;
        Ok(place)
    }

    fn value(&mut self, place: usize, raw: &'a str) -> Result<(), String> {
        if let Some((_, shape)) = self.known.get_mut(place) {
            shape.see_at(raw, self.depth);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::type_name;

    fn texts(values: &[&str]) -> String {
        let mut texts = Texts::NONE;
        for value in values {
            texts.see(value);
        }
        type_name(&texts.decide())
    }

    fn shape(values: &[&str]) -> String {
        let mut shape = Shape::Null;
        for value in values {
            shape.see_at(value, 0);
        }
        type_name(&shape.decide())
    }

    #[test]
    fn texts_get_the_type_that_keeps_them() {
        for (values, wanted) in [
            (&["1", "-2"][..], "int64"),
            (&["1", "9223372036854775808"], "uint64"),
            (&["-1", "9223372036854775808"], "text"),
            (&["1", "18446744073709551616"], "text"),
            (&["1.5", "9007199254740993"], "text"),
            (&["1", "1.5", "-2e-7"], "float64"),
            (&["1.5", "NaN", "-inf"], "float64"),
            (&["NaN"], "text"),
            (&["007"], "text"),
            (&["1", "+1"], "text"),
            (&["1."], "text"),
            (&["00.5"], "text"),
            (&["True", "false"], "bool"),
            (&["true", "1"], "text"),
            (&["2024-01-31"], "date"),
            (&["2024-01-31", "2024-01-31 10:00"], "timestamp without a zone"),
            (&["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], "timestamp with a zone"),
            (&["2024-01-31T10:00:00Z", "2024-01-31T10:00:00"], "text"),
            (&["2024-01-31T10:00:00.0000001Z"], "text"),
            (&["-"], "text"),
            (&[], "text"),
        ] {
            assert_eq!(texts(values), wanted, "{values:?}");
        }
    }

    #[test]
    fn json_values_get_the_type_that_keeps_them() {
        for (values, wanted) in [
            (&["1", "null"][..], "int64"),
            (&["\"1\""], "text"),
            (&["\"2024-01-31\""], "date"),
            (&["1", "\"1\""], "json"),
            (&["true", "false"], "bool"),
            (&["[1]", "[]", "[2, null]"], "list of int64"),
            (&["[]"], "json"),
            (&["[1]", "[\"a\"]"], "json"),
            (&["{\"a\":1}", "{\"a\":2}"], "struct"),
            (&["{\"a\":1}", "{\"b\":2}"], "json"),
            (&["{\"a\":1,\"b\":null}"], "struct"),
            (&["{}"], "json"),
            (&["18446744073709551616"], "text"),
            (&["null"], "text"),
        ] {
            assert_eq!(shape(values), wanted, "{values:?}");
        }
    }
}
