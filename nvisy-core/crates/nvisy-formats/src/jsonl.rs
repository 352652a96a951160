//! One JSON object -> its members, each value as it was written. Values are not read here, so no digit is lost.

use crate::scan::{self, Text};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// What takes the members of an object, in order. A `String` refuses the object.
pub(crate) trait Members<'a> {
    /// The object is read again from its beginning.
    fn restart(&mut self);
    /// Where `text` begins with the likely next name, in quotes: how long it is there, and its place.
    fn likely(&mut self, text: &[u8]) -> Option<(usize, usize)>;
    /// Where a member of that name belongs.
    fn place(&mut self, name: &str) -> Result<usize, String>;
    /// Its value.
    fn value(&mut self, place: usize, raw: &'a str) -> Result<(), String>;
}

/// Why an object was refused.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) reason: String,
    /// Its text ends too early.
    pub(crate) cut: bool,
}

/// Give the members of the object that `text` is.
pub(crate) fn members<'a>(text: &'a str, known: Text, sink: &mut impl Members<'a>) -> Result<(), Malformed> {
    match scan_members(text, known, sink) {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(Malformed { reason, cut: false }),
        None => {
            sink.restart();
            parse_members(text, sink)
        }
    }
}

/// The same for an object whose names hold no escapes; `None` where the text is no such object.
fn scan_members<'a>(text: &'a str, known: Text, sink: &mut impl Members<'a>) -> Option<Result<(), String>> {
    let bytes = text.as_bytes();
    let mut at = scan::space(bytes, 0);
    if *bytes.get(at)? != b'{' {
        return None;
    }
    at = scan::space(bytes, at + 1);
    let mut more = *bytes.get(at)? != b'}';
    while more {
        let place = if let Some((length, place)) = sink.likely(bytes.get(at..)?) {
            at = scan::space(bytes, at + length);
            Ok(place)
        } else {
            if *bytes.get(at)? != b'"' {
                return None;
            }
            let (end, plain) = scan::string(bytes, at)?;
            let name = plain.then(|| text.get(at + 1..end - 1))??;
            at = scan::space(bytes, end);
            sink.place(name)
        };
        if *bytes.get(at)? != b':' {
            return None;
        }
        let start = scan::space(bytes, at + 1);
        let end = known.value(bytes, start)?;
        let raw = text.get(start..end)?;
        if let Err(reason) = place.and_then(|place| sink.value(place, raw)) {
            return Some(Err(reason));
        }
        at = scan::space(bytes, end);
        more = match *bytes.get(at)? {
            b',' => true,
            b'}' => false,
            _ => return None,
        };
        if more {
            at = scan::space(bytes, at + 1);
        }
    }
    (scan::space(bytes, at + 1) == bytes.len()).then_some(Ok(()))
}

fn parse_members<'a>(text: &'a str, sink: &mut impl Members<'a>) -> Result<(), Malformed> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut said = None;
    let visited = deserializer.deserialize_map(Object { sink, said: &mut said });
    match (said, visited.and_then(|()| deserializer.end())) {
        (_, Ok(())) => Ok(()),
        (Some(reason), Err(_)) => Err(Malformed { reason, cut: false }),
        (None, Err(error)) if error.is_data() => Err(Malformed {
            reason: "it is not a JSON object; each line must hold one".to_owned(),
            cut: false,
        }),
        (None, Err(error)) => {
            let whole = error.to_string();
            let what = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(what, _)| what);
            Err(Malformed {
                reason: format!("it is not JSON: {what}, byte {}", error.column()),
                cut: error.is_eof(),
            })
        }
    }
}

struct Object<'s, S> {
    sink: &'s mut S,
    said: &'s mut Option<String>,
}

impl<'a, S: Members<'a>> Visitor<'a> for Object<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Place(self.sink))? {
            let raw: &'a RawValue = map.next_value()?;
            if let Err(reason) = place.and_then(|place| self.sink.value(place, raw.get())) {
                *self.said = Some(reason);
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }
}

struct Place<'s, S>(&'s mut S);

impl<'a, S: Members<'a>> DeserializeSeed<'a> for Place<'_, S> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a, S: Members<'a>> Visitor<'a> for Place<'_, S> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.place(name))
    }
}

/// Takes every member of an object and keeps none.
pub(crate) struct Unread;

impl<'a> Members<'a> for Unread {
    fn restart(&mut self) {}

    fn likely(&mut self, _: &[u8]) -> Option<(usize, usize)> {
        None
    }

    fn place(&mut self, _: &str) -> Result<usize, String> {
        Ok(0)
    }

    fn value(&mut self, _: usize, _: &'a str) -> Result<(), String> {
        Ok(())
    }
}

/// The names of columns or nested fields, and where each is. Objects written by one program repeat their order, so
/// the name after the last one is tried first.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    known: Vec<String>,
    /// The same in quotes, where JSON has them without escapes.
    quoted: Vec<Option<Box<[u8]>>>,
    places: HashMap<String, usize>,
}

impl Names {
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let known: Vec<_> = names.collect();
        let places = known.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        let plain = |name: &String| scan::special(name.as_bytes(), 0) == name.len();
        let quote = |name: &String| plain(name).then(|| format!("\"{name}\"").into_bytes().into());
        let quoted = known.iter().map(quote).collect();
        Self { known, quoted, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    fn find(&self, guess: usize, name: &str) -> Option<usize> {
        match self.known.get(guess) {
            Some(guessed) if guessed == name => Some(guess),
            _ => self.places.get(name).copied(),
        }
    }
}

/// Sorts the members of an object into the places of known names.
pub(crate) struct Row<'n, 'v, 'a> {
    names: &'n Names,
    guess: usize,
    values: &'v mut [Option<&'a str>],
}

impl<'n, 'v, 'a> Row<'n, 'v, 'a> {
    pub(crate) fn new(names: &'n Names, values: &'v mut [Option<&'a str>]) -> Self {
        values.fill(None);
        Self { names, guess: 0, values }
    }
}

impl<'a> Members<'a> for Row<'_, '_, 'a> {
    fn restart(&mut self) {
        self.values.fill(None);
        self.guess = 0;
    }

    fn likely(&mut self, text: &[u8]) -> Option<(usize, usize)> {
        let quoted = self.names.quoted.get(self.guess)?.as_deref()?;
        let place = self.guess;
        let found = self.values.get(place)?.is_none() && text.starts_with(quoted);
        self.guess += usize::from(found);
        found.then_some((quoted.len(), place))
    }

    fn place(&mut self, name: &str) -> Result<usize, String> {
        let place = self.names.find(self.guess, name).ok_or_else(|| {
            format!("it has the key `{name}`, which the stream does not; declare it under `columns:` with its type")
        })?;
        self.guess = place + 1;
        match self.values.get(place) {
            Some(None) => Ok(place),
            Some(Some(_)) | None => Err(format!("it has the key `{name}` twice")),
        }
    }

    fn value(&mut self, place: usize, raw: &'a str) -> Result<(), String> {
        self.values[place] = Some(raw);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(text: &str) -> Result<Vec<Option<String>>, String> {
        let names = Names::new(["a", "b"].into_iter().map(str::to_owned));
        let mut values = vec![None; names.len()];
        members(text, Text::Unknown, &mut Row::new(&names, &mut values))
            .map_err(|malformed| malformed.reason)?;
        Ok(values.into_iter().map(|value| value.map(str::to_owned)).collect())
    }

    #[test]
    fn values_keep_their_spelling() {
        let wanted = vec![Some("[1, 2]".to_owned()), Some("1.50".to_owned())];
        assert_eq!(row(r#" {"b": 1.50, "\u0061":[1, 2] } "#).unwrap(), wanted);
        assert_eq!(row("{}").unwrap(), [None, None]);
    }

    #[test]
    fn wrong_lines_say_what_is_wrong() {
        assert!(row(r#"{"c":1}"#).unwrap_err().contains("the key `c`, which the stream does not"));
        assert_eq!(row(r#"{"a":1,"a":2}"#).unwrap_err(), "it has the key `a` twice");
        assert!(row("[1]").unwrap_err().contains("not a JSON object"));
        assert!(row(r#"{"a":1} x"#).unwrap_err().starts_with("it is not JSON: trailing characters"));
        assert!(row(r#"{"a":}"#).unwrap_err().starts_with("it is not JSON"));
    }

    /// Keeps all it is told, and refuses one name.
    #[derive(Debug, Default, PartialEq)]
    struct Told(Vec<(String, String)>, Vec<String>);

    impl<'a> Members<'a> for Told {
        fn restart(&mut self) {
            *self = Self::default();
        }

        fn likely(&mut self, text: &[u8]) -> Option<(usize, usize)> {
            text.starts_with(b"\"a\"").then(|| {
                self.1.push("a".to_owned());
                (3, self.1.len() - 1)
            })
        }

        fn place(&mut self, name: &str) -> Result<usize, String> {
            if name == "refused" {
                return Err("refused".to_owned());
            }
            self.1.push(name.to_owned());
            Ok(self.1.len() - 1)
        }

        fn value(&mut self, place: usize, raw: &'a str) -> Result<(), String> {
            self.0.push((self.1[place].clone(), raw.to_owned()));
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn scanned_members_are_those_of_the_parser(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", ",", ":", "\"a\"", "\"a\":1", "\"b\":[1, {}]", "\"\\u0061\":\"\\n\"", "\"\\ud800\":1", "\"refused\":",
            "1", "\"\"", "nul", "null", " ", "\r", "[", "]", "x", "\"é\":\"\\ud800\"", "{\"a\":1,\"refused\":2,", "{\"a\":",
        ]), 0..10)) {
            for text in [pieces.concat(), format!("{{{}}}", pieces.join(",")), format!("{{{}}}", pieces.concat())] {
                let (mut scanned, mut parsed) = (Told::default(), Told::default());
                let said = members(&text, Text::Unknown, &mut scanned).map_err(|wrong| (wrong.reason, wrong.cut));
                let wanted = parse_members(&text, &mut parsed).map_err(|wrong| (wrong.reason, wrong.cut));
                prop_assert_eq!(&said, &wanted, "{}", text);
                prop_assert!(said.is_err() || scanned == parsed, "{}", text);
                if scan::is_json(&text) {
                    let mut known = Told::default();
                    let said = members(&text, Text::Json, &mut known).map_err(|wrong| (wrong.reason, wrong.cut));
                    prop_assert_eq!(&said, &wanted, "{}", text);
                    prop_assert_eq!(&known, &scanned, "{}", text);
                }
            }
        }
    }
}
