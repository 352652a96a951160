//! Where JSON values end. It accepts exactly JSON and says only yes or no: what is wrong with a text is for the parser
//! in `jsonl` to tell, which is asked when the answer is no.

/// The values of one array, or nothing more from the first place on that is not JSON.
pub(crate) struct Items<'a> {
    raw: &'a str,
    text: Text,
    at: usize,
    state: State,
}

/// What is known of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// It was found to be JSON, or is a part of such a text.
    Json,
    /// Nothing.
    Unknown,
}

impl Text {
    /// The end of the value that begins at `at` of the text.
    pub(crate) fn value(self, text: &[u8], at: usize) -> Option<usize> {
        match (text.get(at)?, self) {
            (b'{' | b'[', Self::Json) => skip(text, at),
            (b'{' | b'[', Self::Unknown) => nested(text, at),
            _ => scalar(text, at),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// An item must come, or may come, or must follow a comma.
    First,
    Next,
    Ended,
    Broken,
}

impl<'a> Items<'a> {
    /// The items of the array that `raw` is.
    pub(crate) fn new(raw: &'a str, text: Text) -> Self {
        let at = space(raw.as_bytes(), 0);
        let state = if raw.as_bytes().get(at) == Some(&b'[') { State::First } else { State::Broken };
        Self { raw, text, at: at + 1, state }
    }

    /// Whether the array was read to its end, and nothing follows it.
    pub(crate) fn whole(&self) -> bool {
        self.state == State::Ended && self.at == self.raw.len()
    }

    fn step(&mut self) -> Option<&'a str> {
        let text = self.raw.as_bytes();
        self.at = space(text, self.at);
        match (self.state, text.get(self.at)?) {
            (State::First | State::Next, b']') => {
                self.at = space(text, self.at + 1);
                self.state = State::Ended;
                return None;
            }
            (State::First, _) => {}
            (State::Next, b',') => self.at = space(text, self.at + 1),
            (State::Next | State::Ended | State::Broken, _) => return None,
        }
        let start = self.at;
        self.at = self.text.value(text, start)?;
        self.state = State::Next;
        self.raw.get(start..self.at)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let item = self.step();
        if item.is_none() && self.state != State::Ended {
            self.state = State::Broken;
        }
        item
    }
}

/// Whether the text is one JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    let text = text.as_bytes();
    Text::Unknown.value(text, space(text, 0)).is_some_and(|end| space(text, end) == text.len())
}

/// The first place from `at` on without white space.
pub(crate) fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of the string whose quote is at `at`, and whether it holds no escape.
pub(crate) fn string(text: &[u8], at: usize) -> Option<(usize, bool)> {
    let (mut at, mut plain) = (at + 1, true);
    loop {
        at = special(text, at);
        match text.get(at)? {
            b'"' => return Some((at + 1, plain)),
            b'\\' => {
                plain = false;
                at = match text.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at + 2,
                    b'u' if text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at + 6,
                    _ => return None,
                };
            }
            _ => return None,
        }
    }
}

/// The first place from `at` on that holds a quote, a backslash or a control character.
pub(crate) fn special(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // Eight bytes at once: a byte's highest bit is set where it is below the one it is compared with.
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let bytes = u64::from_le_bytes(*eight);
        let (quote, slash) = (bytes ^ (ONES * 0x22), bytes ^ (ONES * 0x5C));
        let found = (bytes.wrapping_sub(ONES * 0x20) & !bytes)
            | (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash);
        let found = found & (ONES << 7);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\')) {
        at += 1;
    }
    at
}

fn scalar(text: &[u8], at: usize) -> Option<usize> {
    let word = |word: &[u8]| text.get(at..)?.starts_with(word).then_some(at + word.len());
    match text.get(at)? {
        b'"' => string(text, at).map(|(end, _)| end),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        b'-' => number(text, at + 1),
        _ => number(text, at),
    }
}

fn number(text: &[u8], at: usize) -> Option<usize> {
    let mut end = digits(text, at)?;
    if text[at] == b'0' && end > at + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let signed = matches!(text.get(end + 1), Some(b'+' | b'-'));
        end = digits(text, end + 1 + usize::from(signed))?;
    }
    Some(end)
}

/// The end of the digits at `at`, of which there must be one.
fn digits(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    (end > at).then_some(end)
}

/// The end of the object or array that begins at `at` of a text that is JSON.
fn skip(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string(text, at)?.0;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// The end of the object or array that begins at `at`.
fn nested(text: &[u8], mut at: usize) -> Option<usize> {
    let mut open = Open::default();
    loop {
        // Here a value begins.
        let ended = if let bracket @ (b'{' | b'[') = text.get(at)? {
            let object = *bracket == b'{';
            open.push(object);
            at = space(text, at + 1);
            text.get(at) == Some(if object { &b'}' } else { &b']' })
        } else {
            at = space(text, scalar(text, at)?);
            true
        };
        if ended {
            // Behind a value: what it ends may end what is around it.
            while let (b'}', true) | (b']', false) = (*text.get(at)?, open.object) {
                open.pop();
                if open.depth == 0 {
                    return Some(at + 1);
                }
                at = space(text, at + 1);
            }
            if *text.get(at)? != b',' {
                return None;
            }
            at = space(text, at + 1);
        }
        if open.object {
            at = key(text, at)?;
        }
    }
}

/// Where the value of the member that begins at `at` begins.
fn key(text: &[u8], at: usize) -> Option<usize> {
    if *text.get(at)? != b'"' {
        return None;
    }
    let at = space(text, string(text, at)?.0);
    (*text.get(at)? == b':').then(|| space(text, at + 1))
}

/// Which of the open brackets are objects'. The innermost 64 are bits of a word, those around them words of a list.
#[derive(Default)]
struct Open {
    object: bool,
    depth: usize,
    inner: u64,
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(object);
        (self.object, self.depth) = (object, self.depth + 1);
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or(0);
        }
        self.object = self.inner & 1 == 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::value::RawValue;

    #[test]
    fn brackets_are_told_apart_at_any_depth() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 1000] {
            let (open, close) = ("[{\"a\":".repeat(depth), "}]".repeat(depth));
            assert!(is_json(&format!("{open}1{close}")), "{depth}");
            assert!(!is_json(&format!("{open}1{close}]")), "{depth}");
            assert!(!is_json(&format!("{open}1{}", "]}".repeat(depth))), "{depth}");
            let (open, close) =
                ("{\"a\":".repeat(depth) + &"[".repeat(depth), "]".repeat(depth) + &"}".repeat(depth));
            assert!(is_json(&format!("{open}{close}")), "{depth}");
        }
    }

    /// Text out of the pieces of which JSON is made, mostly wrong.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\"",
            "\"\\u00e9\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"",
            "0",
            "-",
            "01",
            "1.5",
            "1.",
            "1e5",
            "1E+",
            "-0.0e-1",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "\t",
            "\u{1}",
            "é",
            "+1",
            "\"0123456789\\\"é\"",
            "\"0123456\u{7f}\u{1f}\"",
            "{\"k\":1}",
            "[1,\"x\"]",
            "\\",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// Nested JSON, printed with white space here and there, and with one byte cut out or not.
    fn printed() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<f64>().prop_map(|value| serde_json::to_string(&value).unwrap()),
            any::<i64>().prop_map(|value| value.to_string()),
            any::<String>().prop_map(|value| serde_json::to_string(&value).unwrap()),
        ];
        let nested = leaf.prop_recursive(6, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[ {} ]", items.join(" ,"))),
                prop::collection::vec((any::<String>(), inner), 0..5).prop_map(|members| {
                    let member = |(key, value)| format!("{}: {value}", serde_json::to_string(&key).unwrap());
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(key, value): (String, String)| member((key, value)))
                        .collect();
                    format!("{{{}\n}}", members.join(","))
                }),
            ]
        });
        (nested, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(text, place, cut)| {
            let mut chars: Vec<char> = text.chars().collect();
            if cut {
                chars.remove(place.index(chars.len()));
            }
            chars.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_json_and_its_items_are_what_the_parser_says(text in prop_oneof![pieces(), printed()]) {
            prop_assert_eq!(is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok());
            let mut items = Items::new(&text, Text::Unknown);
            let found: Vec<_> = items.by_ref().collect();
            match serde_json::from_str::<Vec<&RawValue>>(&text) {
                Ok(wanted) => {
                    prop_assert!(items.whole());
                    let mut known = Items::new(&text, Text::Json);
                    prop_assert_eq!(known.by_ref().collect::<Vec<_>>(), found.clone());
                    prop_assert!(known.whole());
                    prop_assert_eq!(found, wanted.iter().map(|raw| raw.get()).collect::<Vec<_>>());
                }
                Err(_) => prop_assert!(!items.whole()),
            }
        }
    }
}
