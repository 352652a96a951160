//! Bytes in pieces of any size -> whole records of text, each with the line it begins on.
//! Where a piece ends never shows in the result: records are counted, pieces are not.

use nvisy_dal::{Error, ErrorKind, Result};
use std::collections::VecDeque;

/// Most bytes of one record; a quote that is never closed would otherwise swallow the object.
const RECORD: usize = 64 * 1024 * 1024;
/// Bytes after which a chunk is closed before it has its rows, so that wide rows stay within memory.
const CHUNK: usize = 16 * 1024 * 1024;

/// One record: where its bytes lie, without the line end, and its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: u64,
}

/// Whole records and the bytes they lie in.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<Record>,
}

/// Finds records.
pub(crate) struct Framer {
    /// What separates CSV cells; `None` for JSON lines, which know no quotes across lines.
    delimiter: Option<u8>,
    buffer: Vec<u8>,
    records: VecDeque<Record>,
    state: State,
    /// Where the open record begins, where scanning goes on, and the line there.
    start: usize,
    scanned: usize,
    start_line: u64,
    line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the very beginning, where a byte order mark may stand.
    Mark,
    Plain,
    Quoted,
    /// After a quote inside quotes: an escaped one or the closing one.
    Quote,
    /// After a carriage return that ended a record.
    Return,
}

impl Framer {
    pub(crate) fn new(delimiter: Option<u8>) -> Self {
        let (buffer, records) = (Vec::new(), VecDeque::new());
        Self { delimiter, buffer, records, state: State::Mark, start: 0, scanned: 0, start_line: 1, line: 1 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.state == State::Mark && self.buffer.len() < 3 {
            return Ok(());
        }
        self.scan();
        if self.buffer.len() - self.start > RECORD {
            return Err(self.refuse(format!(
                "the record that begins on line {} is longer than 64 MiB",
                self.start_line
            )));
        }
        Ok(())
    }

    /// The object has ended: its last record needs no line end. Says whether that one had none.
    pub(crate) fn finish(&mut self) -> Result<bool> {
        self.scan();
        if self.state == State::Quoted {
            return Err(self.refuse(format!(
                "the quote opened in the record of line {} is never closed",
                self.start_line
            )));
        }
        let open = self.start < self.buffer.len();
        if open {
            self.close(self.buffer.len(), self.buffer.len());
        }
        Ok(open)
    }

    /// The bytes of the next record.
    pub(crate) fn peek(&self) -> Option<&[u8]> {
        self.records.front().map(|record| &self.buffer[record.start..record.end])
    }

    /// The next record alone.
    pub(crate) fn take_one(&mut self) -> Option<Chunk> {
        (!self.records.is_empty()).then(|| self.take(1))
    }

    /// The first `rows` records, or fewer that make up a full chunk; `None` while neither is there.
    pub(crate) fn take_full(&mut self, rows: usize) -> Option<Chunk> {
        self.full(rows, CHUNK).map(|count| self.take(count))
    }

    /// The first `rows` records, or all there are.
    pub(crate) fn take_rest(&mut self, rows: usize) -> Option<Chunk> {
        let count = self.full(rows, CHUNK).unwrap_or(self.records.len());
        (count > 0).then(|| self.take(count))
    }

    /// The records of a sample, without taking them: `rows` of them, or fewer that make up `bytes`, or at the end all.
    pub(crate) fn sample(
        &self,
        rows: usize,
        bytes: usize,
        ended: bool,
    ) -> Option<(&[u8], impl Iterator<Item = Record> + '_)> {
        let count = self.full(rows, bytes).or_else(|| ended.then_some(self.records.len()))?;
        Some((&self.buffer, self.records.iter().take(count).copied()))
    }

    /// How many records fill `rows` or `bytes`. It depends on the records alone.
    fn full(&self, rows: usize, bytes: usize) -> Option<usize> {
        let begin = self.records.front().map_or(0, |first| first.start);
        let over = self.records.back().is_some_and(|last| last.end - begin >= bytes);
        let count = if over {
            self.records.partition_point(|record| record.end - begin < bytes) + 1
        } else {
            usize::MAX
        };
        let count = count.min(rows);
        (self.records.len() >= count).then_some(count)
    }

    fn take(&mut self, count: usize) -> Chunk {
        let rest = self.records.split_off(count);
        let records: Vec<_> = std::mem::replace(&mut self.records, rest).into();
        let cut = self.records.front().map_or(self.start, |next| next.start);
        let rest = self.buffer.split_off(cut);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        for record in &mut self.records {
            record.start -= cut;
            record.end -= cut;
        }
        self.start -= cut;
        self.scanned -= cut;
        Chunk { bytes, records }
    }

    fn scan(&mut self) {
        while self.scanned < self.buffer.len() {
            match self.state {
                State::Mark => {
                    let mark = if self.buffer.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                    (self.start, self.scanned, self.state) = (mark, mark, State::Plain);
                }
                State::Plain => self.scan_plain(),
                State::Quoted => self.scan_quoted(),
                State::Quote if self.buffer[self.scanned] == b'"' => {
                    self.scanned += 1;
                    self.state = State::Quoted;
                }
                State::Quote => self.state = State::Plain,
                State::Return => {
                    if self.buffer[self.scanned] == b'\n' {
                        self.scanned += 1;
                        self.start = self.scanned;
                    }
                    self.state = State::Plain;
                }
            }
        }
    }

    fn scan_plain(&mut self) {
        let rest = &self.buffer[self.scanned..];
        let Some(delimiter) = self.delimiter else {
            match memchr::memchr(b'\n', rest) {
                Some(found) => self.close(self.scanned + found, self.scanned + found + 1),
                None => self.scanned = self.buffer.len(),
            }
            return;
        };
        let Some(found) = memchr::memchr3(b'\n', b'\r', b'"', rest) else {
            self.scanned = self.buffer.len();
            return;
        };
        let (place, byte) = (self.scanned + found, rest[found]);
        match byte {
            b'"' => {
                // A quote opens only at the beginning of a cell.
                let opens = place == self.start || self.buffer[place - 1] == delimiter;
                self.state = if opens { State::Quoted } else { State::Plain };
                self.scanned = place + 1;
            }
            b'\r' => {
                self.close(place, place + 1);
                self.state = State::Return;
            }
            _ => self.close(place, place + 1),
        }
    }

    fn scan_quoted(&mut self) {
        let rest = &self.buffer[self.scanned..];
        let (inside, next) = match memchr::memchr(b'"', rest) {
            Some(found) => (found, State::Quote),
            None => (rest.len(), State::Quoted),
        };
        self.line += memchr::memchr_iter(b'\n', &rest[..inside]).count() as u64;
        self.scanned = (self.scanned + inside + 1).min(self.buffer.len());
        self.state = next;
    }

    fn close(&mut self, end: usize, next: usize) {
        self.records.push_back(Record { start: self.start, end, line: self.start_line });
        self.line += 1;
        (self.start, self.scanned, self.start_line) = (next, next, self.line);
    }

    fn refuse(&self, message: String) -> Error {
        let hint = match self.delimiter {
            Some(_) => {
                "look for a cell that begins with a lone quote; a quote inside a quoted cell is written twice"
            }
            None => "write one JSON object on each line",
        };
        Error::new(ErrorKind::InvalidData, "decode an object", message).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, delimiter: Option<u8>) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        for size in [1, 2, 3, 1000] {
            let mut framer = Framer::new(delimiter);
            for piece in text.as_bytes().chunks(size) {
                framer.push(piece).unwrap();
            }
            framer.finish().unwrap();
            let mut found = Vec::new();
            while let Some(chunk) = framer.take_rest(2) {
                let cell =
                    |r: &Record| (String::from_utf8(chunk.bytes[r.start..r.end].to_vec()).unwrap(), r.line);
                found.extend(chunk.records.iter().map(cell));
            }
            all.push(found);
        }
        assert!(all.iter().all(|found| *found == all[0]), "{all:?}");
        all.remove(0)
    }

    #[test]
    fn quoted_line_ends_and_every_line_end_are_understood() {
        let found = records("\u{feff}a,b\r\n\"x\ny\",1\rp\"q,\"\"\"\n\"\n\nlast", Some(b','));
        let wanted = [("a,b", 1), ("\"x\ny\",1", 2), ("p\"q,\"\"\"\n\"", 4), ("", 6), ("last", 7)];
        assert_eq!(found, wanted.map(|(text, line)| (text.to_owned(), line)));
    }

    #[test]
    fn json_lines_know_no_quotes() {
        let found = records("{\"a\":\"\n{}\r\n", None);
        assert_eq!(found, [("{\"a\":\"".to_owned(), 1), ("{}\r".to_owned(), 2)]);
    }

    #[test]
    fn a_quote_never_closed_is_an_error() {
        let mut framer = Framer::new(Some(b','));
        framer.push(b"a\n\"b\nc").unwrap();
        assert!(framer.finish().unwrap_err().message.contains("line 2"));
    }
}
