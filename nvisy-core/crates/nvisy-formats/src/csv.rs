//! One CSV record -> its cells (RFC 4180). A record whose quotes do not add up is refused, not repaired.

use crate::cells::{Cells, Form, Span};
use std::ops::Range;

/// How cells are told apart, and which of them mean null.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) null: Vec<String>,
}

impl Dialect {
    fn means_null(&self, text: &str) -> bool {
        self.null.iter().any(|null| null == text)
    }

    /// Add the cells of the record at `range` of the cells' text.
    pub(crate) fn split(&self, range: Range<usize>, cells: &mut Cells<'_>) -> Result<(), &'static str> {
        let record = &cells.text.as_bytes()[..range.end];
        let mut at = range.start;
        loop {
            let (span, end) = if record.get(at) == Some(&b'"') {
                self.quoted(record, at, cells)?
            } else {
                let end =
                    memchr::memchr(self.delimiter, &record[at..]).map_or(record.len(), |found| at + found);
                let null = self.means_null(&cells.text[at..end]);
                (if null { Span::MISSING } else { Span::new(at, end, Form::Text) }, end)
            };
            cells.spans.push(span);
            match record.get(end) {
                None => return Ok(()),
                Some(byte) if *byte == self.delimiter => at = end + 1,
                Some(_) => {
                    return Err("text follows a closing quote; write a quote inside a quoted cell twice");
                }
            }
        }
    }

    /// The quoted cell at `open`, and where it ends.
    fn quoted(
        &self,
        record: &[u8],
        open: usize,
        cells: &mut Cells<'_>,
    ) -> Result<(Span, usize), &'static str> {
        let (mut from, begin) = (open + 1, cells.escaped.len());
        loop {
            let quote = memchr::memchr(b'"', &record[from..])
                .map(|found| from + found)
                .ok_or("a quote is never closed")?;
            let escaped = record.get(quote + 1) == Some(&b'"');
            if escaped || cells.escaped.len() > begin {
                cells.escaped.push_str(&cells.text[from..quote + usize::from(escaped)]);
            }
            if escaped {
                from = quote + 2;
                continue;
            }
            let span = if cells.escaped.len() > begin {
                Span::new(begin, cells.escaped.len(), Form::Escaped)
            } else {
                let null = self.means_null(&cells.text[open + 1..quote]);
                Span::new(open + 1, quote, if null { Form::QuotedNull } else { Form::Text })
            };
            return Ok((span, quote + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Cell;

    fn split(text: &str) -> Result<Vec<Option<String>>, &'static str> {
        let mut cells = Cells::new(text, 1, 1);
        Dialect { delimiter: b',', null: vec![String::new(), "NA".into()] }
            .split(0..text.len(), &mut cells)?;
        let own = |row| match cells.cell(row, 0, true) {
            Cell::Null => None,
            Cell::Text(text) | Cell::Json(text) => Some(text.to_owned()),
        };
        Ok((0..cells.rows()).map(own).collect())
    }

    #[test]
    fn cells_are_told_apart() {
        let wanted = [Some("a"), None, Some(""), Some("x,\n\"y\""), None, Some("NA"), Some("p\"q"), None];
        let found = split("a,,\"\",\"x,\n\"\"y\"\"\",NA,\"NA\",p\"q,").unwrap();
        assert_eq!(found, wanted.map(|cell| cell.map(str::to_owned)));
        assert_eq!(split("\"\"\"\"").unwrap(), [Some("\"".to_owned())]);
    }

    #[test]
    fn broken_quotes_are_refused() {
        assert!(split("\"a\"b,c").is_err());
        assert!(split("\"a").is_err());
    }
}
