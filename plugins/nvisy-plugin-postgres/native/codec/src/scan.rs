//! Where the rows of a COPY stream end, however its bytes are cut. Each byte is looked at once; nothing is allocated
//! for a length that the stream merely claims.

use crate::error::Error;
use std::ops::Range;

/// What every stream begins with.
pub(crate) const SIGNATURE: [u8; 11] = *b"PGCOPY\n\xff\r\n\0";
/// What stands in the place of a row's number of columns after the last row.
pub(crate) const TRAILER: i16 = -1;

/// Follows a stream.
#[derive(Debug)]
pub(crate) struct Scanner {
    columns: usize,
    part: Part,
    /// Where in the buffer the scan goes on.
    at: usize,
    /// Columns that the row at hand still lacks.
    left: usize,
    rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    /// Between two rows.
    Rows,
    /// Within a row.
    Row,
    End,
}

impl Scanner {
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, part: Part::Header, at: 0, left: 0, rows: 0 }
    }

    /// Complete rows since the start of the stream.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether the trailer was seen.
    pub(crate) fn ended(&self) -> bool {
        self.part == Part::End
    }

    /// Whether there was a header yet, which is no row.
    pub(crate) fn begun(&self) -> bool {
        self.part != Part::Header
    }

    /// The buffer has lost so many bytes at its beginning, all of them scanned.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    /// Scan what is new in `bytes`; gives where the first row begins when the header has just been completed.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let mut first = None;
        if self.part == Part::Header {
            let Some(end) = header(bytes)? else { return Ok(None) };
            (self.part, self.at, first) = (Part::Rows, end, Some(end));
        }
        loop {
            match self.part {
                Part::Row => {
                    if !self.row(bytes)? {
                        return Ok(first);
                    }
                    self.rows += 1;
                    self.part = Part::Rows;
                }
                Part::Rows => {
                    let Some(count) = word::<2>(bytes, self.at).map(i16::from_be_bytes) else {
                        return Ok(first);
                    };
                    self.at += 2;
                    self.part = self.begin(count)?;
                }
                Part::Header | Part::End if self.at == bytes.len() => return Ok(first),
                Part::Header | Part::End => {
                    return Err(Error::stream("there are bytes after the end of the stream"));
                }
            }
        }
    }

    fn begin(&mut self, count: i16) -> Result<Part, Error> {
        if count == TRAILER {
            return Ok(Part::End);
        }
        if usize::try_from(count) != Ok(self.columns) {
            let reason = format!("it has {count} columns, not {}", self.columns);
            return Err(Error::stream(reason).at(self.rows));
        }
        self.left = self.columns;
        Ok(Part::Row)
    }

    /// Go on within a row; false when bytes are lacking.
    fn row(&mut self, bytes: &[u8]) -> Result<bool, Error> {
        while self.left > 0 {
            let Some(length) = word::<4>(bytes, self.at).map(i32::from_be_bytes) else { return Ok(false) };
            let length = match usize::try_from(length) {
                Ok(length) => length,
                Err(_) if length == -1 => 0,
                Err(_) => return Err(Error::stream("a value has a negative length").at(self.rows)),
            };
            if bytes.len() - self.at - 4 < length {
                return Ok(false);
            }
            self.at += 4 + length;
            self.left -= 1;
        }
        Ok(true)
    }
}

/// Where the header ends; `None` when bytes are lacking.
fn header(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Err(Error::stream("the stream does not begin as PostgreSQL's binary COPY format does"));
    }
    let (Some(flags), Some(extension)) = (word::<4>(bytes, 11), word::<4>(bytes, 15)) else {
        return Ok(None);
    };
    // The upper half marks what a reader must understand; the lower half may be ignored.
    if u32::from_be_bytes(flags) >> 16 != 0 {
        return Err(Error::stream("the stream has flags that are not known"));
    }
    let Ok(extension) = usize::try_from(i32::from_be_bytes(extension)) else {
        return Err(Error::stream("the stream's header has a negative length"));
    };
    Ok((bytes.len() - 19 >= extension).then_some(19 + extension))
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Walks rows that were scanned before, and notes where each value is.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    width: usize,
    /// Of each column, so many places.
    height: usize,
    places: Vec<usize>,
    /// Of each column, whether a value of the block is null.
    gaps: Vec<bool>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize, width: usize) -> Self {
        // The places of a block and the block itself stay in the processor's first cache.
        let height = (4096 / width.max(1)).clamp(16, 256);
        Self { bytes, at, width, height, places: vec![0; width * height], gaps: vec![false; width] }
    }

    /// Where the next row begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Walk over the next rows: at most `most`, few at a time, and none that begins at `end` or after it.
    pub(crate) fn block(&mut self, most: usize, end: usize) -> usize {
        let most = most.min(self.height);
        let mut row = 0;
        self.gaps.fill(false);
        while row < most && self.at < end {
            let mut at = self.at + 2;
            for column in 0..self.width {
                self.places[column * self.height + row] = at;
                let length = word::<4>(self.bytes, at).map_or(-1, i32::from_be_bytes);
                at += 4;
                if let Ok(length) = usize::try_from(length) {
                    at += length;
                } else {
                    self.gaps[column] = true;
                }
            }
            self.at = at;
            row += 1;
        }
        row
    }

    /// The values of a column in the block, which has so many rows.
    pub(crate) fn cells(&self, column: usize, rows: usize) -> Cells<'_> {
        let first = column * self.height;
        Cells { bytes: self.bytes, places: &self.places[first..first + rows], gaps: self.gaps[column] }
    }
}

/// Values, each a length and so many bytes, somewhere in a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    bytes: &'a [u8],
    places: &'a [usize],
    gaps: bool,
}

impl<'a> Cells<'a> {
    /// Values that begin at these places, all of them within the buffer.
    pub(crate) fn new(bytes: &'a [u8], places: &'a [usize]) -> Self {
        Self { bytes, places, gaps: true }
    }

    /// Whether one of them may be null.
    pub(crate) fn gaps(self) -> bool {
        self.gaps
    }

    /// How many there are.
    pub(crate) fn len(self) -> usize {
        self.places.len()
    }

    /// The bytes of each; `None` is null.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = Option<&'a [u8]>> {
        self.places.iter().map(move |place| self.range(*place).map(|range| &self.bytes[range]))
    }

    /// Where in the buffer each is, and the buffer.
    pub(crate) fn ranges(self) -> (&'a [u8], impl Iterator<Item = Option<Range<usize>>>) {
        (self.bytes, self.places.iter().map(move |place| self.range(*place)))
    }

    #[inline]
    fn range(self, place: usize) -> Option<Range<usize>> {
        let length = word::<4>(self.bytes, place).map_or(-1, i32::from_be_bytes);
        usize::try_from(length).ok().map(|length| place + 4..place + 4 + length)
    }
}
