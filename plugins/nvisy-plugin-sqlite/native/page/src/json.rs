//! JSON text in one spelling: what the same value becomes when Python reads it and the engine writes it again. No space,
//! an escape only where JSON needs one, floats in their shortest form. What Python would not take, or would take in its
//! own way (a name twice, a half of a surrogate pair, very large numbers), is not taken here.

use std::fmt::Write as _;

/// Levels of nesting that are followed.
const DEPTH: usize = 100;
/// Digits of an integer that Python reads for sure.
const DIGITS: usize = 4_000;

/// Append the JSON document in its one spelling.
pub(crate) fn respell(text: &str, out: &mut String) -> Option<()> {
    let mut reader = Reader { text, at: 0, out };
    reader.value(0)?;
    reader.space();
    (reader.at == text.len()).then_some(())
}

/// Append a real number.
pub(crate) fn real(value: f64, out: &mut String) -> Option<()> {
    // Debug keeps the ".0" that tells a float from an integer.
    value.is_finite().then(|| write!(out, "{value:?}").ok())?
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    out: &'a mut String,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Take one character of punctuation, spaces around it included.
    fn take(&mut self, wanted: u8) -> bool {
        self.space();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.space();
        match self.peek()? {
            b'{' | b'[' if depth == DEPTH => None,
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        self.out.push_str(word);
        found.then_some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push('[');
        if !self.take(b']') {
            loop {
                self.value(depth + 1)?;
                if !self.take(b',') {
                    break;
                }
                self.out.push(',');
            }
            self.take(b']').then_some(())?;
        }
        self.out.push(']');
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push('{');
        if !self.take(b'}') {
            let mut names = Vec::new();
            loop {
                self.space();
                let start = self.out.len();
                (self.peek()? == b'"').then(|| self.string())??;
                names.push(start..self.out.len());
                self.take(b':').then_some(())?;
                self.out.push(':');
                self.value(depth + 1)?;
                if !self.take(b',') {
                    break;
                }
                self.out.push(',');
            }
            self.take(b'}').then_some(())?;
            names.sort_unstable_by(|one, other| self.out[one.clone()].cmp(&self.out[other.clone()]));
            let twice = names.windows(2).any(|pair| self.out[pair[0].clone()] == self.out[pair[1].clone()]);
            (!twice).then_some(())?;
        }
        self.out.push('}');
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        self.out.push('"');
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            self.out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain + 1;
            match rest[plain] {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
        self.out.push('"');
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let letter = self.peek()?;
        self.at += 1;
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return None,
        };
        match character {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\0'..' ' => write!(self.out, "\\u{:04x}", u32::from(character)).ok()?,
            _ => self.out.push(character),
        }
        Some(())
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        (self.text.as_bytes()[self.at..].starts_with(b"\\u")).then(|| self.at += 2)?;
        let second = self.hexadecimal()?;
        let pair = (0xdc00..0xe000).contains(&second);
        pair.then(|| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)))?
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits()?;
        (whole.len() == 1 || !whole.starts_with('0')).then_some(())?;
        let mut exact = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            exact = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
            exact = false;
        }
        let number = &self.text[start..self.at];
        match (exact, whole) {
            (false, _) => real(number.parse().ok()?, self.out),
            (true, "0") => {
                self.out.push('0');
                Some(())
            }
            (true, _) => (whole.len() <= DIGITS).then(|| self.out.push_str(number)),
        }
    }

    fn digits(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respelled(text: &str) -> Option<String> {
        let mut out = String::new();
        respell(text, &mut out).map(|()| out)
    }

    #[test]
    fn value_has_one_spelling() {
        for (text, wanted) in [
            (" { \"a\" : [ 1 , -0, 1.50 , 1E2,true ] }\n", r#"{"a":[1,0,1.5,100.0,true]}"#),
            (r#""\u0041\/\ud83d\ude00\u0001\n\"\u00e9""#, "\"A/\u{1f600}\\u0001\\n\\\"\u{e9}\""),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("[1e16,1e-7,-0.0,[],{}]", "[1e16,1e-7,-0.0,[],{}]"),
            ("null", "null"),
        ] {
            assert_eq!(respelled(text).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_is_doubtful_is_left_to_others() {
        for text in [
            "",
            " ",
            "nul",
            "{",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{1:2}",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "NaN",
            "Infinity",
            "1e400",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\x\"",
            "\"a",
            "\"\n\"",
            "1 1",
            "\u{feff}1",
            "{\"a\":1,\"\\u0061\":2}",
            "\"\\u00e\"",
            "\"\\",
        ] {
            assert_eq!(respelled(text), None, "{text}");
        }
        assert_eq!(respelled(&"9".repeat(5_000)), None);
        assert_eq!(respelled(&"[".repeat(200)), None);
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert_eq!(respelled(&deep), Some(deep));
    }
}
